"""The usage record: the frozen result of a session, by revision. Never edited, only followed.

Revision 1 holds the whole bill. A later revision holds the new measures and, as its charges, only the
difference in money: a credit takes effect by itself, a debit waits for a person's approval.
What a session owes is the sum of ``total_minor`` over its records that do not need approval.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from remote_assist.ids import PartnerId, SessionId

RECORD_ID_HEX: Final = 32
"""128 bits of the hash: enough that no two records of one installation ever share an id."""


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of the bill, in minor units."""

    reason: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """What was measured and what it costs. ``log_seq`` is the last event it took into account."""

    id: str
    session_id: SessionId
    partner_id: PartnerId
    revision: int
    outcome: str
    billed_s: int
    evidenced_ms: int
    bridged_ms: int
    paused_ms: int
    fault_ms: int
    served_ms: int
    total_ms: int
    intervals: tuple[tuple[int, int], ...]
    charges: tuple[ChargeLine, ...]
    total_minor: int
    currency: str
    needs_approval: bool
    corrects: str | None
    log_seq: int
    recorded_at_ms: int


def record_id(session_id: SessionId, revision: int) -> str:
    """Return the id of a session's record: the same whoever settles it, however often."""
    digest = hashlib.sha256(f"{session_id}:{revision}".encode()).hexdigest()
    return f"ur_{digest[:RECORD_ID_HEX]}"
