"""Wake-ups: somewhere, a session reached a version. A hint, never a fact; every one may be lost.

In process always; through Redis as well when there are more nodes. ``Doorbell`` wakes the loops of this
process that work off due rows.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

from remote_assist.errors import ProtocolViolation
from remote_assist.ids import NodeId, SessionId

CHANNEL: Final = "remote-assist:wakeups"
OUTGOING_MAX: Final = 1_024
"""Wake-ups that may wait for Redis; beyond it the oldest is dropped, for rooms also ask by themselves."""
MESSAGE_MAX: Final = 512
"""Characters; ours have about 150."""
RECONNECT_S: Final = 1.0

Callback = Callable[[SessionId, int], None]
_log = structlog.get_logger(__name__)


class Wakeups(Protocol):
    """What the store rings and rooms listen to."""

    def publish(self, session_id: SessionId, version: int) -> None:
        """Tell everybody, without waiting."""
        ...

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call back, from the event loop, for every wake-up; return what ends that. Must not raise."""
        ...


class LocalWakeups:
    """Wake-ups within this process."""

    def __init__(self) -> None:
        self._callbacks: list[Callback] = []

    def publish(self, session_id: SessionId, version: int) -> None:
        """Call every subscriber at once."""
        for callback in tuple(self._callbacks):
            callback(session_id, version)

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Add a subscriber; the returned function removes it, and may be called twice."""
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._callbacks.remove(callback)

        return unsubscribe


class RedisWakeups:
    """Wake-ups within this process and, by Redis pub/sub, to all other nodes.

    Redis may restart, forget or be away: publishing never fails and never waits.
    """

    def __init__(self, url: str, node_id: NodeId) -> None:
        self._local = LocalWakeups()
        self._node_id = node_id
        # By default redis-py 8 gives up on a subscription that is quiet for 5 s.
        self._redis = redis_asyncio.from_url(url, socket_timeout=None, health_check_interval=15)
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(OUTGOING_MAX)
        self._tasks: list[asyncio.Task[None]] = []
        self.listening = asyncio.Event()
        """Set while the subscription stands."""

    async def start(self) -> None:
        """Begin to listen and to send."""
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._listen())]

    async def stop(self) -> None:
        """End both and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    def publish(self, session_id: SessionId, version: int) -> None:
        """Wake this process at once and the others soon."""
        self._local.publish(session_id, version)
        if self._outgoing.full():
            self._outgoing.get_nowait()
        self._outgoing.put_nowait(
            json.dumps({"node": self._node_id, "session": session_id, "version": version})
        )

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Add a subscriber to wake-ups of all nodes."""
        return self._local.subscribe(callback)

    async def _send(self) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                await self._redis.publish(CHANNEL, message)
            except (RedisError, OSError) as error:
                _log.warning("wakeup_lost", error=type(error).__name__)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                _log.warning("wakeups_interrupted", error=type(error).__name__)
            finally:
                self.listening.clear()
            await asyncio.sleep(RECONNECT_S)

    async def _hear(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                self.listening.set()
                if message["type"] == "message":
                    self._take(message["data"])

    def _take(self, data: bytes) -> None:
        try:
            node_id, session_id, version = parse_untrusted(data)
        except ProtocolViolation:
            _log.warning("wakeup_malformed")
            return
        if node_id != self._node_id:
            self._local.publish(session_id, version)


def parse_untrusted(data: bytes) -> tuple[NodeId, SessionId, int]:
    """Return node, session and version of a message; whatever can write to Redis may have sent it.

    Raises:
        ProtocolViolation: it is not one of ours.
    """
    if len(data) > MESSAGE_MAX:
        raise ProtocolViolation("invalid_wakeup", "The wake-up is too long.")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation("invalid_wakeup", "The wake-up is no JSON.") from error
    match message:
        case {"node": str(node_id), "session": str(session_id), "version": int(version)}:
            return NodeId(node_id), SessionId(session_id), version
    raise ProtocolViolation("invalid_wakeup", "The wake-up lacks a member.")


class Doorbell:
    """Wakes the loops of this process that work off due rows."""

    def __init__(self) -> None:
        self._bells: list[asyncio.Event] = []

    def ring(self) -> None:
        """Wake every loop, or let it go on at once when it comes to wait."""
        for bell in self._bells:
            bell.set()

    def listen(self) -> "Bell":
        """Return a bell for one loop."""
        event = asyncio.Event()
        self._bells.append(event)
        return Bell(event)


class Bell:
    """One loop's ear at the doorbell."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    def ring(self) -> None:
        """Wake this loop alone."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when it rang since the last wait, or after ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_s)
        self._event.clear()
