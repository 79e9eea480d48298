import { describe, expect, it } from 'vitest';
import { inAppBrowser, wayOut } from './in-app';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const PIXEL = 'Mozilla/5.0 (Linux; Android 14; Pixel 8';
const CHROME =
  'AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36';
const SAFARI = `${IPHONE} Version/17.5 Mobile/15E148 Safari/604.1`;
const phone = (userAgent: string) => ({ userAgent, maxTouchPoints: 5 });

describe('the app around this page', () => {
  it.each([
    [`${PIXEL}; wv) ${CHROME} Instagram 334.0.0.42.95 Android`, 'Instagram'],
    [`${IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/470.0]`, 'Facebook'],
    [`${IPHONE} Mobile/15E148 [FBAN/MessengerForiOS;FBAV/470.0]`, 'Messenger'],
    [`${PIXEL}; wv) ${CHROME} [FB_IAB/FB4A;FBAV/470.0]`, 'Facebook'],
    [`${PIXEL}; wv) ${CHROME} WhatsApp/2.24`, 'WhatsApp'],
    [`${IPHONE} Mobile/15E148 musical_ly_34`, 'TikTok'],
    [`${IPHONE} Mobile/15E148 LinkedInApp/9`, 'LinkedIn'],
    [`${PIXEL}; wv) ${CHROME}`, ''],
    [`${IPHONE} Mobile/15E148`, ''],
    [`${PIXEL}) ${CHROME}`, null],
    [SAFARI, null],
    [`${IPHONE} CriOS/126.0 Mobile/15E148 Safari/604.1`, null],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', null],
  ])('%s', (agent, app) => {
    expect(inAppBrowser(phone(agent))).toBe(app);
  });
});

describe('the way out', () => {
  const LINK = 'https://assist.example/j#secret-123';

  it('keeps the secret on Android', () => {
    const out = wayOut(LINK, phone(PIXEL)) ?? '';
    expect(out.startsWith('intent://assist.example/j#secret-123#Intent;scheme=https;')).toBe(true);
    expect(out.endsWith(';end')).toBe(true);
    // As Intent.parseUri reads it: the data are everything before the last #.
    expect(out.slice(0, out.lastIndexOf('#'))).toBe('intent://assist.example/j#secret-123');
  });

  it('is Safari on iOS, and nothing on a computer', () => {
    expect(wayOut(LINK, phone(IPHONE))).toBe('x-safari-https://assist.example/j#secret-123');
    expect(wayOut('http://127.0.0.1:8080/j#s', phone(IPHONE))).toBeNull();
    expect(wayOut(LINK, { userAgent: 'X11; Linux', maxTouchPoints: 0 })).toBeNull();
    expect(wayOut('about:blank', phone(PIXEL))).toBeNull();
  });
});
