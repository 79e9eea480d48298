"""A partner's webhook endpoints and the deliveries to them."""

from collections.abc import Sequence

from remote_assist.ids import PartnerId
from remote_assist.sessions.views import Delivery, Endpoint, NewEndpoint, Page


class EndpointService:
    """Manage where notices go."""

    async def create_endpoint(
        self, partner_id: PartnerId, url: str, event_types: Sequence[str] | None = None
    ) -> NewEndpoint:
        """Add an endpoint; its secret is shown only now. Invalid: bad url or unknown event type."""
        raise NotImplementedError

    async def list_endpoints(self, partner_id: PartnerId) -> list[Endpoint]:
        """Return the endpoints, oldest first (at most 50 exist)."""
        raise NotImplementedError

    async def endpoint(self, partner_id: PartnerId, endpoint_id: str) -> Endpoint:
        """Return one endpoint."""
        raise NotImplementedError

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
        """Change what is given; ``all_event_types`` lifts the filter."""
        raise NotImplementedError

    async def delete_endpoint(self, partner_id: PartnerId, endpoint_id: str) -> None:
        """Remove an endpoint; what was pending for it is dropped."""
        raise NotImplementedError

    async def list_deliveries(
        self,
        partner_id: PartnerId,
        endpoint_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Delivery]:
        """Return deliveries, the newest first."""
        raise NotImplementedError

    async def redeliver(self, partner_id: PartnerId, delivery_id: str) -> Delivery:
        """Send a delivery again, from the start of the retry table."""
        raise NotImplementedError
