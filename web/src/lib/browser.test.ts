import { describe, expect, it } from 'vitest';
import { browserName, isIos } from './browser';

const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const IPHONE = `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${WEBKIT}`;
const MAC = `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/17.5 Safari/605.1.15`;
const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0';

describe('the name of a browser', () => {
  it.each([
    [`${IPHONE} Version/17.5 Mobile/15E148 Safari/604.1`, 5, 'safari-ios'],
    [`${IPHONE} CriOS/126.0 Mobile/15E148 Safari/604.1`, 5, 'other-ios'],
    [MAC, 5, 'safari-ios'],
    [MAC, 0, 'safari-mac'],
    [
      `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${CHROME} Mobile Safari/537.36`,
      5,
      'chrome-android',
    ],
    ['Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0', 5, 'firefox-android'],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36 Edg/126.0`, 0, 'chromium'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 0, 'firefox'],
    ['curl/8.0', 0, 'other'],
  ])('%s', (userAgent, maxTouchPoints, name) => {
    expect(browserName({ userAgent, maxTouchPoints })).toBe(name);
  });

  it('takes an iPad for what it is', () => {
    expect(isIos({ userAgent: MAC, maxTouchPoints: 5 })).toBe(true);
    expect(isIos({ userAgent: MAC, maxTouchPoints: 0 })).toBe(false);
  });
});
