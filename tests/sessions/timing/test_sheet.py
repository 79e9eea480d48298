"""The fold of a log: which of several events counts."""

import dataclasses

import pytest

from remote_assist.sessions.events import (
    BillingStarted,
    ExtensionAccepted,
    FaultRecorded,
    FlowObserved,
    ParticipantJoined,
    ParticipantLeft,
    Paused,
    PresenceObserved,
    Recorded,
    Resumed,
    SessionClosed,
    SessionOpened,
)
from remote_assist.sessions.timing.sheet import Grant, TimeSheet
from tests.sessions.timing.events import CUSTOMER, TECHNICIAN, at, sheet, terms


def test_the_earliest_start_and_close_count() -> None:
    """Of several starts or closes the earliest counts, in whatever order they come."""
    log = sheet(
        terms(),
        (5, BillingStarted()),
        (3, BillingStarted()),
        (9, SessionClosed("a")),
        (8, SessionClosed("b")),
    )
    assert log.billing_started_ms == at(3)
    assert log.closed_ms == at(8)
    assert log.end_ms(until_ms=at(100)) == at(8)


def test_an_open_session_ends_where_it_is_looked_at() -> None:
    """While nobody closed the session, it lasts to the instant of evaluation."""
    log = sheet(terms())
    assert (log.billing_started_ms, log.closed_ms, log.end_ms(at(7))) == (None, None, at(7))


@pytest.mark.parametrize(
    ("paused", "resumed", "expected"),
    [
        ([2], [5], (2, 5)),
        ([2, 4], [5, 7], (2, 7)),
        ([4, 2], [3], (2, 3)),
        ([2], [1], (2, 60)),
        ([2], [], (2, 60)),
        ([2], [1, 5], (2, 5)),
        ([2], [2], None),
        ([], [5], None),
    ],
)
def test_a_pause_lasts_from_its_first_start_to_its_last_end(
    paused: list[int], resumed: list[int], expected: tuple[int, int] | None
) -> None:
    """A pause lasts to the latest resume at or after its earliest start; without one, to the end."""
    starts = [(s, Paused("p")) for s in paused]
    log = sheet(terms(), *starts, *((s, Resumed("p")) for s in resumed))
    assert log.pauses(at(60)) == (((at(expected[0]), at(expected[1])),) if expected else ())


def test_pauses_of_different_ids_are_united() -> None:
    """The resume of one pause does not end another."""
    log = sheet(terms(), (1, Paused("p")), (2, Paused("q")), (3, Resumed("p")), (9, Resumed("q")))
    assert log.pauses(at(60)) == ((at(1), at(9)),)


@pytest.mark.parametrize("backwards", [False, True])
def test_one_extension_counts_for_each_id(backwards: bool) -> None:
    """The later event counts; of equal times the smaller amount, then the smaller price."""
    accepted = [
        (1, ExtensionAccepted("x", 9_000, 100)),
        (2, ExtensionAccepted("x", 5_000, 300)),
        (2, ExtensionAccepted("x", 5_000, 200)),
        (2, ExtensionAccepted("x", 6_000, 50)),
        (3, ExtensionAccepted("b", -1, 7)),
        (3, ExtensionAccepted("a", 1, 8)),
    ]
    log = sheet(terms(), *(accepted[::-1] if backwards else accepted))
    assert log.grants == (Grant("x", at(2), 5_000, 200), Grant("a", at(3), 1, 8), Grant("b", at(3), 0, 7))


def test_evidence_is_kept_by_role_and_kind() -> None:
    """Flow, presence and faults are united apart from one another."""
    log = sheet(
        terms(),
        (1, FlowObserved(CUSTOMER, 0, 10)),
        (1, FlowObserved(CUSTOMER, 10, 20)),
        (1, FlowObserved(TECHNICIAN, 1, 2)),
        (1, PresenceObserved(CUSTOMER, 3, 4)),
        (1, FaultRecorded(5, 6, "move")),
        (1, ParticipantJoined(CUSTOMER, "p", "c")),
        (1, ParticipantLeft(CUSTOMER, "p", "c")),
    )
    assert (log.flow(CUSTOMER), log.flow(TECHNICIAN)) == (((0, 20),), ((1, 2),))
    assert (log.presence(CUSTOMER), log.presence(TECHNICIAN), log.faults) == (((3, 4),), (), ((5, 6),))


def test_the_latest_instant_is_an_event_or_the_end_of_an_interval() -> None:
    """Ends of intervals reach beyond ``at``; empty or reversed intervals reach nowhere."""
    log = sheet(terms(), (4, SessionClosed("api")), (2, BillingStarted()))
    assert log.latest_ms == at(4)
    log.add(Recorded(3, at(1), FlowObserved(CUSTOMER, at(9), at(8))))
    log.add(Recorded(4, at(1), FaultRecorded(at(9), at(9), "move")))
    assert log.latest_ms == at(4)
    log.add(Recorded(5, at(1), PresenceObserved(CUSTOMER, at(2), at(5))))
    assert log.latest_ms == at(5)


def test_the_earliest_terms_count() -> None:
    """Of several openings the earliest counts, and of equal times the same one in any order."""
    small, large = terms(booked_ms=1), terms(booked_ms=2)
    late, early = Recorded(1, 9, SessionOpened(small)), Recorded(2, 8, SessionOpened(large))
    twin = Recorded(3, 8, SessionOpened(dataclasses.replace(large, free_ms=7)))
    for log in ([late, early], [early, late]):
        assert TimeSheet.from_log(log).terms == large
    assert TimeSheet.from_log([twin, early]).terms == TimeSheet.from_log([early, twin]).terms


def test_an_empty_sheet_knows_nothing() -> None:
    """Without an opening there are no terms, and without any event no latest instant."""
    empty = TimeSheet()
    assert not empty.has_terms
    with pytest.raises(AssertionError):
        _ = empty.terms
    with pytest.raises(AssertionError):
        _ = empty.latest_ms
    assert sheet(terms()).has_terms
