import { describe, expect, it } from 'vitest';
import { feel, isStill, NO_PULSE } from './pulse';

describe('a pulse', () => {
  it('is still when the counter stands while it should rise', () => {
    let pulse = feel(NO_PULSE, 5, 0, true);
    for (const nowMs of [500, 1_000]) pulse = feel(pulse, 5, nowMs, true);
    expect(isStill(pulse, 999, 1_000)).toBe(false);
    expect(isStill(pulse, 1_000, 1_000)).toBe(true);
  });

  it('beats when the counter moves, also when it begins anew', () => {
    const pulse = feel(NO_PULSE, 5, 0, true);
    expect(isStill(feel(pulse, 6, 1_000, true), 1_500, 1_000)).toBe(false);
    expect(isStill(feel(pulse, 0, 1_000, true), 1_500, 1_000)).toBe(false);
  });

  it('is not missed while the device is off, or where nothing is counted', () => {
    const pulse = feel(NO_PULSE, 5, 0, true);
    expect(isStill(feel(pulse, 5, 5_000, false), 9_000, 1_000)).toBe(false);
    expect(isStill(feel(NO_PULSE, null, 0, true), 9_000, 1_000)).toBe(false);
  });
});
