"""How many events a connection may send, and how many of them a session may log. Pure; time is handed in."""

from typing import Final

RATE_PER_S: Final = 20.0
BURST: Final = 60.0
LOGGED_PER_S: Final = 1.0
LOGGED_BURST: Final = 60.0
"""Of joins, departures and pauses, by all connections of a session together: a log is kept for ever."""
STRIKES_MAX: Final = 600
"""Refused events, without a lull, after which the connection is not worth its answers."""


class Bucket:
    """A token bucket that counts how often it was found empty."""

    def __init__(self, now_s: float, per_s: float = RATE_PER_S, burst: float = BURST) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._at_s = now_s
        self.strikes = 0

    def take(self, now_s: float) -> bool:
        """Take a token if there is one; a full bucket forgives the strikes."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens == self._burst:
            self.strikes = 0
        if self._tokens < 1:
            self.strikes += 1
            return False
        self._tokens -= 1
        return True

    @property
    def is_spent(self) -> bool:
        """Whether the connection has been refused too often."""
        return self.strikes >= STRIKES_MAX
