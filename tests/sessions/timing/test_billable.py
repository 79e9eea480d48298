"""Billable time of logs of a few events, step by step."""

import pytest

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
from remote_assist.sessions.timing.billable import Measured, allowed_before, measure
from remote_assist.sessions.timing.sheet import Grant
from tests.sessions.timing.events import CUSTOMER, TECHNICIAN, at, sheet, terms

Seconds = tuple[float, float]


def both(*spans: Seconds) -> list[tuple[int, Event]]:
    return [(0, FlowObserved(role, at(a), at(b))) for a, b in spans for role in (CUSTOMER, TECHNICIAN)]


def measured(*log: tuple[int, Event], until: float = 1000, **overrides: object) -> Measured:
    return measure(sheet(terms(**overrides), (0, BillingStarted()), *log), at(until))


def test_time_counts_where_both_were_heard_from() -> None:
    """Only common time inside the window counts, and the numbers say what it is made of."""
    log = sheet(
        terms(),
        (10, BillingStarted()),
        (0, FlowObserved(CUSTOMER, at(0), at(500))),
        (0, FlowObserved(TECHNICIAN, at(5), at(600))),
        (0, Paused("p")),
        (20, Resumed("p")),
        (0, FaultRecorded(at(15), at(30), "move")),
        (400, SessionClosed("api")),
    )
    assert measure(log, at(1000)) == Measured(
        evidenced_ms=370_000,
        bridged_ms=0,
        paused_ms=10_000,
        fault_ms=10_000,
        served_ms=370_000,
        total_ms=370_000,
        billed_s=370,
        intervals=((at(30), at(400)),),
        window=(at(10), at(400)),
        cap_ms=1_000_000,
        is_executed=True,
    )


def test_nothing_counts_before_billing_starts() -> None:
    """Without admission there is no window, however much was heard."""
    log = sheet(terms(), *both((0, 500)))
    assert measure(log, at(1000)).window is None
    assert measure(log, at(1000)).total_ms == 0


@pytest.mark.parametrize(("early_ms", "window"), [(0, (at(0), at(9))), (2_000, (at(-2), at(9)))])
def test_the_window_opens_at_most_early_before_the_start(early_ms: int, window: Seconds) -> None:
    """An admission before the agreed start counts from as early as was agreed."""
    log = sheet(terms(early_ms=early_ms), (-5, BillingStarted()))
    assert measure(log, at(9)).window == window


def test_a_session_that_ends_as_it_starts_has_no_window() -> None:
    """An empty window is none."""
    assert measured(until=0).window is None
    assert measured(until=0.001).window == (at(0), at(0.001))


@pytest.mark.parametrize(("gap_s", "total_ms"), [(2.0, 200_000), (2.001, 197_999)])
def test_a_gap_is_bridged_up_to_its_limit(gap_s: float, total_ms: int) -> None:
    """A black-out of 2,000 ms is bridged, one of 2,001 ms is not."""
    assert measured(*both((0, 100), (100 + gap_s, 200))).total_ms == total_ms


def test_bridges_are_at_most_a_share_of_the_evidence() -> None:
    """Filled gaps count up to 5 % of what was evidenced, rounded down."""
    bill = measured(*both((0, 10.019), (11, 20)))
    assert (bill.evidenced_ms, bill.bridged_ms) == (19_019, 950)
    assert (bill.served_ms, bill.total_ms) == (20_000, 19_969)
    assert bill.intervals == ((at(0), at(20)),)


def test_a_bridge_never_spans_a_pause_or_a_fault() -> None:
    """What was paused or failed inside a filled gap stays out of it."""
    pause: list[tuple[int, Event]] = [(11, Paused("p")), (12, Resumed("p"))]
    bill = measured(*both((0, 10.5), (12.4, 100)), *pause)
    assert bill.intervals == ((at(0), at(11)), (at(12), at(100)))
    assert bill.bridged_ms == 900


@pytest.mark.parametrize(
    ("booked_s", "consents", "served_s"),
    [
        (500, [], 500),
        (500, [(400, "x", 100)], 600),
        (500, [(700, "x", 100)], 600),
        (500, [(950, "x", 100)], 550),
        (500, [(1000, "x", 100)], 500),
        (500, [(2000, "x", 100)], 500),
        (500, [(-9, "x", 100)], 600),
        (500, [(700, "x", 100), (850, "y", 100)], 700),
        (500, [(700, "x", 100), (700, "y", 150)], 750),
        (500, [(950, "x", 100), (960, "y", 100)], 550),
        (500, [(700, "x", -100)], 500),
        (2000, [], 1000),
    ],
)
def test_time_stands_still_at_what_was_booked_and_accepted(
    booked_s: int, consents: list[tuple[int, str, int]], served_s: int
) -> None:
    """Consent lets the time run on from there, for as long as was accepted, and never reaches back."""
    accepted = [(s, ExtensionAccepted(name, extra * 1000, 1)) for s, name, extra in consents]
    assert measured(*both((0, 1000)), *accepted, booked_ms=booked_s * 1000).served_ms == served_s * 1000


def test_the_cap_is_what_is_accepted_by_now() -> None:
    """The cap a live timer shows leaves out consent that is still to come."""
    accepted = [(s, ExtensionAccepted(str(s), 7_000, 1)) for s in (10, 20, 21)]
    assert measured(*accepted, until=20).cap_ms == 1_014_000


@pytest.mark.parametrize(
    ("heard_s", "free_ms", "billed_s"),
    [(200, 60_000, 140), (200.999, 60_000, 140), (119.999, 0, 0), (120, 0, 120), (150, 150_001, 0)],
)
def test_seconds_are_rounded_once_and_down(heard_s: float, free_ms: int, billed_s: int) -> None:
    """The free time is taken off the total, which is then rounded down; too little evidence bills none."""
    assert measured(*both((0, heard_s)), free_ms=free_ms).billed_s == billed_s


def test_consents_of_one_instant_open_together() -> None:
    """What is allowed before a consent leaves out every other consent of the same instant."""
    grants = [Grant("a", 1, 10, 0), Grant("b", 2, 20, 0), Grant("c", 2, 30, 0), Grant("d", 3, 40, 0)]
    assert [before_ms for _, before_ms in allowed_before(5, grants)] == [5, 15, 15, 65]
