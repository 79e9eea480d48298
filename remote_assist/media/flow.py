"""Turn packet arrivals into intervals of evidence (billing-time, "Evidence"). Pure; never reads a clock.

An interval runs from one authenticated SRTP packet to the last one before a silence of more than
``SILENCE_MS``. Its end is that last arrival, not the moment the silence was noticed, and a lone
packet is worth nothing.
"""

from typing import Final

SILENCE_MS: Final = 500
"""A longer pause between two packets ends an interval."""
MAX_UNCOLLECTED: Final = 1_024
"""Finished intervals kept between two collections. Each needs a silence, so there are at most two
a second and this is more than eight minutes without a checkpoint. Beyond it evidence is dropped,
in the customer's favour."""

_NEVER: Final = -(1 << 62)


class FlowMeter:
    """The evidence of one leg. ``arrived`` is on the packet path: one comparison and one store."""

    __slots__ = ("_finished", "_from_ms", "last_ms")

    def __init__(self) -> None:
        self._from_ms = _NEVER
        self._finished: list[tuple[int, int]] = []
        self.last_ms = _NEVER
        """Arrival of the newest authenticated SRTP packet; far in the past when there was none."""

    def arrived(self, now_ms: int) -> bool:
        """Note a packet. Return whether it is the first one after a silence, or ever."""
        is_first = now_ms - self.last_ms > SILENCE_MS
        if is_first:
            self._finish()
            self._from_ms = now_ms
        self.last_ms = now_ms
        return is_first

    def collect(self) -> list[tuple[int, int]]:
        """Return the half-open intervals since the last call, in order.

        The open interval is cut at its newest packet and goes on from there, so that two collections
        of one interval touch.
        """
        self._finish()
        intervals, self._finished = self._finished, []
        self._from_ms = self.last_ms
        return intervals

    def _finish(self) -> None:
        if self.last_ms > self._from_ms and len(self._finished) < MAX_UNCOLLECTED:
            self._finished.append((self._from_ms, self.last_ms))
