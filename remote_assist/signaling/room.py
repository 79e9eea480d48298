"""A room: the live side of one session, as an actor (ADR 0009).

One bounded inbox, one task; each input is finished, with its effects in order, before the next begins. What a
rule refuses is answered; what should not have happened ends this room alone, loudly, and its connections
come back to a fresh one that reads the log.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, assert_never

import structlog

from remote_assist.errors import Conflict, Gone, ProtocolViolation, Rejected, RemoteAssistError
from remote_assist.ids import ConnectionId, SessionId
from remote_assist.media.facts import Fact
from remote_assist.sessions.events import Evidence, PresenceObserved
from remote_assist.signaling import commands, negotiation, rules
from remote_assist.signaling.live import LiveSession, Parts
from remote_assist.signaling.messages import Message, SessionState, failure, success
from remote_assist.signaling.presence import Connection

INBOX_MAX: Final = 256
"""Commands that may wait. Each connection has one in flight, so this is far beyond honest use."""
RESERVE: Final = 256
"""Places beyond INBOX_MAX for what must not be refused: departures, facts, wake-ups and ticks."""
REFRESH_TICKS: Final = 10
"""Wake-ups may be lost (they are hints), so the room looks by itself this often."""

Acknowledgement = dict[str, Any]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A connection with a good token. ``welcome`` is resolved, or refused."""

    connection: Connection
    welcome: "asyncio.Future[None]"


@dataclass(frozen=True, slots=True)
class Departed:
    """A connection has ended."""

    connection_id: ConnectionId


@dataclass(frozen=True, slots=True)
class Asked:
    """An event from a page, to be acknowledged."""

    connection_id: ConnectionId
    event: str
    message: Message
    reply: "asyncio.Future[Acknowledgement]"


@dataclass(frozen=True, slots=True)
class Heard:
    """The relay observed something."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Woken:
    """The session has changed, here or elsewhere."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """A second went by."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The server stops."""


Input = Arrived | Departed | Asked | Heard | Woken | Ticked | Stopped


