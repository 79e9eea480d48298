/** Keep the screen on during a call. Browsers release it with the page's visibility; ask again then. */
export function keepAwake(isWanted: boolean): (() => void) | undefined {
  if (!isWanted || !('wakeLock' in navigator)) return undefined;
  let lock: WakeLockSentinel | null = null;
  const ask = async (): Promise<void> => {
    if (document.visibilityState !== 'visible') return;
    lock = await navigator.wakeLock.request('screen').catch(() => null);
  };
  void ask();
  document.addEventListener('visibilitychange', ask);
  return () => {
    document.removeEventListener('visibilitychange', ask);
    void lock?.release().catch(() => {});
  };
}
