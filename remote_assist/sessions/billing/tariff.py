"""Turn measured time into charge lines. The one rounding of money happens here.

Integer minor units of the tariff's currency (ISO 4217). A minimum or a fee is a line of its own and is
never hidden in seconds. Source: docs/billing.md, "From seconds to money".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from remote_assist.sessions.events import FixedTariff, MeteredTariff, Terms
from remote_assist.sessions.timing.billable import Measured, allowed_before
from remote_assist.sessions.timing.outcome import Outcome
from remote_assist.sessions.timing.sheet import Grant

SECONDS_PER_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the bill and the reason it stands there."""

    reason: str
    amount_minor: int


def charges(
    terms: Terms, measured: Measured, outcome: Outcome, extensions: Sequence[Grant]
) -> tuple[Charge, ...]:
    """Return the lines of the bill, in the order they are shown.

    A completed session always has its ``package`` or ``metered_time`` line, also at 0.
    """
    if outcome is Outcome.CUSTOMER_NO_SHOW and terms.no_show_fee_minor > 0:
        return (Charge("no_show_fee", terms.no_show_fee_minor),)
    if outcome is not Outcome.COMPLETED:
        return ()
    if isinstance(terms.tariff, FixedTariff):
        return (Charge("package", terms.tariff.price_minor), *_used(terms, measured, extensions))
    return _metered(terms.tariff, measured.billed_s)


def total_minor(lines: Sequence[Charge]) -> int:
    """Return the sum of the lines."""
    return sum(line.amount_minor for line in lines)


def metered_minor(billed_s: int, rate_minor_per_hour: int) -> int:
    """Return the price of whole seconds, rounded down: the only rounding of money there is."""
    return billed_s * rate_minor_per_hour // SECONDS_PER_HOUR


def _metered(tariff: MeteredTariff, billed_s: int) -> tuple[Charge, ...]:
    time = Charge("metered_time", metered_minor(billed_s, tariff.rate_minor_per_hour))
    missing_minor = tariff.minimum_minor - time.amount_minor
    return (time, Charge("minimum", missing_minor)) if missing_minor > 0 else (time,)


def _used(terms: Terms, measured: Measured, extensions: Sequence[Grant]) -> tuple[Charge, ...]:
    """Charge each extension whose time was reached: accepted is not enough."""
    return tuple(
        Charge(f"extension:{extension.extension_id}", extension.price_minor)
        for extension, before_ms in allowed_before(terms.booked_ms, extensions)
        if measured.served_ms > before_ms
    )
