// @vitest-environment node
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Channel, Refused, retryDelayMs } from './channel';
import { RECONNECT_MAX_MS } from './limits';

/** A real Socket.IO server; `answer` says what it acknowledges with, and nothing leaves it unanswered. */
class RealServer {
  readonly http = createServer();
  readonly io = new Server(this.http, { transports: ['websocket'] });
  readonly tokens: unknown[] = [];
  sockets: Socket[] = [];
  answer: (name: string, payload: unknown) => unknown = () => undefined;
  turnAway: string | null = null;
  base = '';

  async start(): Promise<void> {
    this.io.use((socket, next) => {
      this.tokens.push(socket.handshake.auth['token']);
      if (this.turnAway === null) next();
      else next(Object.assign(new Error('no'), { data: { code: this.turnAway, detail: 'No.' } }));
    });
    this.io.on('connection', (socket) => {
      this.sockets.push(socket);
      socket.onAny((name: string, payload: unknown, acknowledge: (value: unknown) => void) => {
        const value = this.answer(name, payload);
        if (value !== undefined) acknowledge(value);
      });
    });
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    this.base = `http://127.0.0.1:${(this.http.address() as AddressInfo).port}/`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => void this.io.close(() => resolve()));
  }
}

let server: RealServer;
let channel: Channel;
let tokens: number;
let turnedAway: string[];

function online(times = 1): Promise<void> {
  return new Promise((resolve) => {
    let left = times;
    channel.onStatus((status) => {
      if (status === 'online') left -= 1;
      if (left === 0) resolve();
    });
  });
}

beforeEach(async () => {
  server = new RealServer();
  await server.start();
  tokens = 0;
  turnedAway = [];
  channel = new Channel({
    base: server.base,
    token: () => Promise.resolve(`token-${++tokens}`),
    turnedAway: (code) => {
      turnedAway.push(code);
      return code !== 'link_ended';
    },
    ackTimeoutMs: 100,
  });
});

afterEach(async () => {
  channel.close();
  await server.stop();
});

describe('asking', () => {
  it('returns the data of an acknowledgement', async () => {
    server.answer = () => ({ ok: true, data: { now_ms: 7 } });
    const connected = online();
    channel.open();
    await connected;
    expect(await channel.ask('clock.read', {})).toEqual({ now_ms: 7 });
  });

  it('sends the payload as it is', async () => {
    let seen: unknown;
    server.answer = (name, payload) => {
      seen = [name, payload];
      return { ok: true, data: {} };
    };
    const connected = online();
    channel.open();
    await connected;
    await channel.ask('presence.report', { visible: true });
    expect(seen).toEqual(['presence.report', { visible: true }]);
  });

  it('rejects with the code of a refusal', async () => {
    server.answer = () => ({ ok: false, error: { code: 'not_joined', detail: 'Join first.' } });
    const connected = online();
    channel.open();
    await connected;
    await expect(channel.ask('session.leave', {})).rejects.toMatchObject({ code: 'not_joined' });
  });

  it('rejects as a time-out when no answer comes', async () => {
    const connected = online();
    channel.open();
    await connected;
    await expect(channel.ask('clock.read', {})).rejects.toMatchObject({ code: 'timeout' });
  });

  it('queues nothing while offline', async () => {
    await expect(channel.ask('session.admit', {})).rejects.toBeInstanceOf(Refused);
    await expect(channel.ask('session.admit', {})).rejects.toMatchObject({ code: 'offline' });
  });
});

describe('staying connected', () => {
  it('comes back after the connection was lost, with a token asked for anew', async () => {
    const twice = online(2);
    const once = online();
    channel.open();
    await once;
    server.sockets[0]?.conn.close();
    await twice;
    expect(server.tokens).toEqual(['token-1', 'token-2']);
  });

  it('tries again when it was turned away for a passing reason', async () => {
    server.turnAway = 'token_expired';
    const connected = online();
    channel.open();
    await new Promise<void>((resolve) => server.io.engine.once('connection', () => resolve()));
    server.turnAway = null;
    await connected;
    expect(channel.status).toBe('online');
  });

  it('stops when it was turned away for good', async () => {
    server.turnAway = 'link_ended';
    channel.open();
    await expect.poll(() => turnedAway).toEqual(['link_ended']);
    channel.hurry();
    expect(channel.status).toBe('offline');
    expect(server.sockets).toEqual([]);
  });

  it('hears what the server says', async () => {
    const heard = new Promise((resolve) => channel.on('session.replaced', resolve));
    const connected = online();
    channel.open();
    await connected;
    server.sockets[0]?.emit('session.replaced', { reason: 'other_tab' });
    expect(await heard).toEqual({ reason: 'other_tab' });
  });
});

describe('waiting before another attempt', () => {
  it('grows, is bounded, and never falls below half of its ceiling', () => {
    expect(retryDelayMs(0, 0.999)).toBeLessThan(retryDelayMs(2, 0.999));
    for (let attempt = 0; attempt < 100; attempt += 1) {
      expect(retryDelayMs(attempt, 0.999_999)).toBeLessThanOrEqual(RECONNECT_MAX_MS);
    }
    expect(retryDelayMs(50, 0)).toBe(RECONNECT_MAX_MS / 2);
  });
});
