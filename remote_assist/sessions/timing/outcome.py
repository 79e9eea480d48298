"""Say how a session ended: a pure function of the log and what was measured.

No-shows are proven from presence and evidence, never from who pressed join. Source: docs/billing.md, step 5.
"""

from enum import StrEnum

from remote_assist.sessions.events import Role
from remote_assist.sessions.timing.billable import Measured
from remote_assist.sessions.timing.intervals import clip, length, union
from remote_assist.sessions.timing.sheet import TimeSheet


class Outcome(StrEnum):
    """How a session ended, or that this is not decided yet."""

    COMPLETED = "completed"
    PENDING = "pending"
    CUSTOMER_NO_SHOW = "customer_no_show"
    TECHNICIAN_NO_SHOW = "technician_no_show"
    NOBODY_CAME = "nobody_came"
    NOT_EXECUTED = "not_executed"


def outcome(sheet: TimeSheet, measured: Measured, until_ms: int) -> Outcome:
    """Return the outcome as known at ``until_ms``."""
    if measured.is_executed:
        return Outcome.COMPLETED
    terms = sheet.terms
    is_closed = sheet.closed_ms is not None
    if not is_closed and until_ms < terms.scheduled_start_ms + terms.wait_ms:
        return Outcome.PENDING
    customer_ms = _attended_ms(sheet, Role.CUSTOMER, until_ms)
    technician_ms = _attended_ms(sheet, Role.TECHNICIAN, until_ms)
    proof_ms = terms.wait_ms * 8 // 10
    if customer_ms == 0 and technician_ms >= proof_ms:
        return Outcome.CUSTOMER_NO_SHOW
    if technician_ms == 0 and customer_ms >= proof_ms:
        return Outcome.TECHNICIAN_NO_SHOW
    if not is_closed:
        return Outcome.PENDING
    nobody_came = customer_ms == 0 and technician_ms == 0
    return Outcome.NOBODY_CAME if nobody_came else Outcome.NOT_EXECUTED


def _attended_ms(sheet: TimeSheet, role: Role, until_ms: int) -> int:
    """Return how long a role was present in the waiting window, before the session ended."""
    present = union(sheet.presence(role), sheet.flow(role))
    start_ms = sheet.terms.scheduled_start_ms
    return length(clip(present, start_ms, min(start_ms + sheet.terms.wait_ms, sheet.end_ms(until_ms))))
