"""Recomputing a bill from the lines of a log."""

import json

import pytest

from remote_assist.errors import ProtocolViolation
from remote_assist.sessions.replay import replay, replay_line

TERMS = {
    "scheduled_start_ms": 0,
    "booked_ms": 1_800_000,
    "no_show_fee_minor": 1_500,
    "tariff": {"kind": "fixed", "price_minor": 4_000, "currency": "CHF"},
}
OPENED = json.dumps({"seq": 1, "at": 0, "type": "session_opened", "terms": TERMS})


def line(kind: str, at: int, **fields: object) -> str:
    return json.dumps({"seq": 2, "at": at, "type": kind, **fields})


def flow(role: str, to_ms: int) -> str:
    return line("flow_observed", 0, role=role, from_ms=0, to_ms=to_ms)


def test_a_result_is_one_compact_object_with_the_agreed_names() -> None:
    """Names, their order and the compact form are those of the page."""
    log = [OPENED, line("billing_started", 0), flow("customer", 130_999), flow("technician", 130_999)]
    assert replay_line(log) == (
        '{"outcome":"completed","evidenced_ms":130999,"bridged_ms":0,"paused_ms":0,"fault_ms":0,'
        '"served_ms":130999,"total_ms":130999,"billed_s":70,"intervals":[[0,130999]],'
        '"charges":[{"reason":"package","amount_minor":4000}],"total_minor":4000,"currency":"CHF"}'
    )


def test_an_open_log_is_judged_at_its_latest_instant_or_as_asked() -> None:
    """An open session lasts to the end of its last interval unless another instant is given."""
    log = [OPENED, flow("technician", 599_999)]
    assert replay(log)["outcome"] == "pending"
    assert replay(log, 600_000)["outcome"] == "customer_no_show"
    assert replay([*log, line("session_closed", 9)], 600_000)["outcome"] == "not_executed"


def test_what_is_not_known_does_not_move_the_latest_instant() -> None:
    """A type or role this version does not know is ignored in every way."""
    log = [OPENED, flow("technician", 599_999)]
    more = [
        line("weather_observed", 10**9),
        line("flow_observed", 10**9, role="observer", from_ms=0, to_ms=10**9),
    ]
    assert replay([*log, *more]) == replay(log)


def test_empty_lines_and_bytes_are_read() -> None:
    """A log may end in empty lines, and may come as the bytes of a file."""
    assert replay([OPENED + "\r\n", "\n", " "]) == replay([OPENED.encode() + b"\n", b"\n"])


def test_a_bad_line_is_named() -> None:
    """A refusal says which line it is about."""
    with pytest.raises(ProtocolViolation, match="Line 3: "):
        replay([OPENED, "", "{"])


def test_a_log_without_an_opening_is_refused() -> None:
    """Without terms there is nothing to compute."""
    with pytest.raises(ProtocolViolation, match="no session is opened"):
        replay([line("billing_started", 0)])
    with pytest.raises(ProtocolViolation, match="no session is opened"):
        replay([])
