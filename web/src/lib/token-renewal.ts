/** Keep the token of an open channel fresh, so that a reconnect always finds a good one. */
import type { Channel } from './channel';
import type { JoinLink } from './join-link';
import { TOKEN_RENEW_BEFORE_MS, TOKEN_RENEW_RETRY_MS } from './limits';
import type { ServerClock } from './server-clock';

let timer: ReturnType<typeof setTimeout> | undefined;

/** Return how long to wait before renewing a token that ends at `expiresAtMs`. */
export function renewalDelayMs(expiresAtMs: number, nowMs: number): number {
  const left = expiresAtMs - nowMs;
  return Math.max(TOKEN_RENEW_RETRY_MS, left - Math.max(TOKEN_RENEW_BEFORE_MS, left / 3));
}

/** Renew in good time, for as long as the page lives; a channel that is offline is asked again later. */
export function keepFresh(channel: Pick<Channel, 'ask'>, link: JoinLink, clock: ServerClock): void {
  clearTimeout(timer);
  const expiresAtMs = link.expiresAtMs;
  if (expiresAtMs === null) return;
  timer = setTimeout(
    () => {
      channel
        .ask('token.renew', {})
        .then((fresh) => link.renewed(fresh.token, fresh.expires_at_ms))
        .catch(() => {})
        .finally(() => keepFresh(channel, link, clock));
    },
    renewalDelayMs(expiresAtMs, clock.now()),
  );
}
