"""Test calls over HTTP: for anybody, a few at a time."""

from pathlib import Path

import pytest

from remote_assist.media.self_calls import OPEN_MAX
from tests.api.conftest import Api, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFER = (Path(__file__).parents[1] / "data" / "sdp" / "chromium-156-offer.sdp").read_bytes().decode()
PATH = "/api/v1/test-calls"


async def test_page_calls_itself(api: Api) -> None:
    """A description comes back with the relay's transport in it, until the call is closed."""
    opened = (await api.ask("POST", PATH, key=None)).json
    described = {"leg": "a", "type": "offer", "sdp": OFFER}
    reply = await api.ask("POST", f"{PATH}/{opened['id']}/descriptions", described, key=None)
    assert reply.status == 200
    assert "a=ice-lite" in reply.json["sdp"]
    for _ in range(2):
        assert (await api.ask("DELETE", f"{PATH}/{opened['id']}", key=None)).status == 204
    reply = await api.ask("POST", f"{PATH}/{opened['id']}/descriptions", described, key=None)
    assert (reply.status, reply.code) == (404, "test_call_not_found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"leg": "a", "type": "offer", "sdp": "nonsense"}, 400),
        ({"leg": "c", "type": "offer", "sdp": OFFER}, 422),
        ({"leg": "a", "type": "offer", "sdp": "v=0\r\n" * 20_000}, 422),
        ({"leg": "a", "type": "offer", "sdp": OFFER, "more": 1}, 422),
    ],
    ids=["nonsense", "leg", "long", "unknown"],
)
async def test_bad_descriptions_are_refused(api: Api, body: dict[str, str], status: int) -> None:
    """What is no description changes nothing."""
    opened = (await api.ask("POST", PATH, key=None)).json
    reply = await api.ask("POST", f"{PATH}/{opened['id']}/descriptions", body, key=None)
    assert reply.status == status
    await api.ask("DELETE", f"{PATH}/{opened['id']}", key=None)


async def test_they_are_limited_per_address_and_in_all(tmp_path: Path) -> None:
    """An address may open a few in a row, and the node carries a few at once."""
    async with serving(tmp_path) as api:
        opened = [await api.ask("POST", PATH, key=None) for _ in range(OPEN_MAX)]
        assert {reply.status for reply in opened} == {201}
        full = await api.ask("POST", PATH, key=None)
        assert (full.status, full.code, full.headers["Retry-After"]) == (503, "too_many_test_calls", "30")
        await api.ask("POST", PATH, key=None)
        often = await api.ask("POST", PATH, key=None)
        assert (often.status, often.code) == (429, "too_many_test_calls")
        assert int(often.headers["Retry-After"]) > 0
