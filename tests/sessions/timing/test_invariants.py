"""What must be true of the bill of any log: each invariant of docs/billing.md as a property.

Properties alone let planted bugs live; test_differential.py and the mutation gate stand beside them.
"""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from remote_assist.sessions.assessment import Assessment, assess
from remote_assist.sessions.log import record_untrusted
from remote_assist.sessions.timing.explain import explain
from remote_assist.sessions.timing.intervals import clip, intersect, length
from remote_assist.sessions.timing.sheet import TimeSheet
from tests.sessions.timing.random_logs import RandomLog, Record, random_log
from tests.sessions.timing.random_logs import seed as seed_of_this_run

RUN = seed_of_this_run()
# Drawn from plain seeds: three times as fast as letting hypothesis draw each number, and small anyway.
SOME = st.integers(0, 2**48).map(random.Random)
LOGS = SOME.map(random_log)


def invariant(*strategies: Any) -> Callable[[Any], Any]:
    """Try a property on 400 random logs; a failure prints the log and the seed."""

    def decorate(function: Any) -> Any:
        checks = [HealthCheck.too_slow]
        limits = settings(max_examples=400, deadline=None, database=None, suppress_health_check=checks)
        seeded: Callable[[Any], Any] = seed(RUN)
        return seeded(limits(given(*strategies)(function)))  # type: ignore[no-untyped-call] # hypothesis's

    return decorate


def sheet_of(records: list[Record]) -> TimeSheet:
    parsed = (record_untrusted(record) for record in records)
    return TimeSheet.from_log(recorded for recorded in parsed if recorded is not None)


def assessed(log: RandomLog, *more: Record, until_ms: int | None = None) -> Assessment:
    """Assess a log with further records, at its own instant unless another is given."""
    until = until_ms if until_ms is not None else until_of(log)
    return assess(sheet_of([*log.records, *more]), until)


def until_of(log: RandomLog) -> int:
    return log.until_ms if log.until_ms is not None else sheet_of(log.records).latest_ms


def terms_of(log: RandomLog) -> Record:
    return next(record["terms"] for record in log.records if record["type"] == "session_opened")


def interval_of(log: RandomLog, rng: random.Random) -> dict[str, int]:
    first, second = sorted(rng.choices(instants_of(log), k=2))
    return {"from_ms": first, "to_ms": second}


def instants_of(log: RandomLog) -> list[int]:
    return sorted({r[key] for r in log.records for key in ("at", "from_ms", "to_ms") if key in r})


def record(kind: str, at: int, **fields: object) -> Record:
    return {"seq": 0, "at": at, "type": kind, **fields}


@invariant(LOGS, SOME)
def test_order_and_duplicates_change_nothing(log: RandomLog, rng: random.Random) -> None:
    """A log read in another order, with repeated events, gives the same bill."""
    again = [*log.records, *rng.choices(log.records, k=3)]
    rng.shuffle(again)
    again = [{**r, "seq": rng.randint(1, 10**6)} for r in again]
    assert assess(sheet_of(again), until_of(log)) == assessed(log)


@invariant(LOGS)
def test_nothing_is_negative_or_above_its_bounds(log: RandomLog) -> None:
    """Billable time stays within the wall clock, the booking, and either side's evidence and bridge."""
    bill, sheet = assessed(log), sheet_of(log.records)
    measured = bill.measured
    numbers = (measured.evidenced_ms, measured.bridged_ms, measured.paused_ms, measured.fault_ms)
    assert min(*numbers, measured.served_ms, measured.total_ms, measured.billed_s, bill.total_minor) >= 0
    window = measured.window or (0, 0)
    wall_ms = window[1] - window[0]
    assert measured.total_ms <= measured.served_ms <= length(measured.intervals) <= wall_ms
    assert measured.paused_ms + measured.fault_ms + measured.evidenced_ms <= wall_ms
    assert measured.served_ms <= measured.cap_ms
    assert measured.cap_ms <= terms_of(log)["booked_ms"] + sum(grant.extra_ms for grant in sheet.grants)
    for role in ("customer", "technician"):
        own = sheet_of([r for r in log.records if r.get("role") == role])
        heard = next(own.flow(each) for each in own._flows if each == role)
        assert measured.total_ms <= length(clip(heard, *window)) + measured.bridged_ms
    assert measured.billed_s * 1000 <= measured.total_ms


