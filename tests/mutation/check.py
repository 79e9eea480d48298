"""The check a mutant must fail: seeded logs against the array model, and what no bill shows.

``prepare`` runs once, with the healthy code; ``breaks`` runs in every mutant's process on freshly imported
modules. Both are deterministic.
"""

import importlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from remote_assist.sessions.events import (
    BillingStarted,
    Event,
    ExtensionAccepted,
    FlowObserved,
    Recorded,
    SessionOpened,
    Terms,
)
from remote_assist.sessions.log import record_untrusted
from tests.sessions.timing.array_model import bill
from tests.sessions.timing.events import CUSTOMER, TECHNICIAN, at, terms
from tests.sessions.timing.random_logs import random_log

LOGS: Final = 2_000
DATA: Final = Path(__file__).parents[1] / "data" / "logs"


@dataclass(frozen=True, slots=True)
class Case:
    """A log, as the sheet takes it in, and its bill as JSON gives it."""

    log: list[Recorded]
    until_ms: int | None
    expected: dict[str, Any]


def prepare() -> list[Case]:
    """Return the kept logs with their bills, then seeded ones with those of the array model."""
    cases = []
    for path in sorted(DATA.glob("*.ndjson")):
        records = [json.loads(line) for line in path.read_text().splitlines()]
        kept = json.loads(path.with_suffix(".bill.json").read_text())
        cases.append(Case(_parsed(records), None, kept))
    for n in range(LOGS):
        made = random_log(random.Random(n))
        expected = bill(made.records, made.until_ms, made.unit_ms)
        cases.append(Case(_parsed(made.records), made.until_ms, expected))
    return cases


def breaks(cases: list[Case]) -> bool:
    """Whether the code, imported now, gives anything but what is expected."""
    try:
        return not all(_checks(cases))
    except Exception:  # noqa: BLE001 - a mutant that raises anything is found
        return True


def _checks(cases: list[Case]) -> Iterator[bool]:
    sheets, billable, explanation, assessment, intervals = map(
        importlib.import_module,
        (
            "remote_assist.sessions.timing.sheet",
            "remote_assist.sessions.timing.billable",
            "remote_assist.sessions.timing.explain",
            "remote_assist.sessions.assessment",
            "remote_assist.sessions.timing.intervals",
        ),
    )
    yield from _sets(intervals)
    yield from _sheets(sheets.TimeSheet, billable.measure, explanation.explain)
    for case in cases:
        sheet = sheets.TimeSheet.from_log(case.log)
        until_ms = sheet.latest_ms if case.until_ms is None else case.until_ms
        yield assessment.to_fields(assessment.assess(sheet, until_ms)) == case.expected


def _sheets(new: Any, measure: Any, explain: Any) -> Iterator[bool]:
    """Check what no bill shows: the empty sheet, ties, the window, the cap, and why time counts."""

    def sheet(agreed: Terms, *log: tuple[int, Event]) -> Any:
        events: list[tuple[int, Event]] = [(0, SessionOpened(agreed)), *log]
        return new.from_log(Recorded(1, at(s), event) for s, event in events)

    empty = new()
    yield (empty.has_terms, empty.billing_started_ms, empty.closed_ms, empty.end_ms(7)) == (
        False,
        None,
        None,
        7,
    )
    yield (empty.grants, empty.flow(CUSTOMER), empty.presence(CUSTOMER), empty.pauses(9)) == ((), (), (), ())
    small, large = (SessionOpened(terms(booked_ms=booked_ms)) for booked_ms in (1_000, 9_000))
    grants = [ExtensionAccepted("x", 5, price) for price in (200, 300)]
    start = (0, BillingStarted())
    for log in ((small, large), (large, small)):
        yield new.from_log(Recorded(1, 8, event) for event in log).terms == small.terms
        yield new.from_log(Recorded(1, -n, event) for n, event in enumerate(log)).terms == log[1].terms
    for accepted in (grants, grants[::-1]):
        yield sheet(terms(), *((1, event) for event in accepted)).grants[0].price_minor == 200
    yield sheet(terms(), (1, FlowObserved(CUSTOMER, at(9), at(8)))).latest_ms == at(1)
    yield sheet(terms(), (1, FlowObserved(CUSTOMER, at(9), at(9)))).latest_ms == at(1)
    yield sheet(terms()).has_terms is True
    yield measure(sheet(terms(), start), at(0)).window is None
    yield measure(sheet(terms(), start), at(0) + 1).window == (at(0), at(0) + 1)
    consents = [(s, ExtensionAccepted(str(s), 7, 1)) for s in (1, 2, 3)]
    yield measure(sheet(terms(booked_ms=1), *consents), at(2)).cap_ms == 15
    for early, late in ((CUSTOMER, TECHNICIAN), (TECHNICIAN, CUSTOMER)):
        flows = [(0, FlowObserved(early, at(-3), at(5))), (0, FlowObserved(late, at(-2), at(7)))]
        silent = f"{early}_silent"
        yield _told(explain(sheet(terms(), *flows), at(7))) == [(at(-3), at(7), "before_start")]
        yield _told(explain(sheet(terms(), start, *flows), at(7))) == [
            (at(-3), at(0), "before_start"),
            (at(0), at(5), "counted"),
            (at(5), at(7), silent),
        ]


def _told(segments: Any) -> list[tuple[int, int, str]]:
    return [(segment.from_ms, segment.to_ms, str(segment.reason)) for segment in segments]


def _sets(intervals: Any) -> Iterator[bool]:
    """Check sets of intervals against sets of integers."""
    rng = random.Random(0)
    for _ in range(60):
        raw, other = (
            [(rng.randint(0, 9), rng.randint(0, 9)) for _ in range(rng.randint(0, 5))] for _ in "ab"
        )
        left, right = intervals.normalise(raw), intervals.normalise(other)
        yield _points(left) == _points(raw)
        yield all(a < b for a, b in left)
        yield all(a[1] < b[0] for a, b in pairwise(left))
        yield _points(intervals.union(left, right)) == _points(left) | _points(right)
        yield _points(intervals.intersect(left, right)) == _points(left) & _points(right)
        yield _points(intervals.subtract(left, right)) == _points(left) - _points(right)
        yield intervals.length(left) == len(_points(left))


def _points(spans: Any) -> set[int]:
    return {point for from_ms, to_ms in spans for point in range(from_ms, to_ms)}


def _parsed(records: list[dict[str, Any]]) -> list[Recorded]:
    return [recorded for record in records if (recorded := record_untrusted(record)) is not None]
