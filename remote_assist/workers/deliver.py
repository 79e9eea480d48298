"""Carry the outbox to the endpoints: signed, retried, every attempt recorded.

At most one delivery per endpoint is under way at a time, so an endpoint that hangs holds up itself only,
and a healthy one gets its notices nearly in order.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

import structlog

from remote_assist.clock import Clock
from remote_assist.cluster import Doorbell
from remote_assist.ids import NodeId
from remote_assist.outbound import OutboundError, Reply
from remote_assist.sessions.hooks.envelope import headers
from remote_assist.sessions.hooks.retry import judge, retry_after_untrusted
from remote_assist.sessions.ports import DueDelivery, Store
from remote_assist.sessions.views import Attempt

LEASE_MS: Final = 60_000
"""Longer than the longest call of ``outbound``."""
UNDER_WAY_MAX: Final = 50
POLL_S: Final = 5.0
NAP_S: Final = 0.01
_log = structlog.get_logger(__name__)


class Post(Protocol):
    """The outbound client, as far as it is needed here."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send and return the reply; OutboundError if there is none."""
        ...


class DeliveryWorker:
    """Delivers notices. ``jitter`` is random in [0, 1)."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        node_id: NodeId,
        doorbell: Doorbell,
        client: Post,
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._clock = clock
        self._node_id = node_id
        self._bell = doorbell.listen()
        self._client = client
        self._jitter = jitter
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to deliver in the background."""
        self._task = asyncio.create_task(self._run(), name="delivery-worker")

    async def stop(self) -> None:
        """Stop; what is under way is cut off and sent again when its lease has ended."""
        tasks = [task for task in (self._task, *self._under_way.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def deliver_due(self) -> int:
        """Try everything that is due now, to the end, and return how many tries that were."""
        tries = 0
        while (begun := await self._begin()) or self._under_way:
            tries += begun
            if self._under_way:
                await asyncio.wait(self._under_way.values(), return_when=asyncio.FIRST_COMPLETED)
        return tries

    async def _run(self) -> None:
        while True:
            try:
                while await self._begin():
                    pass
                wait_s = await self._idle_s()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever the database does, it must go on
                _log.exception("delivery_loop_failed")
                wait_s = POLL_S
            await self._bell.wait(wait_s)

    async def _idle_s(self) -> float:
        async with self._store.reading() as work:
            next_due_ms = await work.outbox.next_due_ms(list(self._under_way))
        if next_due_ms is None:
            return POLL_S
        return min(max((next_due_ms - self._clock.now_ms()) / 1000, NAP_S), POLL_S)

    async def _begin(self) -> int:
        """Start what is due and may start; return how many."""
        now_ms, busy = self._clock.now_ms(), list(self._under_way)
        if len(busy) >= UNDER_WAY_MAX:
            return 0
        async with self._store.reading() as work:
            next_due_ms = await work.outbox.next_due_ms(busy)
        if next_due_ms is None or next_due_ms > now_ms:
            return 0  # do not take the write lock for nothing
        async with self._store.writing() as work:
            room = UNDER_WAY_MAX - len(busy)
            claimed = await work.outbox.claim(self._node_id, now_ms, now_ms + LEASE_MS, room, busy)
        for due in claimed:
            task = asyncio.create_task(self._deliver(due), name=f"delivery {due.id}")
            self._under_way[due.endpoint_id] = task
            task.add_done_callback(partial(self._ended, due.endpoint_id))
        return len(claimed)

    def _ended(self, endpoint_id: str, _task: asyncio.Task[None]) -> None:
        del self._under_way[endpoint_id]
        self._bell.ring()

    async def _deliver(self, due: DueDelivery) -> None:
        try:
            await self._try(due)
        except Exception:  # noqa: BLE001 - one delivery's failure must not stop the others; its lease ends by itself
            _log.exception("delivery_failed", delivery_id=due.id)

    async def _try(self, due: DueDelivery) -> None:
        began_at_ms = self._clock.now_ms()
        status, retry_after_s, problem = None, None, None
        try:
            sealed = headers(due.notice_id, due.secret, due.body, began_at_ms)
            reply = await self._client.post(due.url, due.body.encode(), sealed)
            status = reply.status
            retry_after_s = retry_after_untrusted(reply.retry_after, self._clock.now_ms())
        except OutboundError as error:
            problem = error.code
        verdict = judge(due.tries, status, retry_after_s, self._clock.now_ms(), self._jitter())
        attempt = Attempt(began_at_ms, status, problem)
        async with self._store.writing() as work:
            await work.outbox.record_attempt(due.id, attempt, verdict.state, verdict.next_attempt_at_ms)
            if verdict.disables_endpoint:
                await work.endpoints.disable(due.endpoint_id, "gone")
        _log.info("delivery_tried", delivery_id=due.id, status=status, error=problem, state=verdict.state)
