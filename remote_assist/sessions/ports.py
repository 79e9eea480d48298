"""What the use cases need of the world. ``store/`` and ``tokens`` provide it; tests run the real ones.

A unit of work is one transaction. Whatever is written in it (events, session row, outbox, jobs) becomes
true together or not at all, and wake-ups go out only after that.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from remote_assist.ids import NodeId, PartnerId, SessionId
from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.sessions.events import Event, Recorded, Role
from remote_assist.sessions.hooks.notices import Notice
from remote_assist.sessions.views import (
    Attempt,
    ChatLine,
    Delivery,
    Endpoint,
    KeptFile,
    Participant,
    Partner,
    Rating,
    Recording,
    StoredReply,
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What is kept beside a session's log. Everything below ``settled_seq`` is derived from the log.

    ``settled_seq`` is the last event that settlement took into account, 0 before revision 1.
    ``flushed`` says that no node holds unwritten evidence of the session.
    """

    id: SessionId
    partner_id: PartnerId
    customer: Participant
    technician: Participant
    recording: Recording
    metadata: Mapping[str, object]
    created_at_ms: int
    version: int = 0
    last_seq: int = 0
    notice_seq: int = 0
    home_node: NodeId | None = None
    lease_until_ms: int = 0
    epoch: int = 0
    flushed: bool = True
    settled_seq: int = 0
    closed_at_ms: int | None = None
    customer_seen_ms: int | None = None
    technician_seen_ms: int | None = None
    flow_until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An event on its way into a log. ``version`` is None for evidence."""

    session_id: SessionId
    seq: int
    version: int | None
    at_ms: int
    event: Event


JobKind = Literal["settle", "expire"]


@dataclass(frozen=True, slots=True)
class Job:
    """Something due for a session; one of each kind. ``stamp`` changes whenever it is queued again."""

    id: str
    kind: JobKind
    session_id: SessionId
    due_at_ms: int
    attempts: int
    stamp: int


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery to be tried now. ``tries`` counts earlier ones since it was last (re)sent."""

    id: str
    endpoint_id: str
    notice_id: str
    url: str
    secret: str
    body: str
    tries: int


class Sessions(Protocol):
    """Session rows."""

    async def add(self, row: SessionRow) -> None:
        """Insert a row."""
        ...

    async def get(self, session_id: SessionId) -> SessionRow | None:
        """Return a row."""
        ...

    async def lock(self, session_ids: Sequence[SessionId]) -> dict[SessionId, SessionRow]:
        """Return the rows that exist, locked until the end of the transaction, in order of id."""
        ...

    async def put(self, row: SessionRow, expected_version: int) -> None:
        """Update a row; Conflict ``version_conflict`` if somebody else was faster."""
        ...

    async def put_evidence(self, rows: Sequence[SessionRow]) -> None:
        """Update what evidence changes, whatever the version."""
        ...

    async def page(self, partner_id: PartnerId, before: SessionId | None, limit: int) -> list[SessionRow]:
        """Return rows by id, the newest first."""
        ...

    async def abandoned(self, node_id: NodeId, dead_before_ms: int | None) -> list[SessionId]:
        """Return unflushed sessions of other nodes whose lease ended before that.

        None: of any node, and also those with evidence that had no home when the only node went down.
        """
        ...


class Log(Protocol):
    """Session logs."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Insert events."""
        ...

    async def read(
        self, session_id: SessionId, after_seq: int = 0, limit: int | None = None
    ) -> list[Recorded]:
        """Return events in order of ``seq``."""
        ...

    async def decisions(self, session_ids: Sequence[SessionId]) -> dict[SessionId, list[Recorded]]:
        """Return the events other than evidence."""
        ...


class Links(Protocol):
    """Hashes of the links' secrets."""

    async def add(self, secret_hash: str, session_id: SessionId, role: Role) -> None:
        """Insert a link."""
        ...

    async def find(self, secret_hash: str) -> tuple[SessionId, Role] | None:
        """Return what a link opens."""
        ...


class Chats(Protocol):
    """Chat lines."""

    async def find(self, session_id: SessionId, role: Role, client_id: str) -> ChatLine | None:
        """Return the line that was posted with this id."""
        ...

    async def count(self, session_id: SessionId) -> int:
        """Return how many lines there are."""
        ...

    async def add(self, session_id: SessionId, line: ChatLine) -> None:
        """Insert a line."""
        ...

    async def newest(self, session_id: SessionId, limit: int) -> list[ChatLine]:
        """Return the newest lines, in order."""
        ...


class Files(Protocol):
    """What files participants have shown."""

    async def add(self, session_id: SessionId, file: KeptFile) -> None:
        """Insert a file."""
        ...

    async def get(self, session_id: SessionId, file_id: str) -> KeptFile | None:
        """Return a file of this session."""
        ...

    async def sum(self, session_id: SessionId) -> tuple[int, int]:
        """Return how many files there are, and their bytes together."""
        ...


class Ratings(Protocol):
    """What participants said of a session."""

    async def put(self, session_id: SessionId, rating: Rating) -> None:
        """Insert a rating in place of the role's earlier one. Under the session's row lock."""
        ...

    async def of_session(self, session_id: SessionId) -> dict[Role, Rating]:
        """Return a session's ratings by role."""
        ...


class Usage(Protocol):
    """Usage records and receipts. Inserted, never updated."""

    async def add(self, record: UsageRecord, receipt: str) -> None:
        """Insert a record with its receipt."""
        ...

    async def of_session(self, session_id: SessionId) -> list[UsageRecord]:
        """Return a session's records by revision."""
        ...

    async def get(self, record_id: str) -> UsageRecord | None:
        """Return a record."""
        ...

    async def page(
        self, partner_id: PartnerId | None, session_id: SessionId | None, after: str | None, limit: int
    ) -> list[UsageRecord]:
        """Return records in the order they were made, after the one with id ``after``."""
        ...

    async def receipt(self, session_id: SessionId) -> str | None:
        """Return the receipt of the newest revision."""
        ...


