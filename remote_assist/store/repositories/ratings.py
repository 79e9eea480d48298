"""What participants said of a session: one row each, replaced when they think again."""

from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.views import Opinion, Rating
from remote_assist.store.tables import ratings


class RatingRepository:
    """Implements ``ports.Ratings``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(self, session_id: SessionId, rating: Rating) -> None:
        """Insert a rating in place of the role's earlier one. Under the session's row lock."""
        await self._connection.execute(
            delete(ratings).where(ratings.c.session_id == session_id, ratings.c.role == rating.role.value)
        )
        opinion = rating.opinion
        row = {
            "session_id": session_id,
            "role": rating.role.value,
            "at_ms": rating.at_ms,
            "stars": opinion.stars,
            "is_solved": opinion.is_solved,
            "comment": opinion.comment,
        }
        await self._connection.execute(insert(ratings), [row])

    async def of_session(self, session_id: SessionId) -> dict[Role, Rating]:
        """Return a session's ratings by role."""
        found = await self._connection.execute(select(ratings).where(ratings.c.session_id == session_id))
        return {Role(row.role): _rating(row) for row in found}


def _rating(row: Row[Any]) -> Rating:
    return Rating(Role(row.role), row.at_ms, Opinion(row.stars, row.is_solved, row.comment))
