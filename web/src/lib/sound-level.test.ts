import { describe, expect, it } from 'vitest';
import { loudness } from './sound-level';

/** A steady tone of this peak. */
function tone(peak: number): Float32Array {
  return Float32Array.from({ length: 2_048 }, (_, n) => peak * Math.sin(n / 10));
}

describe('loudness', () => {
  it('is nothing in silence and all at full scale', () => {
    expect(loudness(tone(0))).toEqual({ level: 0, isVoice: false });
    expect(loudness(tone(1)).level).toBeGreaterThan(0.9);
  });

  it('tells a voice from the noise of a room', () => {
    expect(loudness(tone(0.002)).isVoice).toBe(false);
    expect(loudness(tone(0.05)).isVoice).toBe(true);
  });
});
