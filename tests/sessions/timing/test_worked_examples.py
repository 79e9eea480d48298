"""The worked examples of docs/billing.md, and other logs with their bills."""

import json
import random
from pathlib import Path

import pytest

from remote_assist.sessions.replay import replay_line
from tests.sessions.timing.array_model import bill

LOGS = sorted((Path(__file__).parents[2] / "data" / "logs").glob("*.ndjson"))
WORKED = {
    "clean-20-min": ("completed", 1_200),
    "black-out-of-2000-ms": ("completed", 1_200),
    "black-out-of-2001-ms": ("completed", 1_197),
    "customer-gone-after-10-min": ("completed", 600),
    "pause-of-2-min": ("completed", 1_080),
    "fifty-min-without-consent": ("completed", 1_800),
    "consent-at-33-20": ("completed", 2_700),
    "consent-at-41-40": ("completed", 2_300),
    "hundred-seconds-together": ("not_executed", 0),
    "technician-alone": ("customer_no_show", 0),
}


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_a_log_replays_to_its_bill(log: Path) -> None:
    """Replaying a kept log prints its kept bill to the byte, in any order of its lines."""
    lines = log.read_text().splitlines()
    kept = log.with_suffix(".bill.json").read_text().rstrip("\n")
    assert replay_line(lines) == kept
    random.Random(0).shuffle(lines)
    assert replay_line([*lines, *lines]) == kept


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_example_has_its_seconds(name: str) -> None:
    """The examples of the page hold."""
    log = next(path for path in LOGS if path.stem == name)
    result = json.loads(replay_line(log.read_text().splitlines()))
    assert (result["outcome"], result["billed_s"]) == WORKED[name]
    assert (result["total_minor"] > 0) == (name != "hundred-seconds-together")


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_the_array_model_agrees_with_a_kept_bill(log: Path) -> None:
    """The oracle gives the kept bills too, on the coarsest grid that a log fits."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    instants = [r[key] for r in records for key in ("at", "from_ms", "to_ms") if key in r]
    unit_ms = next(unit for unit in (1000, 100, 20, 1) if all(instant % unit == 0 for instant in instants))
    assert bill(records, unit_ms=unit_ms) == json.loads(log.with_suffix(".bill.json").read_text())


def test_the_page_shows_true_examples() -> None:
    """The table and the result printed in docs/billing.md are those of the kept logs."""
    page = (Path(__file__).parents[3] / "docs" / "billing.md").read_text()
    printed = next(line for line in page.splitlines() if line.startswith('{"outcome"'))
    assert printed == LOGS[0].with_name("black-out-of-2001-ms.bill.json").read_text().rstrip("\n")
    for name, (ending, billed_s) in WORKED.items():
        row = next(line for line in page.splitlines() if f"`{name}`" in line)
        assert f"| {billed_s:,} s" in row
        assert ending == "completed" or f"`{ending}`" in row
