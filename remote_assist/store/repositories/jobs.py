"""Leased rows of what is due."""

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import NodeId, SessionId, new_id
from remote_assist.sessions.ports import Job, JobKind
from remote_assist.store.effects import Effects
from remote_assist.store.tables import jobs


class JobRepository:
    """Implements ``ports.Jobs``."""

    def __init__(self, connection: AsyncConnection, effects: Effects) -> None:
        self._connection = connection
        self._effects = effects

    async def queue(self, kind: JobKind, session_id: SessionId, due_at_ms: int) -> None:
        """Make a job due then, or earlier if it already was. Under the session's row lock."""
        self._effects.is_due = True
        found = await self._connection.execute(
            select(jobs).where(jobs.c.session_id == session_id, jobs.c.kind == kind)
        )
        row = found.one_or_none()
        if row is None:
            fresh = {
                "id": new_id(),
                "kind": kind,
                "session_id": session_id,
                "due_at_ms": due_at_ms,
                "attempts": 0,
                "stamp": 0,
                "leased_until_ms": 0,
                "leased_by": None,
            }
            await self._connection.execute(insert(jobs), [fresh])
            return
        statement = update(jobs).where(jobs.c.id == row.id)
        await self._connection.execute(
            statement.values(due_at_ms=min(due_at_ms, row.due_at_ms), stamp=jobs.c.stamp + 1, attempts=0)
        )

    async def drop(self, kind: JobKind, session_id: SessionId) -> None:
        """Forget a job."""
        await self._connection.execute(
            delete(jobs).where(jobs.c.session_id == session_id, jobs.c.kind == kind)
        )

    async def claim(self, node_id: NodeId, now_ms: int, lease_until_ms: int, limit: int) -> list[Job]:
        """Lease due jobs."""
        due = (
            select(jobs.c.id)
            .where(jobs.c.due_at_ms <= now_ms, jobs.c.leased_until_ms <= now_ms)
            .order_by(jobs.c.due_at_ms)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = (await self._connection.execute(due)).scalars().all()
        if not ids:
            return []
        claimed = await self._connection.execute(
            update(jobs)
            .where(jobs.c.id.in_(ids))
            .values(leased_until_ms=lease_until_ms, leased_by=node_id, attempts=jobs.c.attempts + 1)
            .returning(jobs)
        )
        found = [
            Job(row.id, row.kind, SessionId(row.session_id), row.due_at_ms, row.attempts, row.stamp)
            for row in claimed
        ]
        return sorted(found, key=lambda job: job.due_at_ms)

    async def finish(self, job: Job, next_due_ms: int | None, attempts: int = 0) -> None:
        """Delete a job or set it to its next time; if it was queued again meanwhile, only release it."""
        released = update(jobs).where(jobs.c.id == job.id).values(leased_until_ms=0, leased_by=None)
        await self._connection.execute(released)
        unchanged = (jobs.c.id == job.id, jobs.c.stamp == job.stamp)
        if next_due_ms is None:
            await self._connection.execute(delete(jobs).where(*unchanged))
        else:
            await self._connection.execute(
                update(jobs).where(*unchanged).values(due_at_ms=next_due_ms, attempts=attempts)
            )

    async def next_due_ms(self) -> int | None:
        """Return when the next job is due; one that is being worked on, when its lease ends."""
        later = case(
            (jobs.c.leased_until_ms > jobs.c.due_at_ms, jobs.c.leased_until_ms), else_=jobs.c.due_at_ms
        )
        found = await self._connection.execute(select(func.min(later)))
        due_ms: int | None = found.scalar_one_or_none()
        return due_ms
