"""Files that participants show each other."""

import pytest

from remote_assist.errors import Conflict, Invalid, NotFound
from remote_assist.ids import SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.opening import LINK_LIFE_AFTER_CLOSE_MS
from tests.kit.office import Office

TEXT = b"DSL is down"


async def test_a_file_is_kept_posted_and_fetched(desk: Office) -> None:
    """What came in comes out, and the chat line says what it is."""
    session_id = await desk.go_live(await desk.open())
    file = await desk.files.keep(session_id, Role.CUSTOMER, "../log.html", TEXT)
    assert (file.name, file.media_type, file.size) == ("log.txt", "text/plain", len(TEXT))
    line = await desk.sessions.post_chat(session_id, Role.CUSTOMER, "x", "log", file.id)
    assert line.file == file
    assert await desk.sessions.post_chat(session_id, Role.CUSTOMER, "x", "log", file.id) == line
    assert await desk.sessions.chat(session_id) == [line]
    assert await desk.files.content(session_id, file.id) == (file, TEXT)


async def test_a_file_belongs_to_its_session_and_its_side(desk: Office) -> None:
    """Nobody shows or reads what is not theirs."""
    session_id, other = await desk.go_live(await desk.open()), await desk.go_live(await desk.open())
    file = await desk.files.keep(session_id, Role.CUSTOMER, "a", TEXT)
    with pytest.raises(NotFound, match="file_not_found"):
        await desk.sessions.post_chat(session_id, Role.TECHNICIAN, "x", "log", file.id)
    with pytest.raises(NotFound, match="file_not_found"):
        await desk.sessions.post_chat(other, Role.CUSTOMER, "x", "log", file.id)
    with pytest.raises(NotFound, match="file_not_found"):
        await desk.files.content(other, file.id)


async def test_files_are_taken_during_the_session_and_given_while_links_work(desk: Office) -> None:
    """Not from the lobby, not after the end, and not for ever."""
    opened = await desk.open()
    with pytest.raises(Conflict, match="not_joined"):
        await desk.files.keep(opened.view.id, Role.CUSTOMER, "a", TEXT)
    session_id = await desk.go_live(opened)
    file = await desk.files.keep(session_id, Role.CUSTOMER, "a", TEXT)
    await desk.sessions.close(session_id, "api")
    with pytest.raises(Conflict, match="session_closed"):
        await desk.files.keep(session_id, Role.CUSTOMER, "a", TEXT)
    assert (await desk.files.content(session_id, file.id))[1] == TEXT
    desk.clock.advance(ms=LINK_LIFE_AFTER_CLOSE_MS)
    with pytest.raises(NotFound, match="file_not_found"):
        await desk.files.content(session_id, file.id)


async def test_files_are_bounded(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number, by size together and by kind; what is refused leaves nothing behind."""
    session_id = await desk.go_live(await desk.open())
    with pytest.raises(Invalid, match="file_type_refused"):
        await desk.files.keep(session_id, Role.CUSTOMER, "a.png", b"MZ\x90\0")
    monkeypatch.setattr("remote_assist.sessions.files.SESSION_BYTES_MAX", 2 * len(TEXT) - 1)
    file = await desk.files.keep(session_id, Role.CUSTOMER, "a", TEXT)
    with pytest.raises(Conflict, match="files_full"):
        await desk.files.keep(session_id, Role.CUSTOMER, "b", TEXT)
    await desk.blobs.delete(file.id)
    await desk.blobs.delete(file.id)
    with pytest.raises(NotFound, match="file_not_found"):
        await desk.files.content(session_id, file.id)


async def test_a_file_of_no_session_is_refused(desk: Office) -> None:
    """As everywhere."""
    with pytest.raises(NotFound, match="session_not_found"):
        await desk.files.keep(SessionId("nonsense"), Role.CUSTOMER, "a", TEXT)
