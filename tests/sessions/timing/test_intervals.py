"""Sets of half-open intervals, against sets of integers."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from remote_assist.sessions.timing.intervals import (
    Interval,
    Intervals,
    clip,
    close_gaps,
    intersect,
    length,
    normalise,
    subtract,
    union,
)

RAW = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=7)
PROPERTY = settings(max_examples=400, deadline=None, database=None)


def points(raw: Intervals | list[Interval]) -> set[int]:
    return {point for from_ms, to_ms in raw for point in range(from_ms, to_ms)}


def assert_normal(spans: Intervals) -> None:
    assert all(from_ms < to_ms for from_ms, to_ms in spans)
    assert all(left[1] < right[0] for left, right in pairwise(spans))


@PROPERTY
@given(RAW)
def test_normalised_intervals_are_sorted_and_apart(raw: list[Interval]) -> None:
    """Any intervals become sorted, disjoint ones that do not touch, covering the same time."""
    assert_normal(normalise(raw))
    assert points(normalise(raw)) == points(raw)
    assert length(normalise(raw)) == len(points(raw))


@PROPERTY
@given(RAW, RAW)
def test_set_operations_are_those_of_sets(first: list[Interval], second: list[Interval]) -> None:
    """Union, intersection and difference of intervals are those of the instants inside them."""
    left, right = normalise(first), normalise(second)
    for spans, expected in (
        (union(left, right), points(left) | points(right)),
        (intersect(left, right), points(left) & points(right)),
        (subtract(left, right), points(left) - points(right)),
    ):
        assert_normal(spans)
        assert points(spans) == expected


@PROPERTY
@given(RAW, st.integers(-9, 9), st.integers(-9, 9))
def test_a_clip_keeps_what_is_inside(raw: list[Interval], from_ms: int, to_ms: int) -> None:
    """Clipping keeps exactly the time inside the window, and none for a reversed one."""
    clipped = clip(normalise(raw), from_ms, to_ms)
    assert_normal(clipped)
    assert points(clipped) == points(raw) & set(range(from_ms, to_ms))


def test_a_gap_is_closed_up_to_its_limit() -> None:
    """Inner gaps of at most the limit are filled, longer ones and the outside are not."""
    spans = ((0, 10), (12, 20), (23, 30))
    assert close_gaps(spans, 0) == spans
    assert close_gaps(spans, 1) == spans
    assert close_gaps(spans, 2) == ((0, 20), (23, 30))
    assert close_gaps(spans, 3) == ((0, 30),)
    assert close_gaps((), 3) == ()


def test_touching_intervals_are_one() -> None:
    """Half-open intervals that touch have no hole between them, and one millisecond apart they have."""
    assert normalise([(0, 10), (10, 20)]) == ((0, 20),)
    assert normalise([(10, 20), (0, 9)]) == ((0, 9), (10, 20))
    assert normalise([(5, 5), (7, 6)]) == ()
