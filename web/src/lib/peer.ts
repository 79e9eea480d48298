/**
 * The media connection of one splice generation after another, by perfect negotiation.
 *
 * It follows the server's plan (polite or not, offerer or not) and knows no page and no session.
 * Local tracks outlive generations; a new generation sends the same ones again.
 * Source: W3C webrtc-pc, section 10.7 (perfect negotiation); ADR "web stack".
 */
import type { Description, SplicePlan } from './generated/events';
import { GUIDE_LABEL, GuideChannel } from './guide-channel';
import type { Counters } from './quality';

/** What this side sends. `audio` is always there; `camera` and `screen` may be null. */
export interface LocalTracks {
  audio: MediaStreamTrack;
  camera: MediaStreamTrack | null;
  screen: MediaStreamTrack | null;
  screenStream: MediaStream | null;
}

export interface RemoteTracks {
  audio: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  screen: MediaStreamTrack | null;
}

export interface PeerOptions {
  /** Send a description to the far side. Rejects with a `code` when the server refused it. */
  send: (description: Description) => Promise<unknown>;
  local: () => LocalTracks;
  onRemote: (tracks: RemoteTracks) => void;
  onState: (state: RTCPeerConnectionState) => void;
  onGuide: (isOpen: boolean) => void;
  create?: (configuration: RTCConfiguration) => RTCPeerConnection;
}

/** Refusals that perfect negotiation expects: the other offer wins, or the generation is over. */
const EXPECTED_CODES = new Set(['glare', 'stale_generation', 'no_splice']);

export interface Received extends Counters {
  frames: number;
  /** What our own devices gave so far, or null where the browser does not count. */
  given: { camera: number | null; microphone: number | null };
}

/** The members of RTCStats that are read here (W3C webrtc-stats). */
interface StatsEntry {
  type: string;
  kind?: string;
  frames?: number;
  totalAudioEnergy?: number;
  packetsReceived?: number;
  packetsLost?: number;
  framesReceived?: number;
  fractionLost?: number;
  roundTripTime?: number;
}

interface Line {
  plan: SplicePlan;
  pc: RTCPeerConnection;
  /** One stream id for sound and camera, so that the far browser keeps lips and voice together. */
  stream: MediaStream;
  audio: RTCRtpTransceiver | null;
  camera: RTCRtpTransceiver | null;
  screen: RTCRtpTransceiver | null;
  isMakingOffer: boolean;
  guide: GuideChannel;
}

export class Peer {
  private line: Line | null = null;
  private work: Promise<void> = Promise.resolve();

  constructor(private readonly options: PeerOptions) {}

  /** The generation of the connection that is alive here, or null. */
  get generation(): number | null {
    return this.line?.plan.generation ?? null;
  }

  /** Build the connection of a plan, dropping an older one. A plan already followed changes nothing. */
  start(plan: SplicePlan): void {
    if (this.line !== null && plan.generation <= this.line.plan.generation) return;
    this.close();
    const create = this.options.create ?? ((c: RTCConfiguration) => new RTCPeerConnection(c));
    const pc = create({ bundlePolicy: 'max-bundle', iceServers: plan.ice_servers.map(iceServer) });
    const line: Line = {
      plan,
      pc,
      stream: new MediaStream(),
      audio: null,
      camera: null,
      screen: null,
      isMakingOffer: false,
      guide: new GuideChannel(this.options.onGuide),
    };
    this.line = line;
    pc.onnegotiationneeded = () => void this.offer(line);
    pc.onconnectionstatechange = () => {
      if (this.line === line) this.options.onState(pc.connectionState);
    };
    pc.ondatachannel = ({ channel }) => {
      if (channel.label === GUIDE_LABEL) line.guide.attach(channel);
    };
    pc.ontrack = () => this.tellRemote(line);
    if (plan.offerer) this.addAll(line);
  }

  /** Take the far side's description. Those of other generations are dropped. */
  deliver(description: Description): Promise<void> {
    this.work = this.work.then(() => this.apply(description)).catch(() => {});
    return this.work;
  }

  /** Send what the device holds now, without negotiating where that is possible. */
  async refresh(): Promise<void> {
    const line = this.line;
    if (line === null || line.audio === null) return;
    const local = this.options.local();
    await line.audio.sender.replaceTrack(local.audio);
    await line.camera?.sender.replaceTrack(local.camera);
    await this.refreshScreen(line, local);
  }

  /** Try other paths for the same connection (ICE restart). */
  restart(): void {
    this.line?.pc.restartIce();
  }

  /** Send a pending offer once more: the server may never have had it. */
  async repeat(): Promise<void> {
    const pending = this.line?.pc.pendingLocalDescription;
    if (this.line === null || pending?.type !== 'offer') return;
    await this.say(this.line, pending);
  }

  /** What was received and missed so far in this generation, and how the far side fares. */
  async received(): Promise<Received> {
    const seen: Received = {
      packets: 0,
      frames: 0,
      lost: 0,
      farLoss: 0,
      rttMs: null,
      given: { camera: null, microphone: null },
    };
    const stats = await this.line?.pc.getStats();
    stats?.forEach((entry: StatsEntry) => {
      if (entry.type === 'inbound-rtp') {
        seen.packets += entry.packetsReceived ?? 0;
        seen.frames += entry.framesReceived ?? 0;
        seen.lost += entry.packetsLost ?? 0;
      } else if (entry.type === 'media-source') {
        if (entry.kind === 'audio') seen.given.microphone = entry.totalAudioEnergy ?? null;
        // A shared screen is a source as well, and may well stand still: the sum moves with either.
        else if (entry.frames !== undefined) {
          seen.given.camera = (seen.given.camera ?? 0) + entry.frames;
        }
      } else if (entry.type === 'remote-inbound-rtp') {
        seen.farLoss = Math.max(seen.farLoss, entry.fractionLost ?? 0);
        if (entry.roundTripTime !== undefined) {
          seen.rttMs = Math.max(seen.rttMs ?? 0, entry.roundTripTime * 1_000);
        }
      }
    });
    return seen;
  }

