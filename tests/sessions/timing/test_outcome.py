"""How a session ended, from presence and evidence."""

import pytest

from remote_assist.sessions.events import BillingStarted, Event, FlowObserved, PresenceObserved, SessionClosed
from remote_assist.sessions.timing.billable import measure
from remote_assist.sessions.timing.outcome import Outcome, outcome
from tests.sessions.timing.events import CUSTOMER, TECHNICIAN, at, sheet, terms

CLOSED: tuple[int, Event] = (600, SessionClosed("api"))
TECHNICIAN_WAITED: tuple[int, Event] = (0, PresenceObserved(TECHNICIAN, at(0), at(480)))
CUSTOMER_WAITED: tuple[int, Event] = (0, PresenceObserved(CUSTOMER, at(120), at(600)))


def ended(*log: tuple[int, Event], until: float = 0) -> Outcome:
    folded = sheet(terms(), *log)
    return outcome(folded, measure(folded, at(until)), at(until))


def test_enough_evidence_completes_a_session_even_while_open() -> None:
    """A session with its least evidence is completed, closed or not."""
    flows: list[tuple[int, Event]] = [
        (0, FlowObserved(role, at(0), at(120))) for role in (CUSTOMER, TECHNICIAN)
    ]
    assert ended((0, BillingStarted()), *flows, until=120) == Outcome.COMPLETED
    assert ended((0, BillingStarted()), *flows, until=119.999) == Outcome.PENDING


@pytest.mark.parametrize(
    ("log", "until", "expected"),
    [
        ([TECHNICIAN_WAITED], 599.999, Outcome.PENDING),
        ([TECHNICIAN_WAITED], 600, Outcome.CUSTOMER_NO_SHOW),
        ([TECHNICIAN_WAITED, CLOSED], 0, Outcome.CUSTOMER_NO_SHOW),
        ([CUSTOMER_WAITED], 600, Outcome.TECHNICIAN_NO_SHOW),
        ([CUSTOMER_WAITED, CLOSED], 0, Outcome.TECHNICIAN_NO_SHOW),
        ([], 600, Outcome.PENDING),
        ([CLOSED], 0, Outcome.NOBODY_CAME),
        ([TECHNICIAN_WAITED, CUSTOMER_WAITED], 600, Outcome.PENDING),
        ([TECHNICIAN_WAITED, CUSTOMER_WAITED, CLOSED], 0, Outcome.NOT_EXECUTED),
    ],
)
def test_a_no_show_is_decided_by_presence(
    log: list[tuple[int, Event]], until: float, expected: Outcome
) -> None:
    """Undecided until closed or waited out; then whoever never came did not show up."""
    assert ended(*log, until=until) == expected


@pytest.mark.parametrize("role", [CUSTOMER, TECHNICIAN])
def test_a_no_show_needs_the_other_to_have_waited(role: str) -> None:
    """One millisecond less than 80 % of the waiting window proves nothing."""
    other = CUSTOMER if role == CUSTOMER else TECHNICIAN
    short = (0, PresenceObserved(other, at(0), at(479.999)))
    assert ended(short, CLOSED) == Outcome.NOT_EXECUTED
    assert ended(short, until=600) == Outcome.PENDING


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((at(-60), at(0)), Outcome.CUSTOMER_NO_SHOW),
        ((at(600), at(700)), Outcome.CUSTOMER_NO_SHOW),
        ((at(599.999), at(700)), Outcome.NOT_EXECUTED),
        ((at(-60), at(0.001)), Outcome.NOT_EXECUTED),
    ],
)
def test_only_the_waiting_window_counts(seen: tuple[int, int], expected: Outcome) -> None:
    """Who came before the start and left, or after the wait, was not there."""
    late_close = (900, SessionClosed("api"))
    assert ended(TECHNICIAN_WAITED, (0, PresenceObserved(CUSTOMER, *seen)), late_close) == expected


def test_evidence_is_presence_too() -> None:
    """A side that was heard from was there, with or without its page visible."""
    assert ended((0, FlowObserved(TECHNICIAN, at(0), at(480))), CLOSED) == Outcome.CUSTOMER_NO_SHOW
    flow = (0, FlowObserved(CUSTOMER, at(5), at(5.001)))
    assert ended(TECHNICIAN_WAITED, flow, CLOSED) == Outcome.NOT_EXECUTED


def test_presence_after_the_end_does_not_count() -> None:
    """The session's end cuts the waiting window."""
    early_close = (479, SessionClosed("api"))
    assert ended(TECHNICIAN_WAITED, early_close) == Outcome.NOT_EXECUTED
