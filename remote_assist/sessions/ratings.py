"""What participants say of a session once it is over: solved or not, stars, a comment."""

from collections.abc import Mapping
from typing import Final

from remote_assist.errors import Conflict, Gone, Invalid
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions import journal
from remote_assist.sessions.events import Role
from remote_assist.sessions.hooks.notices import timestamp
from remote_assist.sessions.opening import LINK_LIFE_AFTER_CLOSE_MS
from remote_assist.sessions.usecase import UseCases
from remote_assist.sessions.views import Opinion, Rating

STARS: Final = range(1, 6)
RATING_COMMENT_MAX: Final = 1_000


class Ratings(UseCases):
    """One rating per participant, changeable for as long as the link works."""

    async def rate(self, session_id: SessionId, role: Role, opinion: Opinion) -> Rating:
        """Keep a rating in place of the role's earlier one, and tell the partner. The same again is no news.

        Raises:
            Conflict: ``session_not_closed``.
            Gone: ``link_ended``, 15 minutes after the close.
            Invalid: ``rating_invalid``, nothing in it or out of range.
        """
        opinion = _checked(opinion)
        now_ms = self._clock.now_ms()
        async with self._store.writing() as work:
            standing = await journal.lock(work, session_id)
            row = standing.row
            if row.closed_at_ms is None:
                raise Conflict("session_not_closed", "A session is rated when it has ended.")
            if now_ms >= row.closed_at_ms + LINK_LIFE_AFTER_CLOSE_MS:
                raise Gone("link_ended", "The session has ended and its links no longer work.")
            before = (await work.ratings.of_session(session_id)).get(role)
            if before is not None and before.opinion == opinion:
                return before
            rating = Rating(role, now_ms, opinion)
            await work.ratings.put(session_id, rating)
            row = await journal.tell(work, row, [("session.rated", _told(rating, row.metadata))], now_ms)
            await work.sessions.put(row, row.version)
            return rating

    async def ratings(
        self, session_id: SessionId, partner_id: PartnerId | None = None
    ) -> Mapping[Role, Rating]:
        """Return the ratings of a session; NotFound for another partner's."""
        async with self._store.reading() as work:
            await journal.find(work, session_id, partner_id)
            return await work.ratings.of_session(session_id)


def _checked(opinion: Opinion) -> Opinion:
    comment = opinion.comment.replace("\x00", "").strip()
    if opinion.stars is None and opinion.is_solved is None and not comment:
        raise Invalid("rating_invalid", "A rating needs stars, an answer whether it is solved, or a comment.")
    if opinion.stars is not None and opinion.stars not in STARS:
        raise Invalid("rating_invalid", "A rating has 1 to 5 stars.")
    if len(comment) > RATING_COMMENT_MAX:
        raise Invalid("rating_invalid", f"A comment has at most {RATING_COMMENT_MAX} characters.")
    return Opinion(opinion.stars, opinion.is_solved, comment)


def _told(rating: Rating, metadata: Mapping[str, object]) -> dict[str, object]:
    opinion = rating.opinion
    return {
        "role": rating.role.value,
        "stars": opinion.stars,
        "solved": opinion.is_solved,
        "comment": opinion.comment,
        "rated_at": timestamp(rating.at_ms),
        "metadata": dict(metadata),
    }
