/** Which cameras and microphones there are, and what kind of machine this is. Knows no page. */
export interface DeviceChoice {
  id: string;
  /** Empty until the browser has given permission once. */
  label: string;
}

export interface DeviceList {
  camera: readonly DeviceChoice[];
  microphone: readonly DeviceChoice[];
}

export const NO_DEVICES: DeviceList = { camera: [], microphone: [] };

/** List what there is; nothing where the browser does not say. Never rejects. */
export async function listDevices(
  devices: MediaDevices | undefined = navigator.mediaDevices,
): Promise<DeviceList> {
  if (typeof devices?.enumerateDevices !== 'function') return NO_DEVICES;
  const all = await devices.enumerateDevices().catch(() => []);
  const of = (kind: MediaDeviceKind): DeviceChoice[] =>
    all.filter((one) => one.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { camera: of('videoinput'), microphone: of('audioinput') };
}

/**
 * Whether this browser can show a screen. Phones cannot, though Firefox for Android has the function
 * and refuses every call of it.
 * Source: MDN, browser compatibility of MediaDevices.getDisplayMedia.
 */
export function canShareScreen(
  devices: MediaDevices | undefined = navigator.mediaDevices,
  userAgent: string = navigator.userAgent,
): boolean {
  return (
    typeof devices?.getDisplayMedia === 'function' && !/Android|iPhone|iPad|iPod/i.test(userAgent)
  );
}
