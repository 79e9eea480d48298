"""From the close to the frozen record, the receipt, and corrections."""

import asyncio
import json
from typing import Any

import pytest

from remote_assist.errors import NotFound
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.billing.tariff import Charge
from remote_assist.sessions.billing.usage import UsageRecord, record_id
from remote_assist.sessions.events import FlowObserved, MeteredTariff, Role
from remote_assist.sessions.evidence import LEASE_MS
from remote_assist.sessions.state import Stage
from tests.kit.clock import NOON_MS
from tests.kit.office import NODE, Office

METERED = MeteredTariff(3_600, "CHF")
"""One minor unit a second."""


async def close_and_settle(desk: Office, session_id: SessionId) -> UsageRecord:
    await desk.sessions.close(session_id, "technician_ended")
    await desk.sessions.flush_done(session_id, NODE)
    record = await desk.sessions.settle(session_id)
    assert record is not None
    return record


async def notices(desk: Office, session_id: SessionId) -> list[dict[str, Any]]:
    endpoints = await desk.endpoints.list_endpoints(desk.partner_id)
    page = await desk.endpoints.list_deliveries(desk.partner_id, endpoints[0].id)
    bodies = [json.loads(one.body) for one in reversed(page.items) if one.session_id == session_id]
    return [{"type": body["type"], **body["data"]} for body in bodies]


async def test_ten_minutes_of_talk_are_nine_minutes_billed(desk: Office) -> None:
    """The free minute is taken off; record, assessment and receipt show the same numbers."""
    session_id = await desk.go_live(await desk.open(METERED))
    await desk.talk(session_id, 600)
    record = await close_and_settle(desk, session_id)
    assert record.id == record_id(session_id, 1)
    assert (record.revision, record.outcome, record.billed_s) == (1, "completed", 540)
    assert record.charges == (Charge("metered_time", 540),)
    assessed = await desk.sessions.assessment(session_id)
    assert assessed.measured.billed_s == 540
    claims = desk.signer.verify_receipt(await desk.sessions.receipt(session_id, desk.partner_id))
    assert (claims["billed_s"], claims["total_minor"], claims["session_id"]) == (540, 540, session_id)
    assert claims["lanes"]["customer"] == [[NOON_MS, NOON_MS + 600_000]]
    assert (await desk.sessions.usage_record(record.id)) == record


async def test_settlement_waits_for_the_home_to_have_written_everything(desk: Office) -> None:
    """Without the word of its home a session is settled 30 s after the close, and not before."""
    session_id = await desk.go_live(await desk.open())
    await desk.talk(session_id, 600)
    assert await desk.sessions.settle(session_id) is None
    await desk.sessions.close(session_id, "api")
    assert await desk.sessions.settle(session_id) is None
    assert await desk.sessions.work_off_settlement(session_id) == NOON_MS + 630_000
    with pytest.raises(NotFound, match="receipt_not_ready"):
        await desk.sessions.receipt(session_id)
    desk.clock.advance(s=30)
    assert await desk.sessions.settle(session_id) is not None


async def test_a_node_whose_lease_lives_is_waited_for_longer_but_not_for_ever(desk: Office) -> None:
    """As long as it renews, up to six hours."""
    session_id = await desk.go_live(await desk.open())
    await desk.sessions.close(session_id, "api")
    desk.clock.advance(s=28)
    await desk.sessions.renew_leases(NODE, [session_id])
    assert await desk.sessions.work_off_settlement(session_id) == NOON_MS + 28_000 + LEASE_MS
    desk.clock.advance(s=6 * 3600 - 28)
    await desk.sessions.renew_leases(NODE, [session_id])
    assert await desk.sessions.settle(session_id) is not None


async def test_settling_at_the_same_time_makes_one_record(desk: Office) -> None:
    """Ten settlements at once freeze one revision, one receipt, one notice of each."""
    await desk.endpoints.create_endpoint(desk.partner_id, "https://shop.example/hook")
    session_id = await desk.go_live(await desk.open())
    await desk.talk(session_id, 600)
    await desk.sessions.close(session_id, "api")
    await desk.sessions.flush_done(session_id, NODE)
    settled = await asyncio.gather(*(desk.sessions.settle(session_id) for _ in range(10)))
    assert {record.id for record in settled if record} == {record_id(session_id, 1)}
    told = await notices(desk, session_id)
    assert [one["type"] for one in told] == [
        "session.opened",
        "session.live",
        "session.closed",
        "usage.recorded",
        "receipt.issued",
    ]
    assert [one["sequence"] for one in told] == [1, 2, 3, 4, 5]
    assert told[3]["usage_record_id"] == record_id(session_id, 1)
    assert all(one["metadata"] == {"order": "A-17"} for one in told)
    times = [told[2][name] for name in ("created_at", "live_at", "closed_at")]
    assert times == ["2026-11-23T12:00:00.000Z", "2026-11-23T12:00:00.000Z", "2026-11-23T12:10:00.000Z"]


