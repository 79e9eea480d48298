"""How long settlement and expiry wait."""

from dataclasses import replace

import pytest

from remote_assist.ids import ParticipantId, PartnerId, SessionId
from remote_assist.sessions.events import MeteredTariff, Terms
from remote_assist.sessions.ports import SessionRow
from remote_assist.sessions.settling import (
    MISSING_NODE_MAX_MS,
    MISSING_NODE_MIN_MS,
    expiry_ms,
    expiry_reason,
    settlement_due_ms,
)
from remote_assist.sessions.views import Participant

ADA = Participant(ParticipantId("ada"), "Ada", None, None)
ROW = SessionRow(SessionId("s1"), PartnerId("p1"), ADA, ADA, "off", {}, 0, closed_at_ms=1_000)
TERMS = Terms(10_000, 1, MeteredTariff(0, "CHF"), wait_ms=600)


@pytest.mark.parametrize(
    ("flushed", "lease_until_ms", "due_ms"),
    [
        (True, 999_999, 1_000),
        (False, 0, 1_000 + MISSING_NODE_MIN_MS),
        (False, 500_000, 500_000),
        (False, 10**12, 1_000 + MISSING_NODE_MAX_MS),
    ],
)
def test_settlement_waits_for_a_node_within_bounds(flushed: bool, lease_until_ms: int, due_ms: int) -> None:
    """At once when all is written; else for the lease, 30 s at least and 6 h at most."""
    assert settlement_due_ms(replace(ROW, flushed=flushed, lease_until_ms=lease_until_ms)) == due_ms


@pytest.mark.parametrize(
    ("customer_ms", "technician_ms", "due_ms", "reason"),
    [
        (None, None, 10_600, "nobody_came"),
        (None, 15_000, 10_600, "customer_absent"),
        (15_000, None, 10_600, "technician_absent"),
        (15_000, 20_000, 15_600, "customer_absent"),
        (20_000, 15_000, 15_600, "technician_absent"),
        (5_000, 6_000, 10_600, "customer_absent"),
    ],
)
def test_the_side_that_is_longest_away_is_waited_for(
    customer_ms: int | None, technician_ms: int | None, due_ms: int, reason: str
) -> None:
    """From the scheduled start, or from when it was last seen."""
    row = replace(ROW, customer_seen_ms=customer_ms, technician_seen_ms=technician_ms)
    assert (expiry_ms(row, TERMS), expiry_reason(row, TERMS)) == (due_ms, reason)
