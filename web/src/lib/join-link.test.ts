import { beforeEach, describe, expect, it } from 'vitest';
import { JoinLink, type JoinPass, LinkProblem, secretFromHash } from './join-link';
import { TOKEN_MARGIN_MS } from './limits';
import { renewalDelayMs } from './token-renewal';

const SECRET = 'k3JdO0qv9aXxY2mNbRtW4A';
const BASE = 'https://assist.example/help/';

function pass(expiresAtMs: number, token = 'a.b.c'): JoinPass {
  return {
    token,
    expires_at_ms: expiresAtMs,
    session_id: 's',
    role: 'customer',
    participant_id: 'p',
    name: 'Carla',
    locale: 'de',
  };
}

let nowMs: number;
let asked: { url: string; body: unknown }[];
let answer: () => Response;

function link(secret = SECRET): JoinLink {
  const fetcher = ((url: URL, init: RequestInit) => {
    asked.push({ url: url.href, body: JSON.parse(init.body as string) });
    return Promise.resolve().then(answer);
  }) as unknown as typeof fetch;
  return new JoinLink(secret, BASE, sessionStorage, fetcher, () => nowMs);
}

beforeEach(() => {
  sessionStorage.clear();
  nowMs = 1_000_000;
  asked = [];
  answer = () => Response.json(pass(nowMs + 600_000));
});

describe('the secret of a link', () => {
  it.each([
    [`#${SECRET}`, SECRET],
    [`#${SECRET}&x=1`, SECRET],
    ['', null],
    ['#', null],
    ['#short', null],
    ['#<script>alert(1)</script>', null],
  ])('of %s is %s', (hash, secret) => {
    expect(secretFromHash(hash)).toBe(secret);
  });
});

describe('the exchange', () => {
  it('posts the secret below the folder that the pages are served from', async () => {
    expect((await link().current()).token).toBe('a.b.c');
    expect(asked).toEqual([
      { url: 'https://assist.example/help/api/v1/join', body: { secret: SECRET } },
    ]);
  });

  it('happens once while the token is good, also after a reload of the tab', async () => {
    await link().current();
    await link().current();
    expect(asked).toHaveLength(1);
  });

  it('happens again shortly before the token ends', async () => {
    const one = link();
    await one.current();
    nowMs += 600_000 - TOKEN_MARGIN_MS;
    await one.current();
    expect(asked).toHaveLength(2);
  });

  it('happens again for another link in the same tab', async () => {
    await link().current();
    await link('Zz3JdO0qv9aXxY2mNbRtW4').current();
    expect(asked).toHaveLength(2);
  });

  it('happens again when the server refused the token', async () => {
    const one = link();
    await one.current();
    one.forget();
    await one.current();
    expect(asked).toHaveLength(2);
  });

  it('is not needed after a renewal', async () => {
    const one = link();
    await one.current();
    one.renewed('d.e.f', nowMs + 1_200_000);
    nowMs += 600_000;
    expect((await one.current()).token).toBe('d.e.f');
    expect(asked).toHaveLength(1);
  });

  it.each([
    [410, 'gone'],
    [404, 'unknown'],
    [422, 'unknown'],
    [429, 'unreachable'],
    [503, 'unreachable'],
  ])('answered with %d means %s', async (status, trouble) => {
    answer = () => new Response('{}', { status });
    await expect(link().current()).rejects.toMatchObject({ trouble });
  });

  it('without a network means unreachable', async () => {
    answer = () => {
      throw new TypeError('network');
    };
    await expect(link().current()).rejects.toBeInstanceOf(LinkProblem);
  });

  it('survives storage that holds nonsense', async () => {
    sessionStorage.setItem('remote-assist.pass', '{not json');
    expect((await link().current()).token).toBe('a.b.c');
  });
});

describe('renewal', () => {
  it('comes at two thirds of a ten-minute life', () => {
    expect(renewalDelayMs(600_000, 0)).toBe(400_000);
  });

  it('comes three minutes before the end of a nearer one, and never at once', () => {
    expect(renewalDelayMs(240_000, 0)).toBe(60_000);
    expect(renewalDelayMs(10_000, 0)).toBe(10_000);
    expect(renewalDelayMs(0, 50_000)).toBe(10_000);
  });
});
