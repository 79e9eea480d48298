/**
 * Camera, microphone and screen of this device, and what is sent when they cannot be had.
 *
 * Nobody is kept out of a session by a missing device: sound is then a generated silence, because a
 * connection always sends audio (that is what time is measured by), and the picture is none.
 */
import { type DeviceList, listDevices, NO_DEVICES } from './devices';

export type Device = 'camera' | 'microphone';
export type Facing = 'user' | 'environment';
/** Why a device could not be had. Each has its own sentence in the catalogue. */
export type Trouble =
  'denied' | 'system' | 'missing' | 'busy' | 'insecure' | 'unsupported' | 'failed';

const TROUBLE_OF_NAME: Readonly<Record<string, Trouble>> = {
  NotAllowedError: 'denied',
  PermissionDeniedError: 'denied',
  SecurityError: 'insecure',
  NotFoundError: 'missing',
  DevicesNotFoundError: 'missing',
  OverconstrainedError: 'missing',
  // Another program or window holds the device.
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  AbortError: 'busy',
};

/** Name the trouble behind an error of getUserMedia or getDisplayMedia. */
export function troubleOf(error: unknown): Trouble {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  // Chromium: "Permission denied by system"; the browser itself may not use the device.
  if (name === 'NotAllowedError' && /by system/i.test(String(message))) return 'system';
  return (typeof name === 'string' ? TROUBLE_OF_NAME[name] : undefined) ?? 'failed';
}

const CONSTRAINTS: Readonly<Record<Device, MediaStreamConstraints>> = {
  camera: { video: { width: { ideal: 1280 }, height: { ideal: 720 } } },
  microphone: { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } },
};

/** The device wanted of each kind, by its id; null leaves it to the browser. */
export type WantedDevices = Record<Device, string | null>;

export interface CaptureView {
  camera: MediaStreamTrack | null;
  screen: MediaStream | null;
  microphone: MediaStreamTrack | null;
  isMuted: boolean;
  /** Where the camera looks: at its person, or at things. */
  facing: Facing;
  /** What could be chosen instead. */
  devices: DeviceList;
  troubles: Readonly<Record<Device, Trouble | null>>;
}

export class Capture {
  /** Called after every change, with the whole of what is held. */
  onChange: (view: CaptureView) => void = () => {};

  private camera: MediaStreamTrack | null = null;
  private microphone: MediaStreamTrack | null = null;
  private silence: MediaStreamTrack | null = null;
  private screen: MediaStream | null = null;
  private context: AudioContext | null = null;
  private isMuted = false;
  private troubles: Record<Device, Trouble | null> = { camera: null, microphone: null };
  private devices: DeviceList = NO_DEVICES;
  /** Devices that the person named; the others are the browser's choice. */
  private chosen: WantedDevices = { camera: null, microphone: null };
  private turned: Facing | null = null;

  /** `facing` says which camera of a phone to prefer: the customer shows a thing, not a face. */
  constructor(private readonly facing: () => Facing) {}

  get view(): CaptureView {
    return {
      camera: this.camera,
      screen: this.screen,
      microphone: this.microphone,
      isMuted: this.isMuted,
      facing: this.facingNow,
      devices: this.devices,
      troubles: { ...this.troubles },
    };
  }

  /** The sound that is sent now: the microphone's, or silence. Never null. */
  get audio(): MediaStreamTrack {
    return this.microphone ?? this.makeSilence();
  }

  get video(): MediaStreamTrack | null {
    return this.camera;
  }

  /** Ask for camera and microphone together, then for each alone. Never rejects. */
  async open(): Promise<void> {
    const missing = (['camera', 'microphone'] as const).filter((device) => this[device] === null);
    if (missing.length === 2 && (await this.ask(missing))) return;
    for (const device of missing) await this.ask([device]);
  }

  /** Mute is `enabled = false`: packets go on, so the time goes on being measured. */
  setMuted(isMuted: boolean): void {
    this.isMuted = isMuted;
    if (this.microphone !== null) this.microphone.enabled = !isMuted;
    this.changed();
  }

  /** Start or release the camera. Off means off: the light goes out. */
  async setCamera(isOn: boolean): Promise<void> {
    if (isOn && this.camera === null) await this.ask(['camera']);
    if (!isOn && this.camera !== null) {
      this.camera.stop();
      this.camera = null;
      this.changed();
    }
  }

  /** Use the phone's other camera, or the computer's next one. */
  async flip(): Promise<void> {
    const { camera } = this.devices;
    const facing = this.camera?.getSettings?.().facingMode;
    if (facing === 'user' || facing === 'environment') {
      await this.change('camera', null, facing === 'user' ? 'environment' : 'user');
      return;
    }
    const now = this.camera?.getSettings?.().deviceId;
    const next = camera[(camera.findIndex((one) => one.id === now) + 1) % camera.length];
    if (next !== undefined) await this.change('camera', next.id, this.turned);
  }

  /** Use these devices if they are there when devices are asked for; what is gone keeps nobody out. */
  prefer(wanted: WantedDevices): void {
    this.chosen = { ...wanted };
  }

