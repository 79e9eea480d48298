"""api/routes_webhooks.py: endpoints, and what was sent to them."""

from typing import Any

import pytest

from tests.api.conftest import OTHER_KEY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/api/v1/webhook-endpoints"


async def created(api: Api, **body: Any) -> Any:
    reply = await api.ask("POST", PATH, {"url": "https://shop.example/hook", **body})
    assert reply.status == 201, reply.text
    return reply.json


async def test_secret_is_shown_once(api: Api) -> None:
    """Creating shows the secret; looking, listing and changing do not."""
    endpoint = await created(api)
    assert endpoint["secret"].startswith("whsec_")
    one = await api.ask("GET", f"{PATH}/{endpoint['id']}")
    listed = await api.ask("GET", PATH)
    changed = await api.ask("PATCH", f"{PATH}/{endpoint['id']}", {"enabled": False})
    for reply in (one, listed, changed):
        assert reply.status == 200
        assert "whsec_" not in reply.text
    assert one.json == {name: value for name, value in endpoint.items() if name != "secret"}
    assert one.json["event_types"] is None


async def test_patch_changes_what_is_given(api: Api) -> None:
    """A missing field stays, null event types mean all."""
    endpoint = await created(api, event_types=["usage.recorded"])
    path = f"{PATH}/{endpoint['id']}"
    moved = (await api.ask("PATCH", path, {"url": "https://shop.example/other"})).json
    assert (moved["url"], moved["event_types"], moved["enabled"]) == (
        "https://shop.example/other",
        ["usage.recorded"],
        True,
    )
    assert (await api.ask("PATCH", path, {"event_types": None})).json["event_types"] is None
    assert (await api.ask("PATCH", path, {})).json["event_types"] is None


async def test_delete_removes(api: Api) -> None:
    """A removed endpoint is gone from the list and cannot be removed again."""
    endpoint = await created(api)
    gone = await api.ask("DELETE", f"{PATH}/{endpoint['id']}")
    assert (gone.status, gone.text) == (204, "")
    assert (await api.ask("DELETE", f"{PATH}/{endpoint['id']}")).status == 404
    assert endpoint["id"] not in [one["id"] for one in (await api.ask("GET", PATH)).json["items"]]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_endpoints_are_the_partners_own(api: Api, method: str) -> None:
    """Another partner's endpoint does not exist."""
    endpoint = await created(api)
    body = {"enabled": False} if method == "PATCH" else None
    assert (await api.ask(method, f"{PATH}/{endpoint['id']}", body, key=OTHER_KEY)).status == 404
    assert (await api.ask("GET", f"{PATH}/{endpoint['id']}")).json["enabled"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 5},
        {"url": ""},
        {"url": "ftp://shop.example"},
        {"url": "http://shop.example/plain"},
        {"url": "https://127.0.0.1/hook"},
        {"url": "https://[::1]/hook"},
        {"url": "https://user:pass@shop.example/"},
        {"url": "https://shop.example/hook", "event_types": []},
        {"url": "https://shop.example/hook", "event_types": ["no.such"]},
        {"url": "https://shop.example/hook", "event_types": "usage.recorded"},
        {"url": "https://shop.example/hook", "secret": "mine"},
    ],
)
async def test_senseless_endpoints_are_refused(api: Api, body: Any) -> None:
    """Without permission, plain http and this machine's own addresses are no receivers."""
    reply = await api.ask("POST", PATH, body)
    assert reply.status == 422, reply.text
    assert reply.code


async def test_deliveries_are_listed_and_sent_again(api: Api) -> None:
    """What was said to an endpoint is found with its attempts, and can be repeated; by its partner only."""
    endpoint = await created(api, event_types=["session.opened"])
    opened = await api.open()
    page = (await api.ask("GET", f"/api/v1/webhook-deliveries?endpoint_id={endpoint['id']}")).json
    (delivery,) = [one for one in page["items"] if one["session_id"] == opened["id"]]
    assert (delivery["type"], delivery["endpoint_id"]) == ("session.opened", endpoint["id"])
    path = f"/api/v1/webhook-deliveries/{delivery['id']}/redeliver"
    again = await api.ask("POST", path)
    assert (again.status, again.json["state"]) == (200, "pending")
    assert (await api.ask("POST", path, key=OTHER_KEY)).status == 404
    others = (await api.ask("GET", "/api/v1/webhook-deliveries", key=OTHER_KEY)).json["items"]
    assert others == []
