"""Why each stretch of a session counts or not. The partition itself is a property in test_invariants.py."""

from remote_assist.sessions.events import (
    BillingStarted,
    Event,
    ExtensionAccepted,
    FaultRecorded,
    FlowObserved,
    Paused,
    Resumed,
    SessionClosed,
)
from remote_assist.sessions.timing.explain import Lanes, Reason, explain, lanes
from tests.sessions.timing.events import CUSTOMER, START_MS, TECHNICIAN, at, sheet, terms

STARTED: tuple[int, Event] = (0, BillingStarted())


def flow(role: str, *spans: tuple[float, float]) -> list[tuple[int, Event]]:
    side = CUSTOMER if role == "c" else TECHNICIAN
    return [(0, FlowObserved(side, at(a), at(b))) for a, b in spans]


def told(*log: tuple[int, Event], until: float = 100, **overrides: object) -> list[tuple[float, float, str]]:
    segments = explain(sheet(terms(**overrides), *log), at(until))
    return [((s.from_ms - START_MS) / 1000, (s.to_ms - START_MS) / 1000, s.reason.value) for s in segments]


def test_each_silence_names_who_was_silent() -> None:
    """Before the start, both heard, one silent, both silent."""
    assert told(STARTED, *flow("c", (-5, 40)), *flow("t", (0, 50), (60, 70))) == [
        (-5, 0, "before_start"),
        (0, 40, "counted"),
        (40, 50, "customer_silent"),
        (50, 60, "both_silent"),
        (60, 70, "customer_silent"),
        (70, 100, "both_silent"),
    ]
    assert told(STARTED, *flow("c", (0, 30)), until=30) == [(0, 30, "technician_silent")]


def test_a_pause_outranks_a_fault() -> None:
    """What was paused and failed at once is called a pause."""
    log: list[tuple[int, Event]] = [
        (10, Paused("p")),
        (20, Resumed("p")),
        (0, FaultRecorded(at(15), at(30), "move")),
    ]
    assert told(STARTED, *log, *flow("c", (0, 100)), *flow("t", (0, 100))) == [
        (0, 10, "counted"),
        (10, 20, "paused"),
        (20, 30, "fault"),
        (30, 100, "counted"),
    ]


def test_the_first_bridges_are_the_allowed_ones() -> None:
    """Of three gaps of 1.5 s in 60 s the share of 5 % allows two, in order."""
    spans = [(0, 20), (21.5, 41.5), (43, 63), (64.5, 64.6)]
    log = [*flow("c", *spans), *flow("t", *spans)]
    assert told(STARTED, *log, until=64.6) == [
        (0, 20, "counted"),
        (20, 21.5, "bridged"),
        (21.5, 41.5, "counted"),
        (41.5, 43, "bridged"),
        (43, 63, "counted"),
        (63, 63.005, "bridged"),
        (63.005, 64.5, "bridge_not_allowed"),
        (64.5, 64.6, "counted"),
    ]


def test_time_beyond_the_booking_waits_for_consent() -> None:
    """After the booked time nothing counts until the customer accepts more."""
    log = [*flow("c", (0, 100)), *flow("t", (0, 100)), (70, ExtensionAccepted("x", 10_000, 1))]
    assert told(STARTED, *log, booked_ms=50_000) == [
        (0, 50, "counted"),
        (50, 70, "beyond_booked"),
        (70, 80, "counted"),
        (80, 100, "beyond_booked"),
    ]


def test_a_session_without_a_start_is_all_before_it() -> None:
    """Without admission everything that was heard is before the start; without anything there is nothing."""
    assert told(*flow("c", (10, 20)), (30, SessionClosed("api"))) == [(10, 30, "before_start")]
    assert told() == []
    assert told(STARTED, until=-1) == []
    assert told((-9, BillingStarted()), until=1) == [(-9, 0, "before_start"), (0, 1, "both_silent")]


def test_the_lanes_are_the_evidence() -> None:
    """Each lane is all that was heard from one side."""
    log = sheet(terms(), *flow("c", (0, 1), (1, 2)), *flow("t", (5, 6)))
    assert lanes(log) == Lanes(customer=((at(0), at(2)),), technician=((at(5), at(6)),))


def test_the_reasons_are_those_of_the_protocol() -> None:
    """The page knows every reason, and no other."""
    from typing import get_args

    from remote_assist.signaling.messages import Segment

    assert {reason.value for reason in Reason} == set(get_args(Segment.model_fields["reason"].annotation))
