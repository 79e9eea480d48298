"""What files participants have shown: inserted, never updated."""

from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.views import KeptFile
from remote_assist.store.tables import files


class FileRepository:
    """Implements ``ports.Files``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session_id: SessionId, file: KeptFile) -> None:
        """Insert a file."""
        row = {
            "id": file.id,
            "session_id": session_id,
            "role": file.role.value,
            "name": file.name,
            "media_type": file.media_type,
            "size": file.size,
            "at_ms": file.at_ms,
        }
        await self._connection.execute(insert(files), [row])

    async def get(self, session_id: SessionId, file_id: str) -> KeptFile | None:
        """Return a file of this session."""
        query = select(files).where(files.c.session_id == session_id, files.c.id == file_id)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _kept_file(row)

    async def sum(self, session_id: SessionId) -> tuple[int, int]:
        """Return how many files there are, and their bytes together."""
        query = select(func.count(), func.coalesce(func.sum(files.c.size), 0))
        row = (await self._connection.execute(query.where(files.c.session_id == session_id))).one()
        return row[0], row[1]


def _kept_file(row: Row[Any]) -> KeptFile:
    """Return the file of a row."""
    return KeptFile(row.id, Role(row.role), row.name, row.media_type, row.size, row.at_ms)
