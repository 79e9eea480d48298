"""What people do in a session."""

import asyncio
from typing import Any

import pytest

from remote_assist.errors import Conflict, NotFound
from remote_assist.ids import SessionId
from remote_assist.sessions.events import ParticipantJoined, ParticipantLeft, Role
from remote_assist.sessions.state import Stage
from tests.kit.office import NODE, Office


async def test_a_session_goes_from_open_over_live_to_closed(desk: Office) -> None:
    """Joining, admitting and closing each raise the version and wake the room."""
    opened = await desk.open()
    session_id = await desk.go_live(opened)
    live = await desk.sessions.view(session_id)
    assert (live.state, live.version, live.customer_connection) == (Stage.LIVE, 4, "c1")
    closed = await desk.sessions.close(session_id, "technician_ended", desk.partner_id)
    assert (closed.state, closed.version, closed.close_reason) == (Stage.CLOSED, 5, "technician_ended")
    assert desk.woken == [(session_id, version) for version in range(1, 6)]


async def test_a_repeated_command_changes_nothing(desk: Office) -> None:
    """Admitting, pausing and closing twice leave one event each and wake nobody again."""
    session_id = await desk.go_live(await desk.open())
    assert await desk.sessions.admit(session_id) == 4
    assert await desk.sessions.pause(session_id, "p1") == 5
    assert await desk.sessions.pause(session_id, "p1") == 5
    assert await desk.sessions.resume(session_id, "p1") == 6
    await desk.sessions.close(session_id, "api")
    before = list(desk.woken)
    again = await desk.sessions.close(session_id, "technician_ended")
    assert (again.version, again.close_reason) == (7, "api")
    assert desk.woken == before


async def test_the_log_shows_who_took_over(desk: Office) -> None:
    """A second tab puts the first one out; the first one's end is no longer news."""
    opened = await desk.open()
    session_id, ada = opened.view.id, opened.view.customer.participant_id
    await desk.sessions.join(session_id, Role.CUSTOMER, ada, "c1")
    await desk.sessions.join(session_id, Role.CUSTOMER, ada, "c2")
    assert await desk.sessions.leave(session_id, Role.CUSTOMER, ada, "c1") == 4
    events = [recorded.event for recorded in await desk.sessions.log(session_id, 1)]
    assert events == [
        ParticipantJoined(Role.CUSTOMER, ada, "c1"),
        ParticipantLeft(Role.CUSTOMER, ada, "c1"),
        ParticipantJoined(Role.CUSTOMER, ada, "c2"),
    ]


async def test_commands_at_the_same_time_are_numbered_without_gaps(desk: Office) -> None:
    """Twenty commands and twenty checkpoints at once lose nothing and collide nowhere."""
    session_id = await desk.go_live(await desk.open())
    faults = [desk.sessions.record_fault(session_id, n, n + 1, "test") for n in range(20)]
    checkpoints = [desk.talk(session_id, 1) for _ in range(20)]
    await asyncio.gather(*faults, *checkpoints)
    log = await desk.sessions.full_log(session_id)
    assert [recorded.seq for recorded in log] == list(range(1, 65))
    assert (await desk.sessions.view(session_id)).version == 24


@pytest.mark.parametrize("name", ["admit", "close", "chat", "take_home", "receipt"])
async def test_an_unknown_session_is_not_found(desk: Office, name: str) -> None:
    """Every use case says so in the same way."""
    nothing = SessionId("nonsense")
    service = desk.sessions
    calls: dict[str, Any] = {
        "admit": lambda: service.admit(nothing),
        "close": lambda: service.close(nothing, "api"),
        "chat": lambda: service.post_chat(nothing, Role.CUSTOMER, "1", "x"),
        "take_home": lambda: service.take_home(nothing, NODE),
        "receipt": lambda: service.receipt(nothing),
    }
    with pytest.raises(NotFound, match="session_not_found"):
        await calls[name]()


async def test_a_chat_line_is_kept_once(desk: Office) -> None:
    """The same client id returns the first line; each role has its own ids."""
    session_id = (await desk.open()).view.id
    first = await desk.sessions.post_chat(session_id, Role.CUSTOMER, "x", "hello")
    assert await desk.sessions.post_chat(session_id, Role.CUSTOMER, "x", "changed") == first
    second = await desk.sessions.post_chat(session_id, Role.TECHNICIAN, "x", "good evening")
    assert (first.n, second.n) == (1, 2)
    assert await desk.sessions.chat(session_id) == [first, second]


async def test_nothing_is_said_after_the_close_but_what_was_said_stays(desk: Office) -> None:
    """A late line is refused, a repeated one is answered."""
    session_id = (await desk.open()).view.id
    line = await desk.sessions.post_chat(session_id, Role.CUSTOMER, "x", "hello")
    await desk.sessions.close(session_id, "api")
    assert await desk.sessions.post_chat(session_id, Role.CUSTOMER, "x", "hello") == line
    with pytest.raises(Conflict, match="session_closed"):
        await desk.sessions.post_chat(session_id, Role.CUSTOMER, "y", "late")


async def test_a_chat_has_an_end(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the database by talking."""
    monkeypatch.setattr("remote_assist.sessions.attendance.CHAT_LINES_MAX", 2)
    session_id = (await desk.open()).view.id
    for n in range(2):
        await desk.sessions.post_chat(session_id, Role.CUSTOMER, str(n), "hello")
    with pytest.raises(Conflict, match="chat_full"):
        await desk.sessions.post_chat(session_id, Role.CUSTOMER, "2", "hello")
