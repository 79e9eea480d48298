import { describe, expect, it } from 'vitest';
import { type Counters, judge, NO_VERDICT, type Verdict } from './quality';

const FIRST: Counters = { packets: 0, lost: 0, farLoss: 0, rttMs: null };

/** Look so many times at a connection that receives 100 packets between two looks. */
function after(looks: number, change: Partial<Counters>, lostEach = 0, from?: Verdict): Verdict {
  let verdict = from ?? judge(NO_VERDICT, FIRST);
  for (let n = 0; n < looks; n++) {
    const { packets, lost } = verdict.counters ?? FIRST;
    verdict = judge(verdict, {
      ...FIRST,
      packets: packets + 100 - lostEach,
      lost: lost + lostEach,
      ...change,
    });
  }
  return verdict;
}

describe('a verdict', () => {
  it('is not given before several looks agree', () => {
    expect(after(2, {}).quality).toBeNull();
    expect(after(3, {}).quality).toBe('good');
  });

  it.each([
    ['lost packets', {}, 5, 'fair'],
    ['many lost packets', {}, 20, 'poor'],
    ['loss at the far side', { farLoss: 0.2 }, 0, 'poor'],
    ['a long way', { rttMs: 500 }, 0, 'fair'],
    ['a very long way', { rttMs: 1_000 }, 0, 'poor'],
    ['an ordinary way', { rttMs: 120 }, 1, 'good'],
  ] as const)('%s', (_what, change, lostEach, quality) => {
    expect(after(3, change, lostEach).quality).toBe(quality);
  });

  it('worsens soon and improves late', () => {
    const poor = after(3, { rttMs: 1_000 }, 0, after(3, {}));
    expect(poor.quality).toBe('poor');
    expect(after(7, {}, 0, poor).quality).toBe('poor');
    expect(after(8, {}, 0, poor).quality).toBe('good');
  });

  it('does not flicker', () => {
    let verdict = after(3, {});
    for (let n = 0; n < 10; n++)
      verdict = after(1, n % 2 === 0 ? { rttMs: 2_000 } : {}, 0, verdict);
    expect(verdict.quality).toBe('good');
  });

  it('begins anew with a new generation', () => {
    expect(judge(after(3, {}), FIRST).quality).toBeNull();
  });

  it('says nothing about loss from a handful of packets', () => {
    const one = judge(NO_VERDICT, FIRST);
    expect(judge(one, { ...FIRST, packets: 2, lost: 3 }).candidate).toBe('good');
  });
});
