"""Sets of time as half-open intervals ``[from_ms, to_ms)``.

``Intervals`` are normalised: sorted, disjoint, not touching, none of them empty. Union is commutative,
associative and idempotent, which is why evidence may come in any order and any number of times.
Source: docs/billing.md, "Why sets".
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
Intervals = tuple[Interval, ...]


class IntervalSet:
    """A growing union of intervals. Stays as small as the union is, whatever was added."""

    __slots__ = ("_from", "_to")

    def __init__(self) -> None:
        # Two parallel sorted lists of plain ints, so that bisect runs without a key function.
        self._from: list[int] = []
        self._to: list[int] = []

    def add(self, from_ms: int, to_ms: int) -> None:
        """Unite with ``[from_ms, to_ms)``; an empty or reversed interval adds nothing."""
        if from_ms >= to_ms:
            return
        first = bisect_left(self._to, from_ms)
        after = bisect_right(self._from, to_ms)
        if first < after:  # overlapped or touched: [first, after) become one
            from_ms = min(from_ms, self._from[first])
            to_ms = max(to_ms, self._to[after - 1])
        self._from[first:after] = [from_ms]
        self._to[first:after] = [to_ms]

    def intervals(self) -> Intervals:
        """Return the union as it stands."""
        return tuple(zip(self._from, self._to, strict=True))


def normalise(raw: Iterable[Interval]) -> Intervals:
    """Return the union of any intervals: unsorted, overlapping, touching, empty or reversed."""
    united = IntervalSet()
    for from_ms, to_ms in raw:
        united.add(from_ms, to_ms)
    return united.intervals()


def union(*sets: Intervals) -> Intervals:
    """Return the time that is in any of the sets."""
    return normalise(interval for each in sets for interval in each)


def intersect(left: Intervals, right: Sequence[Interval]) -> Intervals:
    """Return the time that is in both sets."""
    common: list[Interval] = []
    at_left = at_right = 0
    while at_left < len(left) and at_right < len(right):
        left_from, left_to = left[at_left]
        right_from, right_to = right[at_right]
        from_ms, to_ms = max(left_from, right_from), min(left_to, right_to)
        if from_ms < to_ms:
            common.append((from_ms, to_ms))
        if left_to < right_to:
            at_left += 1
        else:
            at_right += 1
    return tuple(common)


def subtract(kept: Intervals, removed: Intervals) -> Intervals:
    """Return the time of ``kept`` that is not in ``removed``."""
    if not kept or not removed:
        return kept
    between: list[Interval] = []  # what lies between the removed, up to the ends of what is kept
    from_ms = kept[0][0]
    for removed_from, removed_to in removed:
        between.append((from_ms, removed_from))
        from_ms = removed_to
    between.append((from_ms, kept[-1][1]))
    return intersect(kept, between)  # reversed ones outside the ends meet nothing there


def close_gaps(spans: Intervals, gap_ms: int) -> Intervals:
    """Return the set with its inner gaps of at most ``gap_ms`` filled."""
    closed: list[Interval] = []
    for from_ms, to_ms in spans:
        if closed and from_ms - closed[-1][1] <= gap_ms:
            closed[-1] = (closed[-1][0], to_ms)
        else:
            closed.append((from_ms, to_ms))
    return tuple(closed)


def clip(spans: Intervals, from_ms: int, to_ms: int) -> Intervals:
    """Return the time of the set inside ``[from_ms, to_ms)``; a reversed window holds none."""
    return intersect(spans, ((from_ms, to_ms),))


def length(spans: Intervals) -> int:
    """Return the milliseconds in the set."""
    return sum(to_ms - from_ms for from_ms, to_ms in spans)
