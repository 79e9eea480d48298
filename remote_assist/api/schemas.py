"""The words of the HTTP API: what may be sent, and what comes back.

Requests are strict and closed: unknown fields and lax conversions are refused. Instants are RFC 3339 with an
offset and go out in UTC with ``Z``; durations and instants of the log are whole milliseconds.
"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

DAY_MS: Final = 86_400_000
MINOR_MAX: Final = 100_000_000
"""A million francs: far above any assist, and far below where sums lose exactness in a browser."""
METADATA_MAX_BYTES: Final = 16_384
PAGE_MAX: Final = 1_000

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def _whole(value: Any) -> Any:
    """Accept 3.0 for 3, as JSON Schema's integer does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rfc3339(value: Any) -> Any:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 instant such as 2026-11-23T09:30:00Z")
    return value


def _in_range(value: datetime) -> datetime:
    if not _EARLIEST <= value < _LATEST:
        raise ValueError("must be between the years 2000 and 2100")
    return value.astimezone(UTC)


def _printable(value: str) -> str:
    if not value.strip() or _CONTROL.search(value):
        raise ValueError("must not be blank or hold control characters")
    return value.strip()


def _kept_exactly(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what cannot be stored and given back as it was."""
    pending: list[Any] = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, str) and "\x00" in one:
            raise ValueError("must not hold the character NUL")
        elif isinstance(one, (int, float)) and not abs(one) <= 2**53:  # NaN compares false
            raise ValueError("numbers must lie within ±2^53")
    if len(json.dumps(value)) > METADATA_MAX_BYTES:
        raise ValueError(f"must not be larger than {METADATA_MAX_BYTES} bytes")
    return value


def instant_from_ms(at_ms: int) -> datetime:
    """Return the instant of UTC milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)


def instant_to_ms(at: datetime) -> int:
    """Return the UTC milliseconds of an instant, rounded down."""
    seconds = at.astimezone(UTC).replace(microsecond=0).timestamp()
    return int(seconds) * 1000 + at.microsecond // 1000


Milliseconds = Annotated[int, Field(ge=0, le=DAY_MS), BeforeValidator(_whole)]
Minor = Annotated[int, Field(ge=0, le=MINOR_MAX), BeforeValidator(_whole)]
InstantMs = Annotated[int, Field(ge=946_684_800_000, lt=4_102_444_800_000), BeforeValidator(_whole)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.", examples=["CHF"])]
Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339), AfterValidator(_in_range)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Email = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^\s@]+@[^\s@]+$")]
Locale = Annotated[
    str, Field(max_length=35, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", examples=["de-CH"])
]
Metadata = Annotated[dict[str, JsonValue], AfterValidator(_kept_exactly)]
Id = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_.:-]+$")]


class Request(BaseModel):
    """What may be sent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """What may stand after the question mark: texts, hence not strict."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Request):
    """No fields."""


class PageQuery(Query):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100
    cursor: Annotated[str, Field(max_length=80, pattern=r"^[0-9a-f-]{36}$|^ur_[0-9a-f]+$")] | None = None


