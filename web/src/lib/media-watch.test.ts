import { describe, expect, it } from 'vitest';
import { FIRST_MEDIA_MS, RENEW_AFTER_MS, RESTART_EVERY_MS, SILENT_AFTER_MS } from './limits';
import { FRESH_WATCH, isFlowing, look, type Watch, type WatchAction } from './media-watch';

const STEP_MS = 500;

/** Look every half second; `packets` says what the counter shows then. */
function run(
  watch: Watch,
  fromMs: number,
  toMs: number,
  packets: (nowMs: number) => number,
  isExpected = true,
): { watch: Watch; actions: [number, WatchAction][] } {
  const actions: [number, WatchAction][] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += STEP_MS) {
    const [next, action] = look(watch, { nowMs, packets: packets(nowMs), isExpected });
    watch = next;
    if (action !== 'none') actions.push([nowMs, action]);
  }
  return { watch, actions };
}

const flowing = run(FRESH_WATCH, 0, 5_000, (nowMs) => nowMs).watch;

describe('watching media', () => {
  it('says that it flows while the counter rises, and not long after', () => {
    expect(isFlowing(FRESH_WATCH, 0)).toBe(false);
    expect(isFlowing(flowing, 5_000)).toBe(true);
    expect(isFlowing(flowing, 5_000 + SILENT_AFTER_MS)).toBe(false);
  });

  it('leaves a healthy connection alone', () => {
    expect(run(flowing, 5_500, 60_000, (nowMs) => nowMs).actions).toEqual([]);
  });

  it('tries another path after two seconds of silence, then asks for a fresh generation', () => {
    const { actions } = run(flowing, 5_500, 5_000 + RENEW_AFTER_MS, () => 5_000);
    expect(actions).toEqual([
      [5_000 + SILENT_AFTER_MS, 'restart'],
      [5_000 + SILENT_AFTER_MS + RESTART_EVERY_MS, 'restart'],
      [5_000 + RENEW_AFTER_MS, 'renew'],
    ]);
  });

  it('asks again only after another such while', () => {
    const { actions } = run(flowing, 5_500, 5_000 + 2 * RENEW_AFTER_MS, () => 5_000);
    expect(actions.filter(([, action]) => action === 'renew')).toHaveLength(2);
  });

  it('does nothing while the far side is away or the server is out of reach', () => {
    expect(run(flowing, 5_500, 60_000, () => 5_000, false).actions).toEqual([]);
  });

  it('counts silence from when the far side is back', () => {
    const away = run(flowing, 5_500, 60_000, () => 5_000, false).watch;
    const { actions } = run(away, 60_500, 62_500, () => 5_000);
    expect(actions).toEqual([[62_500, 'restart']]);
  });

  it('gives a set-up under way its time, and then begins anew', () => {
    const { actions } = run(FRESH_WATCH, 0, FIRST_MEDIA_MS, () => 0);
    expect(actions).toEqual([[FIRST_MEDIA_MS, 'renew']]);
  });
});
