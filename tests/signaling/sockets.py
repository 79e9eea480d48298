"""A real server on a real port, and real Socket.IO connections to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer

from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.sessions.events import Role
from remote_assist.sessions.views import OpenedSession
from remote_assist.signaling.server import Signaling, build
from tests.kit.office import NODE, Office, office
from tests.kit.waiting import STRETCH, eventually

ORIGIN: Final = "https://assist.example"
CALL_S: Final = 5 * STRETCH


class Line:
    """One connection to the server, with everything it heard."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http: aiohttp.ClientSession | None = None
        self.client: Any = None
        self.heard: list[tuple[str, Any]] = []
        self.refused: Any = None

    async def open(self, auth: object, headers: dict[str, str] | None = None) -> "Line":
        """Connect; what the server refuses with is kept in ``refused``."""
        self._http = aiohttp.ClientSession()
        self.client = socketio.AsyncClient(reconnection=False, http_session=self._http)
        self.client.on("*", self._hear)
        self.client.on("connect_error", self._refuse)
        await self.client.connect(self._url, auth=auth, transports=["websocket"], headers=headers or {})
        return self

    async def ask(self, event: str, payload: object = None) -> dict[str, Any]:
        """Return the acknowledgement."""
        answer: dict[str, Any] = await self.client.call(event, payload, timeout=CALL_S)
        return answer

    async def code(self, event: str, payload: object = None) -> str:
        """Return ``ok``, or the code of the refusal."""
        answer = await self.ask(event, payload)
        return "ok" if answer["ok"] else str(answer["error"]["code"])

    def all(self, event: str) -> list[Any]:
        """Return the payloads of an event, in order."""
        return [payload for name, payload in self.heard if name == event]

    async def hears(self, event: str, claim: Any = bool) -> Any:
        """Return the newest payload of an event once ``claim`` holds for it."""
        await eventually(
            lambda: self.all(event) and claim(self.all(event)[-1]), within_s=CALL_S, what=f"a fitting {event}"
        )
        return self.all(event)[-1]

    async def is_closed(self) -> None:
        """Wait until the server has closed the connection."""
        await eventually(lambda: not self.client.connected, within_s=CALL_S, what="the end of the connection")

    async def close(self) -> None:
        """Disconnect."""
        if self.client is not None:
            await self.client.disconnect()
        if self._http is not None:
            await self._http.close()

    async def _hear(self, event: str, payload: Any = None) -> None:
        self.heard.append((event, payload))

    async def _refuse(self, data: Any) -> None:
        self.refused = data


class Hall:
    """The server and everybody who is connected to it."""

    def __init__(self, desk: Office, signaling: Signaling, server: TestServer) -> None:
        self.office = desk
        self.signaling = signaling
        self.server = server
        self.url = str(server.make_url("/"))
        self._lines: list[Line] = []

    def token(self, opened: OpenedSession, role: Role) -> str:
        """Return a good token."""
        participant = opened.view.participant(role)
        token, _ = self.office.signer.mint_join(
            opened.view.id, role.value, participant.participant_id, self.office.clock.now_ms()
        )
        return token

    def line(self) -> Line:
        """Return a connection that is not open yet."""
        self._lines.append(Line(self.url))
        return self._lines[-1]

    async def connect(self, opened: OpenedSession, role: Role) -> Line:
        """Connect to the lobby."""
        return await self.line().open({"token": self.token(opened, role)})

    async def both(self, opened: OpenedSession) -> tuple[Line, Line]:
        """Return the customer's and the technician's connection, both joined."""
        customer, technician = (
            await self.connect(opened, Role.CUSTOMER),
            await self.connect(opened, Role.TECHNICIAN),
        )
        assert await customer.code("session.join", {"tab_id": "c"}) == "ok"
        assert await technician.code("session.join", {"tab_id": "t"}) == "ok"
        return customer, technician

    async def close(self) -> None:
        """Let everybody go."""
        await asyncio.gather(*(line.close() for line in self._lines))


@asynccontextmanager
async def hall(folder: Path) -> AsyncIterator[Hall]:
    """Open the hall on a database in ``folder``; the clock is the test's, the network is real."""
    wired: list[Signaling] = []
    async with office(folder) as desk:
        relay = Relay(
            RelayConfig("127.0.0.1", 0, ["127.0.0.1"]),
            desk.clock.now_ms,
            lambda fact: wired[0].on_fact(fact),  # noqa: PLW0108 - made only below
        )
        signaling = build(
            node_id=NODE,
            service=desk.sessions,
            relay=relay,
            signer=desk.signer,
            clock=desk.clock,
            wakeups=desk.wakeups,
            origins=lambda: [ORIGIN],
        )
        wired.append(signaling)
        app = web.Application()
        signaling.attach(app)
        server = TestServer(app)
        await relay.start()
        await server.start_server()
        await signaling.start()
        made = Hall(desk, signaling, server)
        try:
            yield made
        finally:
            await made.close()
            await signaling.stop()
            await relay.stop()
            await server.close()
