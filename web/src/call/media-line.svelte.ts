/** The media of this page: what the device gives, the connection it is sent on, what comes back. */
import { Capture, type CaptureView, type Device, type Trouble } from '../lib/capture';
import type { Description, MediaReport, SplicePlan } from '../lib/generated/events';
import { DEAD_CAMERA_MS, DEAD_MICROPHONE_MS, WATCH_EVERY_MS } from '../lib/limits';
import { FRESH_WATCH, isFlowing, look, type Watch } from '../lib/media-watch';
import { Peer, type Received, type RemoteTracks } from '../lib/peer';
import { feel, isStill, NO_PULSE } from '../lib/pulse';
import { judge, NO_VERDICT, type Quality, type Verdict } from '../lib/quality';
import { remember, remembered } from './remembered-devices';

export interface MediaLineOptions {
  facing: () => 'user' | 'environment';
  send: (description: Description) => Promise<unknown>;
  report: (report: MediaReport) => void;
  renew: (generation: number) => void;
  /** Whether media should be arriving now, as far as the session knows. */
  isExpected: () => boolean;
}

const NO_REMOTE: RemoteTracks = { audio: null, camera: null, screen: null };

export class MediaLine {
  view: CaptureView = $state.raw() as CaptureView;
  remote: RemoteTracks = $state.raw(NO_REMOTE);
  isFlowing = $state(false);
  hasFlowed = $state(false);
  /** The far side's camera sent frames lately, whatever it says of itself. */
  hasFrames = $state(false);
  /** How good the connection is, in one word; null before that can be said. */
  quality: Quality | null = $state(null);
  /** Devices that are on and give nothing. */
  dead: readonly Device[] = $state.raw([]);
  isGuideOpen = $state(false);
  screenTrouble: Trouble | null = $state(null);

  private readonly capture: Capture;
  private readonly peer: Peer;
  private watch: Watch = FRESH_WATCH;
  private verdict: Verdict = NO_VERDICT;
  private pulses = { camera: NO_PULSE, microphone: NO_PULSE };
  private readonly left = new Set<Device>();
  private frames = 0;
  private hasPreferred = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly options: MediaLineOptions) {
    this.capture = new Capture(options.facing);
    this.view = this.capture.view;
    this.capture.onChange = (view) => {
      this.view = view;
      void this.peer.refresh();
      options.report(this.reported);
    };
    this.peer = new Peer({
      send: options.send,
      local: () => ({
        audio: this.capture.audio,
        camera: this.view.camera,
        screen: this.view.screen?.getVideoTracks()[0] ?? null,
        screenStream: this.view.screen,
      }),
      onRemote: (tracks) => (this.remote = tracks),
      onState: (state) => {
        if (state === 'failed') this.peer.restart();
      },
      onGuide: (isOpen) => (this.isGuideOpen = isOpen),
    });
  }

  get generation(): number | null {
    return this.peer.generation;
  }

  get reported(): MediaReport {
    const { camera, microphone, isMuted, screen } = this.view;
    return {
      microphone: microphone !== null && !isMuted,
      camera: camera !== null,
      screen_stream_id: screen?.id ?? null,
    };
  }

  open(): Promise<void> {
    if (!this.hasPreferred) this.capture.prefer(remembered(this.options.facing()));
    this.hasPreferred = true;
    return this.capture.open();
  }

  /** To be called from a tap, so that sound may play and silence may be sent. */
  wake(): void {
    this.capture.wake();
  }

  start(plan: SplicePlan): void {
    if (this.peer.generation !== null && plan.generation <= this.peer.generation) return;
    this.watch = FRESH_WATCH;
    this.verdict = NO_VERDICT;
    this.frames = 0;
    this.peer.start(plan);
    this.timer ??= setInterval(() => void this.look(), WATCH_EVERY_MS);
  }

  deliver(description: Description): void {
    void this.peer.deliver(description);
  }

  repeat(): void {
    void this.peer.repeat();
  }

  async toggleMute(): Promise<void> {
    if (this.view.microphone === null) await this.capture.open();
    else this.capture.setMuted(!this.view.isMuted);
  }

  /** Use another camera or microphone from now on, and next time. Returns why not, or null. */
  async choose(device: Device, id: string): Promise<Trouble | null> {
    const trouble = await this.capture.choose(device, id);
    if (trouble === null) remember(device, id, this.options.facing());
    return trouble;
  }

  toggleCamera(): Promise<void> {
    return this.capture.setCamera(this.view.camera === null);
  }

  flip(): Promise<void> {
    return this.capture.flip();
  }

  /** Get a device that gives nothing anew. */
  async repair(device: Device): Promise<void> {
    await this.capture.repair(device);
    this.pulses[device] = NO_PULSE;
    this.dead = this.dead.filter((one) => one !== device);
  }

  /** Speak no more of a dead device in this call. */
  leaveDead(device: Device): void {
    this.left.add(device);
    this.dead = this.dead.filter((one) => one !== device);
  }

  async toggleScreen(): Promise<void> {
    if (this.view.screen !== null) this.capture.stopScreen();
    else this.screenTrouble = await this.capture.shareScreen();
  }

  /** End the connection; `release` also lets go of camera and microphone. */
  close(release: boolean): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.peer.close();
    this.remote = NO_REMOTE;
    this.isFlowing = this.hasFrames = this.hasFlowed = false;
    this.quality = null;
    if (release) this.capture.close();
  }

  private async look(): Promise<void> {
    const generation = this.peer.generation;
    const seen = await this.peer.received();
    if (generation === null || generation !== this.peer.generation) return;
    const nowMs = performance.now();
    const isExpected = this.options.isExpected();
    const [watch, action] = look(this.watch, { nowMs, packets: seen.packets, isExpected });
    this.watch = watch;
    this.isFlowing = isFlowing(watch, nowMs);
    this.hasFlowed ||= this.isFlowing;
    this.hasFrames = seen.frames > this.frames;
    this.frames = seen.frames;
    this.verdict = judge(this.verdict, seen);
    this.quality = this.verdict.quality;
    this.feelDevices(seen.given, nowMs);
    if (action === 'restart') this.peer.restart();
    if (action === 'renew') this.options.renew(generation);
  }

  private feelDevices(given: Received['given'], nowMs: number): void {
    const { camera, microphone, isMuted } = this.view;
    // A hidden page may be denied its camera by the phone; that is no fault.
    const isSeen = document.visibilityState === 'visible';
    this.pulses = {
      camera: feel(this.pulses.camera, given.camera, nowMs, camera !== null && isSeen),
      microphone: feel(
        this.pulses.microphone,
        given.microphone,
        nowMs,
        microphone !== null && !isMuted && isSeen,
      ),
    };
    const dead = (['camera', 'microphone'] as const).filter(
      (device) =>
        !this.left.has(device) &&
        isStill(
          this.pulses[device],
          nowMs,
          device === 'camera' ? DEAD_CAMERA_MS : DEAD_MICROPHONE_MS,
        ),
    );
    if (dead.join() !== this.dead.join()) this.dead = dead;
  }
}