@invariant(LOGS, SOME)
def test_more_evidence_never_lowers(log: RandomLog, rng: random.Random) -> None:
    """Another flow interval of either side never takes billable time away."""
    role = rng.choice(("customer", "technician"))
    more = record("flow_observed", until_of(log), role=role, **interval_of(log, rng))
    before, after = assessed(log), assessed(log, more)
    assert after.measured.total_ms >= before.measured.total_ms
    assert after.measured.billed_s >= before.measured.billed_s


@invariant(LOGS, SOME)
def test_a_fault_never_raises(log: RandomLog, rng: random.Random) -> None:
    """Admitting a failure never adds billable time."""
    more = record("fault_recorded", until_of(log), cause="stall", **interval_of(log, rng))
    before, after = assessed(log), assessed(log, more)
    assert after.measured.total_ms <= before.measured.total_ms
    assert after.measured.billed_s <= before.measured.billed_s


@invariant(LOGS, SOME)
def test_a_pause_never_raises(log: RandomLog, rng: random.Random) -> None:
    """Pausing never adds billable time, with or without an end."""
    times = interval_of(log, rng)
    pause = record("paused", times["from_ms"], pause_id="new")
    resume = record("resumed", times["to_ms"], pause_id="new")
    never_resumed = assessed(log, pause).measured
    assert never_resumed.total_ms <= assessed(log, pause, resume).measured.total_ms
    assert assessed(log, pause, resume).measured.total_ms <= assessed(log).measured.total_ms


@invariant(LOGS, SOME)
def test_a_later_resume_never_raises(log: RandomLog, rng: random.Random) -> None:
    """A pause that lasts longer never adds billable time."""
    first, second, third = sorted(rng.choices(instants_of(log), k=3))
    pause = record("paused", first, pause_id="new")
    early, late = (record("resumed", at, pause_id="new") for at in (second, third))
    before = assessed(log, pause, early).measured
    assert assessed(log, pause, early, late).measured.total_ms <= before.total_ms
    assert assessed(log, pause, late).measured.total_ms <= before.total_ms


@invariant(LOGS, SOME)
def test_an_earlier_end_never_raises(log: RandomLog, rng: random.Random) -> None:
    """Closing earlier, or asking at an earlier instant, never adds billable time."""
    close = record("session_closed", rng.choice(instants_of(log)), reason="api")
    until_ms = max(until_of(log), close["at"])
    before = assessed(log, until_ms=until_ms).measured
    assert assessed(log, close, until_ms=until_ms).measured.total_ms <= before.total_ms
    assert assessed(log, until_ms=close["at"]).measured.total_ms <= before.total_ms


@invariant(LOGS, SOME)
def test_an_extension_works_forward_only_and_by_at_most_its_size(log: RandomLog, rng: random.Random) -> None:
    """Consent adds at most what was consented to, and nothing from before the consent."""
    at, extra_ms = rng.choice(instants_of(log)), rng.randint(-5, 50) * log.unit_ms
    consent = record("extension_accepted", at, extension_id="new", extra_ms=extra_ms, price_minor=1)
    before, after = assessed(log).measured, assessed(log, consent).measured
    later_ms = length(clip(after.intervals, at, after.intervals[-1][1])) if after.intervals else 0
    assert 0 <= after.served_ms - before.served_ms <= min(max(0, extra_ms), later_ms)
    assert 0 <= after.total_ms - before.total_ms <= max(0, extra_ms)