  close(): void {
    const line = this.line;
    if (line === null) return;
    this.line = null;
    line.guide.close();
    line.pc.onnegotiationneeded = line.pc.onconnectionstatechange = null;
    line.pc.ondatachannel = line.pc.ontrack = null;
    line.pc.close();
  }

  private async offer(line: Line): Promise<void> {
    // Until the first offer is applied only the offerer may speak.
    if (line.audio === null) return;
    try {
      line.isMakingOffer = true;
      await line.pc.setLocalDescription();
    } catch {
      return; // closed, or another offer came in between
    } finally {
      line.isMakingOffer = false;
    }
    if (line.pc.localDescription !== null) await this.say(line, line.pc.localDescription);
  }

  private async apply(description: Description): Promise<void> {
    const line = this.line;
    if (line === null || description.generation !== line.plan.generation) return;
    const { pc, plan } = line;
    const isOffer = description.type === 'offer';
    const isCollision = isOffer && (line.isMakingOffer || pc.signalingState !== 'stable');
    if (isCollision && !plan.polite) return;
    if (!isOffer && pc.signalingState !== 'have-local-offer') return;
    await pc.setRemoteDescription({ type: description.type, sdp: description.sdp });
    if (isOffer) {
      if (line.audio === null) this.adopt(line);
      await pc.setLocalDescription();
      if (pc.localDescription !== null) await this.say(line, pc.localDescription);
    }
    this.tellRemote(line);
  }

  private async say(line: Line, description: RTCSessionDescription): Promise<void> {
    if (this.line !== line || (description.type !== 'offer' && description.type !== 'answer'))
      return;
    const { generation } = line.plan;
    try {
      await this.options.send({ generation, type: description.type, sdp: description.sdp });
    } catch (error) {
      // What was lost with the connection is repeated after reconnecting; the watch sees to the rest.
      const code = (error as { code?: string }).code ?? '';
      if (!EXPECTED_CODES.has(code)) console.warn('A description was not delivered:', code);
    }
  }

  /** As the offerer: one line each for sound and picture, whatever devices there are. */
  private addAll(line: Line): void {
    const local = this.options.local();
    const lane: RTCRtpTransceiverInit = { direction: 'sendrecv', streams: [line.stream] };
    line.guide.attach(line.pc.createDataChannel(GUIDE_LABEL));
    line.audio = line.pc.addTransceiver(local.audio, lane);
    line.camera = line.pc.addTransceiver(local.camera ?? 'video', lane);
    void this.refreshScreen(line, local);
  }

  /** As the answerer: use the lines of the first offer, then add what it had no line for. */
  private adopt(line: Line): void {
    const local = this.options.local();
    const lane: RTCRtpTransceiverInit = { direction: 'sendrecv', streams: [line.stream] };
    const use = (kind: string, track: MediaStreamTrack | null): RTCRtpTransceiver | null => {
      const found = line.pc.getTransceivers().find((t) => t.receiver.track.kind === kind);
      if (found === undefined) return null;
      found.direction = 'sendrecv';
      found.sender.setStreams?.(line.stream);
      void found.sender.replaceTrack(track);
      return found;
    };
    line.camera = use('video', local.camera);
    line.audio = use('audio', local.audio) ?? line.pc.addTransceiver(local.audio, lane);
    line.camera ??= line.pc.addTransceiver(local.camera ?? 'video', lane);
    void this.refreshScreen(line, local);
  }

  private async refreshScreen(line: Line, local: LocalTracks): Promise<void> {
    const { screen, screenStream } = local;
    if (line.screen === null) {
      if (screen === null || screenStream === null) return;
      line.screen = line.pc.addTransceiver(screen, {
        direction: 'sendonly',
        streams: [screenStream],
      });
      return;
    }
    if (screenStream !== null) line.screen.sender.setStreams?.(screenStream);
    line.screen.direction = screen === null ? 'inactive' : 'sendonly';
    await line.screen.sender.replaceTrack(screen);
  }

  private tellRemote(line: Line): void {
    if (this.line !== line) return;
    const isReceived = (t: RTCRtpTransceiver): boolean =>
      t.currentDirection === 'sendrecv' || t.currentDirection === 'recvonly';
    // A line beyond the first two carries the far side's screen.
    const screen = line.pc
      .getTransceivers()
      .find(
        (t) =>
          t !== line.camera &&
          t !== line.audio &&
          t !== line.screen &&
          t.receiver.track.kind === 'video' &&
          isReceived(t),
      );
    this.options.onRemote({
      audio: line.audio?.receiver.track ?? null,
      camera: line.camera?.receiver.track ?? null,
      screen: screen?.receiver.track ?? null,
    });
  }
}

function iceServer(server: SplicePlan['ice_servers'][number]): RTCIceServer {
  const { urls, username, credential } = server;
  return {
    urls,
    ...(username != null ? { username } : {}),
    ...(credential != null ? { credential } : {}),
  };
}
