/**
 * The link of a participant: its secret, the short token it is exchanged for, and the tab it lives in.
 *
 * The secret stays in the fragment, so that a reload works again; it is sent in the body of a POST only.
 */
import { JOIN_TIMEOUT_MS, STORAGE_PREFIX, TOKEN_MARGIN_MS } from './limits';

export interface JoinPass {
  token: string;
  expires_at_ms: number;
  session_id: string;
  role: 'customer' | 'technician';
  participant_id: string;
  name: string;
  locale: string | null;
}

/** Why a link does not lead into a session. `unreachable` may pass by itself; the others do not. */
export type LinkTrouble = 'no_secret' | 'unknown' | 'gone' | 'unreachable';

export class LinkProblem extends Error {
  constructor(readonly trouble: LinkTrouble) {
    super(trouble);
  }
}

interface Kept {
  secret: string;
  pass: JoinPass;
}

/** Read the secret out of a fragment such as `#k3J...`; options after `&` are not part of it. */
export function secretFromHash(hash: string): string | null {
  const secret = hash.replace(/^#/, '').split('&')[0] ?? '';
  return /^[A-Za-z0-9_-]{16,128}$/.test(secret) ? secret : null;
}

/** Exchange a secret for a token, keep it for this tab, and exchange again when it ran out. */
export class JoinLink {
  private pass: JoinPass | null = null;

  constructor(
    private readonly secret: string,
    private readonly base: string,
    private readonly storage: Storage,
    private readonly fetcher: typeof fetch = fetch.bind(globalThis),
    private readonly now: () => number = Date.now,
  ) {
    this.pass = this.restore();
  }

  get expiresAtMs(): number | null {
    return this.pass?.expires_at_ms ?? null;
  }

  /** Return a pass whose token is still good, from this tab or from the server. */
  async current(): Promise<JoinPass> {
    if (this.pass !== null && this.pass.expires_at_ms - this.now() > TOKEN_MARGIN_MS) {
      return this.pass;
    }
    return this.exchange();
  }

  /** Ask the server for a fresh pass, whatever is held. */
  async exchange(): Promise<JoinPass> {
    const pass = await this.post();
    this.keep(pass);
    return pass;
  }

  /** Take a token that was renewed over the channel. */
  renewed(token: string, expiresAtMs: number): void {
    if (this.pass !== null) this.keep({ ...this.pass, token, expires_at_ms: expiresAtMs });
  }

  /** Forget the token: the server refused it. */
  forget(): void {
    this.pass = null;
    this.storage.removeItem(STORAGE_PREFIX + 'pass');
  }

  private async post(): Promise<JoinPass> {
    let response: Response;
    try {
      response = await this.fetcher(new URL('api/v1/join', this.base), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ secret: this.secret }),
        signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
      });
    } catch {
      throw new LinkProblem('unreachable');
    }
    if (response.ok) return (await response.json()) as JoinPass;
    if (response.status === 410) throw new LinkProblem('gone');
    const isForGood = response.status >= 400 && response.status < 500 && response.status !== 429;
    throw new LinkProblem(isForGood ? 'unknown' : 'unreachable');
  }

  private keep(pass: JoinPass): void {
    this.pass = pass;
    const kept: Kept = { secret: this.secret, pass };
    this.storage.setItem(STORAGE_PREFIX + 'pass', JSON.stringify(kept));
  }

  private restore(): JoinPass | null {
    try {
      const kept = JSON.parse(
        this.storage.getItem(STORAGE_PREFIX + 'pass') ?? 'null',
      ) as Kept | null;
      return kept?.secret === this.secret ? kept.pass : null;
    } catch {
      return null;
    }
  }
}