class Room:
    """The actor. ``run`` is its only task; ``offer`` is how everybody else speaks to it."""

    def __init__(self, session_id: SessionId, parts: Parts, on_end: Callable[["Room"], None]) -> None:
        self.session_id = session_id
        self._parts = parts
        self._on_end = on_end
        self._inbox: asyncio.Queue[Input] = asyncio.Queue(INBOX_MAX + RESERVE)
        self._waiting: set[type[Input]] = set()
        self._live: LiveSession | None = None
        self._current: Input | None = None
        self._announced: SessionState | None = None
        self._ticks = 0
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_live(self) -> bool:
        """Whether billable time may be running."""
        return self._live is not None and self._live.record.is_live

    @property
    def is_open(self) -> bool:
        """Whether the session is read and not closed, so that this node is its home."""
        return self._live is not None and not self._live.record.is_closed

    def offer(self, item: Input) -> bool:
        """Put an input into the inbox; say no if it is full or the room is over."""
        if self._is_over:
            return False
        if isinstance(item, Woken | Ticked):
            if type(item) in self._waiting:
                return True  # one that waits says it all
            self._waiting.add(type(item))
        elif isinstance(item, Asked | Arrived) and self._inbox.qsize() >= INBOX_MAX:
            return False
        try:
            self._inbox.put_nowait(item)
        except asyncio.QueueFull:
            _log.error("room_overflow", session_id=self.session_id)
            if self._task is not None:
                self._task.cancel()  # what was lost can be read from the log by a fresh room
            return False
        return True

    def add_evidence(self, evidence: Evidence, at_ms: int) -> None:
        """Take in evidence that is about to be written, for the timer."""
        if self._live is not None:
            self._live.record.add(evidence, at_ms)
            self._live.forget_result()

    def take_presence(self, at_ms: int, *, is_final: bool) -> list[PresenceObserved]:
        """Return presence that is to be written; after the close nobody's presence is recorded any more."""
        if self._live is None or self._live.record.is_closed:
            return []
        return self._live.presence.take_evidence(at_ms, is_final=is_final)

    async def run(self) -> None:
        """Take inputs until the session is closed and everybody has left, or the server stops."""
        self._task = asyncio.current_task()
        code, detail = "room_failed", "Something went wrong on the server; connect again."
        try:
            self._live = await LiveSession.begin(self.session_id, self._parts)
            while not self._is_finished():
                self._current = await self._inbox.get()
                self._waiting.discard(type(self._current))
                if isinstance(self._current, Stopped):
                    code, detail = "server_stopping", "The server stops; connect again."
                    for connection in self._live.presence.all():
                        if connection.is_joined:
                            await self._write_leave(self._live, connection)
                    break
                await self._take(self._live, self._current)
                await self._announce(self._live)
                if self._live.has_moved():
                    code, detail = "lives_elsewhere", "The session lives on another node; connect again."
                    break
            else:
                code, detail = "room_over", "The session is over."
        except Rejected as refusal:  # the room could not begin
            code, detail = refusal.code, refusal.detail
        except self._parts.outages as error:
            _log.warning("room_unavailable", session_id=self.session_id, error=type(error).__name__)
            code, detail = "unavailable", "The server cannot reach its database; try again."
        except Exception:  # noqa: BLE001 - the outermost loop of this shell
            _log.exception("room_failed", session_id=self.session_id)
        finally:
            await self._end(code, detail)

    def _is_finished(self) -> bool:
        assert self._live is not None
        return self._live.record.is_closed and not len(self._live.presence) and self._inbox.empty()

    async def _take(self, live: LiveSession, item: Input) -> None:
        match item:
            case Arrived():
                await self._arrive(live, item)
            case Departed(connection_id=connection_id):
                await self._depart(live, connection_id)
            case Asked():
                await self._answer(live, item)
            case Heard(fact=fact):
                await live.splicing.hear(fact, live.now_ms())
            case Woken():
                await self._reload(live)
            case Ticked():
                await self._tick(live)
            case Stopped():
                raise AssertionError("run ends the loop itself")
            case _:
                assert_never(item)

    async def _arrive(self, live: LiveSession, item: Arrived) -> None:
        if item.welcome.done():
            return  # whoever asked has stopped waiting
        if live.has_lapsed():
            item.welcome.set_exception(Gone("link_ended", "The session ended some time ago."))
            return
        displaced = live.presence.connect(item.connection)
        item.welcome.set_result(None)
        if displaced is not None:
            await self._drop(
                live, displaced.connection_id, "too_many_connections", "This link is open too often."
            )

    async def _depart(self, live: LiveSession, connection_id: ConnectionId) -> None:
        gone = live.presence.disconnect(connection_id, live.now_ms())
        if gone is None or not gone.is_joined:
            return
        await live.splicing.take(negotiation.SocketLost(gone.role))
        await self._write_leave(live, gone)
        await self._reload(live)

    async def _write_leave(self, live: LiveSession, gone: Connection) -> None:
        """Log that a participant left; shown, never billed, and the next join says it too."""
        if live.record.is_closed:
            return
        try:
            await self._parts.service.leave(
                self.session_id, gone.role, gone.participant_id, gone.connection_id
            )
        except self._parts.outages as error:
            _log.warning("leave_not_written", session_id=self.session_id, error=type(error).__name__)

    async def _answer(self, live: LiveSession, asked: Asked) -> None:
        try:
            connection = live.presence.check(asked.connection_id)
            rules.check(
                asked.event,
                connection.role,
                is_joined=connection.is_joined,
                is_closed=live.record.is_closed,
            )
            reply = success(await commands.answer(live, connection, asked.event, asked.message))
        except (Rejected, ProtocolViolation) as refusal:
            reply = failure(refusal.code, refusal.detail)
        except self._parts.outages as error:
            _log.warning("command_unavailable", session_id=self.session_id, error=type(error).__name__)
            reply = failure("unavailable", "The server cannot reach its database; try again.")
        if not asked.reply.done():
            asked.reply.set_result(reply)

    async def _tick(self, live: LiveSession) -> None:
        self._ticks += 1
        for connection in live.presence.expired(live.now_ms()):
            await self._drop(live, connection.connection_id, "token_expired", "The token was not renewed.")
        if live.has_lapsed():
            for connection in live.presence.all():
                await self._drop(
                    live, connection.connection_id, "link_ended", "The session ended some time ago."
                )
        if live.record.is_live:
            await live.send_all("session.timer", live.tick_timer())
        await live.splicing.take(negotiation.Ticked(live.now_ms()))
        if self._ticks % REFRESH_TICKS == 0:
            await self._reload(live)

    async def _reload(self, live: LiveSession) -> None:
        """Follow the log; during an outage of the database the room shows what it knows."""
        try:
            await live.reload(is_forced=False)
        except self._parts.outages as error:
            _log.warning("reload_unavailable", session_id=self.session_id, error=type(error).__name__)

    async def _drop(self, live: LiveSession, connection_id: ConnectionId, code: str, detail: str) -> None:
        await self._parts.wire.close(connection_id, code, detail)
        await self._depart(live, connection_id)

    async def _announce(self, live: LiveSession) -> None:
        """Tell everybody the state, if it differs from what they were told."""
        state = live.state()
        if state != self._announced:
            self._announced = state
            await live.send_all("session.state", state)

    async def _end(self, code: str, detail: str) -> None:
        """Refuse what still waits, close connections and splice, and be gone."""
        self._is_over = True
        self._on_end(self)
        live = self._live
        if live is not None:
            live.splicing.close()
        waiting = [self._current] if self._current is not None else []
        while not self._inbox.empty():
            waiting.append(self._inbox.get_nowait())
        for item in waiting:
            if isinstance(item, Asked) and not item.reply.done():
                item.reply.set_result(failure(code, detail))
            elif isinstance(item, Arrived) and not item.welcome.done():
                item.welcome.set_exception(_refusal(code, detail))
        for connection in live.presence.all() if live is not None else []:
            await self._parts.wire.close(connection.connection_id, code, detail)


def _refusal(code: str, detail: str) -> RemoteAssistError:
    return Conflict(code, detail)
