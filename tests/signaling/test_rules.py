"""Who may send which event."""

import pytest

from remote_assist.errors import Conflict, Forbidden
from remote_assist.sessions.events import Role
from remote_assist.signaling.messages import FROM_PAGE
from remote_assist.signaling.rules import RULES, check, table

C, T = Role.CUSTOMER, Role.TECHNICIAN


def test_every_event_has_a_rule() -> None:
    """No event of the registry is forgotten, and no rule is for nothing."""
    assert set(RULES) == set(FROM_PAGE)


def test_only_the_technician_admits_and_closes() -> None:
    """These two are the technician's alone."""
    for event in FROM_PAGE:
        if event in {"session.admit", "session.close"}:
            with pytest.raises(Forbidden, match="technician_only"):
                check(event, C, is_joined=True, is_closed=False)
        else:
            check(event, C, is_joined=True, is_closed=False)
        check(event, T, is_joined=True, is_closed=False)


def test_the_lobby_may_look_and_join() -> None:
    """Without having joined one may see everything and change nothing."""
    allowed = {
        "session.sync",
        "session.join",
        "session.rate",
        "presence.report",
        "device.report",
        "clock.read",
        "token.renew",
    }
    for event in FROM_PAGE:
        if event in allowed:
            check(event, T, is_joined=False, is_closed=False)
        else:
            with pytest.raises(Conflict, match="not_joined"):
                check(event, T, is_joined=False, is_closed=False)


def test_after_the_close_one_may_read_and_close_again() -> None:
    """The result can be read, and closing twice is no error."""
    allowed = {
        "session.sync",
        "session.close",
        "session.rate",
        "presence.report",
        "clock.read",
        "token.renew",
    }
    for event in FROM_PAGE:
        if event in allowed:
            check(event, T, is_joined=True, is_closed=True)
        else:
            with pytest.raises(Conflict, match="session_closed"):
                check(event, T, is_joined=True, is_closed=True)


def test_the_table_can_be_printed() -> None:
    """One line for each event."""
    lines = table().splitlines()
    assert len(lines) == len(RULES)
    assert lines[0].split() == ["session.sync", "both", "lobby", "or", "joined", "also", "when", "closed"]
