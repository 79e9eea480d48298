/** What the browser says about the permission for camera and microphone. Many say nothing. */
import type { Device } from '../lib/capture';

async function query(device: Device): Promise<PermissionStatus | null> {
  try {
    return await navigator.permissions.query({ name: device as PermissionName });
  } catch {
    return null;
  }
}

/** Whether camera and microphone may be used without asking again. Unknown counts as no. */
export async function isAlreadyAllowed(): Promise<boolean> {
  const found = await Promise.all([query('camera'), query('microphone')]);
  return found.every((status) => status?.state === 'granted');
}

/** Whether the browser would ask once more. Unknown counts as no: then its settings must help. */
export async function wouldAsk(devices: readonly Device[]): Promise<boolean> {
  const found = await Promise.all(devices.map(query));
  return found.every((status) => status?.state === 'prompt' || status?.state === 'granted');
}

/** Call `then` whenever a device becomes allowed, e.g. in the browser's settings. Returns an end to it. */
export function onAllowed(devices: readonly Device[], then: () => void): () => void {
  const ending = new AbortController();
  for (const device of devices) {
    void query(device).then((status) =>
      status?.addEventListener(
        'change',
        () => {
          if (status.state === 'granted') then();
        },
        { signal: ending.signal },
      ),
    );
  }
  return () => ending.abort();
}
