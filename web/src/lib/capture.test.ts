import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Capture, type CaptureView, type Trouble, troubleOf } from './capture';

class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';
  constructor(readonly kind: 'audio' | 'video') {
    super();
  }
  stop(): void {
    this.readyState = 'ended';
  }
}

/** The browser's devices: each is there, or gives an error of this name. */
let faults: { audio: string | null; video: string | null };
let asked: MediaStreamConstraints[];
let seen: CaptureView[];

function getUserMedia(want: MediaStreamConstraints): Promise<MediaStream> {
  asked.push(want);
  const kinds = (['audio', 'video'] as const).filter((kind) => want[kind]);
  for (const kind of kinds) {
    const name = faults[kind];
    if (name !== null) return Promise.reject(new DOMException('as told', name));
  }
  const tracks = kinds.map((kind) => new FakeTrack(kind));
  return Promise.resolve({ getTracks: () => tracks } as unknown as MediaStream);
}

beforeEach(() => {
  faults = { audio: null, video: null };
  asked = [];
  seen = [];
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } });
});
afterEach(() => vi.unstubAllGlobals());

function capture(): Capture {
  const made = new Capture(() => 'environment');
  made.onChange = (view) => seen.push(view);
  return made;
}

describe('the trouble with a device', () => {
  it.each<[string, Trouble]>([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['OverconstrainedError', 'missing'],
    ['NotReadableError', 'busy'],
    ['AbortError', 'busy'],
    ['SecurityError', 'insecure'],
    ['TypeError', 'failed'],
  ])('%s means %s', (name, trouble) => {
    expect(troubleOf(new DOMException('', name))).toBe(trouble);
  });

  it.each([null, undefined, 'text', {}])('%j means failed', (error) => {
    expect(troubleOf(error)).toBe('failed');
  });
});

describe('capturing', () => {
  it('asks once for both, preferring the camera that looks at things', async () => {
    const one = capture();
    await one.open();
    expect(asked).toHaveLength(1);
    expect(asked[0]?.video).toMatchObject({ facingMode: 'environment' });
    expect(one.view.camera).not.toBeNull();
    expect(one.view.microphone).not.toBeNull();
  });

  it('keeps the microphone when another window holds the camera, and says so', async () => {
    faults.video = 'NotReadableError';
    const one = capture();
    await one.open();
    expect(one.view.camera).toBeNull();
    expect(one.view.microphone).not.toBeNull();
    expect(one.view.troubles).toEqual({ camera: 'busy', microphone: null });
  });

  it('goes on without anything when both are refused', async () => {
    faults = { audio: 'NotAllowedError', video: 'NotAllowedError' };
    const one = capture();
    await one.open();
    expect(one.view.troubles).toEqual({ camera: 'denied', microphone: 'denied' });
  });

  it('says when the page is no place for cameras', async () => {
    vi.stubGlobal('navigator', {});
    vi.stubGlobal('isSecureContext', false);
    const one = capture();
    await one.open();
    expect(one.view.troubles).toEqual({ camera: 'insecure', microphone: 'insecure' });
  });

  it('forgets the trouble once the device can be had', async () => {
    faults.video = 'NotReadableError';
    const one = capture();
    await one.open();
    faults.video = null;
    await one.open();
    expect(one.view.camera).not.toBeNull();
    expect(one.view.troubles.camera).toBeNull();
  });
});

describe('during a call', () => {
  it('mutes by disabling, so that packets go on', async () => {
    const one = capture();
    await one.open();
    one.setMuted(true);
    expect(one.view.microphone).toMatchObject({ enabled: false, readyState: 'live' });
    one.setMuted(false);
    expect(one.audio.enabled).toBe(true);
  });

  it('stays muted when the microphone comes later', async () => {
    faults.audio = 'NotFoundError';
    const one = capture();
    await one.open();
    one.setMuted(true);
    faults.audio = null;
    await one.open();
    expect(one.view.microphone?.enabled).toBe(false);
  });

  it('turns the camera off for real, and on again', async () => {
    const one = capture();
    await one.open();
    const before = one.view.camera;
    await one.setCamera(false);
    expect(before?.readyState).toBe('ended');
    expect(one.view.camera).toBeNull();
    await one.setCamera(true);
    expect(one.view.camera?.readyState).toBe('live');
  });

  it('notices that a device was unplugged', async () => {
    const one = capture();
    await one.open();
    one.view.camera?.dispatchEvent(new Event('ended'));
    expect(one.view.camera).toBeNull();
    expect(one.view.troubles.camera).toBe('missing');
    expect(seen.at(-1)).toEqual(one.view);
  });

  it('knows whether a screen can be shown', () => {
    expect(Capture.canShareScreen(undefined)).toBe(false);
    expect(
      Capture.canShareScreen({ getDisplayMedia: getUserMedia } as unknown as MediaDevices),
    ).toBe(true);
  });
});
