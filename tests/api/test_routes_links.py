"""api/routes_links.py: a link's secret becomes a token, again and again, and a GET does nothing."""

import pytest

from remote_assist.api.limits import GuessLimit
from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_both_links_give_tokens_for_their_role(api: Api) -> None:
    """Each link stands for one person of one session, and its token says so."""
    opened = await api.open()
    for role in ("customer", "technician"):
        reply = await api.ask(
            "POST", "/api/v1/join", {"secret": opened[f"{role}_url"].split("#")[1]}, key=None
        )
        assert reply.status == 200
        assert reply.headers["Cache-Control"] == "no-store"
        join = reply.json
        claims = api.server.signer.verify_join(join["token"], api.server.clock.now_ms())
        assert (claims.session_id, claims.role, claims.participant_id) == (
            opened["id"],
            role,
            opened[role]["participant_id"],
        )
        assert join["expires_at_ms"] - api.server.clock.now_ms() <= 600_000
        assert (join["session_id"], join["role"], join["name"]) == (opened["id"], role, opened[role]["name"])
        assert join["config"] == {"ice_servers": [], "is_demo": False}


async def test_opening_a_link_changes_nothing(api: Api) -> None:
    """A hundred GETs of scanners and previews do no harm; the link works afterwards, and twice."""
    opened = await api.open()
    before = (await api.ask("GET", f"/api/v1/sessions/{opened['id']}")).json
    for _ in range(100):
        await api.ask("GET", "/j", key=None)
    refused = await api.ask("GET", "/api/v1/join", key=None)
    assert (refused.status, refused.code) == (405, "method_not_allowed")
    assert refused.headers["Allow"] == "POST"
    secret = opened["customer_url"].split("#")[1]
    for _ in range(2):
        assert (await api.ask("POST", "/api/v1/join", {"secret": secret}, key=None)).status == 200
    assert (await api.ask("GET", f"/api/v1/sessions/{opened['id']}")).json == before


async def test_link_works_after_the_close(api: Api) -> None:
    """The end page and the receipt are still reached for a while."""
    opened = await api.open()
    await api.ask("POST", f"/api/v1/sessions/{opened['id']}/close")
    secret = opened["customer_url"].split("#")[1]
    assert (await api.ask("POST", "/api/v1/join", {"secret": secret}, key=None)).status == 200


@pytest.mark.parametrize("secret", ["", "x" * 129, 5, None, ["a"]])
async def test_what_is_no_secret_is_refused(api: Api, secret: object) -> None:
    """Wrong types and lengths are told apart from unknown links."""
    reply = await api.ask("POST", "/api/v1/join", {"secret": secret}, key=None)
    assert (reply.status, reply.code) == (422, "validation_error")


async def test_guessing_is_slowed_down_per_address(api: Api) -> None:
    """After many unknown links an address waits, also behind our own proxy; others do not."""
    replies = [
        await api.ask(
            "POST", "/api/v1/join", {"secret": f"guess-{n}"}, key=None, X_Forwarded_For="203.0.113.9"
        )
        for n in range(70)
    ]
    assert replies[0].code == "link_not_found"
    assert (replies[-1].status, replies[-1].code) == (429, "too_many_guesses")
    assert int(replies[-1].headers["Retry-After"]) >= 1
    other = await api.ask("POST", "/api/v1/join", {"secret": "x"}, key=None, X_Forwarded_For="203.0.113.10")
    assert other.status == 404


async def test_limit_refills_with_time() -> None:
    """Each refill period gives one guess back, up to the burst."""
    limit = GuessLimit(burst=2, refill_s=10.0)
    assert limit.retry_after_s("a", 0.0) == 0
    limit.count("a", 0.0)
    limit.count("a", 0.0)
    assert limit.retry_after_s("a", 0.0) == 11
    assert limit.retry_after_s("b", 0.0) == 0
    assert limit.retry_after_s("a", 10.0) == 0
    limit.count("a", 10.0)
    assert limit.retry_after_s("a", 10.0) > 0
    assert limit.retry_after_s("a", 1000.0) == 0
