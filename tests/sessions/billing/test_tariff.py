"""From seconds to money, line by line."""

import pytest

from remote_assist.sessions.billing.tariff import Charge, charges, metered_minor, total_minor
from remote_assist.sessions.events import FixedTariff, MeteredTariff, Tariff, Terms
from remote_assist.sessions.timing.billable import Measured
from remote_assist.sessions.timing.outcome import Outcome
from remote_assist.sessions.timing.sheet import Grant

FIXED = FixedTariff(price_minor=4_000, currency="CHF")
METERED = MeteredTariff(rate_minor_per_hour=6_000, currency="CHF", minimum_minor=500)
GRANTS = (Grant("a", 10, 100, 900), Grant("b", 20, 100, 800), Grant("c", 20, 50, 700))


def bill(
    tariff: Tariff,
    outcome: Outcome = Outcome.COMPLETED,
    *,
    served_ms: int = 0,
    billed_s: int = 0,
    fee: int = 0,
) -> list[tuple[str, int]]:
    terms = Terms(scheduled_start_ms=0, booked_ms=1_000, tariff=tariff, no_show_fee_minor=fee)
    measured = Measured(0, 0, 0, 0, served_ms, 0, billed_s, (), None, 0, is_executed=True)
    return [(line.reason, line.amount_minor) for line in charges(terms, measured, outcome, GRANTS)]


@pytest.mark.parametrize(
    ("served_ms", "used"), [(1_000, ""), (1_001, "a"), (1_100, "a"), (1_101, "abc"), (1_250, "abc")]
)
def test_a_package_charges_the_extensions_that_were_reached(served_ms: int, used: str) -> None:
    """An accepted extension costs its price once the time served exceeds all that was allowed before it."""
    prices = {"a": 900, "b": 800, "c": 700}
    expected = [("package", 4_000), *((f"extension:{name}", prices[name]) for name in used)]
    assert bill(FIXED, served_ms=served_ms) == expected


def test_a_package_is_full_once_completed() -> None:
    """The package has one price however short the session was, and a line even when it is free."""
    assert bill(FIXED, billed_s=0) == [("package", 4_000)]
    assert bill(FixedTariff(price_minor=0, currency="CHF")) == [("package", 0)]


@pytest.mark.parametrize(
    ("billed_s", "expected"),
    [
        (0, [("metered_time", 0), ("minimum", 500)]),
        (299, [("metered_time", 498), ("minimum", 2)]),
        (300, [("metered_time", 500)]),
        (3_601, [("metered_time", 6_001)]),
    ],
)
def test_metered_time_costs_its_rate(billed_s: int, expected: list[tuple[str, int]]) -> None:
    """Time costs its rate, rounded down; a rest to the minimum is its own line; extensions cost nothing."""
    assert bill(METERED, billed_s=billed_s, served_ms=10**9) == expected


@pytest.mark.parametrize(("billed_s", "rate", "minor"), [(1, 3_599, 0), (1, 3_600, 1), (44, 6_000, 73)])
def test_money_is_rounded_down_once(billed_s: int, rate: int, minor: int) -> None:
    """A part of a minor unit is never charged."""
    assert metered_minor(billed_s, rate) == minor


@pytest.mark.parametrize("tariff", [FIXED, METERED])
@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.COMPLETED])
def test_a_fee_is_only_for_its_outcome(tariff: Tariff, outcome: Outcome) -> None:
    """Only a customer who did not come owes the fee, and only if one was agreed; nothing else is charged."""
    is_fee_due = outcome is Outcome.CUSTOMER_NO_SHOW
    assert bill(tariff, outcome, served_ms=9_999, fee=1) == ([("no_show_fee", 1)] if is_fee_due else [])
    assert bill(tariff, outcome, served_ms=9_999) == []


def test_a_completed_session_owes_no_fee() -> None:
    """The fee stays out of a completed session's bill."""
    assert bill(FIXED, fee=1_500) == [("package", 4_000)]


def test_the_total_is_the_sum_of_the_lines() -> None:
    """The lines add up, without anything hidden."""
    assert total_minor([Charge("package", 4_000), Charge("extension:a", 900)]) == 4_900
    assert total_minor([]) == 0
