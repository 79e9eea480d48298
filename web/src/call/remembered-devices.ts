/** The devices this browser was told to use, kept for the next session. */
import type { Device, WantedDevices } from '../lib/capture';
import { STORAGE_PREFIX } from '../lib/limits';

type Facing = 'user' | 'environment';

/** Who shows things and who shows a face may use different cameras in one browser. */
function keyOf(device: Device, facing: Facing): string {
  return `${STORAGE_PREFIX}${device}.${facing}`;
}

export function remembered(facing: Facing): WantedDevices {
  const read = (device: Device): string | null => {
    try {
      return localStorage.getItem(keyOf(device, facing));
    } catch {
      return null;
    }
  };
  return { camera: read('camera'), microphone: read('microphone') };
}

export function remember(device: Device, id: string, facing: Facing): void {
  try {
    localStorage.setItem(keyOf(device, facing), id);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
