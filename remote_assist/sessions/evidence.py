"""Where a session lives, and the evidence its home writes.

Evidence is never refused for its version or for its writer: a set of intervals cannot conflict, and time
that both sides gave is theirs, whoever reports it and however late.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from remote_assist.errors import Conflict
from remote_assist.ids import NodeId, SessionId
from remote_assist.sessions import journal
from remote_assist.sessions.events import Evidence, FlowObserved, Role
from remote_assist.sessions.ports import Entry, SessionRow, UnitOfWork
from remote_assist.sessions.settling import settlement_due_ms
from remote_assist.sessions.state import RecordFault, Stage
from remote_assist.sessions.usecase import UseCases
from remote_assist.sessions.views import Home

LEASE_MS: Final = 10_000
"""Ten checkpoints: a node that misses them all is taken for dead, and its sessions move."""
REVISION_DELAY_MS: Final = 5_000
"""How long late evidence of a settled session is gathered before it makes a revision."""
RESTART: Final = "restart"


class Witness(UseCases):
    """Takes homes, writes evidence, and recovers what a dead node left."""

    async def take_home(self, session_id: SessionId, node_id: NodeId) -> Home:
        """Let the session live on this node, as long as the lease is renewed.

        A live session that is taken from a dead node gets the time since its last evidence as a fault.
        A closed session has no home; its last one is returned.

        Raises:
            Conflict: ``lives_elsewhere``, another node's lease is running.
        """
        async with self._store.writing() as work:
            standing = await journal.lock(work, session_id)
            now_ms, row = self._clock.now_ms(), standing.row
            if standing.state.stage is Stage.CLOSED:
                return Home(row.epoch, row.lease_until_ms)
            if row.home_node not in (None, node_id):
                if row.lease_until_ms > now_ms:
                    raise Conflict("lives_elsewhere", "The session lives on another node.")
                standing = await _admit_outage(work, standing, now_ms)
            row = replace(
                standing.row,
                epoch=row.epoch if row.home_node == node_id else row.epoch + 1,
                home_node=node_id,
                lease_until_ms=now_ms + LEASE_MS,
                flushed=False,
            )
            await work.sessions.put(row, row.version)
            return Home(row.epoch, row.lease_until_ms)

    async def record_evidence(self, node_id: NodeId, batch: Sequence[tuple[SessionId, Evidence]]) -> None:
        """Write the evidence of all sessions of a node in one transaction, and renew their leases.

        A session that does not exist is left out; the others must not suffer from it.
        """
        by_session: dict[SessionId, list[Evidence]] = {}
        for session_id, evidence in batch:
            by_session.setdefault(session_id, []).append(evidence)
        if not by_session:
            return
        async with self._store.writing() as work:
            now_ms = self._clock.now_ms()
            rows = await work.sessions.lock(list(by_session))
            entries: list[Entry] = []
            after = []
            for session_id, row in rows.items():
                numbered = enumerate(by_session[session_id], start=row.last_seq + 1)
                entries += [Entry(session_id, seq, None, now_ms, one) for seq, one in numbered]
                after.append(_renewed(_witnessed(row, by_session[session_id]), node_id, now_ms))
            await work.log.append(entries)
            await work.sessions.put_evidence(after)
            for row in after:
                if row.settled_seq:
                    await work.jobs.queue("settle", row.id, now_ms + REVISION_DELAY_MS)

    async def renew_leases(self, node_id: NodeId, session_ids: Sequence[SessionId]) -> None:
        """Renew the leases of sessions that gave no evidence."""
        if not session_ids:
            return
        async with self._store.writing() as work:
            rows = await work.sessions.lock(session_ids)
            now_ms = self._clock.now_ms()
            await work.sessions.put_evidence([_renewed(row, node_id, now_ms) for row in rows.values()])

    async def flush_done(self, session_id: SessionId, node_id: NodeId) -> None:
        """Say that a session's evidence is all written: a closed one is settled now, an open one is free.

        Only its home may say so.
        """
        async with self._store.writing() as work:
            standing = await journal.lock(work, session_id)
            if standing.row.home_node == node_id:
                await _release(work, standing)

    async def recover(self, node_id: NodeId, *, sole_node: bool) -> int:
        """At start, end the tenure of dead nodes and admit the outage; return for how many sessions.

        ``sole_node``: there is no other node, so every lease of another one is a dead process's.
        """
        async with self._store.reading() as work:
            dead_before_ms = None if sole_node else self._clock.now_ms()
            abandoned = await work.sessions.abandoned(node_id, dead_before_ms)
        for session_id in abandoned:
            async with self._store.writing() as work:
                standing = await journal.lock(work, session_id)
                standing = await _admit_outage(work, standing, self._clock.now_ms())
                await _release(work, standing)
        return len(abandoned)


async def _admit_outage(work: UnitOfWork, standing: journal.Standing, now_ms: int) -> journal.Standing:
    """Record the time since the last evidence as ours, so that it is never bridged."""
    from_ms = standing.row.flow_until_ms
    if standing.state.stage is not Stage.LIVE or from_ms is None or from_ms >= now_ms:
        return standing
    return await journal.command(work, standing, RecordFault(from_ms, now_ms, RESTART), now_ms)


async def _release(work: UnitOfWork, standing: journal.Standing) -> None:
    row = replace(standing.row, home_node=None, lease_until_ms=0, flushed=True)
    await work.sessions.put(row, row.version)
    if standing.state.stage is Stage.CLOSED:
        await work.jobs.queue("settle", row.id, settlement_due_ms(row))


def _witnessed(row: SessionRow, evidence: Sequence[Evidence]) -> SessionRow:
    """Return the row with what it derives from evidence: numbers and when somebody was last seen."""
    row = replace(row, last_seq=row.last_seq + len(evidence))
    for one in evidence:
        if one.role is Role.CUSTOMER:
            row = replace(row, customer_seen_ms=max(row.customer_seen_ms or 0, one.to_ms))
        else:
            row = replace(row, technician_seen_ms=max(row.technician_seen_ms or 0, one.to_ms))
        if isinstance(one, FlowObserved):
            row = replace(row, flow_until_ms=max(row.flow_until_ms or 0, one.to_ms))
    return row


def _renewed(row: SessionRow, node_id: NodeId, now_ms: int) -> SessionRow:
    """Only a home renews its lease; evidence that comes late from an earlier one does not."""
    return replace(row, lease_until_ms=now_ms + LEASE_MS) if row.home_node == node_id else row
