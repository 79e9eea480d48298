"""What the use cases take and give. Frozen values; nothing here decides or stores anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from remote_assist.ids import NodeId, ParticipantId, PartnerId, SessionId
from remote_assist.sessions.events import Role, Tariff, Terms
from remote_assist.sessions.state import Stage

Recording = Literal["off", "offered"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the partner names them when opening a session."""

    name: str
    email: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """The request to open a session.

    ``terms`` overrides any of the millisecond, percent and fee fields of ``Terms`` by name. Without
    a ``tariff`` the session is metered at rate 0: measured in full, and owing nothing.
    """

    customer: Person
    technician: Person
    booked_ms: int
    scheduled_start_ms: int | None = None
    tariff: Tariff | None = None
    terms: Mapping[str, int] = field(default_factory=dict)
    recording: Recording = "off"
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Participant:
    """A person with their identity in this session."""

    participant_id: ParticipantId
    name: str
    email: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as it stands, folded from its log. ``version`` counts events other than evidence."""

    id: SessionId
    partner_id: PartnerId
    version: int
    last_seq: int
    state: Stage
    customer: Participant
    technician: Participant
    terms: Terms
    recording: Recording
    metadata: Mapping[str, object]
    created_at_ms: int
    billing_started_at_ms: int | None
    paused_ids: tuple[str, ...]
    customer_connection: str | None
    technician_connection: str | None
    closed_at_ms: int | None
    close_reason: str | None
    home_node: NodeId | None
    epoch: int

    def participant(self, role: Role) -> Participant:
        """Return who takes this role."""
        return self.customer if role is Role.CUSTOMER else self.technician


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session and the secrets of its two links. The secrets cannot be read again."""

    view: SessionView
    customer_secret: str
    technician_secret: str


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whom a link's secret stands for."""

    session_id: SessionId
    role: Role
    participant_id: ParticipantId
    name: str
    locale: str | None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a participant showed; name and type were made safe."""

    id: str
    role: Role
    name: str
    media_type: str
    size: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChatLine:
    """A chat line as it was kept; ``n`` counts from 1 within the session."""

    n: int
    at_ms: int
    role: Role
    client_id: str
    text: str
    file: KeptFile | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thinks of a session. ``is_solved`` None and ``stars`` None: not said."""

    stars: int | None
    is_solved: bool | None
    comment: str


@dataclass(frozen=True, slots=True)
class Rating:
    """A participant's opinion as it was kept."""

    role: Role
    at_ms: int
    opinion: Opinion


@dataclass(frozen=True, slots=True)
class Home:
    """A node's tenure of a session. ``epoch`` grows with every tenure."""

    epoch: int
    lease_until_ms: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a list. ``next_cursor`` is None at the end."""

    items: tuple[Item, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Partner:
    """Whoever holds an API key."""

    id: PartnerId
    name: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a partner receives notices. ``event_types`` None means all of them."""

    id: str
    partner_id: PartnerId
    url: str
    event_types: tuple[str, ...] | None
    enabled: bool
    disabled_reason: str | None
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A new endpoint with its signing secret (``whsec_...``), shown once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver. ``status`` is None when no reply came; then ``error`` says why."""

    at_ms: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way to one endpoint."""

    id: str
    endpoint_id: str
    notice_id: str
    session_id: SessionId
    type: str
    sequence: int
    state: Literal["pending", "delivered", "dead"]
    created_at_ms: int
    next_attempt_at_ms: int | None
    attempts: tuple[Attempt, ...]
    body: str


@dataclass(frozen=True, slots=True)
class StoredReply:
    """What an earlier request with the same idempotency key was answered."""

    status: int
    body: str
