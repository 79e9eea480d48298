/**
 * The page's line to the server: typed events over one WebSocket, each answered or timed out.
 *
 * It knows neither sessions nor media. Reconnecting is its own business; what to say after a
 * reconnect is the page's.
 */
import { io, type Socket } from 'socket.io-client';
import type { Protocol } from './generated/events';
import { ACK_TIMEOUT_MS, RECONNECT_MAX_MS, RECONNECT_MIN_MS } from './limits';

export type FromPage = Protocol['from_page'];
export type ToPage = Protocol['to_page'];
export type ChannelStatus = 'offline' | 'online';

/** The server said no, with a stable code; or `timeout` and `offline`, which are ours. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

interface Acknowledgement {
  ok: boolean;
  data?: unknown;
  error?: { code: string; detail: string };
}

export interface ChannelOptions {
  /** Where the pages are served, e.g. `https://assist.example/`. */
  base: string;
  /** Return a token that is good now. A rejection counts as one failed attempt. */
  token: () => Promise<string>;
  /** The server turned the connection away with this code. Return false to stop trying. */
  turnedAway: (code: string) => boolean;
  ackTimeoutMs?: number;
}

export class Channel {
  private readonly socket: Socket;
  private readonly ackTimeoutMs: number;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private isOpen = false;

  constructor(private readonly options: ChannelOptions) {
    this.ackTimeoutMs = options.ackTimeoutMs ?? ACK_TIMEOUT_MS;
    const base = new URL(options.base);
    this.socket = io(base.origin, {
      path: new URL('socket.io/', base).pathname,
      transports: ['websocket'],
      autoConnect: false,
      forceNew: true,
      // Reconnecting is done here, because each attempt needs a token that is good then.
      reconnection: false,
    });
    this.socket.on('connect', () => (this.attempts = 0));
    this.socket.on('disconnect', () => this.tryAgain());
    this.socket.on('connect_error', (error) => this.failed(error));
  }

  get status(): ChannelStatus {
    return this.socket.connected ? 'online' : 'offline';
  }

  /** Connect, and stay connected until `close`. */
  open(): void {
    this.isOpen = true;
    void this.connect();
  }

  close(): void {
    this.isOpen = false;
    clearTimeout(this.retry);
    this.socket.disconnect();
  }

  /** Try at once, e.g. because the device says that it is online again. */
  hurry(): void {
    if (!this.isOpen || this.socket.connected) return;
    clearTimeout(this.retry);
    this.socket.disconnect();
    void this.connect();
  }

  onStatus(handler: (status: ChannelStatus) => void): void {
    this.socket.on('connect', () => handler('online'));
    this.socket.on('disconnect', () => handler('offline'));
  }

  on<K extends keyof ToPage>(name: K, handler: (payload: ToPage[K]) => void): void {
    this.socket.on(name as string, handler as (payload: unknown) => void);
  }

  /**
   * Send an event and return the server's answer.
   * Rejects with `Refused`, whose code is the server's, or `timeout`, or `offline`.
   */
  async ask<K extends keyof FromPage>(
    name: K,
    payload: FromPage[K]['payload'],
  ): Promise<FromPage[K]['answer']> {
    // Nothing is queued while offline: a late `admit` or `close` would surprise everybody.
    if (!this.socket.connected) throw new Refused('offline', 'There is no connection.');
    let ack: Acknowledgement;
    try {
      ack = (await this.socket
        .timeout(this.ackTimeoutMs)
        .emitWithAck(name, payload)) as Acknowledgement;
    } catch {
      throw new Refused(this.socket.connected ? 'timeout' : 'offline', 'No answer came.');
    }
    if (ack.ok) return ack.data as FromPage[K]['answer'];
    throw new Refused(ack.error?.code ?? 'unknown', ack.error?.detail ?? '');
  }

  private async connect(): Promise<void> {
    let token: string;
    try {
      token = await this.options.token();
    } catch {
      this.tryAgain();
      return;
    }
    if (!this.isOpen) return;
    this.socket.auth = { token };
    this.socket.connect();
  }

  private failed(error: Error & { data?: unknown }): void {
    const data = error.data as { code?: unknown } | undefined;
    const code = typeof data?.code === 'string' ? data.code : null;
    if (code !== null && !this.options.turnedAway(code)) {
      this.close();
      return;
    }
    this.tryAgain();
  }

  private tryAgain(): void {
    if (!this.isOpen) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.connect(), retryDelayMs(this.attempts, Math.random()));
    this.attempts += 1;
  }
}

/** Return how long to wait before attempt `attempt`: doubling, bounded, and spread by `chance` in [0, 1). */
export function retryDelayMs(attempt: number, chance: number): number {
  const ceiling = Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.5 + chance / 2));
}