class LogQuery(Query):
    """Which part of a session's log."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    cursor: Annotated[str, Field(max_length=12, pattern=r"^[0-9]*$")] | None = None


# --- sessions ----------------------------------------------------------------------------------------


class CustomerIn(Request):
    """Who needs help."""

    name: Name
    email: Email | None = None
    locale: Locale | None = None


class TechnicianIn(Request):
    """Who helps, given by name."""

    name: Name
    email: Email | None = None
    locale: Locale | None = None


class TechnicianRef(Request):
    """Who helps, as registered with this server."""

    id: Id


class FixedTariffIn(Request):
    """A package price that covers the booked time."""

    kind: Literal["fixed"]
    price_minor: Minor
    currency: Currency


class MeteredTariffIn(Request):
    """A price for each billed second, and at least the minimum once completed."""

    kind: Literal["metered"]
    rate_minor_per_hour: Minor
    currency: Currency
    minimum_minor: Minor = 0


TariffIn = Annotated[FixedTariffIn | MeteredTariffIn, Field(discriminator="kind")]


class TermsIn(Request):
    """Any subset of the terms; the rest are defaults. What is named here counts over the fields beside it."""

    scheduled_start_ms: InstantMs | None = None
    booked_ms: Annotated[int, Field(ge=1, le=DAY_MS), BeforeValidator(_whole)] | None = None
    tariff: TariffIn | None = None
    early_ms: Milliseconds | None = None
    bridge_ms: Annotated[int, Field(ge=0, le=60_000), BeforeValidator(_whole)] | None = None
    bridge_pct: Annotated[int, Field(ge=0, le=100), BeforeValidator(_whole)] | None = None
    free_ms: Milliseconds | None = None
    wait_ms: Milliseconds | None = None
    min_executed_ms: Milliseconds | None = None
    no_show_fee_minor: Minor | None = None
    late_cancellation_fee_minor: Minor | None = None


class OpenSessionIn(Request):
    """What a marketplace sends to open a session."""

    customer: CustomerIn
    technician: TechnicianIn | TechnicianRef
    booked_minutes: Annotated[int, Field(ge=1, le=1_440), BeforeValidator(_whole)]
    scheduled_start: Instant | None = Field(default=None, description="Now, if left out.")
    tariff: TariffIn | None = Field(default=None, description="Free of charge, if left out.")
    terms: TermsIn | None = None
    recording: Literal["off", "offered"] = "off"
    metadata: Metadata = Field(default_factory=dict, description="Kept and given back, never read.")


class PersonOut(BaseModel):
    """One side of a session."""

    participant_id: str
    name: str
    email: str | None
    locale: str | None


class TermsOut(BaseModel):
    """The terms both sides agreed to."""

    scheduled_start_ms: int
    booked_ms: int
    early_ms: int
    bridge_ms: int
    bridge_pct: int
    free_ms: int
    wait_ms: int
    min_executed_ms: int
    no_show_fee_minor: int
    late_cancellation_fee_minor: int
    tariff: dict[str, JsonValue]


class SessionOut(BaseModel):
    """A session as its partner sees it."""

    id: str
    state: Literal["open", "live", "closed"]
    version: int = Field(description="Counts the log's events other than evidence.")
    customer: PersonOut
    technician: PersonOut
    booked_minutes: int
    scheduled_start: datetime
    terms: TermsOut
    recording: Literal["off", "offered"]
    metadata: dict[str, JsonValue]
    created_at: datetime
    closed_at: datetime | None
    close_reason: str | None


class RatingOut(BaseModel):
    """What one side said of a closed session; a part that was not said is null or empty."""

    role: Literal["customer", "technician"]
    stars: int | None = Field(description="1 to 5.")
    solved: bool | None
    comment: str
    rated_at: datetime


class RatingPage(BaseModel):
    """The newest rating of each side that gave one."""

    items: list[RatingOut]
    next_cursor: str | None


class OpenedSessionOut(SessionOut):
    """A new session with its two links, which are shown this once."""

    customer_url: str
    technician_url: str


class SessionPage(BaseModel):
    """Sessions, newest first."""

    items: list[SessionOut]
    next_cursor: str | None


class EventPage(BaseModel):
    """Events in order of ``seq``: each has ``seq``, ``at``, ``type`` and the fields of its type."""

    items: list[dict[str, JsonValue]]
    next_cursor: str | None


# --- links -------------------------------------------------------------------------------------------


class JoinIn(Request):
    """The secret of a link, which is what stands after its ``#``."""

    secret: Annotated[str, Field(min_length=1, max_length=128)]


class IceServerOut(BaseModel):
    """An entry for RTCConfiguration.iceServers."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class JoinConfig(BaseModel):
    """What a page needs to know of this server."""

    ice_servers: list[IceServerOut]
    is_demo: bool


class JoinOut(BaseModel):
    """A join token and whose it is."""

    token: str
    expires_at_ms: int
    session_id: str
    role: Literal["customer", "technician"]
    participant_id: str
    name: str
    locale: str | None
    config: JoinConfig


# --- test calls --------------------------------------------------------------------------------------


class TestCallOut(BaseModel):
    """A test call: two legs that one page joins by itself."""

    __test__ = False  # not for pytest, whatever its name

    id: str
    life_s: int = Field(description="It ends by itself after this.")
    ice_servers: list[IceServerOut]


class TestDescription(Request):
    """A description of one of the two connections."""

    __test__ = False

    leg: Literal["a", "b"]
    type: Literal["offer", "answer"]
    sdp: Annotated[str, Field(min_length=1, max_length=65_536)]


class TestDescriptionOut(BaseModel):
    """The same description as the other connection is to hear it."""

    __test__ = False

    type: Literal["offer", "answer"]
    sdp: str


TestCallId = Annotated[str, Field(pattern=r"^[\w-]{22}$")]


# --- demo --------------------------------------------------------------------------------------------


class DemoSessionIn(Request):
    """Whom to try a session with."""

    partner: Literal["robot", "window", "phone"] = Field(alias="with")


class PhoneLink(BaseModel):
    """The customer's link for a phone on the same network, drawn as a QR code by the page."""

    url: str


class DemoSessionOut(BaseModel):
    """A session to try. Without HTTPS on the local network ``phone`` is null: start with ``LAN=1``."""

    session_id: str
    customer_url: str
    technician_url: str
    phone: PhoneLink | None
