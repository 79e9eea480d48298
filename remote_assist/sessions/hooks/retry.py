"""When a delivery is tried again, and when it is given up. Source: Standard Webhooks, "Retries".

Only a 2xx status is success. 410 says that the receiver is gone for good and disables the endpoint.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, Literal

DELAYS_S: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before each try, counted from the one before: ten tries in about three days."""
JITTER: Final = 0.1
"""Up to this part of a delay is added, so that a receiver that comes back is not met by all at once."""
RETRY_AFTER_MAX_S: Final = 3_600
GONE: Final = 410
OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery after a try."""

    state: Literal["pending", "delivered", "dead"]
    next_attempt_at_ms: int | None = None
    disables_endpoint: bool = False


def judge(
    tries_before: int, status: int | None, retry_after_s: int | None, now_ms: int, jitter: float
) -> Verdict:
    """Return what follows from a try. ``status`` None: no reply. ``jitter`` is random in [0, 1)."""
    if status in OK:
        return Verdict("delivered")
    if status == GONE:
        return Verdict("dead", disables_endpoint=True)
    place = tries_before + 1
    if place >= len(DELAYS_S):
        return Verdict("dead")
    asked_s = min(retry_after_s or 0, RETRY_AFTER_MAX_S)
    delay_ms = max(round(DELAYS_S[place] * 1000 * (1 + JITTER * jitter)), asked_s * 1000)
    return Verdict("pending", now_ms + delay_ms)


def retry_after_untrusted(value: str | None, now_ms: int) -> int | None:
    """Return the seconds that a ``Retry-After`` header asks for, None if it makes no sense.

    Source: RFC 9110, section 10.2.3: seconds or a date.
    """
    text = (value or "").strip()[:64]
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return max(0, -(-round(until.timestamp() * 1000 - now_ms) // 1000))
