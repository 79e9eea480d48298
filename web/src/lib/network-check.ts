/**
 * Call oneself through the relay with two connections in one page, and measure what arrives.
 *
 * Neither camera nor microphone is used: a drawn picture and silence travel instead. The silence also
 * keeps the relay forwarding to the answering side, which otherwise sends nothing (media/leg.py).
 */
import type { operations } from './generated/api';
import {
  CHECK_CONNECT_MS,
  CHECK_MEASURE_MS,
  CHECK_PICTURE_EVERY_MS,
  JOIN_TIMEOUT_MS,
} from './limits';
import type { CheckFailure, Measured } from './network-verdict';

type TestCall = operations['open_test_call']['responses'][201]['content']['application/json'];
type Described = operations['describe_test_call']['responses'][200]['content']['application/json'];

/** The check could not be made; `failure` says why. */
export class CheckFailed extends Error {
  constructor(readonly failure: CheckFailure) {
    super(failure);
  }
}

/** Return what was measured. Rejects with CheckFailed. */
export async function checkNetwork(base: string): Promise<Measured> {
  if (typeof RTCPeerConnection !== 'function') throw new CheckFailed('unsupported');
  const startedAtMs = performance.now();
  const call = await ask<TestCall>(new URL('api/v1/test-calls', base), 'POST');
  const url = new URL(`api/v1/test-calls/${call.id}`, base);
  const picture = drawPicture();
  const sound = makeSilence();
  const configuration = { iceServers: call.ice_servers as RTCIceServer[] };
  const caller = new RTCPeerConnection(configuration);
  const called = new RTCPeerConnection(configuration);
  try {
    const tell = async (leg: 'a' | 'b', pc: RTCPeerConnection): Promise<Described> => {
      await pc.setLocalDescription();
      const { type, sdp } = pc.localDescription ?? {};
      return ask<Described>(new URL(`${url.href}/descriptions`), 'POST', { leg, type, sdp });
    };
    caller.addTrack(sound.track);
    caller.addTrack(picture.track);
    called.addTrack(sound.track.clone());
    await called.setRemoteDescription(await tell('a', caller));
    await caller.setRemoteDescription(await tell('b', called));
    await Promise.all([connected(caller), connected(called)]);
    const connectMs = performance.now() - startedAtMs;
    await wait(CHECK_MEASURE_MS);
    return { connectMs, ...(await measure(caller, called)) };
  } finally {
    caller.close();
    called.close();
    picture.stop();
    sound.stop();
    void fetch(url, { method: 'DELETE', keepalive: true }).catch(() => {});
  }
}

async function ask<T>(url: URL, method: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
    });
  } catch {
    throw new CheckFailed('unreachable');
  }
  if (response.status === 429 || response.status === 503) throw new CheckFailed('busy');
  if (!response.ok) throw new CheckFailed('unreachable');
  return (await response.json()) as T;
}

/** Wait until media may flow. That it never does is what a blocked network looks like. */
function connected(pc: RTCPeerConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new CheckFailed('blocked')), CHECK_CONNECT_MS);
    const look = (): void => {
      if (pc.connectionState === 'connected') {
        clearTimeout(timer);
        resolve();
      }
    };
    pc.addEventListener('connectionstatechange', look);
    look();
  });
}

async function measure(
  caller: RTCPeerConnection,
  called: RTCPeerConnection,
): Promise<Omit<Measured, 'connectMs'>> {
  const sent = [...(await caller.getStats()).values()];
  const got = [...(await called.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const sum = (name: string): number =>
    got.reduce((total: number, one) => total + (Number(one[name]) || 0), 0);
  const lost = Math.max(0, sum('packetsLost'));
  const received = sum('packetsReceived');
  if (received === 0) throw new CheckFailed('blocked');
  const pairs = sent.filter(({ type, nominated, state }) => {
    return type === 'candidate-pair' && nominated === true && state === 'succeeded';
  });
  const pair = pairs.at(-1);
  const local = sent.find(({ id }) => id === pair?.localCandidateId);
  return {
    roundTripMs: 1_000 * (Number(pair?.currentRoundTripTime) || 0),
    loss: lost / (lost + received),
    jitterMs: 1_000 * Math.max(...got.map((one) => Number(one.jitter) || 0)),
    kbps: (8 * sum('bytesReceived')) / CHECK_MEASURE_MS,
    path: local?.candidateType === 'relay' ? 'relay' : local?.protocol === 'tcp' ? 'tcp' : 'udp',
  };
}

/** A picture of noise, which compresses badly and so fills the line as a camera does. */
function drawPicture(): { track: MediaStreamTrack; stop: () => void } {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext('2d', { alpha: false });
  const draw = (): void => {
    for (let n = 0; n < 400; n += 1) {
      if (pen === null) return;
      pen.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
      pen.fillRect(Math.random() * canvas.width, Math.random() * canvas.height, 24, 24);
    }
  };
  draw();
  const timer = setInterval(draw, CHECK_PICTURE_EVERY_MS);
  const track = canvas.captureStream(1_000 / CHECK_PICTURE_EVERY_MS).getVideoTracks()[0];
  if (track === undefined) throw new CheckFailed('unsupported');
  return {
    track,
    stop: () => {
      clearInterval(timer);
      track.stop();
    },
  };
}

function makeSilence(): { track: MediaStreamTrack; stop: () => void } {
  const context = new AudioContext();
  const source = context.createOscillator();
  const mute = context.createGain();
  mute.gain.value = 0;
  const out = context.createMediaStreamDestination();
  source.connect(mute).connect(out);
  source.start();
  void context.resume().catch(() => {});
  const track = out.stream.getAudioTracks()[0];
  if (track === undefined) throw new CheckFailed('unsupported');
  return { track, stop: () => void context.close() };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
