"""All rooms of this node. Made when somebody connects; each ends by itself."""

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from remote_assist.errors import Conflict
from remote_assist.ids import ConnectionId, SessionId
from remote_assist.media.facts import Fact
from remote_assist.sessions.events import Evidence, PresenceObserved
from remote_assist.signaling.live import Parts
from remote_assist.signaling.messages import Message, failure
from remote_assist.signaling.presence import Connection
from remote_assist.signaling.room import (
    Acknowledgement,
    Arrived,
    Asked,
    Departed,
    Heard,
    Input,
    Room,
    Stopped,
    Ticked,
    Woken,
)
from remote_assist.signaling.splicing import session_of

ROOMS_MAX: Final = 2_000
"""Sessions that somebody opened and nobody closed keep a room until they expire."""
ANSWER_TIMEOUT_S: Final = 8.0
"""Below the time in which a silent socket is given up, since an event holds its socket's reader."""
STOP_TIMEOUT_S: Final = 5.0
_log = structlog.get_logger(__name__)


class Rooms:
    """The registry: routes every input to the room of its session."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rooms: dict[SessionId, Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def __len__(self) -> int:
        return len(self._rooms)

    async def connect(self, session_id: SessionId, connection: Connection) -> None:
        """Let a connection into the lobby of its session.

        Raises:
            Rejected: with the reason, among them ``server_stopping``, ``node_full`` and ``unavailable``.
        """
        if self._is_stopping:
            raise Conflict("server_stopping", "The server stops; connect again.")
        welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._room(session_id).offer(Arrived(connection, welcome)):
            raise Conflict("overloaded", "The session has too much to do.")
        try:
            await asyncio.wait_for(asyncio.shield(welcome), ANSWER_TIMEOUT_S)
        except TimeoutError:
            self._offer(session_id, Departed(connection.connection_id))
            raise Conflict("unavailable", "The server did not answer in time; try again.") from None

    def disconnect(self, session_id: SessionId, connection_id: ConnectionId) -> None:
        """Say that a connection has ended."""
        self._offer(session_id, Departed(connection_id))

    async def ask(
        self, session_id: SessionId, connection_id: ConnectionId, event: str, message: Message
    ) -> Acknowledgement:
        """Let the room answer an event. On overflow the connection is closed with ``overloaded``."""
        reply: asyncio.Future[Acknowledgement] = asyncio.get_running_loop().create_future()
        room = self._rooms.get(session_id)
        if room is None:
            return failure("not_connected", "This connection has ended.")
        if not room.offer(Asked(connection_id, event, message, reply)):
            await self._parts.wire.close(connection_id, "overloaded", "Too much waits to be done.")
            return failure("overloaded", "Too much waits to be done.")
        try:
            return await asyncio.wait_for(reply, ANSWER_TIMEOUT_S)
        except TimeoutError:
            return failure("timeout", "The server did not answer in time; it may still do what you asked.")

    def hear(self, fact: Fact) -> None:
        """Pass on what the relay observed. Returns at once."""
        self._offer(session_of(fact.splice_id), Heard(fact))

    def wake(self, session_id: SessionId, _version: int) -> None:
        """Pass on that a session has changed. Returns at once."""
        self._offer(session_id, Woken())

    def tick(self) -> None:
        """Let every room do what it does once a second."""
        for room in list(self._rooms.values()):
            room.offer(Ticked())

    def add_evidence(self, evidence: Iterable[tuple[SessionId, Evidence]], at_ms: int) -> None:
        """Show rooms the evidence that is about to be written."""
        for session_id, piece in evidence:
            room = self._rooms.get(session_id)
            if room is not None:
                room.add_evidence(piece, at_ms)

    def take_presence(
        self, at_ms: int, *, is_final: bool = False
    ) -> list[tuple[SessionId, PresenceObserved]]:
        """Return the presence that is to be written."""
        return [
            (room.session_id, piece)
            for room in self._rooms.values()
            for piece in room.take_presence(at_ms, is_final=is_final)
        ]

    def live_sessions(self) -> list[SessionId]:
        """Return the sessions whose billable time may be running."""
        return [room.session_id for room in self._rooms.values() if room.is_live]

    def home_sessions(self) -> list[SessionId]:
        """Return the sessions whose home is this node."""
        return [room.session_id for room in self._rooms.values() if room.is_open]

    async def stop(self) -> None:
        """End every room, telling its connections to come back."""
        self._is_stopping = True
        for room in list(self._rooms.values()):
            room.offer(Stopped())
        if not self._tasks:
            return
        _, stuck = await asyncio.wait(self._tasks, timeout=STOP_TIMEOUT_S)
        for task in stuck:
            _log.error("room_stuck")
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)

    def _room(self, session_id: SessionId) -> Room:
        room = self._rooms.get(session_id)
        if room is None:
            if len(self._rooms) >= ROOMS_MAX:
                raise Conflict("node_full", "This server has too many open sessions.")
            room = self._rooms[session_id] = Room(session_id, self._parts, self._forget)
            task = asyncio.create_task(room.run(), name=f"room {session_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return room

    def _forget(self, room: Room) -> None:
        if self._rooms.get(room.session_id) is room:
            del self._rooms[room.session_id]

    def _offer(self, session_id: SessionId, item: Input) -> None:
        room = self._rooms.get(session_id)
        if room is not None:
            room.offer(item)
