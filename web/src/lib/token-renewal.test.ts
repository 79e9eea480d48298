import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Channel } from './channel';
import { JoinLink } from './join-link';
import { ServerClock } from './server-clock';
import { keepFresh } from './token-renewal';

const LIFE_MS = 600_000;

let renewals: number;
let isOffline: boolean;
const channel = {
  ask: () => {
    if (isOffline) return Promise.reject(new Error('offline'));
    renewals += 1;
    return Promise.resolve({ token: `fresh-${renewals}`, expires_at_ms: Date.now() + LIFE_MS });
  },
} as unknown as Pick<Channel, 'ask'>;

async function link(): Promise<JoinLink> {
  const fetcher = () =>
    Promise.resolve(Response.json({ token: 'first', expires_at_ms: Date.now() + LIFE_MS }));
  const made = new JoinLink('secret', 'https://assist.example/', sessionStorage, fetcher);
  await made.current();
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  renewals = 0;
  isOffline = false;
});
afterEach(() => vi.useRealTimers());

describe('keeping the token fresh', () => {
  it('renews for as long as the page lives, and never lets a token run out', async () => {
    const one = await link();
    keepFresh(channel, one, new ServerClock());
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(renewals).toBe(9);
    expect((await one.current()).token).toBe('fresh-9');
  });

  it('goes on trying while offline', async () => {
    const one = await link();
    keepFresh(channel, one, new ServerClock());
    isOffline = true;
    await vi.advanceTimersByTimeAsync(450_000);
    isOffline = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await one.current()).token).toBe('fresh-1');
  });
});