  /** Use this very device from now on. Returns why not, or null. */
  async choose(device: Device, id: string): Promise<Trouble | null> {
    // Turned off by the person: the choice is for the next time.
    const isOff = this[device] === null && this.troubles[device] === null;
    if (!isOff) return this.change(device, id, this.turned);
    this.chosen[device] = id;
    return null;
  }

  /** Get the device anew, e.g. when it went silent: after a phone call an iPhone gives nothing more. */
  async repair(device: Device): Promise<void> {
    await this.change(device, this.chosen[device], this.turned);
  }

  /** Let the person choose a screen. Returns why not, or null; choosing nothing is no trouble. */
  async shareScreen(): Promise<Trouble | null> {
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
    } catch (error) {
      const trouble = troubleOf(error);
      return trouble === 'denied' ? null : trouble;
    }
    this.screen = stream;
    // "Stop sharing" in the browser's own bar ends the track.
    stream.getVideoTracks()[0]?.addEventListener('ended', () => this.stopScreen());
    this.changed();
    return null;
  }

  stopScreen(): void {
    for (const track of this.screen?.getTracks() ?? []) track.stop();
    if (this.screen === null) return;
    this.screen = null;
    this.changed();
  }

  /** Sound needs a person's gesture in most browsers; call this from one. */
  wake(): void {
    void this.context?.resume().catch(() => {});
  }

  /** Release everything. */
  close(): void {
    for (const track of [this.camera, this.microphone, this.silence]) track?.stop();
    this.camera = this.microphone = this.silence = null;
    this.stopScreen();
    void this.context?.close().catch(() => {});
    this.context = null;
    this.changed();
  }

  /**
   * Let go of a device and take another; go back to the one before if that one cannot be had.
   *
   * The old track is stopped first: iPhones give no second camera while one is in use, and phones of
   * other makers call it busy. Source: quickblox-javascript-sdk#403.
   */
  private async change(
    device: Device,
    id: string | null,
    turned: Facing | null,
  ): Promise<Trouble | null> {
    const before = { id: this.chosen[device], turned: this.turned };
    this[device]?.stop();
    this[device] = null;
    this.chosen[device] = id;
    this.turned = turned;
    if (await this.ask([device], 'exact')) return null;
    const trouble = this.troubles[device];
    this.chosen[device] = before.id;
    this.turned = before.turned;
    await this.ask([device]);
    return trouble;
  }

  private async ask(
    devices: readonly Device[],
    strength: 'ideal' | 'exact' = 'ideal',
  ): Promise<boolean> {
    const mediaDevices = navigator.mediaDevices as MediaDevices | undefined;
    if (mediaDevices === undefined) {
      for (const device of devices) {
        this.troubles[device] = isSecureContext ? 'unsupported' : 'insecure';
      }
      this.changed();
      return false;
    }
    let stream: MediaStream;
    try {
      stream = await mediaDevices.getUserMedia(this.constraints(devices, strength));
    } catch (error) {
      for (const device of devices) this.troubles[device] = troubleOf(error);
      this.changed();
      return false;
    }
    for (const track of stream.getTracks()) this.hold(track);
    for (const device of devices) this.troubles[device] = null;
    this.changed();
    // Names and numbers of devices are told only after one has been given.
    mediaDevices.ondevicechange = () => void this.list();
    void this.list();
    return true;
  }

  private async list(): Promise<void> {
    this.devices = await listDevices();
    this.changed();
  }

  private constraints(
    devices: readonly Device[],
    strength: 'ideal' | 'exact',
  ): MediaStreamConstraints {
    const merged = Object.assign({}, ...devices.map((device) => CONSTRAINTS[device]));
    if (devices.includes('camera')) {
      const { camera } = this.chosen;
      const which =
        camera === null ? { facingMode: this.wantedFacing } : { deviceId: { [strength]: camera } };
      merged.video = { ...merged.video, ...which };
    }
    const { microphone } = this.chosen;
    if (devices.includes('microphone') && microphone !== null) {
      merged.audio = { ...merged.audio, deviceId: { [strength]: microphone } };
    }
    return merged as MediaStreamConstraints;
  }

  private get wantedFacing(): Facing {
    return this.turned ?? this.facing();
  }

  private get facingNow(): Facing {
    const told = this.camera?.getSettings?.().facingMode;
    return told === 'user' || told === 'environment' ? told : this.wantedFacing;
  }

  private hold(track: MediaStreamTrack): void {
    const device: Device = track.kind === 'audio' ? 'microphone' : 'camera';
    this[device]?.stop();
    this[device] = track;
    if (device === 'microphone') track.enabled = !this.isMuted;
    // The device was unplugged, or its permission was taken back.
    track.addEventListener('ended', () => {
      if (this[device] !== track) return;
      this[device] = null;
      this.troubles[device] = 'missing';
      this.changed();
    });
  }

  private makeSilence(): MediaStreamTrack {
    if (this.silence !== null) return this.silence;
    this.context ??= new AudioContext();
    const source = this.context.createOscillator();
    const mute = this.context.createGain();
    mute.gain.value = 0;
    const out = this.context.createMediaStreamDestination();
    source.connect(mute).connect(out);
    source.start();
    this.wake();
    const track = out.stream.getAudioTracks()[0];
    if (track === undefined) throw new Error('A silent track could not be made.');
    this.silence = track;
    return track;
  }

  private changed(): void {
    this.onChange(this.view);
  }
}
