"""Webhook endpoints and the deliveries to them."""

from aiohttp import web

from remote_assist.api.access import partner_of
from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.schemas import Id, Nothing
from remote_assist.api.schemas_billing import (
    DeliveryOut,
    DeliveryPage,
    DeliveryQuery,
    EndpointIn,
    EndpointOut,
    EndpointPage,
    EndpointPatch,
    NewEndpointOut,
)
from remote_assist.api.views import delivery_out, endpoint_out

operations = Operations("webhooks")


@operations.add("POST", "/api/v1/webhook-endpoints", status=201, access=Access.PARTNER)
async def create_webhook_endpoint(request: web.Request, body: EndpointIn) -> NewEndpointOut:
    """Add an endpoint. Its `secret` is shown this once."""
    new = await context_of(request).endpoints.create_endpoint(partner_of(request), body.url, body.event_types)
    return NewEndpointOut(**endpoint_out(new.endpoint).model_dump(), secret=new.secret)


@operations.add("GET", "/api/v1/webhook-endpoints", access=Access.PARTNER)
async def list_webhook_endpoints(request: web.Request) -> EndpointPage:
    """List the endpoints, oldest first."""
    found = await context_of(request).endpoints.list_endpoints(partner_of(request))
    return EndpointPage(items=[endpoint_out(one) for one in found], next_cursor=None)


@operations.add("GET", "/api/v1/webhook-endpoints/{endpoint_id}", access=Access.PARTNER)
async def get_webhook_endpoint(request: web.Request, endpoint_id: Id) -> EndpointOut:
    """Look at an endpoint."""
    return endpoint_out(await context_of(request).endpoints.endpoint(partner_of(request), endpoint_id))


@operations.add("PATCH", "/api/v1/webhook-endpoints/{endpoint_id}", access=Access.PARTNER)
async def change_webhook_endpoint(request: web.Request, endpoint_id: Id, body: EndpointPatch) -> EndpointOut:
    """Change what is given."""
    changed = await context_of(request).endpoints.patch_endpoint(
        partner_of(request),
        endpoint_id,
        url=body.url,
        event_types=body.event_types,
        all_event_types="event_types" in body.model_fields_set and body.event_types is None,
        enabled=body.enabled,
    )
    return endpoint_out(changed)


@operations.add("DELETE", "/api/v1/webhook-endpoints/{endpoint_id}", status=204, access=Access.PARTNER)
async def delete_webhook_endpoint(request: web.Request, endpoint_id: Id) -> None:
    """Remove an endpoint and what is on its way to it."""
    await context_of(request).endpoints.delete_endpoint(partner_of(request), endpoint_id)


@operations.add("GET", "/api/v1/webhook-deliveries", access=Access.PARTNER)
async def list_webhook_deliveries(request: web.Request, query: DeliveryQuery) -> DeliveryPage:
    """List deliveries with their attempts, newest first."""
    page = await context_of(request).endpoints.list_deliveries(
        partner_of(request), query.endpoint_id, query.cursor, query.limit
    )
    return DeliveryPage(items=[delivery_out(one) for one in page.items], next_cursor=page.next_cursor)


@operations.add("POST", "/api/v1/webhook-deliveries/{delivery_id}/redeliver", access=Access.PARTNER)
async def redeliver(request: web.Request, delivery_id: Id, body: Nothing | None) -> DeliveryOut:
    """Send a delivery again."""
    del body
    return delivery_out(await context_of(request).endpoints.redeliver(partner_of(request), delivery_id))
