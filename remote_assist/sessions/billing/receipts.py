"""What a receipt says: who, when, on which terms, what was heard from whom, and what it costs.

Claims only; ``tokens`` signs them. Together with the public keys they prove the work and the bill to
anybody, also when this server is gone. They name people, and nobody's address.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.sessions.events import Terms
from remote_assist.sessions.log import terms_to_fields
from remote_assist.sessions.timing.explain import explain, lanes
from remote_assist.sessions.timing.sheet import TimeSheet


@dataclass(frozen=True, slots=True)
class Attended:
    """Who took part, and when the session began and ended."""

    customer_name: str
    technician_name: str
    created_at_ms: int
    closed_at_ms: int
    close_reason: str | None


def claims(attended: Attended, sheet: TimeSheet, record: UsageRecord) -> dict[str, Any]:
    """Return the claims of the receipt of a usage record."""
    heard = lanes(sheet)
    return {
        "sub": record.session_id,
        "jti": record.id,
        "iat": record.recorded_at_ms // 1000,
        "session_id": record.session_id,
        "usage_record_id": record.id,
        "revision": record.revision,
        "corrects": record.corrects,
        "needs_approval": record.needs_approval,
        "customer": {"name": attended.customer_name},
        "technician": {"name": attended.technician_name},
        "created_at_ms": attended.created_at_ms,
        "billing_started_at_ms": sheet.billing_started_ms,
        "closed_at_ms": attended.closed_at_ms,
        "close_reason": attended.close_reason,
        "terms": terms_to_fields(sheet.terms),
        "terms_hash": terms_hash(sheet.terms),
        **usage_fields(record),
        "intervals": [list(one) for one in record.intervals],
        "lanes": {
            "customer": [list(one) for one in heard.customer],
            "technician": [list(one) for one in heard.technician],
        },
        "segments": [
            [one.from_ms, one.to_ms, one.reason.value] for one in explain(sheet, attended.closed_at_ms)
        ],
        "log_seq": record.log_seq,
    }


def usage_fields(record: UsageRecord) -> dict[str, Any]:
    """Return the result in numbers, as notices and receipts state it: without the list of intervals."""
    return {
        "outcome": record.outcome,
        "billed_s": record.billed_s,
        "evidenced_ms": record.evidenced_ms,
        "bridged_ms": record.bridged_ms,
        "paused_ms": record.paused_ms,
        "fault_ms": record.fault_ms,
        "served_ms": record.served_ms,
        "total_ms": record.total_ms,
        "charges": [{"reason": line.reason, "amount_minor": line.amount_minor} for line in record.charges],
        "total_minor": record.total_minor,
        "currency": record.currency,
    }


def terms_hash(terms: Terms) -> str:
    """Return the SHA-256 of the terms as JSON with sorted keys and no blanks."""
    canonical = json.dumps(terms_to_fields(terms), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
