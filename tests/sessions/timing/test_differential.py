"""The bill of random logs against the array model. ``SEED=n`` replays a run."""

import json
import random

from remote_assist.sessions.replay import replay
from tests.sessions.timing.array_model import bill
from tests.sessions.timing.random_logs import RandomLog, random_log, seed

LOGS = 4_500
"""1,500 + 3,000, the number that found every planted bug in a trial."""


def replayed(log: RandomLog) -> object:
    return replay(map(json.dumps, log.records), log.until_ms)


def test_the_bill_is_that_of_the_array_model() -> None:
    """Every number, interval and line of a random log's bill is what counting cells gives."""
    run = seed()
    outcomes = set()
    for n in range(LOGS):
        log = random_log(random.Random(f"{run}:{n}"))
        expected = bill(log.records, log.until_ms, log.unit_ms)
        assert replayed(log) == expected, f"SEED={run} log {n}"
        outcomes.add((expected["outcome"], len(expected["charges"])))
    assert {kind for kind, _ in outcomes} == {
        "completed",
        "pending",
        "customer_no_show",
        "technician_no_show",
        "nobody_came",
        "not_executed",
    }
