import { beforeEach, describe, expect, it } from 'vitest';
import type { Rate } from '../lib/generated/events';
import { RatingBox } from './rating-box.svelte';

let sent: Required<Rate>[];
let isFailing: boolean;
let box: RatingBox;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  sent = [];
  isFailing = false;
  box = new RatingBox((rating) => {
    sent.push(rating);
    return isFailing
      ? Promise.reject(new Error('offline'))
      : Promise.resolve({ at_ms: 1, ...rating });
  });
});

describe('the rating', () => {
  it('is kept with every tap', async () => {
    box.setSolved(true);
    box.setStars(4);
    await settled();
    expect(sent.at(-1)).toEqual({ stars: 4, solved: true, comment: '' });
    expect(box.keeping).toBe('kept');
  });

  it('comes back after a reload', () => {
    box.replace({ at_ms: 1, stars: 2, solved: false, comment: 'slow' });
    expect([box.stars, box.solved, box.comment]).toEqual([2, false, 'slow']);
    expect(box.hasNewComment).toBe(false);
    expect(sent).toEqual([]);
  });

  it('is said again after a line that dropped, and not overwritten by what was kept before', async () => {
    isFailing = true;
    box.setStars(1);
    await settled();
    expect(box.keeping).toBe('failed');
    isFailing = false;
    box.replace({ at_ms: 1, stars: 5, solved: null, comment: '' });
    await settled();
    expect(box.stars).toBe(1);
    expect(box.keeping).toBe('kept');
  });
});