@invariant(LOGS, SOME)
def test_splitting_intervals_changes_nothing(log: RandomLog, rng: random.Random) -> None:
    """An interval written as two that touch or overlap is the same interval."""
    split: list[Record] = []
    for r in log.records:
        if "from_ms" in r and r["from_ms"] + 1 < r.get("to_ms", 0):
            cut = rng.randint(r["from_ms"] + 1, r["to_ms"] - 1)
            overlap = rng.randint(r["from_ms"], cut)
            split += [{**r, "to_ms": cut}, {**r, "from_ms": overlap}]
        else:
            split.append(r)
    assert assess(sheet_of(split), until_of(log)) == assessed(log)


@invariant(LOGS, st.integers(-(10**13), 10**13))
def test_shifting_time_changes_nothing_but_the_instants(log: RandomLog, shift_ms: int) -> None:
    """The same session on another day costs the same."""

    def shifted(r: Record) -> Record:
        moved: Record = {**r, **{key: r[key] + shift_ms for key in ("at", "from_ms", "to_ms") if key in r}}
        if "terms" in r:
            start_ms = r["terms"]["scheduled_start_ms"] + shift_ms
            moved["terms"] = {**r["terms"], "scheduled_start_ms": start_ms}
        return moved

    before = assessed(log)
    after = assess(sheet_of([shifted(r) for r in log.records]), until_of(log) + shift_ms)
    assert (after.outcome, after.charges) == (before.outcome, before.charges)
    assert after.measured.total_ms == before.measured.total_ms
    assert after.measured.intervals == tuple(
        (from_ms + shift_ms, to_ms + shift_ms) for from_ms, to_ms in before.measured.intervals
    )


@invariant(LOGS, SOME)
def test_two_nodes_writing_the_same_time_change_nothing(log: RandomLog, rng: random.Random) -> None:
    """Parts of an interval written by another node as well count once."""
    twins: list[Record] = []
    for r in log.records:
        if "from_ms" in r and r["from_ms"] < r.get("to_ms", 0):
            first, second = sorted(rng.randint(r["from_ms"], r["to_ms"]) for _ in range(2))
            twins.append({**r, "seq": r["seq"] + 1, "from_ms": first, "to_ms": second})
    assert assessed(log, *twins) == assessed(log)


@invariant(LOGS, st.sampled_from(["customer", "technician"]))
def test_one_leg_alone_is_free(log: RandomLog, silent: str) -> None:
    """Without evidence of both sides there is no billable time."""
    alone = [r for r in log.records if r["type"] != "flow_observed" or r["role"] != silent]
    measured = assess(sheet_of(alone), until_of(log)).measured
    assert (measured.total_ms, measured.billed_s, measured.intervals) == (0, 0, ())


@invariant(LOGS)
def test_a_session_that_was_not_completed_bills_no_time(log: RandomLog) -> None:
    """Only a completed session has billed seconds, and only a customer's no-show a fee instead."""
    bill = assessed(log)
    reasons = [charge.reason for charge in bill.charges]
    assert bill.total_minor == sum(charge.amount_minor for charge in bill.charges)
    if bill.outcome == "completed":
        assert "no_show_fee" not in reasons
        assert bill.total_minor >= terms_of(log)["tariff"].get("minimum_minor", 0)
    else:
        assert bill.measured.billed_s == 0
        assert reasons == (["no_show_fee"] if bill.total_minor else [])
        assert not reasons or bill.outcome == "customer_no_show"


@invariant(LOGS, SOME)
def test_what_is_no_evidence_changes_no_time(log: RandomLog, rng: random.Random) -> None:
    """Joining, leaving, presence, unknown types and unknown roles never touch billable time."""
    at, times = rng.choice(instants_of(log)), interval_of(log, rng)
    who = {"role": "customer", "participant_id": "p", "connection_id": "c"}
    more = (
        record("participant_joined", at, **who),
        record("participant_left", at, **who),
        record("presence_observed", at, role="customer", **times),
        record("presence_observed", at, role="technician", **times),
        record("flow_observed", at, role="observer", **times),
        record("weather_observed", at, **times),
    )
    assert assessed(log, *more).measured == assessed(log).measured


