"""Session rows."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.errors import Conflict
from remote_assist.ids import NodeId, PartnerId, SessionId
from remote_assist.sessions.ports import SessionRow
from remote_assist.sessions.views import Participant
from remote_assist.store.tables import sessions

_EVIDENCE_COLUMNS = ("last_seq", "lease_until_ms", "customer_seen_ms", "technician_seen_ms", "flow_until_ms")
_PUT_EVIDENCE = (
    update(sessions)
    .where(sessions.c.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}") for name in _EVIDENCE_COLUMNS})
)


class SessionRepository:
    """Implements ``ports.Sessions``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, row: SessionRow) -> None:
        """Insert a row."""
        await self._connection.execute(insert(sessions), [_columns(row)])

    async def get(self, session_id: SessionId) -> SessionRow | None:
        """Return a row."""
        found = await self._connection.execute(select(sessions).where(sessions.c.id == session_id))
        row = found.one_or_none()
        return None if row is None else _session_row(row)

    async def lock(self, session_ids: Sequence[SessionId]) -> dict[SessionId, SessionRow]:
        """Return the rows that exist, locked; always in order of id, so that no two can wait in a ring."""
        query = select(sessions).where(sessions.c.id.in_(session_ids)).order_by(sessions.c.id)
        found = await self._connection.execute(query.with_for_update())
        return {row.id: _session_row(row) for row in found}

    async def put(self, row: SessionRow, expected_version: int) -> None:
        """Update a row; Conflict ``version_conflict`` if somebody else was faster."""
        statement = update(sessions).where(sessions.c.id == row.id, sessions.c.version == expected_version)
        done = await self._connection.execute(statement.values(_columns(row)))
        if done.rowcount != 1:
            raise Conflict("version_conflict", "The session has changed meanwhile; try again.")

    async def put_evidence(self, rows: Sequence[SessionRow]) -> None:
        """Update what evidence changes, whatever the version."""
        if rows:
            await self._connection.execute(_PUT_EVIDENCE, [_evidence_parameters(row) for row in rows])

    async def page(self, partner_id: PartnerId, before: SessionId | None, limit: int) -> list[SessionRow]:
        """Return rows by id, the newest first."""
        query = select(sessions).where(sessions.c.partner_id == partner_id)
        if before is not None:
            query = query.where(sessions.c.id < before)
        found = await self._connection.execute(query.order_by(sessions.c.id.desc()).limit(limit))
        return [_session_row(row) for row in found]

    async def abandoned(self, node_id: NodeId, dead_before_ms: int | None) -> list[SessionId]:
        """Return unflushed sessions of other nodes whose lease ended before that.

        None: of any node, and also those with evidence that had no home when the only node went down.
        """
        unflushed = and_(
            sessions.c.flushed.is_(False), sessions.c.home_node.is_not(None), sessions.c.home_node != node_id
        )
        if dead_before_ms is not None:
            query = select(sessions.c.id).where(unflushed, sessions.c.lease_until_ms < dead_before_ms)
        else:
            homeless = and_(
                sessions.c.home_node.is_(None),
                sessions.c.closed_at_ms.is_(None),
                sessions.c.flow_until_ms.is_not(None),
            )
            query = select(sessions.c.id).where(or_(unflushed, homeless))
        found = await self._connection.execute(query.order_by(sessions.c.id))
        return [SessionId(row.id) for row in found]


def _columns(row: SessionRow) -> dict[str, Any]:
    columns = {name: getattr(row, name) for name in row.__slots__}
    return {
        **columns,
        "customer": asdict(row.customer),
        "technician": asdict(row.technician),
        "metadata": dict(row.metadata),
    }


def _session_row(row: Row[Any]) -> SessionRow:
    columns = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public accessor, for all its underscore
    columns["customer"] = Participant(**columns["customer"])
    columns["technician"] = Participant(**columns["technician"])
    return SessionRow(**columns)


def _evidence_parameters(row: SessionRow) -> dict[str, Any]:
    return {"row_id": row.id} | {f"new_{name}": getattr(row, name) for name in _EVIDENCE_COLUMNS}
