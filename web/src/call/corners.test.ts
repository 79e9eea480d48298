import { describe, expect, it } from 'vitest';
import { type Corner, nearestCorner, nextCorner } from './corners';

describe('corners', () => {
  it('go round, so that tapping reaches each of them', () => {
    let corner: Corner = 'bottom-right';
    const seen = new Set(Array.from({ length: 4 }, () => (corner = nextCorner(corner))));
    expect(seen.size).toBe(4);
    expect(corner).toBe('bottom-right');
  });

  it.each<[number, number, Corner]>([
    [10, 10, 'top-left'],
    [390, 10, 'top-right'],
    [10, 700, 'bottom-left'],
    [200, 400, 'bottom-right'],
  ])('%i, %i is nearest to %s', (x, y, corner) => {
    expect(nearestCorner(x, y, { width: 400, height: 800 })).toBe(corner);
  });
});
