"""Evidence on its way to the database."""

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Evidence, FlowObserved, PresenceObserved, Role
from remote_assist.signaling import spool
from remote_assist.signaling.spool import PIECES_MAX, Spool

A, B = SessionId("a"), SessionId("b")
C, T = Role.CUSTOMER, Role.TECHNICIAN


def test_touching_pieces_become_one() -> None:
    """An outage of the database leaves one row per flow, not one per second."""
    made = Spool()
    made.add((A, FlowObserved(C, n * 1000, (n + 1) * 1000)) for n in range(3600))
    assert made.batch() == [(A, FlowObserved(C, 0, 3_600_000))]


def test_gaps_roles_kinds_and_sessions_stay_apart() -> None:
    """Only pieces of the same flow are merged, and never over a gap."""
    pieces: list[tuple[SessionId, Evidence]] = [
        (A, FlowObserved(C, 0, 10)),
        (A, FlowObserved(C, 11, 20)),
        (A, FlowObserved(T, 20, 30)),
        (A, PresenceObserved(C, 20, 30)),
        (B, FlowObserved(C, 20, 30)),
    ]
    made = Spool()
    made.add(pieces)
    assert sorted(map(repr, made.batch())) == sorted(map(repr, pieces))
    assert len(made) == 5


def test_a_piece_inside_another_adds_nothing() -> None:
    """Merging never shortens what waits."""
    made = Spool()
    made.add([(A, FlowObserved(C, 0, 10)), (A, FlowObserved(C, 2, 5))])
    assert made.batch() == [(A, FlowObserved(C, 0, 10))]


def test_what_is_written_is_forgotten() -> None:
    """After a transaction nothing waits."""
    made = Spool()
    made.add([(A, FlowObserved(C, 0, 10))])
    made.clear()
    assert (len(made), made.batch(), made.dropped) == (0, [], 0)


def test_the_spool_is_bounded() -> None:
    """Beyond its bound the oldest pieces are dropped and counted."""
    made = Spool()
    made.add([(B, FlowObserved(C, 0, 1))])
    made.add((A, FlowObserved(C, n * 10, n * 10 + 1)) for n in range(PIECES_MAX + 1))
    assert len(made) == spool.PIECES_MAX
    assert made.dropped == 2
    assert (B, FlowObserved(C, 0, 1)) not in made.batch()
    assert made.batch()[0] == (A, FlowObserved(C, 10, 11))
