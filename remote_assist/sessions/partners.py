"""Partners, their API keys and their idempotent requests."""

from remote_assist.ids import PartnerId
from remote_assist.sessions.views import Partner, StoredReply


class PartnerService:
    """Know who asks."""

    async def ensure_partner(self, name: str, api_key: str) -> Partner:
        """Make sure that a partner of this name exists and that this key, taken verbatim, is its own."""
        raise NotImplementedError

    async def authenticate(self, api_key: str) -> Partner:
        """Return whose key this is; Unauthenticated ``invalid_api_key`` otherwise."""
        raise NotImplementedError

    async def begin_request(self, partner_id: PartnerId, key: str, request_hash: str) -> StoredReply | None:
        """Claim an idempotency key: None to go ahead, or what the first request was answered.

        Raises:
            Conflict: ``idempotency_in_progress``, the first request is still running.
            Invalid: ``idempotency_key_reused``, the request differs from the first.
        """
        raise NotImplementedError

    async def finish_request(self, partner_id: PartnerId, key: str, reply: StoredReply) -> None:
        """Keep the answer for seven days."""
        raise NotImplementedError

    async def forget_request(self, partner_id: PartnerId, key: str) -> None:
        """Give the key back because the request had no effect."""
        raise NotImplementedError