@invariant(LOGS, SOME)
def test_empty_and_reversed_intervals_change_nothing(log: RandomLog, rng: random.Random) -> None:
    """An interval that ends before it begins counts nothing, whatever it is of."""
    times = interval_of(log, rng)
    reversed_times = {"from_ms": times["to_ms"], "to_ms": times["from_ms"]}
    more = [
        record(kind, min(instants_of(log)), role=role, cause="", **reversed_times)
        for kind in ("flow_observed", "presence_observed", "fault_recorded")
        for role in ("customer", "technician")
    ]
    assert assess(sheet_of([*log.records, *more]), until_of(log)) == assessed(log)
    assert sheet_of([*log.records, *more]).latest_ms == sheet_of(log.records).latest_ms


@invariant(LOGS)
def test_an_extension_of_a_metered_session_costs_nothing_of_its_own(log: RandomLog) -> None:
    """The price of an extension is charged at most once, and only with a package."""
    reasons = [charge.reason for charge in assessed(log).charges]
    assert len(set(reasons)) == len(reasons)
    if terms_of(log)["tariff"]["kind"] == "metered":
        assert not any(reason.startswith("extension:") for reason in reasons)


@invariant(LOGS)
def test_every_millisecond_has_one_reason(log: RandomLog) -> None:
    """The segments leave no hole, never overlap, and what counts in them is the billable time."""
    segments, bill, sheet = (
        explain(sheet_of(log.records), until_of(log)),
        assessed(log),
        sheet_of(log.records),
    )
    spent = dict.fromkeys(("counted", "bridged", "bridge_not_allowed", "beyond_booked", "paused", "fault"), 0)
    for left, right in pairwise(segments):
        assert left.to_ms == right.from_ms
        assert left.reason != right.reason
    for segment in segments:
        assert segment.from_ms < segment.to_ms
        spent[segment.reason] = spent.get(segment.reason, 0) + segment.to_ms - segment.from_ms
    stretches_ms = length(bill.measured.intervals)
    assert spent["counted"] + spent["bridged"] == bill.measured.total_ms
    assert spent["beyond_booked"] == stretches_ms - bill.measured.served_ms
    assert spent["bridge_not_allowed"] == bill.measured.served_ms - bill.measured.total_ms
    window = bill.measured.window
    if window:
        assert segments[-1].to_ms == window[1]
        assert spent["paused"] == length(clip(sheet.pauses(window[1]), *window))
        for segment in segments:
            assert (segment.to_ms <= window[0]) == (segment.reason == "before_start")
    else:
        assert {segment.reason for segment in segments} <= {"before_start"}


@invariant(LOGS)
def test_silence_is_the_silent_sides(log: RandomLog) -> None:
    """A silent stretch names exactly the side or sides that were not heard in it."""
    sheet = sheet_of(log.records)
    flows = {role.value: sheet.flow(role) for role in sheet._flows}
    for segment in explain(sheet, until_of(log)):
        span = ((segment.from_ms, segment.to_ms),)
        heard = {role for role, flow in flows.items() if intersect(flow, span)}
        whole = {role for role, flow in flows.items() if intersect(flow, span) == span}
        match segment.reason.value:
            case "counted":
                assert whole == {"customer", "technician"}
            case "customer_silent":
                assert heard == whole == {"technician"}
            case "technician_silent":
                assert heard == whole == {"customer"}
            case "both_silent":
                assert heard == set()


@invariant(LOGS)
def test_a_bill_can_be_followed_while_it_grows(log: RandomLog) -> None:
    """Adding events one by one to a live sheet ends at the bill of the whole log."""
    live = TimeSheet()
    for r in log.records:
        parsed = record_untrusted(r)
        if parsed is not None:
            live.add(parsed)
        if live.has_terms:
            assess(live, live.latest_ms)
    assert assess(live, until_of(log)) == assessed(log)


def test_an_unopened_sheet_cannot_be_assessed() -> None:
    """A sheet without terms breaks an invariant of ours, not of the outside."""
    with pytest.raises(AssertionError):
        assess(TimeSheet(), 0)
