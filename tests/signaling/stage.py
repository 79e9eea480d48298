"""Rooms on the real service, SQLite and relay, with a manual clock and a wire that notes what was said."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from remote_assist.ids import ConnectionId, SessionId, new_id
from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.sessions.events import Role
from remote_assist.sessions.views import OpenedSession
from remote_assist.signaling.checkpoint import Checkpoint
from remote_assist.signaling.live import Parts
from remote_assist.signaling.messages import Message, parse_untrusted
from remote_assist.signaling.presence import Connection
from remote_assist.signaling.room import REFRESH_TICKS
from remote_assist.signaling.rooms import Rooms
from tests.kit.office import NODE, Office, office

C: Final = Role.CUSTOMER
T: Final = Role.TECHNICIAN
OFFER: Final = (Path(__file__).parents[1] / "data/sdp/chromium-156-offer.sdp").read_text()
ANSWER: Final = (Path(__file__).parents[1] / "data/sdp/chromium-156-answer.sdp").read_text()
TABLES: Final = ("sessions", "session_events", "chat_lines")


class NotedWire:
    """Implements ``live.Wire``: everything said, by connection, and why connections were closed."""

    def __init__(self) -> None:
        self.said: dict[ConnectionId, list[tuple[str, dict[str, Any]]]] = {}
        self.closed: dict[ConnectionId, str] = {}

    async def send(self, connection_ids: Sequence[ConnectionId], event: str, payload: Message) -> None:
        """Note what was sent."""
        for one in connection_ids:
            self.said.setdefault(one, []).append((event, payload.model_dump(mode="json")))

    async def close(self, connection_id: ConnectionId, code: str, detail: str) -> None:
        """Note why."""
        assert detail
        self.closed[connection_id] = code


class Page:
    """One connection of a role, as a test drives it."""

    def __init__(self, stage: "Stage", session_id: SessionId, connection: Connection) -> None:
        self.stage = stage
        self.session_id = session_id
        self.connection = connection
        self.id = connection.connection_id
        self.role = connection.role

    async def ask(self, event: str, **fields: Any) -> dict[str, Any]:
        """Return the acknowledgement of an event."""
        return await self.stage.rooms.ask(self.session_id, self.id, event, parse_untrusted(event, fields))

    async def do(self, event: str, **fields: Any) -> dict[str, Any]:
        """Return the data of an event that must be accepted."""
        answer = await self.ask(event, **fields)
        assert answer["ok"], answer
        data: dict[str, Any] = answer["data"]
        return data

    async def refused(self, event: str, **fields: Any) -> str:
        """Return the code of an event that must be refused."""
        answer = await self.ask(event, **fields)
        assert not answer["ok"], answer
        code: str = answer["error"]["code"]
        return code

    async def join(self, tab_id: str = "tab", generation: int | None = None) -> dict[str, Any]:
        """Join, and return the answer."""
        return await self.do("session.join", tab_id=tab_id, generation=generation)

    async def drop(self) -> None:
        """Lose the socket."""
        self.stage.rooms.disconnect(self.session_id, self.id)

    def heard(self, event: str) -> list[dict[str, Any]]:
        """Return the payloads of an event, in order."""
        return [payload for name, payload in self.stage.wire.said.get(self.id, []) if name == event]

    @property
    def state(self) -> dict[str, Any]:
        """The newest state it was told."""
        return self.heard("session.state")[-1]


class Stage:
    """Everything a room leans on, real but for clock and wire."""

    def __init__(self, desk: Office, relay: Relay) -> None:
        self.office = desk
        self.clock = desk.clock
        self.relay = relay
        self.wire = NotedWire()
        self.checkpoint = Checkpoint()
        self.parts = Parts(
            node_id=NODE,
            service=desk.sessions,
            relay=relay,
            signer=desk.signer,
            clock=desk.clock,
            wire=self.wire,
            finish=self.checkpoint.finish,
            outages=(OSError, SQLAlchemyError),
        )
        self.rooms = Rooms(self.parts)
        desk.wakeups.subscribe(self.rooms.wake)

    async def connect(self, opened: OpenedSession, role: Role, life_ms: int = 600_000) -> Page:
        """Connect to the lobby."""
        connection = Connection(
            ConnectionId(new_id()),
            role,
            opened.view.participant(role).participant_id,
            self.clock.now_ms() + life_ms,
        )
        await self.rooms.connect(opened.view.id, connection)
        return Page(self, opened.view.id, connection)

    async def both(self, opened: OpenedSession) -> tuple[Page, Page]:
        """Return the customer's and the technician's page, both joined."""
        customer, technician = await self.connect(opened, C), await self.connect(opened, T)
        await customer.join("tab-c")
        await technician.join("tab-t")
        return customer, technician

    async def tick(self, page: Page | None = None, ms: int = 0) -> None:
        """Let time pass and the checkpoint do what it does once a second."""
        self.clock.advance(ms=ms)
        await self.checkpoint.write(self.parts, self.rooms, is_tick=True)
        if page is not None:
            await page.ask("clock.read")  # answered after everything that came before

    async def rooms_tick(self, page: Page) -> None:
        """Let the rooms tick without a checkpoint, often enough that they look at the database."""
        for _ in range(REFRESH_TICKS):
            self.rooms.tick()
            await page.ask("clock.read")

    async def log(self, session_id: SessionId) -> list[str]:
        """Return the types of the session's events, in order."""
        return [one.event.type for one in await self.office.sessions.log(session_id)]


@contextmanager
def outage(folder: Path) -> Iterator[None]:
    """Take the database's tables away for a while: every statement fails, and nothing is lost."""
    with closing(sqlite3.connect(folder / "office.db", isolation_level=None)) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            for table in TABLES:
                connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Set the stage on a database in ``folder``."""
    made: list[Stage] = []
    async with office(folder) as desk:
        relay = Relay(
            RelayConfig("127.0.0.1", 0, ["127.0.0.1"]),
            desk.clock.now_ms,
            lambda fact: made[0].rooms.hear(fact),  # noqa: PLW0108 - made only below
        )
        made.append(Stage(desk, relay))
        await relay.start()
        try:
            yield made[0]
        finally:
            await made[0].rooms.stop()
            await relay.stop()
            assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("room ")]
