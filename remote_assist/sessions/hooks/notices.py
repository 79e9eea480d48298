"""What the outside is told about a session, with a sequence number per session.

A notice is built from facts that are already in the log or frozen; it decides nothing. Its body is kept as
text, because a signature covers bytes and every attempt must send the same ones.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

NOTICE_TYPES: Final = (
    "session.opened",
    "session.live",
    "session.closed",
    "usage.recorded",
    "receipt.issued",
    "session.rated",
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One outward statement. ``sequence`` counts from 1 within the session, without gaps."""

    type: str
    session_id: str
    sequence: int
    at_ms: int
    body: str


def notice(kind: str, session_id: str, sequence: int, at_ms: int, data: Mapping[str, Any]) -> Notice:
    """Return the notice of ``kind``; its data always names session and sequence."""
    assert kind in NOTICE_TYPES, kind
    content = {
        "type": kind,
        "timestamp": timestamp(at_ms),
        "data": {"session_id": session_id, "sequence": sequence, **data},
    }
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return Notice(kind, session_id, sequence, at_ms, body)


def timestamp(at_ms: int) -> str:
    """Return an instant as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
