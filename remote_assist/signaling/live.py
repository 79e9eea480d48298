"""The live side of one session: what its room knows and can do, without the room's inbox.

Only the session's room uses it, one input after the other. It must never catch what a rule refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from remote_assist.clock import Clock
from remote_assist.ids import ConnectionId, NodeId, SessionId
from remote_assist.media.relay import Relay
from remote_assist.sessions.events import PresenceObserved, Role
from remote_assist.sessions.service import SessionService
from remote_assist.signaling import negotiation, view
from remote_assist.signaling.messages import Message, Result, SessionState, Snapshot, Timer, You
from remote_assist.signaling.presence import Connection, Presence
from remote_assist.signaling.rate import LOGGED_BURST, LOGGED_PER_S, Bucket
from remote_assist.signaling.record import Record
from remote_assist.signaling.splicing import IceServers, Splicing
from remote_assist.tokens import TokenSigner

LINK_GRACE_MS: Final = 900_000
"""How long after the close links and tokens still show the result."""

GENERATIONS_PER_TENURE: Final = 10_000
"""Numbers of a tenure stay above those that an earlier home may have told the pages."""


class Wire(Protocol):
    """How a room reaches connections. Neither method raises when a connection is gone."""

    async def send(self, connection_ids: Sequence[ConnectionId], event: str, payload: Message) -> None:
        """Send an event to each of these connections."""
        ...

    async def close(self, connection_id: ConnectionId, code: str, detail: str) -> None:
        """Tell a connection why, and close it."""
        ...


@dataclass(frozen=True)
class Parts:
    """What rooms lean on."""

    node_id: NodeId
    service: SessionService
    relay: Relay
    signer: TokenSigner
    clock: Clock
    wire: Wire
    finish: Callable[[SessionId, Sequence[PresenceObserved]], None]
    """Called once a session is closed and its splice too, with its last presence."""
    ice_servers: IceServers = lambda _session_id, _role: ()
    outages: tuple[type[Exception], ...] = (OSError,)
    """What the service raises when the database is away, rather than when a rule says no."""


class LiveSession:
    """A session with everybody who is connected to it."""

    def __init__(self, session_id: SessionId, parts: Parts, record: Record, generation: int) -> None:
        self.session_id = session_id
        self.parts = parts
        self.record = record
        self.presence = Presence()
        self.splicing = Splicing(session_id, parts.relay, self._send, parts.ice_servers, generation)
        self.logged = Bucket(parts.clock.monotonic_s(), LOGGED_PER_S, LOGGED_BURST)
        self._result: Result | None = None
        self._timer: Timer | None = None
        if record.is_live:
            self.splicing.admit()

    @classmethod
    async def begin(cls, session_id: SessionId, parts: Parts) -> "LiveSession":
        """Make this node the session's home, unless it is closed, and read it.

        Raises:
            NotFound: there is no such session.
            Conflict: it lives on another node.
        """
        record = Record(session_id, parts.service)
        await record.read()
        generation = 0
        if not record.is_closed:
            home = await parts.service.take_home(session_id, parts.node_id)
            generation = (home.epoch - 1) * GENERATIONS_PER_TENURE
            await record.read()
        return cls(session_id, parts, record, generation)

    async def reload(self, *, is_forced: bool = True) -> None:
        """Read what has changed, and act on the session having become live or closed."""
        was_closed = self.record.is_closed
        if is_forced:
            await self.record.read()
        elif not await self.record.refresh():
            return
        self._result = None
        if self.record.is_live:
            self.splicing.admit()
        if self.record.is_closed and not was_closed:
            await self.splicing.take(negotiation.Ended())
            last = self.presence.take_evidence(self.now_ms(), is_final=True)
            self.parts.finish(self.session_id, last)
            await self.send_all("session.timer", self.timer())

    def now_ms(self) -> int:
        """Return the server's time."""
        return self.parts.clock.now_ms()

    def has_moved(self) -> bool:
        """Say whether another node has become the session's home."""
        seen = self.record.view
        return not self.record.is_closed and seen.home_node not in {None, self.parts.node_id}

    def has_lapsed(self) -> bool:
        """Say whether even the result may not be shown any more."""
        closed_at_ms = self.record.view.closed_at_ms
        return closed_at_ms is not None and self.now_ms() >= closed_at_ms + LINK_GRACE_MS

    def forget_result(self) -> None:
        """Compute the provisional result again: evidence came in after the close."""
        self._result = None

    def state(self) -> SessionState:
        """Return the state as all participants see it."""
        seen = self.record.view
        if self.record.is_closed and self._result is None:
            self._result = view.result(self.record.sheet, seen, self.record.usage)
        return view.session_state(
            seen, self.presence, self.splicing.media, self.splicing.generation, self._result
        )

    def timer(self) -> Timer:
        """Return billable time now; whether it runs was seen at the last tick."""
        now = view.timer(self.record.sheet, self.record.view, self.now_ms(), None)
        runs = now.running and self._timer is not None and self._timer.running
        return now.model_copy(update={"running": runs})

    def tick_timer(self) -> Timer:
        """Return billable time now; it runs if it has grown since the tick before."""
        self._timer = view.timer(self.record.sheet, self.record.view, self.now_ms(), self._timer)
        return self._timer

    async def snapshot(self, connection: Connection) -> Snapshot:
        """Return everything a page needs to draw itself from nothing."""
        kept = await self.parts.service.chat(self.session_id)
        rating = (await self.parts.service.ratings(self.session_id)).get(connection.role)
        return Snapshot(
            you=You(
                role=connection.role.value,
                participant_id=connection.participant_id,
                connection_id=connection.connection_id,
                joined=connection.is_joined,
            ),
            state=self.state(),
            timer=self.timer(),
            chat=[view.chat_line(line) for line in kept],
            rating=None if rating is None else view.rating(rating),
            server_now_ms=self.now_ms(),
        )

    async def send_all(self, event: str, payload: Message) -> None:
        """Send to every connection that has asked for the session's state, to replaced ones only its end."""
        is_over = self.record.is_closed
        heard_by = [
            one.connection_id
            for one in self.presence.all()
            if one.is_synced and (is_over or not one.is_replaced)
        ]
        if heard_by:
            await self.parts.wire.send(heard_by, event, payload)

    async def _send(self, role: Role, event: str, payload: Message) -> None:
        holder = self.presence.joined(role)
        if holder is not None:
            await self.parts.wire.send([holder.connection_id], event, payload)