class Outbox(Protocol):
    """Notices and their deliveries."""

    async def add(self, partner_id: PartnerId, notices: Sequence[Notice]) -> None:
        """Insert notices, with a delivery for every enabled endpoint that wants them."""
        ...

    async def page(
        self, partner_id: PartnerId, endpoint_id: str | None, before: str | None, limit: int
    ) -> list[Delivery]:
        """Return deliveries, the newest first."""
        ...

    async def get(self, partner_id: PartnerId, delivery_id: str) -> Delivery | None:
        """Return a delivery."""
        ...

    async def resend(self, delivery_id: str, now_ms: int) -> None:
        """Make a delivery due now, with all its tries again."""
        ...

    async def claim(
        self, node_id: NodeId, now_ms: int, lease_until_ms: int, limit: int, skip_endpoints: Sequence[str]
    ) -> list[DueDelivery]:
        """Lease due deliveries, at most one per endpoint."""
        ...

    async def record_attempt(
        self, delivery_id: str, attempt: Attempt, state: str, next_attempt_at_ms: int | None
    ) -> None:
        """Keep what became of a try and release the lease."""
        ...

    async def next_due_ms(self, skip_endpoints: Sequence[str] = ()) -> int | None:
        """Return when the next delivery is due; one that is under way, when its lease ends."""
        ...


class Endpoints(Protocol):
    """Webhook endpoints."""

    async def add(self, endpoint: Endpoint, secret: str) -> None:
        """Insert an endpoint."""
        ...

    async def of_partner(self, partner_id: PartnerId) -> list[Endpoint]:
        """Return a partner's endpoints, oldest first."""
        ...

    async def put(self, endpoint: Endpoint) -> None:
        """Update an endpoint."""
        ...

    async def disable(self, endpoint_id: str, reason: str) -> None:
        """Send nothing more to an endpoint and drop what is pending for it."""
        ...

    async def delete(self, endpoint_id: str) -> None:
        """Remove an endpoint with its deliveries."""
        ...


class Jobs(Protocol):
    """Leased rows of what is due."""

    async def queue(self, kind: JobKind, session_id: SessionId, due_at_ms: int) -> None:
        """Make a job due then, or earlier if it already was. Under the session's row lock."""
        ...

    async def drop(self, kind: JobKind, session_id: SessionId) -> None:
        """Forget a job."""
        ...

    async def claim(self, node_id: NodeId, now_ms: int, lease_until_ms: int, limit: int) -> list[Job]:
        """Lease due jobs."""
        ...

    async def finish(self, job: Job, next_due_ms: int | None, attempts: int = 0) -> None:
        """Delete a job or set it to its next time; if it was queued again meanwhile, only release it."""
        ...

    async def next_due_ms(self) -> int | None:
        """Return when the next job is due; one that is under way, when its lease ends."""
        ...


class Partners(Protocol):
    """Partners and the hashes of their keys."""

    async def by_name(self, name: str) -> Partner | None:
        """Return a partner."""
        ...

    async def by_key(self, key_hash: str) -> Partner | None:
        """Return whose key it is."""
        ...

    async def add(self, partner: Partner, now_ms: int) -> None:
        """Insert a partner."""
        ...

    async def add_key(self, partner_id: PartnerId, key_hash: str, prefix: str, now_ms: int) -> None:
        """Insert a key."""
        ...


class Requests(Protocol):
    """Idempotency keys."""

    async def find(self, partner_id: PartnerId, key: str) -> tuple[str, int, StoredReply | None] | None:
        """Return request hash, when it began, and the reply if there is one."""
        ...

    async def begin(self, partner_id: PartnerId, key: str, request_hash: str, now_ms: int) -> None:
        """Insert a key."""
        ...

    async def finish(self, partner_id: PartnerId, key: str, reply: StoredReply) -> None:
        """Keep the reply."""
        ...

    async def forget(self, partner_id: PartnerId, key: str) -> None:
        """Delete a key."""
        ...

    async def purge(self, before_ms: int) -> None:
        """Delete keys that began earlier."""
        ...


class UnitOfWork(Protocol):
    """One transaction."""

    @property
    def sessions(self) -> Sessions:
        """Session rows."""
        ...

    @property
    def log(self) -> Log:
        """Session logs."""
        ...

    @property
    def links(self) -> Links:
        """Links."""
        ...

    @property
    def chats(self) -> Chats:
        """Chat lines."""
        ...

    @property
    def files(self) -> Files:
        """Files."""
        ...

    @property
    def ratings(self) -> Ratings:
        """Ratings."""
        ...

    @property
    def usage(self) -> Usage:
        """Usage records."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Notices."""
        ...

    @property
    def endpoints(self) -> Endpoints:
        """Webhook endpoints."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Jobs."""
        ...

    @property
    def partners(self) -> Partners:
        """Partners."""
        ...

    @property
    def requests(self) -> Requests:
        """Idempotency keys."""
        ...

    def wake(self, session_id: SessionId, version: int) -> None:
        """Publish a wake-up once this is committed."""
        ...


class Store(Protocol):
    """Where transactions come from."""

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin a consistent view of the data."""
        ...

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin a transaction that commits on exit, and rolls back when an exception leaves it."""
        ...


class ReceiptSigner(Protocol):
    """Signs receipts."""

    def sign_receipt(self, claims: Mapping[str, Any]) -> str:
        """Return a compact JWS."""
        ...
