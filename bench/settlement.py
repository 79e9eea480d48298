"""How long it takes to assess the log of one hour: 3,600 checkpoints a side, already parsed.

Three seeded logs: a clean one, one with a gap after every checkpoint (the worst for sets of intervals), and
the clean one in random order with every event twice, which no settlement meets. The goal is for the median
of the other two.
"""

import json
import random
import statistics
from typing import Final

from remote_assist.clock import SystemClock
from remote_assist.sessions.assessment import assess
from remote_assist.sessions.events import (
    BillingStarted,
    Event,
    FixedTariff,
    FlowObserved,
    PresenceObserved,
    Recorded,
    Role,
    SessionClosed,
    SessionOpened,
    Terms,
)
from remote_assist.sessions.timing.explain import explain
from remote_assist.sessions.timing.sheet import TimeSheet

CHECKPOINTS: Final = 3_600
ROUNDS: Final = 31
GOAL_MS: Final = 20.0
SEED: Final = 1


def main() -> None:
    """Print one line of JSON."""
    rng = random.Random(SEED)
    clean = log(rng, gap_ms=0)
    twice = clean * 2
    rng.shuffle(twice)
    settled = {
        "clean": spent_ms(clean),
        "gap_every_second": spent_ms(log(rng, gap_ms=30)),
        "shuffled_and_twice": spent_ms(twice),
    }
    result = {
        "bench": "settlement",
        "checkpoints_a_side": CHECKPOINTS,
        "rounds": ROUNDS,
        "assess_ms": {name: round(ms, 2) for name, ms in settled.items()},
        "live_ms": round(live_ms(clean), 3),
        "goal_ms": GOAL_MS,
        "met": max(settled["clean"], settled["gap_every_second"]) < GOAL_MS,
    }
    print(json.dumps(result))


def log(rng: random.Random, gap_ms: int) -> list[Recorded]:
    """Return a closed session of an hour; a checkpoint writes a flow of both and, now and then, presence."""
    terms = Terms(0, CHECKPOINTS * 1000, FixedTariff(4_000, "CHF"))
    events: list[tuple[int, Event]] = [(0, SessionOpened(terms)), (0, BillingStarted())]
    for second in range(CHECKPOINTS):
        from_ms, to_ms = second * 1000, (second + 1) * 1000
        for role in Role:
            jitter_ms = rng.randint(0, gap_ms) + gap_ms
            events.append((to_ms, FlowObserved(role, from_ms, to_ms - jitter_ms)))
            if second % 60 == 0:
                events.append((to_ms, PresenceObserved(role, from_ms, to_ms + 59_000)))
    events.append((CHECKPOINTS * 1000, SessionClosed("technician_ended")))
    return [Recorded(seq, at_ms, event) for seq, (at_ms, event) in enumerate(events, start=1)]


def spent_ms(events: list[Recorded]) -> float:
    """Return the median time of folding and assessing a log."""
    clock, times = SystemClock(), []
    for _ in range(ROUNDS):
        before_s = clock.monotonic_s()
        sheet = TimeSheet.from_log(events)
        assess(sheet, sheet.latest_ms)
        times.append(clock.monotonic_s() - before_s)
    return statistics.median(times) * 1000


def live_ms(events: list[Recorded]) -> float:
    """Return the median time of what a room does once a second: one more event, then price and reasons."""
    sheet, clock, times = TimeSheet.from_log(events), SystemClock(), []
    for n in range(ROUNDS):
        before_s = clock.monotonic_s()
        sheet.add(Recorded(0, n, FlowObserved(Role.CUSTOMER, n, n + 1)))
        assess(sheet, sheet.latest_ms)
        explain(sheet, sheet.latest_ms)
        times.append(clock.monotonic_s() - before_s)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
