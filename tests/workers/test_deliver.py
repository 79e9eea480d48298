"""From the outbox to a real receiver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from remote_assist.clock import SystemClock
from remote_assist.ids import NodeId
from remote_assist.outbound import OutboundClient
from remote_assist.sessions.views import Delivery
from remote_assist.workers.deliver import LEASE_MS, DeliveryWorker
from tests.kit.clock import ManualClock
from tests.kit.office import NODE, Office, office
from tests.kit.waiting import eventually


@dataclass
class Receiver:
    """A partner's server."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)
    seals: list[dict[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.text())
        self.seals.append(
            {name: value for name, value in request.headers.items() if "webhook" in name.lower()}
        )
        await self.gate.wait()
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.gate.set()
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        await runner.cleanup()


@dataclass
class Post:
    """An office with a running mail room."""

    desk: Office
    worker: DeliveryWorker
    client: OutboundClient

    async def subscribe(self, receiver: Receiver, *types: str) -> str:
        """Let a receiver hear of these types, and return its secret."""
        made = await self.desk.endpoints.create_endpoint(self.desk.partner_id, receiver.url, types or None)
        return made.secret

    async def deliveries(self) -> list[Delivery]:
        return list((await self.desk.endpoints.list_deliveries(self.desk.partner_id)).items)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    """The reference library checks times against the real clock, so the manual one starts there."""
    async with office(tmp_path, ManualClock(SystemClock().now_ms())) as desk:
        client = OutboundClient(allow_private=True)
        await client.start()
        worker = DeliveryWorker(
            store=desk.store,
            clock=desk.clock,
            node_id=NODE,
            doorbell=desk.doorbell,
            client=client,
            jitter=lambda: 0.0,
        )
        yield Post(desk, worker, client)
        await worker.stop()
        await client.stop()


async def test_the_reference_library_verifies_every_notice_of_a_session(post: Post) -> None:
    """All five arrive in order, signed, with sequence numbers that have no gap."""
    async with receiving() as receiver:
        secret = await post.subscribe(receiver)
        session_id = await post.desk.go_live(await post.desk.open(free_ms=0, min_executed_ms=1_000))
        await post.desk.talk(session_id, 10)
        await post.desk.sessions.close(session_id, "technician_ended")
        await post.desk.sessions.flush_done(session_id, NODE)
        await post.desk.sessions.settle(session_id)
        assert await post.worker.deliver_due() == 5
        sealed = zip(receiver.bodies, receiver.seals, strict=True)
        verified = [Webhook(secret).verify(body, seal) for body, seal in sealed]
        assert [one["data"]["sequence"] for one in verified] == [1, 2, 3, 4, 5]
        assert verified[3]["data"]["billed_s"] == 10
        assert all(one.state == "delivered" for one in await post.deliveries())
        assert await post.worker.deliver_due() == 0


async def test_a_receiver_that_fails_is_tried_again_by_the_table(post: Post) -> None:
    """The id stays over the tries, and every attempt is on record."""
    async with receiving() as receiver:
        receiver.status = 500
        await post.subscribe(receiver, "session.opened")
        await post.desk.open()
        assert await post.worker.deliver_due() == 1
        post.desk.clock.advance(ms=4_999)
        assert await post.worker.deliver_due() == 0
        receiver.status = 200
        post.desk.clock.advance(ms=1)
        assert await post.worker.deliver_due() == 1
        (delivery,) = await post.deliveries()
        assert [(one.status, one.error) for one in delivery.attempts] == [(500, None), (200, None)]
        assert delivery.state == "delivered"
        assert len({seal["webhook-id"] for seal in receiver.seals}) == 1
        assert receiver.seals[0] != receiver.seals[1]
        assert len(set(receiver.bodies)) == 1


async def test_a_delivery_is_given_up_after_three_days_and_can_be_sent_again(post: Post) -> None:
    """Ten tries, then dead; by hand it starts from the top."""
    async with receiving() as receiver:
        receiver.status = 503
        await post.subscribe(receiver, "session.opened")
        await post.desk.open()
        tries = 0
        while (await post.deliveries())[0].state == "pending":
            tries += await post.worker.deliver_due()
            post.desk.clock.advance(s=86_400)
        assert tries == 10
        receiver.status = 200
        (dead,) = await post.deliveries()
        again = await post.desk.endpoints.redeliver(post.desk.partner_id, dead.id)
        assert (again.state, len(again.attempts)) == ("pending", 10)
        assert await post.worker.deliver_due() == 1
        assert (await post.deliveries())[0].state == "delivered"


async def test_a_receiver_that_is_gone_gets_nothing_more(post: Post) -> None:
    """410 disables the endpoint and drops what waits for it."""
    async with receiving() as receiver:
        receiver.status = 410
        await post.subscribe(receiver)
        session_id = (await post.desk.open()).view.id
        await post.desk.sessions.close(session_id, "api")
        assert await post.worker.deliver_due() == 1
        (endpoint,) = await post.desk.endpoints.list_endpoints(post.desk.partner_id)
        assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
        assert {one.state for one in await post.deliveries()} == {"dead"}


async def test_a_receiver_may_ask_for_time(post: Post) -> None:
    """``Retry-After`` is obeyed."""
    async with receiving() as receiver:
        receiver.status, receiver.headers = 429, {"Retry-After": "90"}
        await post.subscribe(receiver, "session.opened")
        await post.desk.open()
        await post.worker.deliver_due()
        (delivery,) = await post.deliveries()
        assert delivery.next_attempt_at_ms == post.desk.clock.now_ms() + 90_000


async def test_a_redirect_is_not_followed(post: Post) -> None:
    """It is a failure, and its target never hears of it."""
    async with receiving() as target, receiving() as receiver:
        receiver.status, receiver.headers = 307, {"Location": target.url}
        await post.subscribe(receiver, "session.opened")
        await post.desk.open()
        await post.worker.deliver_due()
        (delivery,) = await post.deliveries()
        assert [one.status for one in delivery.attempts] == [307]
        assert target.bodies == []


async def test_nobody_listening_is_an_attempt_like_any_other(post: Post) -> None:
    """The reason is recorded, without a status."""
    async with receiving() as receiver:
        pass
    await post.subscribe(receiver, "session.opened")
    await post.desk.open()
    await post.worker.deliver_due()
    (delivery,) = await post.deliveries()
    assert [(one.status, one.error) for one in delivery.attempts] == [(None, "connection_failed")]


async def test_an_endpoint_that_hangs_holds_up_itself_only(post: Post) -> None:
    """While one receiver is silent, another gets everything; the loop runs by itself."""
    async with receiving() as slow, receiving() as quick:
        slow.gate.clear()
        await post.subscribe(slow)
        await post.subscribe(quick)
        await post.worker.start()
        for _ in range(3):
            await post.desk.open()
        await eventually(lambda: len(quick.bodies) == 3, what="the quick receiver's three notices")
        assert len(slow.bodies) == 1
        slow.gate.set()
        await eventually(lambda: len(slow.bodies) == 3, what="the slow receiver's three notices")


async def test_what_a_dead_node_had_taken_is_sent_when_its_lease_ends(post: Post) -> None:
    """At least once: the receiver tells repetitions by the id."""
    async with receiving() as receiver:
        receiver.gate.clear()
        await post.subscribe(receiver, "session.opened")
        await post.worker.start()
        await post.desk.open()
        await eventually(lambda: receiver.bodies, what="the first try")
        await post.worker.stop()
        receiver.gate.set()
        second = DeliveryWorker(
            store=post.desk.store,
            clock=post.desk.clock,
            node_id=NodeId("node-2"),
            doorbell=post.desk.doorbell,
            client=post.client,
            jitter=lambda: 0.0,
        )
        assert await second.deliver_due() == 0
        post.desk.clock.advance(ms=LEASE_MS)
        assert await second.deliver_due() == 1
        assert receiver.seals[0]["webhook-id"] == receiver.seals[1]["webhook-id"]


async def test_an_endpoint_deleted_under_way_is_no_error(post: Post) -> None:
    """The answer to a delivery that no longer exists is dropped."""
    async with receiving() as receiver:
        receiver.gate.clear()
        await post.subscribe(receiver, "session.opened")
        await post.worker.start()
        await post.desk.open()
        await eventually(lambda: receiver.bodies, what="the first try")
        (endpoint,) = await post.desk.endpoints.list_endpoints(post.desk.partner_id)
        await post.desk.endpoints.delete_endpoint(post.desk.partner_id, endpoint.id)
        receiver.gate.set()
        assert await post.worker.deliver_due() == 0
        assert await post.deliveries() == []
