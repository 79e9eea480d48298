"""What a receipt says."""

import json

from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.assessment import assess
from remote_assist.sessions.billing.receipts import Attended, claims, terms_hash, usage_fields
from remote_assist.sessions.billing.usage import Basis, freeze
from remote_assist.sessions.events import (
    BillingStarted,
    FixedTariff,
    FlowObserved,
    Recorded,
    Role,
    SessionClosed,
    SessionOpened,
    Terms,
)
from remote_assist.sessions.timing.sheet import TimeSheet

TERMS = Terms(0, 1_800_000, FixedTariff(4_000, "CHF"))
LOG = [
    Recorded(1, 0, SessionOpened(TERMS)),
    Recorded(2, 1_000, BillingStarted()),
    Recorded(3, 600_000, FlowObserved(Role.CUSTOMER, 500, 600_000)),
    Recorded(4, 600_000, FlowObserved(Role.TECHNICIAN, 2_000, 600_000)),
    Recorded(5, 600_000, SessionClosed("technician_ended")),
]
ATTENDED = Attended("Ada", "Grace", 0, 600_000, "technician_ended")


def test_a_receipt_says_who_when_on_which_terms_and_why() -> None:
    """Its lanes and segments explain the seconds, its charges the money."""
    sheet = TimeSheet.from_log(LOG)
    record = freeze(Basis(SessionId("s1"), PartnerId("p1"), 5, 601_234), assess(sheet, 600_000), [])
    assert record is not None
    said = json.loads(json.dumps(claims(ATTENDED, sheet, record)))
    assert said["customer"] == {"name": "Ada"}
    assert said["technician"] == {"name": "Grace"}
    assert (said["sub"], said["jti"], said["iat"]) == ("s1", record.id, 601)
    assert (said["billing_started_at_ms"], said["closed_at_ms"]) == (1_000, 600_000)
    assert said["lanes"] == {"customer": [[500, 600_000]], "technician": [[2_000, 600_000]]}
    assert said["intervals"] == [[2_000, 600_000]]
    assert [2_000, 600_000, "counted"] in said["segments"]
    assert (said["billed_s"], said["evidenced_ms"]) == (538, 598_000)
    assert said["charges"] == [{"reason": "package", "amount_minor": 4_000}]
    assert said["terms"]["tariff"]["price_minor"] == 4_000
    assert said["terms_hash"] == terms_hash(TERMS)
    assert usage_fields(record).items() <= said.items()


def test_other_terms_have_another_hash() -> None:
    """The hash binds the receipt to what was agreed."""
    assert terms_hash(TERMS) == terms_hash(Terms(0, 1_800_000, FixedTariff(4_000, "CHF")))
    assert terms_hash(TERMS) != terms_hash(Terms(0, 1_800_000, FixedTariff(4_001, "CHF")))
