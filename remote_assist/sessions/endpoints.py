"""A partner's webhook endpoints and the deliveries to them."""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from remote_assist.clock import Clock
from remote_assist.errors import Conflict, Invalid, NotFound
from remote_assist.ids import PartnerId, new_id
from remote_assist.sessions.hooks.notices import NOTICE_TYPES
from remote_assist.sessions.opening import PAGE_MAX
from remote_assist.sessions.ports import Store, UnitOfWork
from remote_assist.sessions.views import Delivery, Endpoint, NewEndpoint, Page

ENDPOINTS_MAX: Final = 50
URL_MAX: Final = 2_048
SECRET_BYTES: Final = 32
"""Standard Webhooks asks for 24 to 64."""


class EndpointService:
    """Manage where notices go. ``check_url`` raises Invalid for a URL that may not be called."""

    def __init__(self, store: Store, clock: Clock, check_url: Callable[[str], None]) -> None:
        self._store = store
        self._clock = clock
        self._check_url = check_url

    async def create_endpoint(
        self, partner_id: PartnerId, url: str, event_types: Sequence[str] | None = None
    ) -> NewEndpoint:
        """Add an endpoint; its secret is shown only now.

        Raises:
            Invalid: the URL may not be called, or a type of event does not exist.
            Conflict: ``too_many_endpoints``.
        """
        endpoint = Endpoint(
            id=f"we_{new_id()}",
            partner_id=partner_id,
            url=self._checked(url),
            event_types=_known(event_types),
            enabled=True,
            disabled_reason=None,
            created_at_ms=self._clock.now_ms(),
        )
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        async with self._store.writing() as work:
            if len(await work.endpoints.of_partner(partner_id)) >= ENDPOINTS_MAX:
                raise Conflict("too_many_endpoints", f"A partner has at most {ENDPOINTS_MAX} endpoints.")
            await work.endpoints.add(endpoint, secret)
        return NewEndpoint(endpoint, secret)

    async def list_endpoints(self, partner_id: PartnerId) -> list[Endpoint]:
        """Return the endpoints, oldest first."""
        async with self._store.reading() as work:
            return await work.endpoints.of_partner(partner_id)

    async def endpoint(self, partner_id: PartnerId, endpoint_id: str) -> Endpoint:
        """Return one endpoint."""
        async with self._store.reading() as work:
            return await _find(work, partner_id, endpoint_id)

    async def patch_endpoint(
        self,
        partner_id: PartnerId,
        endpoint_id: str,
        *,
        url: str | None = None,
        event_types: Sequence[str] | None = None,
        all_event_types: bool = False,
        enabled: bool | None = None,
    ) -> Endpoint:
        """Change what is given; ``all_event_types`` lifts the filter. Enabling forgets why it was off."""
        async with self._store.writing() as work:
            endpoint = await _find(work, partner_id, endpoint_id)
            if url is not None:
                endpoint = replace(endpoint, url=self._checked(url))
            if all_event_types or event_types is not None:
                endpoint = replace(endpoint, event_types=None if all_event_types else _known(event_types))
            if enabled is not None:
                reason = None if enabled else endpoint.disabled_reason or "by_partner"
                endpoint = replace(endpoint, enabled=enabled, disabled_reason=reason)
            await work.endpoints.put(endpoint)
            if not endpoint.enabled:
                await work.endpoints.disable(endpoint.id, endpoint.disabled_reason or "by_partner")
            return endpoint

    async def delete_endpoint(self, partner_id: PartnerId, endpoint_id: str) -> None:
        """Remove an endpoint; what was pending for it is dropped."""
        async with self._store.writing() as work:
            await _find(work, partner_id, endpoint_id)
            await work.endpoints.delete(endpoint_id)

    async def list_deliveries(
        self,
        partner_id: PartnerId,
        endpoint_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Delivery]:
        """Return deliveries, the newest first. The cursor is the id of the last one seen."""
        limit = min(max(limit, 1), PAGE_MAX)
        async with self._store.reading() as work:
            found = await work.outbox.page(partner_id, endpoint_id, cursor, limit + 1)
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def redeliver(self, partner_id: PartnerId, delivery_id: str) -> Delivery:
        """Send a delivery again, from the start of the retry table.

        Raises:
            NotFound: ``delivery_not_found``.
            Conflict: ``endpoint_disabled``.
        """
        async with self._store.writing() as work:
            delivery = await work.outbox.get(partner_id, delivery_id)
            if delivery is None:
                raise NotFound("delivery_not_found", "There is no such delivery.")
            if not (await _find(work, partner_id, delivery.endpoint_id)).enabled:
                raise Conflict("endpoint_disabled", "The endpoint is disabled; enable it first.")
            await work.outbox.resend(delivery.id, self._clock.now_ms())
            again = await work.outbox.get(partner_id, delivery_id)
        assert again is not None
        return again

    def _checked(self, url: str) -> str:
        if len(url) > URL_MAX:
            raise Invalid("invalid_url", f"The URL has more than {URL_MAX} characters.")
        self._check_url(url)
        return url


def _known(event_types: Sequence[str] | None) -> tuple[str, ...] | None:
    if event_types is None:
        return None
    unknown = sorted(set(event_types) - set(NOTICE_TYPES))
    if unknown or not event_types:
        raise Invalid("invalid_event_types", f"The types of event are: {', '.join(NOTICE_TYPES)}.")
    return tuple(dict.fromkeys(event_types))


async def _find(work: UnitOfWork, partner_id: PartnerId, endpoint_id: str) -> Endpoint:
    for endpoint in await work.endpoints.of_partner(partner_id):
        if endpoint.id == endpoint_id:
            return endpoint
    raise NotFound("endpoint_not_found", "There is no such webhook endpoint.")
