"""Once a second: what the relay and the rooms observed becomes evidence, in one transaction for all sessions.

While the database is away evidence waits in a bounded spool. After a session was closed its last evidence is
written and then flushed, so that settlement can begin. It must never make evidence out of anything else.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from remote_assist.errors import Rejected
from remote_assist.ids import SessionId
from remote_assist.sessions.events import Evidence, PresenceObserved
from remote_assist.signaling.live import Parts
from remote_assist.signaling.rooms import Rooms
from remote_assist.signaling.splicing import flow_of
from remote_assist.signaling.spool import Spool

INTERVAL_S: Final = 1.0
STALL_S: Final = 2.0
"""A tick later than this means that the whole process stood still, and with it every relayed packet."""
RENEW_TICKS: Final = 5
"""Sessions without evidence have their leases renewed this often."""
_log = structlog.get_logger(__name__)


class Checkpoint:
    """The loop. ``finish`` is called by rooms, ``run`` is a task of the server."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._finishing: set[SessionId] = set()
        self._hurry = asyncio.Event()
        self._ticks = 0

    @property
    def waiting(self) -> int:
        """How many pieces of evidence wait for the database."""
        return len(self._spool)

    @property
    def dropped(self) -> int:
        """How many pieces were lost to the spool's bound."""
        return self._spool.dropped

    def finish(self, session_id: SessionId, last: Sequence[PresenceObserved]) -> None:
        """A session was closed and its splice too: write what is left of it, and flush it."""
        self._spool.add((session_id, piece) for piece in last)
        self._finishing.add(session_id)
        self._hurry.set()

    async def run(self, parts: Parts, rooms: Rooms) -> None:
        """Tick until cancelled. A failure of one pass is logged, and the next pass goes on."""
        due_s = parts.clock.monotonic_s() + INTERVAL_S
        while True:
            began_s = parts.clock.monotonic_s()
            is_tick = not await self._wait(max(0.0, due_s - began_s))
            now_s = parts.clock.monotonic_s()
            # A pass that waited for the database is no stall: packets were relayed all the while.
            late_s = now_s - max(due_s, began_s)
            due_s = now_s + INTERVAL_S if is_tick else due_s
            try:
                if late_s > STALL_S:
                    now_ms = parts.clock.now_ms()
                    await self.admit_stall(parts, rooms, now_ms - round(late_s * 1000), now_ms)
                await self.write(parts, rooms, is_tick=is_tick)
            except parts.outages as error:
                _log.warning("checkpoint_waits", error=type(error).__name__, pieces=len(self._spool))
            except Exception:  # noqa: BLE001 - the outermost loop of this shell
                _log.exception("checkpoint_failed")

    async def write(
        self, parts: Parts, rooms: Rooms, *, is_tick: bool = False, is_final: bool = False
    ) -> None:
        """Write all evidence there is, then flush the sessions that were closed before it was collected."""
        now_ms = parts.clock.now_ms()
        finishing = set(self._finishing)
        fresh: list[tuple[SessionId, Evidence]] = [flow_of(fact) for fact in parts.relay.collect_flows()]
        fresh += rooms.take_presence(now_ms, is_final=is_final)
        rooms.add_evidence(fresh, now_ms)
        self._spool.add(fresh)
        if is_tick:
            rooms.tick()  # before anything waits for the database, so that timers show this instant
        if len(self._spool):
            await self._record(parts)
        for session_id in finishing:
            await self._flush(parts, session_id)
        if is_tick:
            await self._renew_leases(parts, rooms)

    async def admit_stall(self, parts: Parts, rooms: Rooms, from_ms: int, to_ms: int) -> None:
        """Record the stall as our fault in every session whose time was running."""
        _log.error("stalled", stalled_ms=to_ms - from_ms)
        for session_id in rooms.live_sessions():
            with contextlib.suppress(Rejected):
                await parts.service.record_fault(session_id, from_ms, to_ms, "stalled")

    async def _renew_leases(self, parts: Parts, rooms: Rooms) -> None:
        """Keep the homes of sessions that gave no evidence."""
        self._ticks += 1
        sessions = rooms.home_sessions() if self._ticks % RENEW_TICKS == 0 else []
        if sessions:
            await parts.service.renew_leases(parts.node_id, sessions)

    async def _record(self, parts: Parts) -> None:
        """Write what waits; what came while it was written waits for the next pass."""
        batch = self._spool.batch()
        self._spool.clear()
        try:
            await parts.service.record_evidence(parts.node_id, batch)
        except BaseException:
            fresh = self._spool.batch()
            self._spool.clear()
            self._spool.add([*batch, *fresh])
            raise

    async def _flush(self, parts: Parts, session_id: SessionId) -> None:
        try:
            await parts.service.flush_done(session_id, parts.node_id)
        except Rejected as refusal:
            _log.error("flush_refused", session_id=session_id, code=refusal.code)
        self._finishing.discard(session_id)

    async def _wait(self, timeout_s: float) -> bool:
        """Wait for the next tick; say whether a closed session asked for a pass before it."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._hurry.wait()
        except TimeoutError:
            return False
        self._hurry.clear()
        return True
