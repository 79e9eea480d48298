"""How many events a connection may send. Pure; time is handed in."""

from typing import Final

RATE_PER_S: Final = 20.0
BURST: Final = 60.0
STRIKES_MAX: Final = 600
"""Refused events, without a lull, after which the connection is not worth its answers."""


class Bucket:
    """A token bucket (RATE_PER_S, BURST) that counts how often it was found empty."""

    def __init__(self, now_s: float) -> None:
        self._tokens = BURST
        self._at_s = now_s
        self.strikes = 0

    def take(self, now_s: float) -> bool:
        """Take a token if there is one; a full bucket forgives the strikes."""
        self._tokens = min(BURST, self._tokens + (now_s - self._at_s) * RATE_PER_S)
        self._at_s = now_s
        if self._tokens == BURST:
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
