"""api/receipt_page.py: the receipt for people, in every language, with nothing that runs."""

import base64
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.api.receipt_page import CSP, SEGMENTS_MAX, duration, language_untrusted, money, render
from remote_assist.api.receipt_words import WORDS

METERED = {"kind": "metered", "rate_minor_per_hour": 6000, "minimum_minor": 500, "currency": "CHF"}
CLAIMS: dict[str, Any] = {
    "iss": "https://assist.example",
    "session_id": "0190-s",
    "usage_record_id": "ur_1",
    "iat": 1_795_000_000,
    "customer": {"name": "Carla <b>Customer</b>"},
    "technician": {"name": "Toni"},
    "billing_started_at_ms": 1_795_000_000_000,
    "closed_at_ms": 1_795_000_600_000,
    "outcome": "completed",
    "terms": {
        "booked_ms": 1_800_000,
        "free_ms": 60_000,
        "min_executed_ms": 120_000,
        "bridge_ms": 2_000,
        "bridge_pct": 5,
        "tariff": METERED,
    },
    "evidenced_ms": 600_000,
    "bridged_ms": 0,
    "paused_ms": 0,
    "fault_ms": 0,
    "total_ms": 600_999,
    "billed_s": 540,
    "segments": [
        [1_795_000_000_000, 1_795_000_060_000, "counted"],
        [1_795_000_060_000, 1_795_000_090_000, "customer_silent"],
    ],
    "charges": [
        {"reason": "metered_time", "amount_minor": 900},
        {"reason": "extension:x-1", "amount_minor": 1500},
        {"reason": "credit:goodwill", "amount_minor": -5},
    ],
    "total_minor": 2395,
    "currency": "CHF",
}


@pytest.mark.parametrize("language", list(WORDS))
def test_page_shows_every_number(language: str) -> None:
    """Time, charges and the total stand there as in the claims."""
    page = render(CLAIMS, "e.y.J", language)
    for shown in (
        "9:00",
        "10:00.0",
        "10:00.9",
        "CHF 9.00",
        "CHF 15.00",
        "CHF -0.05",
        "CHF 23.95",
        "0190-s",
        "ur_1",
        "e.y.J",
    ):
        assert f">{shown}<" in page or f" {shown}<" in page, shown
    assert "2026-11-1" in page or "2026-" in page
    assert f'<html lang="{language}">' in page


def test_page_shows_what_was_agreed() -> None:
    """With the terms beside the times a reader can do the sum, for either tariff."""
    metered = render(CLAIMS, "t", "en")
    assert "Price</th><td>CHF 60.00 / 60:00" in metered
    assert "At least</th><td>CHF 5.00" in metered
    assert "Booked time</th><td>30:00" in metered
    assert "Short gaps count</th><td>up to 2 s each and 5 % of the time" in metered
    free = {**CLAIMS["terms"], "tariff": {**METERED, "minimum_minor": 0}}
    assert "At least" not in render({**CLAIMS, "terms": free}, "t", "en")
    package = {**CLAIMS["terms"], "tariff": {"kind": "fixed", "price_minor": 4000, "currency": "CHF"}}
    assert "Price for the booked time</th><td>CHF 40.00 / 30:00" in render(
        {**CLAIMS, "terms": package}, "t", "en"
    )


def test_languages_have_the_same_words() -> None:
    """No word is missing in either."""
    assert all(words.keys() == WORDS["en"].keys() for words in WORDS.values())


def test_policy_allows_the_style_and_nothing_else() -> None:
    """The hash in the policy is that of the page's only style."""
    page = render(CLAIMS, "token", "en")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CSP
    assert "default-src 'none'" in CSP
    assert "script" not in CSP


@given(
    st.recursive(
        st.none() | st.integers(0, 2**40) | st.text(), lambda some: st.lists(some, max_size=2), max_leaves=3
    )
)
def test_texts_are_escaped(text: Any) -> None:
    """Whatever a name holds, it is text."""
    page = render({**CLAIMS, "customer": {"name": f"<script>{text}</script>"}}, "<i>", "en")
    assert "<script" not in page
    assert "<i>" not in page


def test_timeline_says_why() -> None:
    """Each stretch has its times and its reason; a thousand of them are not all shown."""
    page = render(CLAIMS, "t", "en")
    assert "(1:00.0)</th><td>both connected" in page
    assert "(0:30.0)</th><td>no data from the customer" in page
    assert WORDS["en"]["more"] not in page
    long = render({**CLAIMS, "segments": CLAIMS["segments"] * SEGMENTS_MAX}, "t", "en")
    assert WORDS["en"]["more"] in long
    assert WORDS["en"]["timeline"] not in render({**CLAIMS, "segments": []}, "t", "en")


def test_a_session_that_costs_nothing_says_so() -> None:
    """No empty table."""
    assert "Nothing is charged." in render({**CLAIMS, "charges": [], "total_minor": 0}, "t", "en")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (0, "CHF", "CHF 0.00"),
        (5, "EUR", "EUR 0.05"),
        (-1234, "CHF", "CHF -12.34"),
        (7, "JPY", "JPY 7"),
        (1, "KWD", "KWD 0.001"),
    ],
)
def test_money(amount: int, currency: str, shown: str) -> None:
    """Minor units have as many digits as the currency has."""
    assert money(amount, currency) == shown


@pytest.mark.parametrize(
    ("length_ms", "shown"), [(0, "0:00"), (999, "0:00"), (61_000, "1:01"), (3_600_000, "60:00")]
)
def test_duration(length_ms: int, shown: str) -> None:
    """Minutes and seconds, rounded down as the bill is."""
    assert duration(length_ms) == shown


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,en;q=0.5", "de"),
        ("rm,it-CH;q=0.9,de;q=0.1", "it"),
        ("fr-CH", "fr"),
        ("xx", "en"),
        (",;;=", "en"),
    ],
)
def test_language(accepted: str, language: str) -> None:
    """The first language that we speak."""
    assert language_untrusted({"Accept-Language": accepted}) == language
