"""api/routes_files.py: files go in and come out with headers that let nothing run."""

from typing import Any

import pytest

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.sniffing import FILE_BYTES_MAX
from tests.api.conftest import OTHER_KEY, Api, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = b"<!doctype html><script>alert(1)</script>"


async def joined(api: Api) -> tuple[Any, str]:
    """Return a session and the token of its customer, who takes part."""
    opened = await api.open()
    sessions, person = api.server.sessions, opened["customer"]["participant_id"]
    await sessions.join(SessionId(opened["id"]), Role.CUSTOMER, person, "connection")
    reply = await api.ask("POST", "/api/v1/join", {"secret": opened["customer_url"].split("#")[1]}, key=None)
    return opened, reply.json["token"]


async def keep(api: Api, session_id: str, key: str, content: bytes, name: str = "x.html") -> Reply:
    """Send a file."""
    path = f"/api/v1/sessions/{session_id}/files?name={name}"
    return await api.ask("POST", path, content, key=key, Content_Type="text/html")


async def test_a_page_comes_back_as_text_to_be_saved(api: Api) -> None:
    """Whatever was claimed, a browser neither shows nor runs it."""
    opened, token = await joined(api)
    kept = await keep(api, opened["id"], token, PAGE)
    assert kept.status == 201
    assert {**kept.json, "id": ""} == {
        "id": "",
        "name": "x.txt",
        "media_type": "text/plain",
        "size": len(PAGE),
    }
    path = f"/api/v1/sessions/{opened['id']}/files/{kept.json['id']}"
    got = await api.ask("GET", path, key=token)
    assert (got.status, got.text.encode()) == (200, PAGE)
    assert got.headers["Content-Type"] == "text/plain"
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''x.txt"
    assert got.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "no-store"
    assert (await api.ask("GET", path)).status == 200, "the session's partner may read it"
    assert (await api.ask("GET", path, key=OTHER_KEY)).code == "session_not_found"


async def test_only_participants_of_the_session_send_files(api: Api) -> None:
    """Neither a partner, nor a guest of another session."""
    opened, token = await joined(api)
    other = await api.open()
    assert (await keep(api, other["id"], token, PAGE)).code == "session_not_found"
    assert (await api.ask("POST", f"/api/v1/sessions/{opened['id']}/files", PAGE)).code == "participants_only"


async def test_a_flood_is_cut_off(api: Api) -> None:
    """A body beyond the limit is not read to its end, and the server goes on."""
    opened, token = await joined(api)
    reply = await keep(api, opened["id"], token, b"x" * (FILE_BYTES_MAX + 1))
    assert (reply.status, reply.code) == (413, "file_too_large")
    refused = await keep(api, opened["id"], token, b"PK\3\4\0")
    assert (refused.status, refused.code) == (422, "file_type_refused")
    assert (await keep(api, opened["id"], token, PAGE)).status == 201
