"""api/idempotency.py: a request that is sent twice happens once, and what is kept tells nobody anything."""

import asyncio
from pathlib import Path

import pytest

from tests.api.conftest import KEY, OPEN, OTHER_KEY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/api/v1/sessions"


async def test_same_key_and_body_gets_the_first_answer(api: Api) -> None:
    """The second request opens nothing, and its answer is the first one to the letter."""
    first = await api.ask("POST", PATH, OPEN, Idempotency_Key="same-1")
    second = await api.ask("POST", PATH, OPEN, Idempotency_Key="same-1")
    assert (first.status, second.status) == (201, 201)
    assert first.text == second.text
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_other_body_or_path_is_refused(api: Api) -> None:
    """A key stands for one request."""
    await api.ask("POST", PATH, OPEN, Idempotency_Key="other-1")
    other_body = await api.ask("POST", PATH, {**OPEN, "booked_minutes": 31}, Idempotency_Key="other-1")
    other_path = await api.ask("POST", "/api/v1/webhook-endpoints", OPEN, Idempotency_Key="other-1")
    assert (other_body.status, other_body.code) == (422, "idempotency_key_reused")
    assert (other_path.status, other_path.code) == (422, "idempotency_key_reused")


async def test_while_the_first_runs_the_second_is_told_so(api: Api) -> None:
    """Of requests that race with one key exactly one opens a session; the others get it, or 409."""
    replies = await asyncio.gather(*(api.ask("POST", PATH, OPEN, Idempotency_Key="race-1") for _ in range(8)))
    opened = {reply.json["id"] for reply in replies if reply.status == 201}
    assert len(opened) == 1
    assert {reply.code for reply in replies if reply.status != 201} <= {"idempotency_in_progress"}
    assert {reply.status for reply in replies} <= {201, 409}


async def test_a_refused_request_may_be_mended(api: Api) -> None:
    """A refusal had no effect, so it does not use the key up."""
    refused = await api.ask("POST", PATH, {**OPEN, "booked_minutes": 0}, Idempotency_Key="mend-1")
    assert refused.status == 422
    assert (await api.ask("POST", PATH, OPEN, Idempotency_Key="mend-1")).status == 201


async def test_keys_belong_to_their_partner(api: Api) -> None:
    """Two marketplaces may use the same key."""
    ours = await api.ask("POST", PATH, OPEN, Idempotency_Key="1")
    theirs = await api.ask("POST", PATH, OPEN, key=OTHER_KEY, Idempotency_Key="1")
    assert ours.json["id"] != theirs.json["id"]


async def test_other_api_key_of_the_partner_cannot_open_the_answer(api: Api) -> None:
    """The answer is sealed for who asked; even a colleague with another key does not get the links."""
    await api.server.partners.ensure_partner("default", "canary-second-key-of-the-first-partner")
    await api.ask("POST", PATH, OPEN, Idempotency_Key="colleague-1")
    reply = await api.ask(
        "POST", PATH, OPEN, key="canary-second-key-of-the-first-partner", Idempotency_Key="colleague-1"
    )
    assert (reply.status, reply.code) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ü"])
async def test_senseless_keys_are_refused(api: Api, key: str) -> None:
    """A key is visible ASCII."""
    reply = await api.ask("POST", PATH, OPEN, Idempotency_Key=key)
    assert (reply.status, reply.code) == (422, "invalid_idempotency_key")


@pytest.mark.parametrize("tail", ["sessions/{}/close", "webhook-endpoints"])
async def test_every_post_honours_the_key(api: Api, tail: str) -> None:
    """Closing and creating endpoints repeat their answers too."""
    opened = await api.open()
    body = {"url": "https://shop.example/hook"} if tail == "webhook-endpoints" else None
    path = f"/api/v1/{tail.format(opened['id'])}"
    first = await api.ask("POST", path, body, Idempotency_Key=f"post-{tail}")
    second = await api.ask("POST", path, body, Idempotency_Key=f"post-{tail}")
    assert first.status in {200, 201}
    assert first.text == second.text


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("remote-assist.db*"))


async def test_kept_answers_hold_no_readable_secret(api: Api) -> None:
    """Whoever reads the database finds neither links nor API keys, also not in kept answers."""
    reply = await api.ask("POST", PATH, OPEN, Idempotency_Key="sealed-1")
    endpoint = await api.ask(
        "POST", "/api/v1/webhook-endpoints", {"url": "https://shop.example/2"}, Idempotency_Key="sealed-2"
    )
    assert endpoint.status == 201
    stored = content_of(api.server.settings.data_dir)
    assert reply.json["id"].encode() in stored
    for url in (reply.json["customer_url"], reply.json["technician_url"]):
        assert url.split("#")[1].encode() not in stored
    assert KEY.encode() not in stored
