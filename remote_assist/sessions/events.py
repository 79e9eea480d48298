"""The events of a session's log: what the server itself observed, for ever.

Written once, never edited; billable time, outcome, receipt and notices are functions of them.
Instants are UTC milliseconds, intervals half-open ``[from_ms, to_ms)``. Source: docs/billing.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal


class Role(StrEnum):
    """Who a participant is. Observers and experts, when they come, never touch billing."""

    CUSTOMER = "customer"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True)
class FixedTariff:
    """A package: ``price_minor`` covers the booked time, once the session counts as completed."""

    kind: ClassVar[Literal["fixed"]] = "fixed"
    price_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class MeteredTariff:
    """``rate_minor_per_hour`` for each billed second, and at least ``minimum_minor`` if completed."""

    kind: ClassVar[Literal["metered"]] = "metered"
    rate_minor_per_hour: int
    currency: str
    minimum_minor: int = 0


Tariff = FixedTariff | MeteredTariff


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms both sides agreed to, as a snapshot taken when the session was opened."""

    scheduled_start_ms: int
    booked_ms: int
    tariff: Tariff
    early_ms: int = 0
    bridge_ms: int = 2_000
    bridge_pct: int = 5
    free_ms: int = 60_000
    wait_ms: int = 600_000
    min_executed_ms: int = 120_000
    no_show_fee_minor: int = 0
    late_cancellation_fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The session exists, with these terms."""

    type: ClassVar[str] = "session_opened"
    terms: Terms


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    """Somebody pressed join. Shown, never billed."""

    type: ClassVar[str] = "participant_joined"
    role: Role
    participant_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """A joined connection ended. Shown, never billed."""

    type: ClassVar[str] = "participant_left"
    role: Role
    participant_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class PresenceObserved:
    """A role was connected with its page visible: for no-show only, never for time."""

    type: ClassVar[str] = "presence_observed"
    role: Role
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class FlowObserved:
    """Authenticated media packets arrived from a role's leg throughout: the only evidence of time."""

    type: ClassVar[str] = "flow_observed"
    role: Role
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class BillingStarted:
    """The customer joined having seen the price, and the technician admitted."""

    type: ClassVar[str] = "billing_started"


@dataclass(frozen=True, slots=True)
class Paused:
    """Either party paused the clock."""

    type: ClassVar[str] = "paused"
    pause_id: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause with this id ended."""

    type: ClassVar[str] = "resumed"
    pause_id: str


@dataclass(frozen=True, slots=True)
class FaultRecorded:
    """The server admits its own failure; the time is nobody's to pay."""

    type: ClassVar[str] = "fault_recorded"
    from_ms: int
    to_ms: int
    cause: str


@dataclass(frozen=True, slots=True)
class ExtensionAccepted:
    """The customer tapped yes to more time at this price."""

    type: ClassVar[str] = "extension_accepted"
    extension_id: str
    extra_ms: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session is over."""

    type: ClassVar[str] = "session_closed"
    reason: str


Evidence = PresenceObserved | FlowObserved
"""Takes the next ``seq`` without a version check, because a set of intervals cannot conflict."""

Decision = (
    SessionOpened
    | ParticipantJoined
    | ParticipantLeft
    | BillingStarted
    | Paused
    | Resumed
    | FaultRecorded
    | ExtensionAccepted
    | SessionClosed
)
"""Every other event; each raises the session's ``version`` by one."""

Event = Evidence | Decision


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in the log."""

    seq: int
    at_ms: int
    event: Event
