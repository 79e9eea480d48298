"""Measure billable time: a pure function of a session's log and an instant.

The live timer and the settlement use this one function, the timer with ``until_ms`` = now. It must never
know a price. Each step below carries its number in docs/billing.md, "From the log to seconds".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from remote_assist.sessions.events import Role
from remote_assist.sessions.timing.intervals import (
    Interval,
    Intervals,
    clip,
    close_gaps,
    intersect,
    length,
    subtract,
    union,
)
from remote_assist.sessions.timing.sheet import Grant, TimeSheet


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sets of time behind the numbers, all inside the window except the first two."""

    customer: Intervals
    technician: Intervals
    window: Interval | None
    """``[t0, t1)``; None before billing started, or when it would be empty."""
    paused: Intervals
    faults: Intervals
    """Without what was paused as well."""
    common: Intervals
    """``B``: both sides heard from, not paused, no fault."""
    stretches: Intervals
    """``B'``: ``B`` with short gaps filled, never over a pause or a fault."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Billable time and what it is made of, in the order of the steps that give it."""

    evidenced_ms: int
    bridged_ms: int
    """The part of the filled gaps that may count."""
    paused_ms: int
    fault_ms: int
    served_ms: int
    total_ms: int
    billed_s: int
    intervals: Intervals
    window: Interval | None
    cap_ms: int
    """Booked plus accepted time at the end of the window, which ``total_ms`` cannot pass."""
    is_executed: bool
    """Whether there was enough evidence for the session to have taken place."""


def measure(sheet: TimeSheet, until_ms: int) -> Measured:
    """Return the billable time of a session as known at ``until_ms``."""
    terms = sheet.terms
    evidence = gather(sheet, until_ms)
    evidenced_ms = length(evidence.common)
    filled_ms = length(evidence.stretches) - evidenced_ms
    bridged_ms = min(filled_ms, evidenced_ms * terms.bridge_pct // 100)
    end_ms = sheet.end_ms(until_ms)
    served_ms = _served_ms(evidence.stretches, end_ms, terms.booked_ms, sheet.grants)
    total_ms = min(served_ms, evidenced_ms + bridged_ms)
    is_executed = evidenced_ms >= terms.min_executed_ms
    return Measured(
        evidenced_ms=evidenced_ms,
        bridged_ms=bridged_ms,
        paused_ms=_heard_ms(evidence, evidence.paused),
        fault_ms=_heard_ms(evidence, evidence.faults),
        served_ms=served_ms,
        total_ms=total_ms,
        # The only rounding of time: once, down, to whole seconds.
        billed_s=max(0, total_ms - terms.free_ms) // 1000 if is_executed else 0,
        intervals=evidence.stretches,
        window=evidence.window,
        cap_ms=terms.booked_ms + sum(grant.extra_ms for grant in sheet.grants if grant.at_ms <= end_ms),
        is_executed=is_executed,
    )


def gather(sheet: TimeSheet, until_ms: int) -> Evidence:
    """Return the sets of steps 1 and 2."""
    customer, technician = sheet.flow(Role.CUSTOMER), sheet.flow(Role.TECHNICIAN)
    window = _window(sheet, until_ms)
    if window is None:
        return Evidence(customer, technician, None, (), (), (), ())
    paused = clip(sheet.pauses(window[1]), *window)
    faults = subtract(clip(sheet.faults, *window), paused)
    excluded = union(paused, faults)
    common = subtract(clip(intersect(customer, technician), *window), excluded)
    stretches = subtract(close_gaps(common, sheet.terms.bridge_ms), excluded)
    return Evidence(customer, technician, window, paused, faults, common, stretches)


def _heard_ms(evidence: Evidence, excluded: Intervals) -> int:
    """Return how long both sides were heard from in time that does not count."""
    return length(intersect(intersect(excluded, evidence.customer), evidence.technician))


def _window(sheet: TimeSheet, until_ms: int) -> Interval | None:
    """Return ``W = [t0, t1)``."""
    if sheet.billing_started_ms is None:
        return None
    from_ms = max(sheet.billing_started_ms, sheet.terms.scheduled_start_ms - sheet.terms.early_ms)
    to_ms = sheet.end_ms(until_ms)
    return (from_ms, to_ms) if from_ms < to_ms else None


def allowed_before(booked_ms: int, grants: Sequence[Grant]) -> Iterator[tuple[Grant, int]]:
    """Yield each grant with ``A`` just before its consent; consents of one instant open together.

    ``grants`` are in order of consent.
    """
    for _, together in groupby(grants, key=lambda grant: grant.at_ms):
        before_ms = booked_ms
        for grant in together:
            yield grant, before_ms
            booked_ms += grant.extra_ms


def _served_ms(stretches: Intervals, end_ms: int, booked_ms: int, grants: Sequence[Grant]) -> int:
    """Step 3: time served follows the stretches and stands still at what is booked and accepted.

    Standing still until consent at ``s`` means that no more than ``A`` just before ``s`` was served before
    it, so each consent caps the whole at that amount plus what lies after it.
    """
    served_ms = min(length(stretches), booked_ms + sum(grant.extra_ms for grant in grants))
    for grant, before_ms in allowed_before(booked_ms, grants):
        served_ms = min(served_ms, before_ms + length(clip(stretches, grant.at_ms, end_ms)))
    return served_ms