async def test_evidence_that_comes_late_becomes_a_debit_that_waits_for_a_person(desk: Office) -> None:
    """Nobody is charged more behind his back; the difference is a record of its own."""
    session_id = await desk.go_live(await desk.open(METERED, free_ms=0))
    await desk.talk(session_id, 600)
    from_ms = desk.clock.now_ms()
    desk.clock.advance(s=60)
    first = await close_and_settle(desk, session_id)
    late = [(session_id, FlowObserved(role, from_ms, from_ms + 30_000)) for role in Role]
    await desk.sessions.record_evidence(NODE, late)
    second = await desk.sessions.settle(session_id)
    assert second is not None
    assert (second.revision, second.corrects, second.needs_approval) == (2, first.id, True)
    assert second.charges == (Charge("metered_time", 30),)
    assert await desk.sessions.settle(session_id) == second
    await desk.sessions.record_evidence(NODE, late)
    assert await desk.sessions.settle(session_id) == second


async def test_a_fault_admitted_later_is_a_credit_at_once(desk: Office) -> None:
    """What we got wrong is given back without asking."""
    session_id = await desk.go_live(await desk.open(METERED, free_ms=0))
    await desk.talk(session_id, 600)
    first = await close_and_settle(desk, session_id)
    await desk.sessions.record_fault(session_id, NOON_MS, NOON_MS + 100_000, "stall")
    second = await desk.sessions.settle(session_id)
    assert second is not None
    assert (second.total_minor, second.needs_approval) == (-100, False)
    assert second.charges == (Charge("credit:correction", -100),)
    assert first.total_minor + second.total_minor == second.billed_s == 500
    claims = desk.signer.verify_receipt(await desk.sessions.receipt(session_id))
    assert (claims["revision"], claims["corrects"]) == (2, first.id)


async def test_records_are_listed_in_order_page_by_page(desk: Office) -> None:
    """By session, by partner, and never another partner's."""
    ids = []
    for _ in range(3):
        session_id = await desk.go_live(await desk.open())
        ids.append((await close_and_settle(desk, session_id)).id)
        desk.clock.advance(ms=1)
    first = await desk.sessions.usage_records(desk.partner_id, limit=2)
    rest = await desk.sessions.usage_records(desk.partner_id, cursor=first.next_cursor, limit=2)
    assert [record.id for record in (*first.items, *rest.items)] == ids
    assert rest.next_cursor is None
    only = await desk.sessions.usage_records(None, session_id)
    assert [record.id for record in only.items] == ids[-1:]
    stranger = PartnerId("somebody-else")
    assert (await desk.sessions.usage_records(stranger)).items == ()
    with pytest.raises(NotFound, match="usage_record_not_found"):
        await desk.sessions.usage_record(ids[0], stranger)


async def test_a_session_that_nobody_attends_is_closed(desk: Office) -> None:
    """After the waiting time, counted from the scheduled start."""
    session_id = (await desk.open(start_ms=NOON_MS + 60_000)).view.id
    assert await desk.sessions.work_off_expiry(session_id) == NOON_MS + 660_000
    desk.clock.advance(s=660)
    assert await desk.sessions.work_off_expiry(session_id) is None
    closed = await desk.sessions.view(session_id)
    assert (closed.state, closed.close_reason) == (Stage.CLOSED, "nobody_came")
    record = await desk.sessions.settle(session_id)
    assert record is not None
    assert (record.outcome, record.charges) == ("nobody_came", ())
    assert await desk.sessions.work_off_expiry(session_id) is None


@pytest.mark.parametrize(
    ("present", "reason", "outcome"),
    [
        (Role.TECHNICIAN, "customer_absent", "customer_no_show"),
        (Role.CUSTOMER, "technician_absent", "technician_no_show"),
    ],
)
async def test_the_side_that_waited_in_vain_is_proven_by_its_presence(
    desk: Office, present: Role, reason: str, outcome: str
) -> None:
    """The no-show is who was never seen."""
    session_id = (await desk.open(no_show_fee_minor=2_500)).view.id
    await desk.attend(session_id, 600, present)
    await desk.sessions.work_off_expiry(session_id)
    assert (await desk.sessions.view(session_id)).close_reason == reason
    record = await desk.sessions.settle(session_id)
    assert record is not None
    assert record.outcome == outcome
    assert record.total_minor == (2_500 if present is Role.TECHNICIAN else 0)


async def test_a_call_goes_on_as_long_as_both_are_seen(desk: Office) -> None:
    """Expiry is re-armed from when the side that is longest away was last seen."""
    session_id = await desk.go_live(await desk.open())
    await desk.talk(session_id, 900)
    await desk.talk(session_id, 100, [Role.TECHNICIAN])
    assert await desk.sessions.work_off_expiry(session_id) == NOON_MS + 1_500_000
    desk.clock.advance(s=500)
    assert await desk.sessions.work_off_expiry(session_id) is None
    assert (await desk.sessions.view(session_id)).close_reason == "customer_absent"
