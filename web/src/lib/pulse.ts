/** Notice that a counter which should always rise stands still. Pure; the caller reads the clock. */
export interface Pulse {
  value: number | null;
  /** Since when the counter has had this value while it should have risen; null while it need not. */
  sinceMs: number | null;
}

export const NO_PULSE: Pulse = { value: null, sinceMs: null };

/** Take in a reading; null where the browser does not count. */
export function feel(before: Pulse, value: number | null, nowMs: number, isOn: boolean): Pulse {
  if (!isOn || value === null) return { value, sinceMs: null };
  if (value === before.value && before.sinceMs !== null) return before;
  return { value, sinceMs: nowMs };
}

export function isStill({ sinceMs }: Pulse, nowMs: number, limitMs: number): boolean {
  return sinceMs !== null && nowMs - sinceMs >= limitMs;
}
