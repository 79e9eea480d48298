"""The loop over due jobs: leased rows, so that several nodes share them and none is lost with a node.

A job may be done twice (its node died before it said so); every handler must bear that.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from remote_assist.clock import Clock
from remote_assist.cluster import Doorbell
from remote_assist.ids import NodeId, SessionId
from remote_assist.sessions.ports import Job, JobKind, Store

LEASE_MS: Final = 30_000
BATCH: Final = 10
POLL_S: Final = 2.0
"""The longest sleep: other nodes' jobs ring no bell here."""
NAP_S: Final = 0.01
"""The shortest, so that a due row that cannot be claimed does not spin the loop."""
RETRY_MIN_MS: Final = 1_000
RETRY_MAX_MS: Final = 60_000

Handler = Callable[[SessionId], Awaitable[int | None]]
"""Does a session's job; returns when to do it again, None for never."""
_log = structlog.get_logger(__name__)


class DueWorker:
    """Works jobs off, one after the other."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        node_id: NodeId,
        doorbell: Doorbell,
        handlers: Mapping[JobKind, Handler],
    ) -> None:
        self._store = store
        self._clock = clock
        self._node_id = node_id
        self._bell = doorbell.listen()
        self._handlers = handlers
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to work in the background."""
        self._task = asyncio.create_task(self._run(), name="due-worker")

    async def stop(self) -> None:
        """Stop; a job that is cut off is done again later."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def work_off(self) -> int:
        """Do all jobs that are due now and return how many there were."""
        done = 0
        while jobs := await self._claim():
            for job in jobs:
                await self._do(job)
            done += len(jobs)
        return done

    async def _run(self) -> None:
        while True:
            try:
                await self.work_off()
                wait_s = await self._idle_s()
            except Exception:  # noqa: BLE001 - the outermost loop: whatever the database does, it must go on
                _log.exception("due_loop_failed")
                wait_s = POLL_S
            await self._bell.wait(wait_s)

    async def _idle_s(self) -> float:
        async with self._store.reading() as work:
            next_due_ms = await work.jobs.next_due_ms()
        if next_due_ms is None:
            return POLL_S
        return min(max((next_due_ms - self._clock.now_ms()) / 1000, NAP_S), POLL_S)

    async def _claim(self) -> list[Job]:
        now_ms = self._clock.now_ms()
        async with self._store.reading() as work:
            next_due_ms = await work.jobs.next_due_ms()
        if next_due_ms is None or next_due_ms > now_ms:
            return []  # do not take the write lock for nothing
        async with self._store.writing() as work:
            return await work.jobs.claim(self._node_id, now_ms, now_ms + LEASE_MS, BATCH)

    async def _do(self, job: Job) -> None:
        attempts = 0
        try:
            next_due_ms = await self._handlers[job.kind](job.session_id)
        except Exception:  # noqa: BLE001 - one session's failure must not stop the others' jobs
            _log.exception("job_failed", kind=job.kind, session_id=job.session_id, attempts=job.attempts)
            attempts = job.attempts
            delay_ms = min(RETRY_MIN_MS * 2 ** min(attempts - 1, 10), RETRY_MAX_MS)
            next_due_ms = self._clock.now_ms() + delay_ms
        async with self._store.writing() as work:
            await work.jobs.finish(job, next_due_ms, attempts)
