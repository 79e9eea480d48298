/** The life of the call page, from the link to the receipt: what is known, and what may be done. */
import { Channel, Refused } from '../lib/channel';
import { connectionState, type ConnectionState } from '../lib/connection-state';
import { deviceFacts } from '../lib/device-facts';
import type { ParticipantView, SessionState, Snapshot, Timer } from '../lib/generated/events';
import { language, refusal } from '../lib/i18n.svelte';
import { JoinLink, type JoinPass, LinkProblem, type LinkTrouble } from '../lib/join-link';
import { ENTER_RETRY_MS, STORAGE_PREFIX } from '../lib/limits';
import { ServerClock } from '../lib/server-clock';
import { keepFresh } from '../lib/token-renewal';
import { ChatBox } from './chat-box.svelte';
import { FileRoute } from './files';
import { MediaLine } from './media-line.svelte';
import { RatingBox } from './rating-box.svelte';
import { tabId, wasReloaded } from './tab';

export type Phase = 'checking' | 'dead' | 'lobby' | 'call' | 'left' | 'replaced' | 'ended';

const JOINED_KEY = STORAGE_PREFIX + 'joined';
/** Codes with which the server says that the token, not the link, is at fault. */
const TOKEN_CODES = new Set(['unauthenticated', 'invalid_token', 'token_expired', 'unknown_key']);

export class CallPage {
  trouble: LinkTrouble | null = $state(null);
  pass: JoinPass | null = $state.raw(null);
  state: SessionState | null = $state.raw(null);
  timer: Timer | null = $state.raw(null);
  isOnline = $state(false);
  isJoining = $state(false);
  wantsIn = $state(false);
  isReplaced = $state(false);
  hasLeft = $state(false);
  hasFarLeft = $state(false);
  notice: string | null = $state(null);

  readonly clock = new ServerClock();
  readonly chat: ChatBox;
  readonly files: FileRoute;
  readonly rating: RatingBox;
  readonly media: MediaLine;
  private readonly channel: Channel;
  private entering: Promise<void> = Promise.resolve();

  constructor(
    private readonly link: JoinLink,
    base: string,
  ) {
    this.channel = new Channel({
      base,
      token: () => this.token(),
      turnedAway: (code) => this.turnedAway(code),
    });
    this.files = new FileRoute(
      base,
      () => this.state?.session_id ?? '',
      () => this.token(),
    );
    this.chat = new ChatBox(
      (line) => this.channel.ask('chat.post', line),
      (content, name) => this.files.send(content, name),
    );
    this.rating = new RatingBox((rating) => this.channel.ask('session.rate', rating));
    this.media = new MediaLine({
      facing: () => (this.pass?.role === 'technician' ? 'user' : 'environment'),
      send: (description) => this.channel.ask('description.send', description),
      report: (report) => this.tell('media.report', report),
      renew: (generation) => this.tell('splice.renew', { generation }),
      isExpected: () => this.isMediaExpected,
    });
    this.listen();
  }

  get phase(): Phase {
    if (this.state?.state === 'closed') return 'ended';
    if (this.trouble !== null && this.trouble !== 'unreachable') return 'dead';
    if (this.state === null || this.pass === null) return 'checking';
    if (this.isReplaced) return 'replaced';
    if (this.wantsIn) return 'call';
    return this.hasLeft ? 'left' : 'lobby';
  }

  get me(): ParticipantView | null {
    return this.state?.participants.find((p) => p.role === this.pass?.role) ?? null;
  }

  get far(): ParticipantView | null {
    return this.state?.participants.find((p) => p.role !== this.pass?.role) ?? null;
  }

  /** The server hears this side, and not the other. */
  get isFarLost(): boolean {
    return this.isOnline && (this.far?.joined !== true || this.far.media === 'silent');
  }

  get isAdmitted(): boolean {
    return this.state?.billing_started_at_ms != null;
  }

  get connection(): ConnectionState {
    return connectionState({
      isClosed: this.state?.state === 'closed',
      isJoined: this.wantsIn,
      isFarJoined: this.far?.joined ?? false,
      hasFarLeft: this.hasFarLeft,
      isAdmitted: this.isAdmitted,
      hasFlowed: this.media.hasFlowed,
      isFlowing: this.media.isFlowing,
    });
  }

  private get isMediaExpected(): boolean {
    const far = this.far;
    return this.isOnline && this.isAdmitted && far !== null && far.joined && far.media !== 'silent';
  }

  begin(): void {
    this.channel.open();
  }

  /** Take part: devices first, so that the picture is there at once; then say so to the server. */
  async join(): Promise<void> {
    this.isJoining = true;
    this.notice = null;
    this.media.wake();
    await this.media.open();
    this.wantsIn = true;
    this.isReplaced = this.hasLeft = false;
    await this.enter();
    this.isJoining = false;
  }

  async admit(): Promise<void> {
    await this.command('session.admit');
  }

  /** The technician's hang-up ends the session; the customer's only leaves it. */
  async hangUp(): Promise<void> {
    if (this.pass?.role === 'technician') {
      await this.command('session.close');
      return;
    }
    if (!(await this.command('session.leave'))) return;
    this.stopTakingPart();
    this.hasLeft = true;
  }

  setVisible(isVisible: boolean): void {
    this.tell('presence.report', { visible: isVisible });
    if (isVisible) this.channel.hurry();
  }

