import { describe, expect, it } from 'vitest';
import type { Timer } from './generated/events';
import { TIMER_AHEAD_MS } from './limits';
import { billableMs, minutesAndSeconds } from './timer';

const TIMER: Timer = { at_ms: 50_000, total_ms: 10_000, free_ms: 0, cap_ms: 60_000, running: true };

describe('the billable timer', () => {
  it('equals the server at the server’s instant', () => {
    expect(billableMs(TIMER, TIMER.at_ms)).toBe(10_000);
  });

  it('counts on while running, for two seconds at most', () => {
    expect(billableMs(TIMER, TIMER.at_ms + 900)).toBe(10_900);
    expect(billableMs(TIMER, TIMER.at_ms + 60_000)).toBe(10_000 + TIMER_AHEAD_MS);
  });

  it('stands still when it does not run, and never runs backwards with a slow clock', () => {
    expect(billableMs({ ...TIMER, running: false }, TIMER.at_ms + 900)).toBe(10_000);
    expect(billableMs(TIMER, TIMER.at_ms - 5_000)).toBe(10_000);
  });

  it('never counts on beyond the cap', () => {
    expect(billableMs({ ...TIMER, total_ms: 59_500 }, TIMER.at_ms + 1_000)).toBe(60_000);
  });

  it('takes the free time off, and never below nothing', () => {
    expect(billableMs({ ...TIMER, free_ms: 4_000 }, TIMER.at_ms)).toBe(6_000);
    expect(billableMs({ ...TIMER, free_ms: 60_000 }, TIMER.at_ms)).toBe(0);
  });
});

describe('minutes and seconds', () => {
  it.each([
    [0, '0:00'],
    [999, '0:00'],
    [1_000, '0:01'],
    [59_999, '0:59'],
    [60_000, '1:00'],
    [3_725_000, '62:05'],
  ])('of %d ms are %s', (ms, text) => {
    expect(minutesAndSeconds(ms)).toBe(text);
  });
});
