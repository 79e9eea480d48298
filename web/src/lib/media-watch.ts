/**
 * Decide from a rising packet count whether media flows, and what to do when it does not.
 *
 * A pure reducer: the caller reads the counters and the clock, and carries out the action.
 */
import { FIRST_MEDIA_MS, RENEW_AFTER_MS, RESTART_EVERY_MS, SILENT_AFTER_MS } from './limits';

export interface Watch {
  packets: number;
  /** When the counter last rose; null before it ever did in this generation. */
  lastRiseMs: number | null;
  /** Since when media has been expected without a break; null while it is not. */
  expectedSinceMs: number | null;
  restartedMs: number | null;
  renewedMs: number | null;
}

export interface Look {
  nowMs: number;
  packets: number;
  /** Both are admitted, the far side is not known to be away, and the server can be asked for help. */
  isExpected: boolean;
}

export type WatchAction = 'none' | 'restart' | 'renew';

export const FRESH_WATCH: Watch = {
  packets: 0,
  lastRiseMs: null,
  expectedSinceMs: null,
  restartedMs: null,
  renewedMs: null,
};

export function isFlowing(watch: Watch, nowMs: number): boolean {
  return watch.lastRiseMs !== null && nowMs - watch.lastRiseMs < SILENT_AFTER_MS;
}

/** Take in one reading of the counter, and say what to do about it. */
export function look(watch: Watch, { nowMs, packets, isExpected }: Look): [Watch, WatchAction] {
  const expectedSinceMs = isExpected ? (watch.expectedSinceMs ?? nowMs) : null;
  const seen = { ...watch, packets, expectedSinceMs };
  if (packets > watch.packets) {
    return [{ ...seen, lastRiseMs: nowMs, restartedMs: null, renewedMs: null }, 'none'];
  }
  if (expectedSinceMs === null) return [seen, 'none'];
  const silentMs = nowMs - Math.max(watch.lastRiseMs ?? 0, expectedSinceMs);
  const since = (ms: number | null): number => (ms === null ? Infinity : nowMs - ms);
  const renewAfterMs = watch.lastRiseMs === null ? FIRST_MEDIA_MS : RENEW_AFTER_MS;
  if (silentMs >= renewAfterMs && since(watch.renewedMs) >= renewAfterMs) {
    return [{ ...seen, renewedMs: nowMs }, 'renew'];
  }
  // Before the first media the set-up may still be under way; restarting would only disturb it.
  const mayRestart = watch.lastRiseMs !== null && since(watch.restartedMs) >= RESTART_EVERY_MS;
  if (silentMs >= SILENT_AFTER_MS && mayRestart) {
    return [{ ...seen, restartedMs: nowMs }, 'restart'];
  }
  return [seen, 'none'];
}
