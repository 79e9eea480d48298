"""Say of every millisecond of a session why it counts or not.

The segments partition the session from the first evidence or the start of billing to its end. What is
``counted`` and ``bridged`` together is exactly ``total_ms``:

- time served stands still while it equals what is booked and accepted; that time is ``beyond_booked``;
- of the filled gaps that were served, the later ones are ``bridge_not_allowed`` as far as the served time
  exceeds the evidence plus its allowed bridge.

Source: docs/billing.md, "Why each second counts or not".
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from remote_assist.sessions.events import Role
from remote_assist.sessions.timing.billable import Evidence, gather, measure
from remote_assist.sessions.timing.intervals import (
    Interval,
    Intervals,
    clip,
    intersect,
    length,
    normalise,
    subtract,
    union,
)
from remote_assist.sessions.timing.sheet import Grant, TimeSheet


class Reason(StrEnum):
    """Why a stretch counts or not."""

    COUNTED = "counted"
    BRIDGED = "bridged"
    BRIDGE_NOT_ALLOWED = "bridge_not_allowed"
    CUSTOMER_SILENT = "customer_silent"
    TECHNICIAN_SILENT = "technician_silent"
    BOTH_SILENT = "both_silent"
    PAUSED = "paused"
    FAULT = "fault"
    BEFORE_START = "before_start"
    BEYOND_BOOKED = "beyond_booked"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch ``[from_ms, to_ms)`` and its one reason."""

    from_ms: int
    to_ms: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Lanes:
    """When each side was heard from, all through the log."""

    customer: Intervals
    technician: Intervals


def lanes(sheet: TimeSheet) -> Lanes:
    """Return the evidence of both sides."""
    return Lanes(sheet.flow(Role.CUSTOMER), sheet.flow(Role.TECHNICIAN))


def explain(sheet: TimeSheet, until_ms: int) -> tuple[Segment, ...]:
    """Return the session's span in order of time, every part with its reason; empty if nothing was heard."""
    evidence = gather(sheet, until_ms)
    end_ms = sheet.end_ms(until_ms)
    start_ms = _start_ms(sheet, evidence, end_ms)
    from_ms = evidence.window[0] if evidence.window else end_ms
    parts: list[tuple[Reason, Intervals]] = [
        (Reason.BEFORE_START, normalise([(start_ms, from_ms)])),
        (Reason.PAUSED, evidence.paused),
        (Reason.FAULT, evidence.faults),
    ]
    parts += _stretches(sheet, evidence, until_ms)
    parts += _silences(evidence)
    segments = (Segment(*interval, reason) for reason, spans in parts for interval in spans)
    return tuple(sorted(segments, key=lambda segment: segment.from_ms))


def _start_ms(sheet: TimeSheet, evidence: Evidence, end_ms: int) -> int:
    """Return where the span begins: the first evidence or the start of billing, if before its end."""
    starts = [spans[0][0] for spans in (evidence.customer, evidence.technician) if spans]
    if sheet.billing_started_ms is not None:
        starts.append(sheet.billing_started_ms)
    return min(end_ms, *starts) if starts else end_ms


def _stretches(sheet: TimeSheet, evidence: Evidence, until_ms: int) -> list[tuple[Reason, Intervals]]:
    """Split the stretches into what counts, what was bridged or not, and what nobody had booked."""
    served = _served(evidence.stretches, sheet.terms.booked_ms, sheet.grants)
    filled = subtract(served, evidence.common)
    not_allowed_ms = length(served) - measure(sheet, until_ms).total_ms
    bridged = _first(filled, length(filled) - not_allowed_ms)
    return [
        (Reason.COUNTED, intersect(served, evidence.common)),
        (Reason.BRIDGED, bridged),
        (Reason.BRIDGE_NOT_ALLOWED, subtract(filled, bridged)),
        (Reason.BEYOND_BOOKED, subtract(evidence.stretches, served)),
    ]


def _served(stretches: Intervals, booked_ms: int, grants: Sequence[Grant]) -> Intervals:
    """Follow the stretches, and stand still while the time served equals what is booked and accepted."""
    served: list[Interval] = []
    left_ms = booked_ms
    waiting = list(reversed(grants))
    for from_ms, to_ms in _cut(stretches, [grant.at_ms for grant in grants]):
        while waiting and waiting[-1].at_ms <= from_ms:
            left_ms += waiting.pop().extra_ms
        taken_ms = min(left_ms, to_ms - from_ms)
        served.append((from_ms, from_ms + taken_ms))
        left_ms -= taken_ms
    return normalise(served)


def _cut(spans: Intervals, at_ms: Iterable[int]) -> Iterator[Interval]:
    """Yield the spans in order, cut at these ascending instants."""
    instants = list(at_ms)
    for from_ms, to_ms in spans:
        edges = [from_ms, *(instant for instant in instants if from_ms < instant < to_ms), to_ms]
        yield from pairwise(edges)


def _first(spans: Intervals, budget_ms: int) -> Intervals:
    """Return the earliest ``budget_ms`` milliseconds of the set."""
    kept: list[Interval] = []
    for from_ms, to_ms in spans:
        taken_ms = min(budget_ms, to_ms - from_ms)
        kept.append((from_ms, from_ms + taken_ms))
        budget_ms -= taken_ms
    return normalise(kept)


def _silences(evidence: Evidence) -> list[tuple[Reason, Intervals]]:
    """Say who was not heard in the rest of the window."""
    if evidence.window is None:
        return []
    taken = union(evidence.paused, evidence.faults, evidence.stretches)
    rest = subtract(clip((evidence.window,), *evidence.window), taken)
    return [
        (Reason.CUSTOMER_SILENT, subtract(intersect(rest, evidence.technician), evidence.customer)),
        (Reason.TECHNICIAN_SILENT, subtract(intersect(rest, evidence.customer), evidence.technician)),
        (Reason.BOTH_SILENT, subtract(rest, union(evidence.customer, evidence.technician))),
    ]
