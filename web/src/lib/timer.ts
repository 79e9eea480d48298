/** The billable timer, as the server counts it. */
import type { Timer } from './generated/events';
import { TIMER_AHEAD_MS } from './limits';

/** Return the billable milliseconds at the server's instant `nowMs`, free time already taken off. */
export function billableMs(timer: Timer, nowMs: number): number {
  const ahead = timer.running ? Math.min(Math.max(0, nowMs - timer.at_ms), TIMER_AHEAD_MS) : 0;
  // The cap only holds counting on: what the server said stands as it is.
  const total = Math.max(timer.total_ms, Math.min(timer.total_ms + ahead, timer.cap_ms));
  return Math.max(0, total - timer.free_ms);
}

/** Write whole seconds as m:ss, rounded down. */
export function minutesAndSeconds(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