  /** Tell the other side what this machine and its connection are like. */
  reportDevice(): void {
    this.tell('device.report', { ...deviceFacts(), quality: this.media.quality });
  }

  hurry(): void {
    this.channel.hurry();
  }

  /** A token that is good now, e.g. to fetch the receipt. */
  async token(): Promise<string> {
    try {
      this.pass = await this.link.current();
    } catch (error) {
      if (!(error instanceof LinkProblem)) throw error;
      this.trouble = error.trouble;
      if (error.trouble !== 'unreachable') this.channel.close();
      throw error;
    }
    this.trouble = null;
    return this.pass.token;
  }

  private listen(): void {
    this.channel.onStatus((status) => {
      this.isOnline = status === 'online';
      if (this.isOnline) void this.cameOnline();
    });
    this.channel.on('session.state', (state) => this.take(state));
    this.channel.on('session.timer', (timer) => (this.timer = timer));
    this.channel.on('session.replaced', () => {
      this.stopTakingPart();
      this.isReplaced = true;
    });
    this.channel.on('splice.start', (plan) => {
      if (this.wantsIn) this.media.start(plan);
    });
    this.channel.on('description.deliver', (description) => this.media.deliver(description));
    this.channel.on('connection.closing', ({ code }) => {
      if (TOKEN_CODES.has(code)) this.link.forget();
    });
    this.channel.on('chat.posted', (line) => this.chat.add(line, this.pass?.role ?? null));
  }

  private async cameOnline(): Promise<void> {
    if (this.pass !== null) language.begin(this.pass.locale);
    const wasIn = wasReloaded() && sessionStorage.getItem(JOINED_KEY) === this.pass?.session_id;
    if (this.state === null && wasIn) await this.join();
    else await this.enter();
    keepFresh(this.channel, this.link, this.clock);
    await this.clock.learn(() => this.channel.ask('clock.read', {}));
  }

  /** Say where we stand after every (re)connect: taking part, or only looking. */
  private enter(): Promise<void> {
    this.entering = this.entering.then(() => this.enterNow());
    return this.entering;
  }

  private async enterNow(): Promise<void> {
    if (!this.isOnline) return;
    try {
      if (this.wantsIn) await this.takePart();
      else this.draw(await this.channel.ask('session.sync', {}));
      this.tell('presence.report', { visible: document.visibilityState === 'visible' });
      this.reportDevice();
    } catch (error) {
      this.entryFailed(error instanceof Refused ? error.code : 'other');
    }
  }

  private async takePart(): Promise<void> {
    const generation = this.media.generation;
    const { snapshot, plan } = await this.channel.ask('session.join', {
      tab_id: tabId(),
      generation,
    });
    this.draw(snapshot);
    sessionStorage.setItem(JOINED_KEY, snapshot.state.session_id);
    if (plan !== null) this.media.start(plan);
    else this.media.repeat();
    this.tell('media.report', this.media.reported);
  }

  private entryFailed(code: string): void {
    if (code === 'timeout' || code === 'rate_limited') {
      setTimeout(() => void this.enter(), ENTER_RETRY_MS);
    } else if (code !== 'offline') {
      // Refused for good, e.g. because the session has closed meanwhile: look instead.
      this.notice = refusal(code);
      if (this.wantsIn) {
        this.stopTakingPart();
        setTimeout(() => void this.enter(), ENTER_RETRY_MS);
      }
    }
  }

  private draw(snapshot: Snapshot): void {
    this.clock.guess(snapshot.server_now_ms);
    this.timer = snapshot.timer;
    this.chat.replace(snapshot.chat, this.pass?.role ?? null);
    this.rating.replace(snapshot.rating);
    this.state = null;
    this.take(snapshot.state);
  }

  private take(state: SessionState): void {
    if (this.state !== null && state.version < this.state.version) return;
    this.noteFar(state);
    this.state = state;
    if (state.state === 'closed') this.stopTakingPart();
  }

  /** Whoever is connected without taking part has left; whoever is not connected was lost. */
  private noteFar(state: SessionState): void {
    const far = state.participants.find((p) => p.role !== this.pass?.role);
    if (far === undefined || far.joined) this.hasFarLeft = false;
    else if (far.connected && this.far?.joined) this.hasFarLeft = true;
  }

  private stopTakingPart(): void {
    this.wantsIn = false;
    sessionStorage.removeItem(JOINED_KEY);
    this.media.close(true);
  }

  private turnedAway(code: string): boolean {
    if (code === 'link_ended') {
      this.trouble = 'gone';
      return false;
    }
    if (TOKEN_CODES.has(code)) this.link.forget();
    return true;
  }

  /** Send a command of a person; say it when it was refused. */
  private async command(
    name: 'session.admit' | 'session.leave' | 'session.close',
  ): Promise<boolean> {
    this.notice = null;
    try {
      await this.channel.ask(name, {});
      return true;
    } catch (error) {
      this.notice = refusal(error instanceof Refused ? error.code : 'other');
      return false;
    }
  }

  /** Send something that is said again after the next reconnect anyway. */
  private tell<K extends 'presence.report' | 'device.report' | 'media.report' | 'splice.renew'>(
    name: K,
    payload: Parameters<typeof this.channel.ask<K>>[1],
  ): void {
    const isOfTheLobby = name === 'presence.report' || name === 'device.report';
    if (!this.isOnline || !(isOfTheLobby || this.wantsIn)) return;
    this.channel.ask(name, payload).catch(() => {});
  }
}
