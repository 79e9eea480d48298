"""What participants say of a session once it is over."""

import pytest

from remote_assist.errors import Conflict, Gone, Invalid, NotFound
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.opening import LINK_LIFE_AFTER_CLOSE_MS
from remote_assist.sessions.ratings import RATING_COMMENT_MAX
from remote_assist.sessions.views import Opinion
from remote_assist.signaling.messages import COMMENT_MAX
from tests.kit.office import NODE, Office

GOOD = Opinion(5, is_solved=True, comment="")


async def told(desk: Office) -> list[str]:
    """Return the types of the notices so far."""
    page = await desk.endpoints.list_deliveries(desk.partner_id)
    return [delivery.type for delivery in reversed(page.items)]


async def closed(desk: Office) -> SessionId:
    """Return a closed session of a partner that wants all notices."""
    await desk.endpoints.create_endpoint(desk.partner_id, "https://shop.example/hook")
    session_id = (await desk.open()).view.id
    await desk.sessions.close(session_id, "api")
    return session_id


async def test_each_side_has_one_rating_and_may_change_it(desk: Office) -> None:
    """The newest counts; the partner hears of every change and of nothing else."""
    session_id = await closed(desk)
    await desk.sessions.rate(session_id, Role.CUSTOMER, GOOD)
    desk.clock.advance(s=10)
    await desk.sessions.rate(session_id, Role.CUSTOMER, GOOD)
    changed = await desk.sessions.rate(
        session_id, Role.CUSTOMER, Opinion(2, is_solved=False, comment=" It is slow ")
    )
    theirs = await desk.sessions.rate(session_id, Role.TECHNICIAN, Opinion(None, is_solved=True, comment=""))
    assert changed.opinion.comment == "It is slow"
    assert await desk.sessions.ratings(session_id, desk.partner_id) == {
        Role.CUSTOMER: changed,
        Role.TECHNICIAN: theirs,
    }
    assert (await told(desk)).count("session.rated") == 3
    await desk.sessions.flush_done(session_id, NODE)
    assert await desk.sessions.settle(session_id) is not None, "the row is as it was"


async def test_a_session_is_rated_after_its_end_and_while_the_link_works(desk: Office) -> None:
    """Neither before, nor for ever."""
    opened = await desk.open()
    with pytest.raises(Conflict, match="session_not_closed"):
        await desk.sessions.rate(opened.view.id, Role.CUSTOMER, GOOD)
    await desk.sessions.close(opened.view.id, "api")
    desk.clock.advance(ms=LINK_LIFE_AFTER_CLOSE_MS - 1)
    await desk.sessions.rate(opened.view.id, Role.CUSTOMER, GOOD)
    desk.clock.advance(ms=1)
    with pytest.raises(Gone, match="link_ended"):
        await desk.sessions.rate(opened.view.id, Role.CUSTOMER, Opinion(1, None, ""))


@pytest.mark.parametrize(
    "opinion",
    [
        Opinion(None, None, " \x00 "),
        Opinion(0, None, ""),
        Opinion(6, None, ""),
        Opinion(1, None, "x" * (RATING_COMMENT_MAX + 1)),
    ],
)
async def test_a_rating_says_something_within_bounds(desk: Office, opinion: Opinion) -> None:
    """An empty one, too many stars or a novel is refused."""
    session_id = await closed(desk)
    with pytest.raises(Invalid, match="rating_invalid"):
        await desk.sessions.rate(session_id, Role.CUSTOMER, opinion)
    assert await desk.sessions.ratings(session_id) == {}


async def test_ratings_are_the_partners_own(desk: Office) -> None:
    """Another partner finds no session."""
    session_id = await closed(desk)
    with pytest.raises(NotFound, match="session_not_found"):
        await desk.sessions.ratings(session_id, PartnerId("other"))


def test_the_protocol_takes_what_is_kept() -> None:
    """The limit of a comment is one number."""
    assert COMMENT_MAX == RATING_COMMENT_MAX
