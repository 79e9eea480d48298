"""From packet arrivals to evidence: vectors, and what is true of every stream."""

import itertools
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.media.flow import MAX_UNCOLLECTED, SILENCE_MS, FlowMeter

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "flow" / "vectors.json").read_text())

steps = st.lists(st.tuples(st.integers(0, 1_200), st.booleans()), max_size=80)


def play(arrivals: list[int], collect_after: Collection[int] = ()) -> list[list[tuple[int, int]]]:
    """Return what each collection gave: one after every packet number named, and one at the end."""
    meter = FlowMeter()
    collected: list[list[tuple[int, int]]] = []
    for n, at_ms in enumerate(arrivals):
        meter.arrived(at_ms)
        if n in collect_after:
            collected.append(meter.collect())
    return [*collected, meter.collect()]


def union(intervals: list[tuple[int, int]]) -> set[int]:
    return {ms for from_ms, to_ms in intervals for ms in range(from_ms, to_ms)}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["says"])
def test_vector(vector: dict[str, Any]) -> None:
    """Packets at these instants are worth exactly these intervals."""
    collected = play(vector["arrivals_ms"], set(vector.get("collect_after_packet", [])))
    assert [[list(interval) for interval in part] for part in collected] == vector["collected"]


@given(steps)
def test_evidence_is_the_time_between_packets_that_are_not_far_apart(gaps: list[tuple[int, bool]]) -> None:
    """Every pair of neighbours at most the silence apart counts, and nothing else does."""
    arrivals, now = [], 1_000
    for gap, _ in gaps:
        now += gap
        arrivals.append(now)
    expected: set[int] = set()
    for before, after in itertools.pairwise(arrivals):
        if after - before <= SILENCE_MS:
            expected |= set(range(before, after))
    assert union(play(arrivals)[0]) == expected


@given(steps)
def test_checkpoints_neither_add_nor_lose_time(gaps: list[tuple[int, bool]]) -> None:
    """Collecting at any moments gives the same union, in ordered intervals that are never empty."""
    arrivals, now, cuts = [], 1_000, set()
    for n, (gap, cut) in enumerate(gaps):
        now += gap
        arrivals.append(now)
        if cut:
            cuts.add(n)
    parts = [interval for part in play(arrivals, cuts) for interval in part]
    assert union(parts) == union(play(arrivals)[0])
    assert all(from_ms < to_ms for from_ms, to_ms in parts)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(parts))


def test_only_the_first_packet_after_a_silence_is_announced() -> None:
    """``arrived`` is true for the first packet ever and for each one after a silence."""
    meter = FlowMeter()
    assert [meter.arrived(at) for at in (0, 20, 520, 1_021, 1_041)] == [True, False, False, True, False]


def test_evidence_nobody_collects_is_bounded() -> None:
    """A meter that is never collected keeps the oldest intervals and stays small."""
    meter = FlowMeter()
    for n in range(MAX_UNCOLLECTED + 10):
        meter.arrived(n * 10_000)
        meter.arrived(n * 10_000 + 20)
    collected = meter.collect()
    assert len(collected) == MAX_UNCOLLECTED
    assert collected[0] == (0, 20)
