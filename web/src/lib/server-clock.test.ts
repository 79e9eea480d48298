import { describe, expect, it } from 'vitest';
import { offsetMs, ServerClock } from './server-clock';

describe('the offset of the server’s clock', () => {
  it('is unknown without a reading', () => {
    expect(offsetMs([])).toBeNull();
  });

  it('comes from the fastest answer, which is the least uncertain', () => {
    const slow = { askedAtMs: 0, answeredAtMs: 800, serverNowMs: 5_700 };
    const fast = { askedAtMs: 1_000, answeredAtMs: 1_020, serverNowMs: 6_010 };
    expect(offsetMs([slow, fast])).toBe(5_000);
  });
});

describe('the server’s clock', () => {
  it('is guessed from any message and then learnt', async () => {
    let localMs = 1_000;
    const clock = new ServerClock(() => localMs);
    clock.guess(9_000);
    expect(clock.now()).toBe(9_000);
    await clock.learn(() => Promise.resolve({ now_ms: (localMs += 10) + 7_000 }));
    expect(clock.now()).toBe(localMs + 7_005);
  });

  it('keeps what it knew when nobody answers', async () => {
    const clock = new ServerClock(() => 1_000);
    clock.guess(2_500);
    await clock.learn(() => Promise.reject(new Error('offline')));
    expect(clock.now()).toBe(2_500);
  });
});
