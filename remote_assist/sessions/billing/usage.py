"""The usage record: the frozen result of a session, by revision. Never edited, only followed.

Revision 1 holds the whole bill. A later revision holds the new measures and, as its charges, only the
difference in money: a credit takes effect by itself, a debit waits for a person's approval.
What a session owes is the sum of ``total_minor`` over its records that do not need approval.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.assessment import Assessment
from remote_assist.sessions.billing.tariff import Charge

RECORD_ID_HEX: Final = 32
"""128 bits of the hash: enough that no two records of one installation ever share an id."""
CREDIT: Final = "credit:correction"


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
    charges: tuple[Charge, ...]
    total_minor: int
    currency: str
    needs_approval: bool
    corrects: str | None
    log_seq: int
    recorded_at_ms: int


@dataclass(frozen=True, slots=True)
class Basis:
    """What is frozen: the session, how much of its log, when."""

    session_id: SessionId
    partner_id: PartnerId
    log_seq: int
    now_ms: int


def record_id(session_id: SessionId, revision: int) -> str:
    """Return the id of a session's record: the same whoever settles it, however often."""
    digest = hashlib.sha256(f"{session_id}:{revision}".encode()).hexdigest()
    return f"ur_{digest[:RECORD_ID_HEX]}"


def freeze(basis: Basis, assessment: Assessment, earlier: Sequence[UsageRecord]) -> UsageRecord | None:
    """Return the next record, or None if it would say nothing new. ``earlier`` is in order of revision."""
    if not earlier:
        return _record(basis, assessment, 1, None, assessment.charges, needs_approval=False)
    last = earlier[-1]
    effective = [line for record in earlier if not record.needs_approval for line in record.charges]
    difference = _difference(assessment.charges, effective)
    needs_approval = sum(line.amount_minor for line in difference) > 0
    record = _record(basis, assessment, last.revision + 1, last.id, difference, needs_approval=needs_approval)
    waits_already = last.needs_approval and last.charges == record.charges
    is_news = _measures(record) != _measures(last) or (bool(difference) and not waits_already)
    # A debit that waits for approval and is no longer due must be taken back by a record of its own.
    is_withdrawal = last.needs_approval and not needs_approval
    return record if is_news or is_withdrawal else None


def _difference(now: Sequence[Charge], effective: Sequence[Charge]) -> tuple[Charge, ...]:
    """Return what leads from the effective lines to those of now: one credit, or the lines of a debit."""
    change = sum(line.amount_minor for line in now) - sum(line.amount_minor for line in effective)
    if change <= 0:
        return (Charge(CREDIT, change),) if change else ()
    amounts: Counter[str] = Counter()
    for line in now:
        amounts[line.reason] += line.amount_minor
    for line in effective:
        amounts[line.reason] -= line.amount_minor
    return tuple(Charge(reason, amount) for reason, amount in amounts.items() if amount)


def _measures(record: UsageRecord) -> tuple[object, ...]:
    return (
        record.outcome,
        record.billed_s,
        record.evidenced_ms,
        record.bridged_ms,
        record.paused_ms,
        record.fault_ms,
        record.served_ms,
        record.total_ms,
        record.intervals,
    )


def _record(
    basis: Basis,
    assessment: Assessment,
    revision: int,
    corrects: str | None,
    lines: tuple[Charge, ...],
    *,
    needs_approval: bool,
) -> UsageRecord:
    measured = assessment.measured
    return UsageRecord(
        id=record_id(basis.session_id, revision),
        session_id=basis.session_id,
        partner_id=basis.partner_id,
        revision=revision,
        outcome=assessment.outcome.value,
        billed_s=measured.billed_s,
        evidenced_ms=measured.evidenced_ms,
        bridged_ms=measured.bridged_ms,
        paused_ms=measured.paused_ms,
        fault_ms=measured.fault_ms,
        served_ms=measured.served_ms,
        total_ms=measured.total_ms,
        intervals=measured.intervals,
        charges=lines,
        total_minor=sum(line.amount_minor for line in lines),
        currency=assessment.currency,
        needs_approval=needs_approval,
        corrects=corrects,
        log_seq=basis.log_seq,
        recorded_at_ms=basis.now_ms,
    )
