"""Partners, their API keys and their idempotent requests."""

import hashlib
from typing import Final

from remote_assist.clock import Clock
from remote_assist.errors import Conflict, Invalid, Unauthenticated
from remote_assist.ids import PartnerId, new_id
from remote_assist.sessions.ports import Store
from remote_assist.sessions.views import Partner, StoredReply

KEY_MAX: Final = 512
"""Characters of an API key."""
PREFIX: Final = 6
"""Characters of a key that are kept to recognise it by; only of keys four times as long."""
REPLY_LIFE_MS: Final = 7 * 86_400_000
RUNNING_MAX_MS: Final = 60_000
"""A request that began earlier and has no answer died with its process; it may be made again."""


class PartnerService:
    """Know who asks, and whether it was asked before."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ensure_partner(self, name: str, api_key: str) -> Partner:
        """Make sure that a partner of this name exists and that this key, taken verbatim, is its own.

        Raises:
            Conflict: ``api_key_taken``, it is another partner's.
        """
        now_ms = self._clock.now_ms()
        async with self._store.writing() as work:
            owner = await work.partners.by_key(_hash_of(api_key))
            if owner is not None:
                if owner.name != name:
                    raise Conflict("api_key_taken", "This API key belongs to another partner.")
                return owner
            partner = await work.partners.by_name(name)
            if partner is None:
                partner = Partner(PartnerId(new_id()), name)
                await work.partners.add(partner, now_ms)
            prefix = api_key[:PREFIX] if len(api_key) >= 4 * PREFIX else ""
            await work.partners.add_key(partner.id, _hash_of(api_key), prefix, now_ms)
            return partner

    async def authenticate(self, api_key: str) -> Partner:
        """Return whose key this is; Unauthenticated ``invalid_api_key`` otherwise."""
        partner = None
        if len(api_key) <= KEY_MAX:
            # The lookup is by hash, so its timing says nothing about the key.
            async with self._store.reading() as work:
                partner = await work.partners.by_key(_hash_of(api_key))
        if partner is None:
            raise Unauthenticated("invalid_api_key", "The API key is not known.")
        return partner

    async def begin_request(self, partner_id: PartnerId, key: str, request_hash: str) -> StoredReply | None:
        """Claim an idempotency key: None to go ahead, or what the first request was answered.

        Raises:
            Conflict: ``idempotency_in_progress``, the first request is still running.
            Invalid: ``idempotency_key_reused``, the request differs from the first.
        """
        now_ms = self._clock.now_ms()
        async with self._store.writing() as work:
            await work.requests.purge(now_ms - REPLY_LIFE_MS)
            found = await work.requests.find(partner_id, key)
            if found is None:
                await work.requests.begin(partner_id, key, request_hash, now_ms)
                return None
            first_hash, began_at_ms, reply = found
            if first_hash != request_hash:
                raise Invalid("idempotency_key_reused", "This key was used for a different request.")
            if reply is not None:
                return reply
            if now_ms < began_at_ms + RUNNING_MAX_MS:
                raise Conflict("idempotency_in_progress", "The first request with this key is still running.")
            await work.requests.forget(partner_id, key)
            await work.requests.begin(partner_id, key, request_hash, now_ms)
            return None

    async def finish_request(self, partner_id: PartnerId, key: str, reply: StoredReply) -> None:
        """Keep the answer for seven days."""
        async with self._store.writing() as work:
            await work.requests.finish(partner_id, key, reply)

    async def forget_request(self, partner_id: PartnerId, key: str) -> None:
        """Give the key back because the request had no effect."""
        async with self._store.writing() as work:
            await work.requests.forget(partner_id, key)


def _hash_of(api_key: str) -> str:
    # A header may hold any bytes; aiohttp turns what is no UTF-8 into lone surrogates.
    return hashlib.sha256(api_key.encode(errors="surrogatepass")).hexdigest()
