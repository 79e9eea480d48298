"""When a session may be settled, and when it has been waited for long enough. Pure."""

from typing import Final

from remote_assist.sessions.events import Terms
from remote_assist.sessions.ports import SessionRow

MISSING_NODE_MIN_MS: Final = 30_000
"""How long settlement waits at least for a node that has not said that its evidence is written."""
MISSING_NODE_MAX_MS: Final = 6 * 3_600_000
"""And at most, however long its lease is renewed."""


def settlement_due_ms(row: SessionRow) -> int:
    """Return when a closed session may be settled: at once if nobody holds unwritten evidence of it."""
    assert row.closed_at_ms is not None
    if row.flushed:
        return row.closed_at_ms
    patience_ms = max(row.closed_at_ms + MISSING_NODE_MIN_MS, row.lease_until_ms)
    return min(patience_ms, row.closed_at_ms + MISSING_NODE_MAX_MS)


def expiry_ms(row: SessionRow, terms: Terms) -> int:
    """Return when the side that has been away longest has been waited for long enough."""
    return min(_customer_ms(row, terms), _technician_ms(row, terms)) + terms.wait_ms


def expiry_reason(row: SessionRow, terms: Terms) -> str:
    """Return who was waited for in vain."""
    if row.customer_seen_ms is None and row.technician_seen_ms is None:
        return "nobody_came"
    customer_is_longer_away = _customer_ms(row, terms) <= _technician_ms(row, terms)
    return "customer_absent" if customer_is_longer_away else "technician_absent"


def _customer_ms(row: SessionRow, terms: Terms) -> int:
    return max(terms.scheduled_start_ms, row.customer_seen_ms or 0)


def _technician_ms(row: SessionRow, terms: Terms) -> int:
    return max(terms.scheduled_start_ms, row.technician_seen_ms or 0)
