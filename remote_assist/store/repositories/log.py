"""Session logs: inserted, never updated."""

import sys
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Recorded
from remote_assist.sessions.log import record_untrusted, to_record
from remote_assist.sessions.ports import Entry
from remote_assist.store.tables import session_events

PAGE: Final = 500
"""Events turned into objects at a time: about 4 ms of the event loop."""
_ENVELOPE: Final = ("seq", "at", "type")


class LogRepository:
    """Implements ``ports.Log``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def append(self, entries: Sequence[Entry]) -> None:
        """Insert events, all of them in one call of the driver."""
        if entries:
            await self._connection.execute(insert(session_events), [_columns(entry) for entry in entries])

    async def read(
        self, session_id: SessionId, after_seq: int = 0, limit: int | None = None
    ) -> list[Recorded]:
        """Return events in order of ``seq``. Page by page, so that a long log never stalls the packets."""
        log: list[Recorded] = []
        left = sys.maxsize if limit is None else limit
        while left > 0:
            rows = await self._page(session_id, after_seq, min(left, PAGE))
            log += _known(rows)
            if len(rows) < PAGE:
                break
            after_seq = rows[-1].seq
            left -= len(rows)
        return log

    async def _page(self, session_id: SessionId, after_seq: int, limit: int) -> Sequence[Row[Any]]:
        query = select(session_events).where(
            session_events.c.session_id == session_id, session_events.c.seq > after_seq
        )
        found = await self._connection.execute(query.order_by(session_events.c.seq).limit(limit))
        return found.all()

    async def decisions(self, session_ids: Sequence[SessionId]) -> dict[SessionId, list[Recorded]]:
        """Return the events other than evidence."""
        query = select(session_events).where(
            session_events.c.session_id.in_(session_ids), session_events.c.version.is_not(None)
        )
        found = await self._connection.execute(
            query.order_by(session_events.c.session_id, session_events.c.version)
        )
        by_session: dict[SessionId, list[Row[Any]]] = {session_id: [] for session_id in session_ids}
        for row in found:
            by_session[row.session_id].append(row)
        return {session_id: _known(rows) for session_id, rows in by_session.items()}


def _columns(entry: Entry) -> dict[str, Any]:
    record = to_record(Recorded(entry.seq, entry.at_ms, entry.event))
    return {
        "session_id": entry.session_id,
        "seq": entry.seq,
        "version": entry.version,
        "at_ms": entry.at_ms,
        "type": entry.event.type,
        "fields": {name: value for name, value in record.items() if name not in _ENVELOPE},
    }


def _known(rows: Any) -> list[Recorded]:
    """Leave out types that this version of the program does not know: kept, and ignored."""
    records = (record_untrusted({"seq": r.seq, "at": r.at_ms, "type": r.type, **r.fields}) for r in rows)
    return [recorded for recorded in records if recorded is not None]
