"""The only file that reads a clock. Everything else is handed ``now``."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the shells need to know of time."""

    def now_ms(self) -> int:
        """Return UTC in whole milliseconds since 1970. Never runs backwards within a process."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary moment, for durations and timeouts only."""
        ...


class SystemClock:
    """UTC read once at start, then carried forward by the monotonic clock.

    A step of the system clock during a call therefore changes no interval of the log.
    """

    def __init__(self) -> None:
        self._anchor_ms = time.time_ns() // 1_000_000  # noqa: TID251 - this is the file that may
        self._anchor_monotonic_ns = time.monotonic_ns()  # noqa: TID251 - same

    def now_ms(self) -> int:
        """Return UTC milliseconds: the anchor plus the monotonic time since."""
        elapsed_ns = time.monotonic_ns() - self._anchor_monotonic_ns  # noqa: TID251 - same
        return self._anchor_ms + elapsed_ns // 1_000_000

    def monotonic_s(self) -> float:
        """Return the monotonic clock in seconds."""
        return time.monotonic()  # noqa: TID251 - same
