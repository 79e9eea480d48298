"""Join time and money: how a session ended, what was measured, and what it costs.

The same function gives the price shown live (``until_ms`` = now), the provisional result at the close, the
frozen usage record and ``remote-assist replay``, so they cannot differ. Source: docs/billing.md.
"""

from dataclasses import dataclass
from typing import Any

from remote_assist.sessions.billing.tariff import Charge, charges, total_minor
from remote_assist.sessions.timing.billable import Measured, measure
from remote_assist.sessions.timing.outcome import Outcome, outcome
from remote_assist.sessions.timing.sheet import TimeSheet


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything billing says about a session."""

    outcome: Outcome
    measured: Measured
    charges: tuple[Charge, ...]
    total_minor: int
    currency: str


def assess(sheet: TimeSheet, until_ms: int) -> Assessment:
    """Return what is known of a session at ``until_ms``; the close, if there is one, ends it for ever."""
    measured = measure(sheet, until_ms)
    ended = outcome(sheet, measured, until_ms)
    lines = charges(sheet.terms, measured, ended, sheet.grants)
    return Assessment(ended, measured, lines, total_minor(lines), sheet.terms.tariff.currency)


def to_fields(assessment: Assessment) -> dict[str, Any]:
    """Return the result as ``replay`` prints it, names and order included."""
    measured = assessment.measured
    return {
        "outcome": assessment.outcome.value,
        "evidenced_ms": measured.evidenced_ms,
        "bridged_ms": measured.bridged_ms,
        "paused_ms": measured.paused_ms,
        "fault_ms": measured.fault_ms,
        "served_ms": measured.served_ms,
        "total_ms": measured.total_ms,
        "billed_s": measured.billed_s,
        "intervals": [list(interval) for interval in measured.intervals],
        "charges": [
            {"reason": charge.reason, "amount_minor": charge.amount_minor} for charge in assessment.charges
        ],
        "total_minor": assessment.total_minor,
        "currency": assessment.currency,
    }
