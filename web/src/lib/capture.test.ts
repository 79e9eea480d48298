import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Capture, type CaptureView, type Trouble, troubleOf } from './capture';

class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';
  constructor(
    readonly kind: 'audio' | 'video',
    private readonly settings: MediaTrackSettings = {},
  ) {
    super();
  }
  getSettings(): MediaTrackSettings {
    return this.settings;
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
  const tracks = kinds.map((kind) => new FakeTrack(kind, settingsOf(want[kind])));
  return Promise.resolve({ getTracks: () => tracks } as unknown as MediaStream);
}

/** A phone tells where its camera looks, a computer only which one it is. */
let isPhone: boolean;

function settingsOf(want: boolean | MediaTrackConstraints | undefined): MediaTrackSettings {
  if (typeof want !== 'object') return {};
  const deviceId = (want.deviceId as { exact?: string } | undefined)?.exact ?? 'first';
  return isPhone ? { facingMode: want.facingMode as string } : { deviceId };
}

function enumerateDevices(): Promise<MediaDeviceInfo[]> {
  const one = (kind: string, deviceId: string) => ({ kind, deviceId, label: deviceId });
  return Promise.resolve([
    one('videoinput', 'first'),
    one('audioinput', 'mic'),
    one('videoinput', 'second'),
    one('audiooutput', 'speaker'),
  ] as MediaDeviceInfo[]);
}

beforeEach(() => {
  isPhone = true;
  faults = { audio: null, video: null };
  asked = [];
  seen = [];
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia, enumerateDevices } });
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

  it('knows when the device itself refuses its browser', () => {
    const error = new DOMException('Permission denied by system', 'NotAllowedError');
    expect(troubleOf(error)).toBe('system');
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

  it('turns a phone to its other camera, letting go of the first before', async () => {
    const one = capture();
    await one.open();
    const before = one.view.camera;
    expect(one.view.facing).toBe('environment');
    await one.flip();
    expect(before?.readyState).toBe('ended');
    expect(one.view.facing).toBe('user');
    await one.flip();
    expect(one.view.facing).toBe('environment');
  });

  it('goes through the cameras of a computer', async () => {
    isPhone = false;
    const one = capture();
    await one.open();
    await vi.waitFor(() => expect(one.view.devices.camera).toHaveLength(2));
    expect(one.view.devices.microphone).toEqual([{ id: 'mic', label: 'mic' }]);
    await one.flip();
    expect(one.view.camera?.getSettings().deviceId).toBe('second');
    await one.flip();
    expect(one.view.camera?.getSettings().deviceId).toBe('first');
  });

  it('goes back to the device it had when another cannot be had', async () => {
    isPhone = false;
    const one = capture();
    await one.open();
    const refused = vi
      .fn(getUserMedia)
      .mockRejectedValueOnce(new DOMException('', 'NotFoundError'));
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: refused, enumerateDevices } });
    expect(await one.choose('camera', 'unplugged')).toBe('missing');
    expect(refused).toHaveBeenCalledTimes(2);
    expect(one.view.camera?.getSettings().deviceId).toBe('first');
    expect(one.view.troubles.camera).toBeNull();
  });

  it('remembers a choice while the camera is off, and insists on nothing later', async () => {
    const one = capture();
    await one.open();
    await one.setCamera(false);
    expect(await one.choose('camera', 'second')).toBeNull();
    expect(one.view.camera).toBeNull();
    await one.setCamera(true);
    expect(asked.at(-1)?.video).toMatchObject({ deviceId: { ideal: 'second' } });
  });

  it('asks for the devices of the last time first', async () => {
    const one = capture();
    one.prefer({ camera: 'second', microphone: 'mic' });
    await one.open();
    expect(asked.at(-1)).toMatchObject({
      video: { deviceId: { ideal: 'second' } },
      audio: { deviceId: { ideal: 'mic' } },
    });
  });

  it('gets a silent microphone anew, muted if it was muted', async () => {
    const one = capture();
    await one.open();
    one.setMuted(true);
    const before = one.view.microphone;
    await one.repair('microphone');
    expect(before?.readyState).toBe('ended');
    expect(one.view.microphone).toMatchObject({ readyState: 'live', enabled: false });
  });
});
