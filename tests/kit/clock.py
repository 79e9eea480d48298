"""A clock that stands still until the test moves it."""

from typing import Final

NOON_MS: Final = 1_795_435_200_000
"""A round instant to start from: 2026-11-23 12:00:00 UTC."""


class ManualClock:
    """Implements ``clock.Clock``."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self._now_ms = now_ms
        self._started_ms = now_ms

    def now_ms(self) -> int:
        """Return UTC milliseconds."""
        return self._now_ms

    def monotonic_s(self) -> float:
        """Return the seconds the test has let pass."""
        return (self._now_ms - self._started_ms) / 1000

    def advance(self, *, ms: int = 0, s: int = 0) -> int:
        """Let time pass and return the new instant."""
        assert ms >= 0
        assert s >= 0
        self._now_ms += ms + 1000 * s
        return self._now_ms
