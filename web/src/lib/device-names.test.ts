import { describe, expect, it } from 'vitest';
import { optionOf, optionsOf, sideOf } from './device-names';

const track = (deviceId: string, label: string): MediaStreamTrack =>
  ({ label, getSettings: () => ({ deviceId }) }) as unknown as MediaStreamTrack;

describe('the side of a phone’s camera', () => {
  it.each([
    ['camera2 0, facing back', 'back'],
    ['camera2 1, facing front', 'front'],
    ['Back Dual Wide Camera', 'back'],
    ['Rückkamera', 'back'],
    ['Caméra avant', 'front'],
    ['Fotocamera posteriore', 'back'],
    ['HD Pro Webcam C920', null],
    ['Backpack Camera', null],
  ])('%s is %s', (label, side) => {
    expect(sideOf(label)).toBe(side);
  });
});

describe('the choice of devices', () => {
  it('numbers the cameras of one side', () => {
    const options = optionsOf('camera', [
      { id: 'a', label: 'camera2 0, facing back' },
      { id: 'b', label: 'camera2 1, facing front' },
      { id: 'c', label: 'camera2 2, facing back' },
    ]);
    expect(options.map(({ id, side, number }) => [id, side, number])).toEqual([
      ['a', 'back', 1],
      ['b', 'front', 1],
      ['c', 'back', 2],
    ]);
  });

  it('names a microphone once, whatever aliases the browser adds', () => {
    const options = optionsOf('microphone', [
      { id: 'default', label: 'Default - Headset' },
      { id: 'communications', label: 'Communications - Headset' },
      { id: 'h', label: 'Headset' },
    ]);
    expect(options.map(({ id }) => id)).toEqual(['h']);
    expect(optionOf(track('default', 'Default - Headset'), options)?.id).toBe('h');
    expect(optionOf(track('h', 'Headset'), options)?.id).toBe('h');
    expect(optionOf(track('x', 'Other'), options)).toBeNull();
    expect(optionOf(null, options)).toBeNull();
  });

  it('is empty before anything is permitted', () => {
    expect(optionsOf('camera', [{ id: '', label: '' }])).toEqual([]);
  });
});
