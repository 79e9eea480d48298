/** Which tab this is. A duplicated or newly opened tab is another one; a reloaded one is the same. */
import { STORAGE_PREFIX } from '../lib/limits';

const KEY = STORAGE_PREFIX + 'tab';

/** Whether this page is the same tab's page again: reloaded, or restored by going back. */
export function wasReloaded(): boolean {
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return entry?.type === 'reload' || entry?.type === 'back_forward';
}

let current: string | null = null;

export function tabId(): string {
  if (current !== null) return current;
  const kept = wasReloaded() ? sessionStorage.getItem(KEY) : null;
  current = kept ?? randomId();
  sessionStorage.setItem(KEY, current);
  return current;
}

/** 96 random bits; `crypto.randomUUID` does not exist on insecure pages. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
