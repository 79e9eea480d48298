"""The retry table of Standard Webhooks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.sessions.hooks.retry import (
    DELAYS_S,
    RETRY_AFTER_MAX_S,
    Verdict,
    judge,
    retry_after_untrusted,
)

NOW_MS = 1_795_435_200_000
"""2026-11-23 12:00:00 UTC."""


def test_only_two_hundreds_are_success() -> None:
    """A redirect is a failure: nothing follows it."""
    for status in (200, 202, 299):
        assert judge(0, status, None, NOW_MS, 0.0) == Verdict("delivered")
    for failed in (None, 100, 199, 300, 301, 404, 429, 500):
        assert judge(0, failed, None, NOW_MS, 0.0) == Verdict("pending", NOW_MS + 5_000)


def test_the_tries_follow_the_table_and_end() -> None:
    """Ten tries in about three days, then the delivery is dead."""
    at_ms: int = NOW_MS
    instants = [at_ms]
    for tries_before in range(len(DELAYS_S)):
        verdict = judge(tries_before, 500, None, at_ms, 0.0)
        if tries_before == len(DELAYS_S) - 1:
            assert verdict == Verdict("dead")
            break
        assert verdict.next_attempt_at_ms is not None
        at_ms = verdict.next_attempt_at_ms
        instants.append(at_ms)
    seconds = [(later - NOW_MS) // 1000 for later in instants]
    assert seconds == [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105]


def test_a_receiver_that_is_gone_disables_its_endpoint() -> None:
    """410 ends it at the first try."""
    assert judge(0, 410, 5, NOW_MS, 0.0) == Verdict("dead", disables_endpoint=True)


@given(st.integers(0, 8), st.floats(0, 1, exclude_max=True))
def test_jitter_only_delays_and_by_a_tenth_at_most(tries_before: int, jitter: float) -> None:
    """No try comes before its time."""
    delay_ms = (judge(tries_before, 500, None, NOW_MS, jitter).next_attempt_at_ms or 0) - NOW_MS
    planned_ms = DELAYS_S[tries_before + 1] * 1000
    assert planned_ms <= delay_ms <= planned_ms * 1.1


def test_a_receiver_may_ask_for_more_time_up_to_an_hour() -> None:
    """``Retry-After`` only ever makes the wait longer."""
    assert judge(0, 429, 120, NOW_MS, 0.0).next_attempt_at_ms == NOW_MS + 120_000
    assert judge(0, 429, 10**9, NOW_MS, 0.0).next_attempt_at_ms == NOW_MS + RETRY_AFTER_MAX_S * 1000
    assert judge(1, 503, 1, NOW_MS, 0.0).next_attempt_at_ms == NOW_MS + 300_000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 0 ", 0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 12:02:00 -0000", 120),
        ("Mon, 23 Nov 2020 12:00:00 GMT", 0),
        ("Mon, 23 Nov 99999 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: int | None) -> None:
    """Anything else counts as not said."""
    assert retry_after_untrusted(value, NOW_MS) == seconds


@given(st.text(max_size=80))
def test_any_header_is_understood_or_ignored(value: str) -> None:
    """Nothing escapes the parser."""
    seconds = retry_after_untrusted(value, NOW_MS)
    assert seconds is None or seconds >= 0
