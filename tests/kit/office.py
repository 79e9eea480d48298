"""The real service on a real SQLite file, with a manual clock and every wake-up noted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from remote_assist.cluster import Doorbell, LocalWakeups
from remote_assist.ids import NodeId, PartnerId, SessionId
from remote_assist.sessions.endpoints import EndpointService
from remote_assist.sessions.events import FixedTariff, FlowObserved, PresenceObserved, Role, Tariff
from remote_assist.sessions.files import FileService
from remote_assist.sessions.partners import PartnerService
from remote_assist.sessions.service import SessionService
from remote_assist.sessions.views import OpenedSession, OpenSession, Person
from remote_assist.store.blobs import FolderBlobs
from remote_assist.store.database import Database
from remote_assist.store.unit_of_work import SqlStore
from remote_assist.tokens import TokenSigner, generate_key_pem, load_key_pem
from tests.kit.clock import ManualClock

NODE: Final = NodeId("node-1")
TARIFF: Final = FixedTariff(4_000, "CHF")
HALF_HOUR_MS: Final = 1_800_000


class Office:
    """Everything below HTTP and sockets, wired."""

    def __init__(self, database: Database, partner_id: PartnerId, clock: ManualClock, folder: Path) -> None:
        self.database = database
        self.partner_id = partner_id
        self.clock = clock
        self.wakeups = LocalWakeups()
        self.woken: list[tuple[SessionId, int]] = []
        self.wakeups.subscribe(lambda session_id, version: self.woken.append((session_id, version)))
        self.doorbell = Doorbell()
        self.store = SqlStore(database, self.wakeups, self.doorbell)
        self.signer = TokenSigner(
            load_key_pem(generate_key_pem()), load_key_pem(generate_key_pem()), "https://assist.example"
        )
        self.sessions = SessionService(self.store, clock, self.signer)
        self.blobs = FolderBlobs(folder / "blobs")
        self.files = FileService(self.store, clock, self.blobs)
        self.partners = PartnerService(self.store, clock)
        self.endpoints = EndpointService(self.store, clock, lambda _url: None)

    async def open(self, tariff: Tariff = TARIFF, start_ms: int | None = None, **terms: int) -> OpenedSession:
        """Open a session of half an hour."""
        request = OpenSession(
            customer=Person("Ada", "ada@example.org", "en"),
            technician=Person("Grace"),
            booked_ms=HALF_HOUR_MS,
            scheduled_start_ms=start_ms,
            tariff=tariff,
            terms=terms,
            metadata={"order": "A-17"},
        )
        return await self.sessions.open_session(self.partner_id, request)

    async def go_live(self, opened: OpenedSession, node_id: NodeId = NODE) -> SessionId:
        """Let both join on a node, and the technician admit."""
        view = opened.view
        await self.sessions.take_home(view.id, node_id)
        await self.sessions.join(view.id, Role.CUSTOMER, view.customer.participant_id, "c1")
        await self.sessions.join(view.id, Role.TECHNICIAN, view.technician.participant_id, "t1")
        await self.sessions.admit(view.id)
        return view.id

    async def talk(
        self, session_id: SessionId, s: int, roles: Sequence[Role] = tuple(Role), node_id: NodeId = NODE
    ) -> None:
        """Let time pass with media from ``roles``, written as one checkpoint."""
        from_ms = self.clock.now_ms()
        to_ms = self.clock.advance(s=s)
        batch = [(session_id, FlowObserved(role, from_ms, to_ms)) for role in roles]
        await self.sessions.record_evidence(node_id, batch)

    async def attend(self, session_id: SessionId, s: int, role: Role) -> None:
        """Let time pass with one side's page open."""
        from_ms = self.clock.now_ms()
        to_ms = self.clock.advance(s=s)
        await self.sessions.record_evidence(NODE, [(session_id, PresenceObserved(role, from_ms, to_ms))])


@asynccontextmanager
async def office(folder: Path, clock: ManualClock | None = None) -> AsyncIterator[Office]:
    """Open an office on the database in ``folder``; opening it again is a restart of the server."""
    clock = clock or ManualClock()
    database = Database(f"sqlite+aiosqlite:///{folder / 'office.db'}")
    try:
        await database.migrate()
        partner = await PartnerService(SqlStore(database, LocalWakeups(), Doorbell()), clock).ensure_partner(
            "default", "test-key"
        )
        yield Office(database, partner.id, clock, folder)
    finally:
        await database.close()
