"""api/routes_billing.py: usage records and receipts of settled sessions."""

from typing import Any

import pytest

from remote_assist.sessions.events import FlowObserved, Role
from remote_assist.tokens import verify_receipt_untrusted
from tests.api.conftest import OTHER_KEY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
TARIFF = {"kind": "metered", "rate_minor_per_hour": 6000, "currency": "CHF"}


async def settled(api: Api) -> Any:
    """Return a session that was served for twenty minutes, closed and settled."""
    start_ms = api.server.clock.now_ms()
    opened = await api.open(tariff=TARIFF, terms={"free_ms": 0, "min_executed_ms": 0}, booked_minutes=60)
    sessions, node = api.server.sessions, api.server.node_id
    for role in ("customer", "technician"):
        await sessions.join(opened["id"], Role(role), opened[role]["participant_id"], f"connection-{role}")
    await sessions.take_home(opened["id"], node)
    await sessions.admit(opened["id"])
    now_ms = api.server.clock.now_ms()
    flows = [(opened["id"], FlowObserved(role, start_ms, now_ms)) for role in Role]
    await sessions.record_evidence(node, flows)
    reply = await api.ask("POST", f"/api/v1/sessions/{opened['id']}/close")
    assert reply.status == 200
    await sessions.flush_done(opened["id"], node)
    await sessions.settle(opened["id"])
    return opened


async def test_usage_record_is_found_by_session_and_by_id(api: Api) -> None:
    """The same record comes from the list, the filter and its own path."""
    opened = await settled(api)
    page = (await api.ask("GET", f"/api/v1/usage-records?session_id={opened['id']}")).json
    (record,) = page["items"]
    assert page["next_cursor"] is None
    assert {"id", "session_id", "revision", "outcome", "billed_s", "evidenced_ms", "charges"} <= set(record)
    assert {"total_minor", "currency", "served_ms", "bridged_ms", "paused_ms", "fault_ms"} <= set(record)
    assert (record["session_id"], record["revision"], record["currency"]) == (opened["id"], 1, "CHF")
    assert record["recorded_at"].endswith("Z")
    assert (await api.ask("GET", f"/api/v1/usage-records/{record['id']}")).json == record


async def test_usage_records_come_in_pages(api: Api) -> None:
    """Pages of one hold each record once."""
    ids = {(await settled(api))["id"] for _ in range(2)}
    found, cursor = [], ""
    while True:
        page = (await api.ask("GET", f"/api/v1/usage-records?limit=1{cursor}")).json
        found += [one["session_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert ids <= set(found)
    assert len(found) == len(set(found))


async def test_usage_records_are_the_partners_own(api: Api) -> None:
    """Another partner finds neither the record nor a trace of it."""
    opened = await settled(api)
    record = (await api.ask("GET", f"/api/v1/usage-records?session_id={opened['id']}")).json["items"][0]
    assert (await api.ask("GET", f"/api/v1/usage-records/{record['id']}", key=OTHER_KEY)).status == 404
    foreign = await api.ask("GET", f"/api/v1/usage-records?session_id={opened['id']}", key=OTHER_KEY)
    assert foreign.status == 404 or foreign.json["items"] == []
    assert (await api.ask("GET", "/api/v1/usage-records", key=OTHER_KEY)).json["items"] == []


async def test_receipt_is_a_jws_that_anybody_can_check(api: Api) -> None:
    """The signature verifies with the public keys, and the claims are the usage record's numbers."""
    opened = await settled(api)
    reply = await api.ask("GET", f"/api/v1/sessions/{opened['id']}/receipt")
    assert (reply.status, reply.headers["Content-Type"].split(";")[0]) == (200, "application/jose")
    keys = (await api.ask("GET", "/.well-known/jwks.json", key=None)).json
    claims = verify_receipt_untrusted(reply.text, keys)
    record = (await api.ask("GET", f"/api/v1/usage-records?session_id={opened['id']}")).json["items"][0]
    for name in ("outcome", "billed_s", "evidenced_ms", "total_minor", "currency", "charges"):
        assert claims[name] == record[name]


async def test_receipt_is_a_page_to_read(api: Api) -> None:
    """In a language that the reader knows, without a script, under a policy that allows none."""
    opened = await settled(api)
    path = f"/api/v1/sessions/{opened['id']}/receipt"
    german = await api.ask("GET", path, Accept="text/html", Accept_Language="es, de-CH;q=0.8")
    english = await api.ask("GET", path, Accept="text/html")
    assert german.headers["Content-Type"].startswith("text/html")
    assert "<h1>Quittung</h1>" in german.text
    assert "<h1>Receipt</h1>" in english.text
    assert opened["id"] in english.text
    assert "<script" not in english.text
    assert english.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_participants_get_their_own_receipt(api: Api) -> None:
    """Both sides hold the proof, with the token of their link."""
    opened = await settled(api)
    for side in ("customer_url", "technician_url"):
        join = await api.ask("POST", "/api/v1/join", {"secret": opened[side].split("#")[1]}, key=None)
        reply = await api.ask("GET", f"/api/v1/sessions/{opened['id']}/receipt", key=join.json["token"])
        assert reply.status == 200


async def test_receipt_of_an_open_session_is_not_ready(api: Api) -> None:
    """Before settlement there is nothing to sign."""
    opened = await api.open()
    reply = await api.ask("GET", f"/api/v1/sessions/{opened['id']}/receipt")
    assert (reply.status, reply.code) == (404, "receipt_not_ready")
