"""Short hands for building logs of a few events in tests."""

from remote_assist.sessions.events import Event, FixedTariff, Recorded, Role, SessionOpened, Terms
from remote_assist.sessions.timing.sheet import TimeSheet

CUSTOMER, TECHNICIAN = Role.CUSTOMER, Role.TECHNICIAN
START_MS = 1_000_000
TARIFF = FixedTariff(price_minor=4000, currency="CHF")


def terms(**overrides: object) -> Terms:
    """Return terms that start at START_MS, book 1,000 s, bridge 2 s and have no free minute."""
    chosen: dict[str, object] = {
        "scheduled_start_ms": START_MS,
        "booked_ms": 1_000_000,
        "tariff": TARIFF,
        "free_ms": 0,
        **overrides,
    }
    return Terms(**chosen)  # type: ignore[arg-type] # the tests name fields of Terms


def sheet(agreed: Terms, *log: tuple[int, Event]) -> TimeSheet:
    """Return the sheet of a session with these terms and ``(seconds after the start, event)`` pairs."""
    events: list[tuple[int, Event]] = [(0, SessionOpened(agreed)), *log]
    return TimeSheet.from_log(Recorded(n, at(s), event) for n, (s, event) in enumerate(events, start=1))


def at(seconds: float) -> int:
    """Return the instant this long after the start."""
    return START_MS + round(seconds * 1000)
