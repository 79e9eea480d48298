/** What cameras and microphones are called, so that people recognise them. */
import type { Device } from './capture';
import type { DeviceChoice } from './devices';

export type Side = 'back' | 'front';

export interface DeviceOption extends DeviceChoice {
  /** Where a phone's camera looks, if its name says so. */
  side: Side | null;
  /** Counts the cameras of one side from 1: phones have several at the back. */
  number: number;
}

/** Android says "camera2 0, facing back"; iOS names the side in the language of the phone. */
const SIDES: readonly (readonly [Side, RegExp])[] = [
  ['back', /\b(back|rear|environment)\b|rück|arrière|posterior|trasera/i],
  ['front', /\b(front|user|selfie)\b|vorder|avant|anterior|frontal|facetime/i],
];
/** Chromium lists the chosen microphone twice more under these names. */
const ALIAS_IDS: ReadonlySet<string> = new Set(['default', 'communications']);

/** Where a camera of this name looks, or null. */
export function sideOf(label: string): Side | null {
  return SIDES.find(([, pattern]) => pattern.test(label))?.[0] ?? null;
}

/** Return what one can choose from. Without a permission browsers name nothing, and there is nothing. */
export function optionsOf(device: Device, found: readonly DeviceChoice[]): DeviceOption[] {
  const counts = new Map<Side, number>();
  return found
    .filter(({ id, label }) => label !== '' && id !== '' && !ALIAS_IDS.has(id))
    .map(({ id, label }) => {
      const side = device === 'camera' ? sideOf(label) : null;
      const number = side === null ? 1 : (counts.get(side) ?? 0) + 1;
      if (side !== null) counts.set(side, number);
      return { id, label, side, number };
    });
}

/** Return which option a track comes from, or null. */
export function optionOf(
  track: MediaStreamTrack | null,
  options: readonly DeviceOption[],
): DeviceOption | null {
  if (track === null) return null;
  const { deviceId } = track.getSettings();
  // An alias has the label of what it stands for, after a word like "Default - ".
  return (
    options.find(({ id }) => id === deviceId) ??
    options.find(({ label }) => track.label.endsWith(label)) ??
    null
  );
}
