"""Sessions: open, look, read the log, close."""

import json
from typing import Any, Final

from aiohttp import web

from remote_assist.api.access import partner_of
from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.schemas import (
    EventPage,
    Id,
    LogQuery,
    Nothing,
    OpenedSessionOut,
    OpenSessionIn,
    PageQuery,
    RatingPage,
    SessionOut,
    SessionPage,
)
from remote_assist.api.views import (
    open_session_from,
    opened_session_out,
    rating_out,
    record_out,
    session_out,
)
from remote_assist.ids import SessionId
from remote_assist.sessions.events import Recorded, Role

NDJSON: Final = "application/x-ndjson"
CLOSED_BY_API: Final = "api"
_CHUNK: Final = 1_000
operations = Operations("sessions")


@operations.add("POST", "/api/v1/sessions", status=201, access=Access.PARTNER)
async def open_session(request: web.Request, body: OpenSessionIn) -> web.Response | OpenedSessionOut:
    """Open a session and get its two links.

    The links hold their secrets behind the `#`; they are shown this once and work until 15 minutes after the
    session was closed, on any device.
    """
    context = context_of(request)
    opened = await context.sessions.open_session(partner_of(request), open_session_from(body))
    out = opened_session_out(opened, context.public_url())
    return web.Response(
        status=201,
        body=out.model_dump_json().encode(),
        content_type="application/json",
        headers={"Location": f"/api/v1/sessions/{out.id}"},
    )


@operations.add("GET", "/api/v1/sessions", access=Access.PARTNER)
async def list_sessions(request: web.Request, query: PageQuery) -> SessionPage:
    """List sessions, newest first."""
    page = await context_of(request).sessions.list_sessions(partner_of(request), query.cursor, query.limit)
    return SessionPage(items=[session_out(view) for view in page.items], next_cursor=page.next_cursor)


@operations.add("GET", "/api/v1/sessions/{session_id}", access=Access.PARTNER)
async def get_session(request: web.Request, session_id: Id) -> SessionOut:
    """Look at a session."""
    view = await context_of(request).sessions.view(SessionId(session_id), partner_of(request))
    return session_out(view)


@operations.add("POST", "/api/v1/sessions/{session_id}/close", access=Access.PARTNER)
async def close_session(request: web.Request, session_id: Id, body: Nothing | None) -> SessionOut:
    """Close a session. Closing a closed one changes nothing and is answered alike."""
    del body
    sessions = context_of(request).sessions
    view = await sessions.close(SessionId(session_id), CLOSED_BY_API, partner_of(request))
    return session_out(view)


@operations.add("GET", "/api/v1/sessions/{session_id}/ratings", access=Access.PARTNER)
async def list_ratings(request: web.Request, session_id: Id) -> RatingPage:
    """Read what the two sides said of a session: solved or not, stars, a comment."""
    found = await context_of(request).sessions.ratings(SessionId(session_id), partner_of(request))
    return RatingPage(items=[rating_out(found[role]) for role in Role if role in found], next_cursor=None)


@operations.add(
    "GET",
    "/api/v1/sessions/{session_id}/events",
    access=Access.PARTNER,
    media={
        NDJSON: {"type": "string", "description": "One event a line, as `remote-assist replay` reads it."}
    },
)
async def list_events(
    request: web.Request, session_id: Id, query: LogQuery
) -> EventPage | web.StreamResponse:
    """Read the log.

    JSON comes in pages. With `Accept: application/x-ndjson` one event a line comes, and the whole log
    unless a `limit` is given.
    """
    sessions = context_of(request).sessions
    view = await sessions.view(SessionId(session_id), partner_of(request))
    after = int(query.cursor or 0)
    if NDJSON in request.headers.get("Accept", ""):
        is_whole = "limit" not in query.model_fields_set
        return await _stream_log(request, view.id, after, None if is_whole else query.limit)
    found = await sessions.log(view.id, after, query.limit + 1)
    shown = found[: query.limit]
    return EventPage(
        items=[record_out(one) for one in shown],
        next_cursor=str(shown[-1].seq) if len(found) > query.limit else None,
    )


async def _stream_log(
    request: web.Request, session_id: SessionId, after: int, limit: int | None
) -> web.StreamResponse:
    """Write the log a thousand events at a time, so that a long one never stands in memory."""
    sessions = context_of(request).sessions
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    await response.prepare(request)
    left = limit
    while left is None or left > 0:
        wanted = _CHUNK if left is None else min(left, _CHUNK)
        found = await sessions.log(session_id, after, wanted)
        await response.write(b"".join(_line(one) for one in found))
        if len(found) < wanted:
            break
        after = found[-1].seq
        left = None if left is None else left - len(found)
    await response.write_eof()
    return response


def _line(recorded: Recorded) -> bytes:
    record: dict[str, Any] = record_out(recorded)
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
