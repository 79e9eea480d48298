import { describe, expect, it } from 'vitest';
import { canShareScreen, listDevices, NO_DEVICES } from './devices';

describe('the devices of a machine', () => {
  it('are none where the browser does not say', async () => {
    expect(await listDevices(undefined)).toEqual(NO_DEVICES);
    const refusing = { enumerateDevices: () => Promise.reject(new Error('no')) };
    expect(await listDevices(refusing as unknown as MediaDevices)).toEqual(NO_DEVICES);
  });
});

describe('sharing a screen', () => {
  const able = { getDisplayMedia: () => undefined } as unknown as MediaDevices;

  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', true],
    ['Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0', false],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15', false],
  ])('%s: %s', (userAgent, can) => {
    expect(canShareScreen(able, userAgent)).toBe(can);
    expect(canShareScreen(undefined, userAgent)).toBe(false);
  });
});
