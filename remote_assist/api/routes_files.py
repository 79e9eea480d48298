"""Files in the chat: taken from and given to participants of the session, never executed by anybody."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field

from remote_assist.api.access import ASKER, partner_for
from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.problems import ApiProblem
from remote_assist.api.schemas import Id, Query
from remote_assist.errors import Forbidden
from remote_assist.ids import SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.sniffing import FILE_BYTES_MAX

operations = Operations("files")
CSP: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Should a browser ever show the bytes as a page, it may do nothing."""
_BYTES: Final = {"application/octet-stream": {"type": "string", "format": "binary"}}


class FileQuery(Query):
    """How the file is called where it comes from."""

    name: Annotated[str, Field(max_length=1_000)] = "file"


class FileOut(BaseModel):
    """A file as it was kept. Name and type are ours: by content, whatever was claimed."""

    id: str
    name: str
    media_type: str
    size: int


@operations.add(
    "POST",
    "/api/v1/sessions/{session_id}/files",
    status=201,
    access=Access.PARTICIPANT,
    refusals=(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    takes=_BYTES,
)
async def keep_file(request: web.Request, session_id: Id, query: FileQuery) -> FileOut:
    """Keep a file, to be posted to the chat.

    The body is the file itself: a picture (PNG, JPEG, GIF, WebP), a PDF or plain text, of at most 10 MiB.
    Only participants who have joined may, with their join token; the answer's `id` goes into `chat.post`.
    """
    partner_for(request, SessionId(session_id))
    role = request[ASKER].role
    if role is None:
        raise Forbidden("participants_only", "Only a participant may do this, with a join token.")
    content = await _read_untrusted(request)
    file = await context_of(request).files.keep(SessionId(session_id), Role(role), query.name, content)
    return FileOut(id=file.id, name=file.name, media_type=file.media_type, size=file.size)


@operations.add(
    "GET", "/api/v1/sessions/{session_id}/files/{file_id}", access=Access.PARTICIPANT, media=_BYTES
)
async def get_file(request: web.Request, session_id: Id, file_id: Id) -> web.Response:
    """Get a file of the chat, to be saved: until 15 minutes after the session was closed."""
    partner_id = partner_for(request, SessionId(session_id))
    await context_of(request).sessions.view(SessionId(session_id), partner_id)
    file, content = await context_of(request).files.content(SessionId(session_id), file_id)
    headers = {
        "Content-Type": file.media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": CSP,
    }
    return web.Response(body=content, headers=headers)


async def _read_untrusted(request: web.Request) -> bytes:
    """Return the body, and stop reading as soon as it is too long."""
    content = bytearray()
    async for piece in request.content.iter_chunked(65_536):
        content += piece
        if len(content) > FILE_BYTES_MAX:
            detail = f"A file has at most {FILE_BYTES_MAX >> 20} MiB."
            raise ApiProblem(413, "file_too_large", detail, headers={"Connection": "close"})
    return bytes(content)
