"""Opening sessions and finding them again."""

import pytest

from remote_assist.errors import Gone, Invalid, NotFound
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.events import FixedTariff, MeteredTariff, Recorded, Role, SessionOpened, Terms
from remote_assist.sessions.opening import LINK_LIFE_AFTER_CLOSE_MS, hash_of, terms_for
from remote_assist.sessions.state import Stage
from remote_assist.sessions.views import OpenSession, Person
from tests.kit.clock import NOON_MS
from tests.kit.office import HALF_HOUR_MS, TARIFF, Office

STRANGER = PartnerId("somebody-else")


async def test_an_opened_session_begins_its_log_with_its_terms(desk: Office) -> None:
    """The terms are a snapshot in the first event."""
    opened = await desk.open(free_ms=0)
    terms = Terms(NOON_MS, HALF_HOUR_MS, TARIFF, free_ms=0)
    assert opened.view.state is Stage.OPEN
    assert opened.view.terms == terms
    assert await desk.sessions.log(opened.view.id) == [Recorded(1, NOON_MS, SessionOpened(terms))]
    assert await desk.sessions.view(opened.view.id, desk.partner_id) == opened.view
    assert desk.woken == [(opened.view.id, 1)]


async def test_another_partners_session_is_not_found(desk: Office) -> None:
    """Nobody learns whether a foreign session exists."""
    opened = await desk.open()
    for session_id in (opened.view.id, SessionId("nonsense")):
        with pytest.raises(NotFound, match="session_not_found"):
            await desk.sessions.view(session_id, STRANGER)


async def test_both_links_stand_for_their_role(desk: Office) -> None:
    """Each secret leads to one participant of one session, again and again."""
    opened = await desk.open()
    for _ in range(2):
        customer = await desk.sessions.find_link(opened.customer_secret)
        technician = await desk.sessions.find_link(opened.technician_secret)
        assert (customer.session_id, customer.role, customer.name) == (opened.view.id, Role.CUSTOMER, "Ada")
        assert customer.locale == "en"
        assert technician.role is Role.TECHNICIAN
        assert technician.participant_id == opened.view.technician.participant_id


@pytest.mark.parametrize("secret", ["", "nonsense", "x" * 10_000, "ü", "\ud800"])
async def test_an_unknown_secret_opens_nothing(desk: Office, secret: str) -> None:
    """Guesses are answered alike."""
    with pytest.raises(NotFound, match="link_not_found"):
        await desk.sessions.find_link(secret)


async def test_a_link_works_until_a_quarter_of_an_hour_after_the_close(desk: Office) -> None:
    """The last moment still works, the next one is gone."""
    opened = await desk.open()
    await desk.sessions.close(opened.view.id, "api")
    desk.clock.advance(ms=LINK_LIFE_AFTER_CLOSE_MS - 1)
    await desk.sessions.find_link(opened.customer_secret)
    desk.clock.advance(ms=1)
    with pytest.raises(Gone, match="link_expired"):
        await desk.sessions.find_link(opened.customer_secret)


async def test_the_secret_itself_is_kept_nowhere(desk: Office) -> None:
    """The database holds a hash, so a stolen copy opens no session."""
    opened = await desk.open()
    async with desk.store.reading() as work:
        assert await work.links.find(hash_of(opened.customer_secret)) == (opened.view.id, Role.CUSTOMER)
        assert await work.links.find(opened.customer_secret) is None


async def test_sessions_are_listed_page_by_page_the_newest_first(desk: Office) -> None:
    """Following the cursor shows each session once, and only the partner's own."""
    opened = [(await desk.open()).view.id for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = await desk.sessions.list_sessions(desk.partner_id, cursor, 2)
        seen += [view.id for view in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == opened[::-1]
    assert (await desk.sessions.list_sessions(STRANGER)).items == ()


async def test_the_log_is_read_in_parts(desk: Office) -> None:
    """``after_seq`` and ``limit`` cut the log without losing an event."""
    opened = await desk.open()
    await desk.go_live(opened)
    whole = await desk.sessions.full_log(opened.view.id)
    first = await desk.sessions.log(opened.view.id, 0, 2)
    rest = await desk.sessions.log(opened.view.id, first[-1].seq)
    assert [*first, *rest] == whole
    assert [recorded.seq for recorded in whole] == [1, 2, 3, 4]


def request(**changes: object) -> OpenSession:
    fields = {"customer": Person("Ada"), "technician": Person("Grace"), "booked_ms": 1} | changes
    return OpenSession(**fields)  # type: ignore[arg-type]  # wrong values are the point


def test_without_a_tariff_nothing_is_owed() -> None:
    """Time is measured at rate 0, because nobody agreed to a price."""
    assert terms_for(request(), 5) == Terms(5, 1, MeteredTariff(0, "CHF"))


@pytest.mark.parametrize(
    "changes",
    [
        {"booked_ms": 0},
        {"booked_ms": 10**12},
        {"scheduled_start_ms": -1},
        {"scheduled_start_ms": 2**60},
        {"terms": {"bridge_pct": 101}},
        {"terms": {"free_ms": -1}},
        {"terms": {"wait_ms": 10**12}},
        {"terms": {"no_show_fee_minor": 10**13}},
        {"terms": {"booked_ms": 5}},
        {"terms": {"nonsense": 5}},
        {"tariff": FixedTariff(-1, "CHF")},
        {"tariff": MeteredTariff(-1, "CHF")},
        {"tariff": MeteredTariff(0, "CHF", -5)},
        {"tariff": FixedTariff(1, "chf")},
        {"tariff": FixedTariff(1, "ÄÖÜ")},
        {"tariff": FixedTariff(1, "CHFX")},
    ],
)
def test_terms_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    """A value out of range or an unknown name is said so, before anything is written."""
    with pytest.raises(Invalid, match="invalid_terms"):
        terms_for(request(**changes), 0)
