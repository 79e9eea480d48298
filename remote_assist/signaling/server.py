"""The Socket.IO endpoint: the only file that knows python-socketio, and the composition of signaling.

In ``app.py``::

    relay = Relay(config, clock.now_ms, on_fact=lambda fact: signaling.on_fact(fact))
    signaling = build(
        node_id=node_id, service=service, relay=relay, signer=signer, clock=clock, wakeups=wakeups,
        origins=lambda: [public_origin],        # every origin pages are served from, without a path
        ice_servers=lambda session_id, role: [],  # optional: Sequence[messages.IceServer]
    )
    signaling.attach(app)     # before the application starts; GET /socket.io/
    await relay.start(); await signaling.start()
    ...
    await signaling.stop(); await relay.stop()   # before the HTTP server is stopped

It parses nothing itself (``frames``, ``messages``) and decides nothing (``rooms``).
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import socketio
import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from remote_assist.clock import Clock
from remote_assist.cluster import Wakeups
from remote_assist.errors import ProtocolViolation, Rejected, Unauthenticated
from remote_assist.ids import ConnectionId, NodeId, ParticipantId, SessionId, new_id
from remote_assist.media.facts import Fact
from remote_assist.media.relay import Relay
from remote_assist.sessions.events import Role
from remote_assist.sessions.service import SessionService
from remote_assist.signaling import frames
from remote_assist.signaling.checkpoint import Checkpoint
from remote_assist.signaling.live import Parts
from remote_assist.signaling.messages import FROM_PAGE, Failure, Message, failure, parse_untrusted
from remote_assist.signaling.presence import Connection
from remote_assist.signaling.rate import Bucket
from remote_assist.signaling.rooms import Rooms
from remote_assist.signaling.splicing import IceServers
from remote_assist.tokens import TokenSigner

PATH: Final = "/socket.io/"
NAMESPACE: Final = "/"
PING_S: Final = 10
"""Interval and patience of pings: a dead socket is noticed within twice this."""
SOCKETS_MAX: Final = 4_000
STRANGERS_PER_ADDRESS_MAX: Final = 100
"""Sockets that have not authenticated. Many people share an address: an office, a carrier, our own proxy."""
AUTHENTICATE_WITHIN_S: Final = 10.0
QUEUE_MAX: Final = 256
"""Packets that may wait for a slow reader."""
CLOSE_GRACE_S: Final = 1.0
"""How long a closed socket has to read why."""
REFUSED: Final = "$refused"
"""What a refused packet is handed on as; no page can send it, because it is not in the registry."""

_log = structlog.get_logger(__name__)


class StrictPacket(socketio.packet.Packet):  # type: ignore[misc]  # the library has no types
    """A packet that lets in only what ``frames`` allows, and turns the rest into one refused event."""

    uses_binary_events = False

    def decode(self, encoded_packet: object) -> int:
        """Fill the packet from what arrived; never announce attachments."""
        self.namespace = None
        try:
            frame = frames.frame_untrusted(encoded_packet)
        except frames.MalformedFrame as violation:
            self.packet_type, self.id = frames.EVENT, violation.ack_id
            self.data = [REFUSED, violation.code, violation.detail]
            return 0
        self.packet_type, self.id, self.data = frame.type, frame.ack_id, frame.data
        if frame.type == frames.EVENT:
            name, payload = frame.data
            # The library would call its connect and disconnect handlers for events of these names.
            known = name in FROM_PAGE
            self.data = [name, payload] if known else [REFUSED, "unknown_event", "There is no such event."]
        return 0


@dataclass(eq=False)
class Socket:
    """One WebSocket from its HTTP request to its end."""

    request: web.Request
    deadline: asyncio.Timeout
    bucket: Bucket
    connection_id: ConnectionId = field(default_factory=lambda: ConnectionId(new_id()))
    session_id: SessionId | None = None
    sid: str | None = None

    def abort(self) -> None:
        """End the TCP connection now."""
        transport = self.request.transport
        if transport is not None:
            transport.abort()


_SOCKET: Final = web.RequestKey("socket", Socket)


class Signaling:
    """Everything live: sockets, rooms, the checkpoint. Made by ``build``."""

    def __init__(
        self,
        *,
        signer: TokenSigner,
        clock: Clock,
        wakeups: Wakeups,
        origins: Callable[[], Sequence[str]],
        make_parts: Callable[["Signaling", Checkpoint], Parts],
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._wakeups = wakeups
        self._origins = origins
        self._checkpoint = Checkpoint()
        self._parts = make_parts(self, self._checkpoint)
        self._rooms = Rooms(self._parts)
        self._sockets: set[Socket] = set()
        self._connected: dict[ConnectionId, Socket] = {}
        self._by_sid: dict[str, Socket] = {}
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._counts = dict.fromkeys(("events", "refused_events", "refused_connections", "slow_readers"), 0)
        self._sio = socketio.AsyncServer(
            async_mode="aiohttp",
            transports=["websocket"],
            serializer=StrictPacket,
            # One event at a time per socket: its order is kept, and a flood is held back by TCP.
            async_handlers=False,
            cors_allowed_origins="*",  # checked by _serve, before the library is asked
            cors_credentials=False,
            cookie=None,
            http_compression=False,
            max_http_buffer_size=frames.PACKET_MAX,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            logger=False,
            engineio_logger=False,
        )
        self._sio.on("connect", self._connect)
        self._sio.on("disconnect", self._disconnect)
        self._sio.on("*", self._event)

    # --- for the composition root

    def attach(self, app: web.Application) -> None:
        """Serve sockets at ``/socket.io/`` of the application."""
        app.router.add_get(PATH, self._serve)

    async def start(self) -> None:
        """Begin to tick and to listen to wake-ups."""
        self._unsubscribe = self._wakeups.subscribe(self._rooms.wake)
        self._task = asyncio.create_task(self._checkpoint.run(self._parts, self._rooms), name="checkpoint")

    async def stop(self) -> None:
        """Write all evidence, end every room and close every socket. Safe to call twice."""
        if self._task is None:
            return
        await self._write(is_final=True)
        # Live sessions keep their home, so that the next tenure admits the outage as ours.
        free = set(self._rooms.home_sessions()) - set(self._rooms.live_sessions())
        await self._rooms.stop()
        for session_id in free:
            self._checkpoint.finish(session_id, ())
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        await self._write(is_final=True)
        if self._unsubscribe is not None:
            self._unsubscribe()
        for socket in list(self._sockets):
            socket.abort()
        await self._sio.shutdown()

    def on_fact(self, fact: Fact) -> None:
        """Take what the relay observed. Returns at once."""
        self._rooms.hear(fact)

    def live_count(self) -> int:
        """Return how many sessions of this node have billable time running."""
        return len(self._rooms.live_sessions())

    @property
    def counters(self) -> Mapping[str, int]:
        """Totals and levels by name, for metrics."""
        return {
            **self._counts,
            "sockets": len(self._sockets),
            "rooms": len(self._rooms),
            "evidence_waiting": self._checkpoint.waiting,
            "evidence_dropped": self._checkpoint.dropped,
        }

    # --- for rooms: the wire

    async def send(self, connection_ids: Sequence[ConnectionId], event: str, payload: Message) -> None:
        """Send an event to connections; one that does not read is closed."""
        data = payload.model_dump(mode="json")
        for connection_id in connection_ids:
            socket = self._connected.get(connection_id)
            if socket is None:
                continue
            if self._queue_length(socket) > QUEUE_MAX:
                self._counts["slow_readers"] += 1
                _log.info("slow_reader", session_id=socket.session_id)
                self._connected.pop(connection_id)
                socket.abort()
            else:
                await self._sio.emit(event, data, to=socket.sid)

    async def close(self, connection_id: ConnectionId, code: str, detail: str) -> None:
        """Tell a connection why, and close it."""
        socket = self._connected.get(connection_id)
        if socket is None:
            return
        await self.send([connection_id], "connection.closing", Failure(code=code, detail=detail))
        await self._sio.disconnect(socket.sid)  # which calls _disconnect

    # --- one socket's life

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is not None and origin not in self._origins():
            return self._turn_away(403, "origin_refused")
        strangers = sum(
            one.session_id is None and one.request.remote == request.remote for one in self._sockets
        )
        if len(self._sockets) >= SOCKETS_MAX or strangers >= STRANGERS_PER_ADDRESS_MAX:
            return self._turn_away(429, "too_many_sockets")
        socket: Socket | None = None
        try:
            async with asyncio.timeout(AUTHENTICATE_WITHIN_S) as deadline:
                socket = Socket(request, deadline, Bucket(self._clock.monotonic_s()))
                self._sockets.add(socket)
                request[_SOCKET] = socket
                response: web.StreamResponse = await self._sio.handle_request(request)
                return response
        except (ValueError, RecursionError, OSError) as error:
            # The library lets malformed Engine.IO packets out of its reader.
            _log.info("socket_malformed", error=type(error).__name__)
            return web.Response(status=400)
        finally:
            if socket is not None:
                self._sockets.discard(socket)
                await self._clean_up(socket)

    def _turn_away(self, status: int, code: str) -> web.Response:
        self._counts["refused_connections"] += 1
        return web.json_response(failure(code, "This server does not serve this socket."), status=status)

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
        socket: Socket = environ["aiohttp.request"][_SOCKET]
        try:
            await self._authenticate(socket, sid, auth)
        except Rejected as refusal:
            self._counts["refused_connections"] += 1
            raise socketio.exceptions.ConnectionRefusedError(
                refusal.code, {"code": refusal.code, "detail": refusal.detail}
            ) from None

    async def _authenticate(self, socket: Socket, sid: str, auth: object) -> None:
        if socket.sid is not None:
            raise Unauthenticated("already_connected", "This socket is connected already.")
        token = auth.get("token") if isinstance(auth, dict) else None
        if not isinstance(token, str):
            raise Unauthenticated("token_required", "Connect with auth: {token}.")
        claims = self._signer.verify_join(token, self._clock.now_ms())
        socket.session_id = SessionId(claims.session_id)
        # Known before the room is, so that what the room says at once arrives.
        socket.sid = sid
        self._by_sid[sid] = self._connected[socket.connection_id] = socket
        connection = Connection(
            socket.connection_id,
            Role(claims.role),
            ParticipantId(claims.participant_id),
            claims.expires_at_ms,
        )
        try:
            await self._rooms.connect(socket.session_id, connection)
        except Rejected:
            self._forget(socket)
            raise
        socket.deadline.reschedule(None)

    async def _event(self, event: str, sid: str, *arguments: Any) -> dict[str, Any]:
        """Answer any event: data, or a coded error."""
        socket = self._by_sid.get(sid)
        if socket is None or socket.session_id is None:
            return failure("not_connected", "This connection has ended.")
        self._counts["events"] += 1
        if not socket.bucket.take(self._clock.monotonic_s()):
            self._counts["refused_events"] += 1
            if socket.bucket.is_spent:
                await self.close(socket.connection_id, "rate_limited", "Far too many events.")
            return failure("rate_limited", "Too many events; slow down.")
        if event == REFUSED:
            self._counts["refused_events"] += 1
            code, detail = arguments
            return failure(code, detail)
        try:
            message = parse_untrusted(event, *arguments)
        except ProtocolViolation as violation:
            self._counts["refused_events"] += 1
            return failure(violation.code, violation.detail)
        return await self._rooms.ask(socket.session_id, socket.connection_id, event, message)

    async def _disconnect(self, sid: str, _reason: str) -> None:
        socket = self._by_sid.get(sid)
        if socket is not None and socket.session_id is not None:
            self._forget(socket)
            self._rooms.disconnect(socket.session_id, socket.connection_id)
            # A WebSocket may outlive its connection; ours does not, for it could never connect again.
            asyncio.get_running_loop().call_later(CLOSE_GRACE_S, socket.abort)

    def _forget(self, socket: Socket) -> None:
        self._connected.pop(socket.connection_id, None)
        if socket.sid is not None:
            self._by_sid.pop(socket.sid, None)

    async def _clean_up(self, socket: Socket) -> None:
        """Let the library forget a socket whose reader ended in a way it does not handle."""
        for eio_sid, environ in list(self._sio.environ.items()):
            if environ["aiohttp.request"] is socket.request:
                with contextlib.suppress(Exception):
                    await self._sio.eio.disconnect(eio_sid)
        if socket.sid is not None:
            await self._disconnect(socket.sid, "ended")

    def _queue_length(self, socket: Socket) -> int:
        eio_sid = self._sio.manager.eio_sid_from_sid(socket.sid, NAMESPACE)
        transport = self._sio.eio.sockets.get(eio_sid)
        return transport.queue.qsize() if transport is not None else 0

    async def _write(self, *, is_final: bool) -> None:
        try:
            await self._checkpoint.write(self._parts, self._rooms, is_final=is_final)
        except self._parts.outages as error:
            _log.error("evidence_lost", error=type(error).__name__, pieces=self._checkpoint.waiting)


def build(
    *,
    node_id: NodeId,
    service: SessionService,
    relay: Relay,
    signer: TokenSigner,
    clock: Clock,
    wakeups: Wakeups,
    origins: Callable[[], Sequence[str]],
    ice_servers: IceServers = lambda _session_id, _role: (),
    outages: tuple[type[Exception], ...] = (OSError, SQLAlchemyError),
) -> Signaling:
    """Return the live side of a node. ``outages`` is what the service raises while its database is away."""

    def make_parts(wire: Signaling, checkpoint: Checkpoint) -> Parts:
        return Parts(
            node_id=node_id,
            service=service,
            relay=relay,
            signer=signer,
            clock=clock,
            wire=wire,
            finish=checkpoint.finish,
            ice_servers=ice_servers,
            outages=outages,
        )

    return Signaling(signer=signer, clock=clock, wakeups=wakeups, origins=origins, make_parts=make_parts)
