import { describe, expect, it } from 'vitest';
import { grade, type Measured, supportCode } from './network-verdict';

const FINE: Measured = {
  connectMs: 840,
  roundTripMs: 35.4,
  loss: 0.004,
  jitterMs: 6,
  kbps: 1_450,
  path: 'udp',
};

describe('the grade of a network', () => {
  it.each<[Partial<Measured>, string]>([
    [{}, 'good'],
    [{ roundTripMs: 200, loss: 0.02, jitterMs: 30, kbps: 600 }, 'good'],
    [{ roundTripMs: 201 }, 'fair'],
    [{ loss: 0.05 }, 'fair'],
    [{ jitterMs: 60 }, 'fair'],
    [{ kbps: 300 }, 'fair'],
    [{ roundTripMs: 501 }, 'poor'],
    [{ loss: 0.2 }, 'poor'],
    [{ jitterMs: 90 }, 'poor'],
    [{ kbps: 100 }, 'poor'],
  ])('with %j is %s', (changes, expected) => {
    expect(grade({ ...FINE, ...changes })).toBe(expected);
  });
});

describe('the code for support', () => {
  it('holds what was measured', () => {
    expect(supportCode('good', FINE)).toBe('G-U35-L4-J6-K1450-C8');
  });

  it('names a failure when nothing was measured', () => {
    expect(supportCode('blocked', null)).toBe('X3');
  });
});
