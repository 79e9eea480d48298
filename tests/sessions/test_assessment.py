"""Time and money joined."""

from remote_assist.sessions.assessment import Assessment, assess, to_fields
from remote_assist.sessions.billing.tariff import Charge
from remote_assist.sessions.events import BillingStarted, FlowObserved, SessionClosed
from remote_assist.sessions.timing.billable import measure
from remote_assist.sessions.timing.outcome import Outcome
from tests.sessions.timing.events import CUSTOMER, TECHNICIAN, at, sheet, terms


def test_an_assessment_joins_time_and_money() -> None:
    """The assessment of a log is its outcome, its time, and its bill in the tariff's currency."""
    log = sheet(
        terms(),
        (0, BillingStarted()),
        (0, FlowObserved(CUSTOMER, at(0), at(200))),
        (0, FlowObserved(TECHNICIAN, at(0), at(200))),
        (200, SessionClosed("api")),
    )
    package = Charge("package", 4_000)
    bill = assess(log, at(999))
    assert bill == Assessment(Outcome.COMPLETED, measure(log, at(999)), (package,), 4_000, "CHF")
    assert to_fields(bill)["billed_s"] == 200


def test_the_price_shown_live_becomes_the_settled_one() -> None:
    """Assessed now while open, or later when closed at this instant, the bill is the same."""
    flows = [(0, FlowObserved(role, at(0), at(200))) for role in (CUSTOMER, TECHNICIAN)]
    live = sheet(terms(), (0, BillingStarted()), *flows)
    shown = assess(live, at(150))
    settled = sheet(terms(), (0, BillingStarted()), *flows, (150, SessionClosed("api")))
    assert assess(settled, at(10_000)) == shown
