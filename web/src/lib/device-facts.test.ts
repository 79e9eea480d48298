import { describe, expect, it } from 'vitest';
import { deviceFacts } from './device-facts';

const like = (userAgent: string, maxTouchPoints = 0, type?: string) => {
  const { kind, system, browser, network } = deviceFacts({
    userAgent,
    maxTouchPoints,
    ...(type === undefined ? {} : { connection: { type } }),
  });
  return [kind, system, browser, network];
};

describe('what a machine says of itself', () => {
  it.each([
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      5,
      ['phone', 'iOS 18.5', 'Safari 18', 'unknown'],
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      5,
      ['tablet', 'iPadOS', 'Safari 18', 'unknown'],
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36',
      5,
      ['phone', 'Android 15', 'Chrome 156', 'unknown'],
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0',
      10,
      ['computer', 'Windows', 'Edge 156', 'unknown'],
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
      0,
      ['computer', 'Linux', 'Firefox 153', 'unknown'],
    ],
    ['something else', 0, ['computer', '', '', 'unknown']],
  ])('%s', (userAgent, touches, facts) => {
    expect(like(userAgent, touches)).toEqual(facts);
  });

  it('knows the network where the browser tells', () => {
    expect(like('', 0, 'cellular')[3]).toBe('cellular');
    expect(like('', 0, 'ethernet')[3]).toBe('wired');
    expect(like('', 0, 'bluetooth')[3]).toBe('unknown');
  });
});
