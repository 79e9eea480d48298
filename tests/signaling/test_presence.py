"""Who is connected, who takes part, and when somebody was there."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import Conflict
from remote_assist.ids import ConnectionId, ParticipantId
from remote_assist.sessions.events import PresenceObserved, Role
from remote_assist.signaling.messages import DeviceReport
from remote_assist.signaling.presence import CONNECTIONS_MAX, PIECE_MS, Connection, Presence

C, T = Role.CUSTOMER, Role.TECHNICIAN


def connection(name: str, role: Role = C, expires_at_ms: int = 10**9) -> Connection:
    return Connection(ConnectionId(name), role, ParticipantId("p"), expires_at_ms)


def presence(*names: str, role: Role = C) -> Presence:
    made = Presence()
    for name in names:
        made.connect(connection(name, role))
    return made


def report(made: Presence, name: str, at_ms: int, *, is_visible: bool = True) -> None:
    made.report(ConnectionId(name), is_visible=is_visible, now_ms=at_ms)


def test_a_connection_begins_in_the_lobby() -> None:
    """It is connected, and neither joined nor visible."""
    made = presence("1")
    assert made.is_connected(C)
    assert not made.is_connected(T)
    assert not made.is_visible(C)
    assert made.joined(C) is None
    assert len(made) == len(made.all()) == 1


def test_the_newest_join_wins() -> None:
    """The connection before it is replaced, and may not speak any more."""
    made = presence("1", "2")
    assert made.join(ConnectionId("1"), 0) is None
    assert made.join(ConnectionId("1"), 0) is None
    replaced = made.join(ConnectionId("2"), 0)
    assert replaced is made.find(ConnectionId("1"))
    assert made.joined(C) is made.find(ConnectionId("2"))
    with pytest.raises(Conflict, match="replaced"):
        made.check(ConnectionId("1"))
    assert made.check(ConnectionId("2")) is made.joined(C)


def test_roles_do_not_replace_each_other() -> None:
    """A customer and a technician are joined side by side."""
    made = presence("1")
    made.connect(connection("2", T))
    made.join(ConnectionId("1"), 0)
    assert made.join(ConnectionId("2"), 0) is None
    assert made.joined(C) is not None


def test_an_unknown_connection_may_not_speak() -> None:
    """After its end a connection is refused."""
    made = presence("1")
    gone = made.disconnect(ConnectionId("1"), 0)
    assert gone is not None
    assert made.disconnect(ConnectionId("1"), 0) is None
    with pytest.raises(Conflict, match="not_connected"):
        made.check(ConnectionId("1"))


def test_leaving_goes_back_to_the_lobby() -> None:
    """The connection stays, without role and without media."""
    made = presence("1")
    made.join(ConnectionId("1"), 0)
    one = made.check(ConnectionId("1"))
    one.microphone, one.screen_stream_id = True, "s"
    made.leave(ConnectionId("1"))
    assert one == connection("1")
    assert made.is_connected(C)


def test_the_device_is_that_of_the_joined_page() -> None:
    """Before, it is the newest that any page of the role told of."""
    made = presence("1", "2", "3")
    assert made.device(C) is None
    phone = DeviceReport(kind="phone", system="iOS 19", browser="Safari 19", network="unknown")
    laptop = DeviceReport(kind="computer", system="Linux", browser="Firefox 153", network="wired")
    made.check(ConnectionId("1")).device = phone
    made.check(ConnectionId("2")).device = laptop
    assert made.device(C) == laptop
    assert made.device(T) is None
    made.join(ConnectionId("1"), 0)
    assert made.device(C) == phone


def test_connections_of_a_role_are_bounded() -> None:
    """One too many pushes out the oldest that is not joined."""
    made = presence(*(str(n) for n in range(CONNECTIONS_MAX)))
    made.join(ConnectionId("0"), 0)
    displaced = made.connect(connection("new"))
    assert displaced is made.find(ConnectionId("1"))
    assert made.connect(connection("other", T)) is None


def test_tokens_expire_unless_renewed() -> None:
    """A connection lives as long as its newest token."""
    made = Presence()
    made.connect(connection("1", expires_at_ms=100))
    assert made.expired(99) == []
    assert made.expired(100) == made.all()
    made.renew(ConnectionId("1"), 200)
    assert made.expired(100) == []


def test_presence_is_written_in_pieces() -> None:
    """A visible stretch is cut about every PIECE_MS, and its pieces touch."""
    made = presence("1")
    report(made, "1", 1_000)
    assert made.take_evidence(1_000 + PIECE_MS - 1) == []
    assert made.take_evidence(1_000 + PIECE_MS) == [PresenceObserved(C, 1_000, 1_000 + PIECE_MS)]
    report(made, "1", 7_000, is_visible=False)
    assert made.take_evidence(7_500) == [PresenceObserved(C, 1_000 + PIECE_MS, 7_000)]
    assert made.take_evidence(99_000, is_final=True) == []


def test_the_rest_is_written_at_the_end() -> None:
    """The last, unfinished piece is not lost."""
    made = presence("1")
    report(made, "1", 0)
    assert made.take_evidence(10, is_final=True) == [PresenceObserved(C, 0, 10)]
    assert made.take_evidence(10, is_final=True) == []


def test_several_pages_of_a_role_are_one_presence() -> None:
    """Somebody is there as long as any of their pages is visible."""
    made = presence("1", "2")
    report(made, "1", 0)
    report(made, "2", 50)
    made.disconnect(ConnectionId("1"), 100)
    assert made.take_evidence(150, is_final=True) == [PresenceObserved(C, 0, 150)]
    made.disconnect(ConnectionId("2"), 200)
    assert made.take_evidence(300, is_final=True) == [PresenceObserved(C, 150, 200)]


def test_a_replaced_page_is_not_present() -> None:
    """What an old tab shows is nobody's presence."""
    made = presence("1", "2")
    made.join(ConnectionId("1"), 0)
    report(made, "1", 0)
    made.join(ConnectionId("2"), 40)
    assert made.take_evidence(100, is_final=True) == [PresenceObserved(C, 0, 40)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["show", "hide", "go", "take"]), st.integers(0, 9_000)
        ),
        max_size=40,
    )
)
def test_pieces_are_exactly_the_visible_time(happened: list[tuple[str, str, int]]) -> None:
    """However pages come and go, the pieces add up to the time in which one was visible, without overlap."""
    made = presence("a", "b", "c")
    visible: set[str] = set()
    now_ms, expected_ms = 0, 0
    pieces: list[PresenceObserved] = []
    for name, what, later_ms in happened:
        expected_ms += later_ms if visible else 0
        now_ms += later_ms
        if what == "take":
            pieces += made.take_evidence(now_ms)
        elif made.find(ConnectionId(name)) is None:
            continue
        elif what == "go":
            made.disconnect(ConnectionId(name), now_ms)
            visible.discard(name)
        else:
            report(made, name, now_ms, is_visible=what == "show")
            (visible.add if what == "show" else visible.discard)(name)
    pieces += made.take_evidence(now_ms, is_final=True)
    assert sum(piece.to_ms - piece.from_ms for piece in pieces) == expected_ms
    assert all(before.to_ms <= after.from_ms for before, after in itertools.pairwise(pieces))
