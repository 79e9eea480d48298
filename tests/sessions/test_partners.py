"""Partners, keys and repeated requests."""

import pytest

from remote_assist.errors import Conflict, Invalid, Unauthenticated
from remote_assist.sessions.partners import REPLY_LIFE_MS, RUNNING_MAX_MS
from remote_assist.sessions.views import StoredReply
from tests.kit.office import Office

REPLY = StoredReply(201, '{"id":"s1"}')


async def test_a_key_is_taken_verbatim_and_ensured_again_at_every_start(desk: Office) -> None:
    """The same name and key are the same partner; a second key joins the first."""
    first = await desk.partners.ensure_partner("default", "test-key")
    assert await desk.partners.ensure_partner("default", "test-key") == first
    assert await desk.partners.ensure_partner("default", "another key of that partner") == first
    for key in ("test-key", "another key of that partner"):
        assert await desk.partners.authenticate(key) == first


async def test_a_key_belongs_to_one_partner(desk: Office) -> None:
    """Two partners cannot share a key."""
    with pytest.raises(Conflict, match="api_key_taken"):
        await desk.partners.ensure_partner("another", "test-key")


@pytest.mark.parametrize("key", ["", "wrong", "test-key ", "TEST-KEY", "x" * 5_000, "ü", "\udcff"])
async def test_an_unknown_key_is_nobody(desk: Office, key: str) -> None:
    """Near misses count as nothing."""
    with pytest.raises(Unauthenticated, match="invalid_api_key"):
        await desk.partners.authenticate(key)


async def test_a_repeated_request_gets_the_first_answer(desk: Office) -> None:
    """While the first is running the second has to wait; afterwards it gets the same reply."""
    begin, partner = desk.partners.begin_request, desk.partner_id
    assert await begin(partner, "k", "hash") is None
    with pytest.raises(Conflict, match="idempotency_in_progress"):
        await begin(partner, "k", "hash")
    await desk.partners.finish_request(partner, "k", REPLY)
    assert await begin(partner, "k", "hash") == REPLY
    with pytest.raises(Invalid, match="idempotency_key_reused"):
        await begin(partner, "k", "another hash")
    desk.clock.advance(ms=REPLY_LIFE_MS + 1)
    assert await begin(partner, "k", "another hash") is None


async def test_a_key_comes_back_when_its_request_had_no_effect_or_died(desk: Office) -> None:
    """After a refusal at once, after a crash within a minute."""
    begin, partner = desk.partners.begin_request, desk.partner_id
    await begin(partner, "k", "hash")
    await desk.partners.forget_request(partner, "k")
    assert await begin(partner, "k", "hash") is None
    desk.clock.advance(ms=RUNNING_MAX_MS)
    assert await begin(partner, "k", "hash") is None
