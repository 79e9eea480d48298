"""Append to a session's log within an open transaction: events, session row and notices together.

Every write of a decision goes through here, so that numbering, the version check, the outbox and the
wake-up cannot be forgotten anywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from remote_assist.errors import NotFound
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.events import (
    BillingStarted,
    Decision,
    Recorded,
    Role,
    SessionClosed,
    SessionOpened,
)
from remote_assist.sessions.hooks.notices import notice, timestamp
from remote_assist.sessions.ports import Entry, SessionRow, UnitOfWork
from remote_assist.sessions.state import Command, State, decide, evolve, fold
from remote_assist.sessions.views import SessionView

_NOTICE_OF: Final[Mapping[type, str]] = {
    SessionOpened: "session.opened",
    BillingStarted: "session.live",
    SessionClosed: "session.closed",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A session as it stands in the open transaction."""

    row: SessionRow
    state: State


async def find(work: UnitOfWork, session_id: SessionId, partner_id: PartnerId | None = None) -> Standing:
    """Read a session.

    Raises:
        NotFound: there is none, or it is another partner's.
    """
    return await _standing(work, await work.sessions.get(session_id), partner_id)


async def lock(work: UnitOfWork, session_id: SessionId, partner_id: PartnerId | None = None) -> Standing:
    """Read a session and keep all other writers away until the transaction ends.

    Raises:
        NotFound: there is none, or it is another partner's.
    """
    locked = await work.sessions.lock([session_id])
    return await _standing(work, locked.get(session_id), partner_id)


async def command(work: UnitOfWork, standing: Standing, order: Command, at_ms: int) -> Standing:
    """Carry a command out and return how the session stands then.

    Raises:
        Rejected: the session's state refuses it.
        Conflict: ``version_conflict``.
    """
    return await append(work, standing, decide(standing.state, order), at_ms)


async def append(work: UnitOfWork, standing: Standing, decisions: Sequence[Decision], at_ms: int) -> Standing:
    """Append what was decided. Nothing decided, nothing written."""
    if not decisions:
        return standing
    row, state = standing.row, standing.state
    entries = []
    for event in decisions:
        row = replace(row, last_seq=row.last_seq + 1, version=row.version + 1)
        state = evolve(state, Recorded(row.last_seq, at_ms, event))
        entries.append(Entry(row.id, row.last_seq, row.version, at_ms, event))
    row = replace(row, closed_at_ms=state.closed_at_ms)
    if standing.row.version == 0:
        await work.sessions.add(row)
    await work.log.append(entries)
    told = [(_NOTICE_OF[type(event)], facts(row, state)) for event in decisions if type(event) in _NOTICE_OF]
    row = await tell(work, row, told, at_ms)
    await work.sessions.put(row, row.version if standing.row.version == 0 else standing.row.version)
    work.wake(row.id, row.version)
    return Standing(row, state)


async def tell(
    work: UnitOfWork, row: SessionRow, told: Sequence[tuple[str, Mapping[str, Any]]], at_ms: int
) -> SessionRow:
    """Put notices into the outbox and return the row with its sequence; the caller stores the row."""
    notices = [
        notice(kind, row.id, row.notice_seq + place, at_ms, data)
        for place, (kind, data) in enumerate(told, start=1)
    ]
    if notices:
        await work.outbox.add(row.partner_id, notices)
    return replace(row, notice_seq=row.notice_seq + len(notices))


def facts(row: SessionRow, state: State) -> dict[str, Any]:
    """Return what every notice about a session says of it, in the words of the HTTP interface."""
    return {
        "state": state.stage.value,
        "version": state.version,
        "created_at": timestamp(row.created_at_ms),
        "live_at": _timestamp(state.billing_started_at_ms),
        "closed_at": _timestamp(state.closed_at_ms),
        "close_reason": state.close_reason,
        "metadata": dict(row.metadata),
    }


def _timestamp(at_ms: int | None) -> str | None:
    return None if at_ms is None else timestamp(at_ms)


def view_of(standing: Standing) -> SessionView:
    """Return the session as the outside may see it."""
    row, state = standing.row, standing.state
    assert state.terms is not None
    return SessionView(
        id=row.id,
        partner_id=row.partner_id,
        version=state.version,
        last_seq=row.last_seq,
        state=state.stage,
        customer=row.customer,
        technician=row.technician,
        terms=state.terms,
        recording=row.recording,
        metadata=row.metadata,
        created_at_ms=row.created_at_ms,
        billing_started_at_ms=state.billing_started_at_ms,
        paused_ids=state.paused_ids,
        customer_connection=state.connections.get(Role.CUSTOMER),
        technician_connection=state.connections.get(Role.TECHNICIAN),
        closed_at_ms=state.closed_at_ms,
        close_reason=state.close_reason,
        home_node=row.home_node,
        epoch=row.epoch,
    )


async def _standing(work: UnitOfWork, row: SessionRow | None, partner_id: PartnerId | None) -> Standing:
    if row is None or partner_id not in (None, row.partner_id):
        raise NotFound("session_not_found", "There is no such session.")
    decisions = await work.log.decisions([row.id])
    return Standing(row, fold(decisions[row.id]))
