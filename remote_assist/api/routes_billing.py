"""Usage records and receipts: what a session came to."""

from typing import Final

from aiohttp import web

from remote_assist.api import receipt_page
from remote_assist.api.access import partner_for, partner_of
from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.schemas import Id
from remote_assist.api.schemas_billing import UsageQuery, UsageRecordOut, UsageRecordPage
from remote_assist.api.views import usage_record_out
from remote_assist.ids import SessionId

JOSE: Final = "application/jose"
operations = Operations("billing")


@operations.add(
    "GET",
    "/api/v1/sessions/{session_id}/receipt",
    access=Access.PARTICIPANT,
    media={
        JOSE: {"type": "string", "description": "A compact JWS; its key is in /.well-known/jwks.json."},
        "text/html": {"type": "string"},
    },
)
async def get_receipt(request: web.Request, session_id: Id) -> web.Response:
    """Get the signed receipt.

    A compact JWS, or with `Accept: text/html` a page to read and print. Participants get it too, with their
    join token.
    """
    context = context_of(request)
    partner_id = partner_for(request, SessionId(session_id))
    token = await context.sessions.receipt(SessionId(session_id), partner_id)
    if "text/html" not in request.headers.get("Accept", ""):
        return web.Response(text=token, content_type=JOSE)
    claims = context.signer.verify_receipt(token)
    page = receipt_page.render(claims, token, receipt_page.language_untrusted(request.headers))
    return web.Response(
        text=page, content_type="text/html", headers={"Content-Security-Policy": receipt_page.CSP}
    )


@operations.add("GET", "/api/v1/usage-records", access=Access.PARTNER)
async def list_usage_records(request: web.Request, query: UsageQuery) -> UsageRecordPage:
    """List usage records, in the order of their making."""
    session_id = None if query.session_id is None else SessionId(query.session_id)
    page = await context_of(request).sessions.usage_records(
        partner_of(request), session_id, query.cursor, query.limit
    )
    return UsageRecordPage(items=[usage_record_out(one) for one in page.items], next_cursor=page.next_cursor)


@operations.add("GET", "/api/v1/usage-records/{record_id}", access=Access.PARTNER)
async def get_usage_record(request: web.Request, record_id: Id) -> UsageRecordOut:
    """Look at a usage record."""
    record = await context_of(request).sessions.usage_record(record_id, partner_of(request))
    return usage_record_out(record)
