"""Webhook endpoints and their deliveries."""

import base64

import pytest

from remote_assist.errors import Conflict, Invalid, NotFound
from remote_assist.ids import PartnerId
from remote_assist.sessions.endpoints import ENDPOINTS_MAX, EndpointService
from tests.kit.office import Office

URL = "https://shop.example/hook"
STRANGER = PartnerId("somebody-else")


async def test_the_secret_is_shown_once_and_is_strong(desk: Office) -> None:
    """Thirty-two random bytes; no listing shows them."""
    made = await desk.endpoints.create_endpoint(desk.partner_id, URL)
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 32
    assert await desk.endpoints.list_endpoints(desk.partner_id) == [made.endpoint]
    assert await desk.endpoints.endpoint(desk.partner_id, made.endpoint.id) == made.endpoint
    assert made.secret not in repr(made.endpoint)


async def test_an_endpoint_gets_what_it_asked_for(desk: Office) -> None:
    """A filter, no filter, disabled: each new notice goes where it is wanted."""
    create, partner = desk.endpoints.create_endpoint, desk.partner_id
    everything = (await create(partner, URL)).endpoint
    some = (await create(partner, URL, ["session.closed", "session.closed"])).endpoint
    off = (await create(partner, URL)).endpoint
    assert some.event_types == ("session.closed",)
    off = await desk.endpoints.patch_endpoint(partner, off.id, enabled=False)
    assert (off.enabled, off.disabled_reason) == (False, "by_partner")
    session_id = (await desk.open()).view.id
    await desk.sessions.close(session_id, "api")
    found = {
        endpoint.id: [one.type for one in (await desk.endpoints.list_deliveries(partner, endpoint.id)).items]
        for endpoint in (everything, some, off)
    }
    assert found == {
        everything.id: ["session.closed", "session.opened"],
        some.id: ["session.closed"],
        off.id: [],
    }


async def test_what_is_given_is_changed_and_the_rest_stays(desk: Office) -> None:
    """A filter can be set and lifted, an endpoint moved, switched off and on."""
    made = await desk.endpoints.create_endpoint(desk.partner_id, URL)
    patch, endpoint_id = desk.endpoints.patch_endpoint, made.endpoint.id
    changed = await patch(desk.partner_id, endpoint_id, url=URL + "2", event_types=["usage.recorded"])
    assert (changed.url, changed.event_types) == (URL + "2", ("usage.recorded",))
    changed = await patch(desk.partner_id, endpoint_id, enabled=False)
    changed = await patch(desk.partner_id, endpoint_id, enabled=True, all_event_types=True)
    assert (changed.url, changed.event_types, changed.enabled) == (URL + "2", None, True)
    assert changed.disabled_reason is None


async def test_an_endpoint_takes_its_deliveries_along(desk: Office) -> None:
    """Nothing is sent to an endpoint that was removed."""
    made = await desk.endpoints.create_endpoint(desk.partner_id, URL)
    await desk.open()
    await desk.endpoints.delete_endpoint(desk.partner_id, made.endpoint.id)
    assert await desk.endpoints.list_endpoints(desk.partner_id) == []
    assert (await desk.endpoints.list_deliveries(desk.partner_id)).items == ()
    async with desk.store.reading() as work:
        assert await work.outbox.next_due_ms() is None


async def test_another_partners_endpoint_is_not_found(desk: Office) -> None:
    """For every operation alike."""
    made = await desk.endpoints.create_endpoint(desk.partner_id, URL)
    await desk.open()
    (delivery,) = (await desk.endpoints.list_deliveries(desk.partner_id)).items
    service, endpoint_id = desk.endpoints, made.endpoint.id
    for call in (
        service.endpoint(STRANGER, endpoint_id),
        service.patch_endpoint(STRANGER, endpoint_id, enabled=False),
        service.delete_endpoint(STRANGER, endpoint_id),
        service.redeliver(STRANGER, delivery.id),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await service.list_deliveries(STRANGER)).items == ()


async def test_deliveries_are_listed_page_by_page_the_newest_first(desk: Office) -> None:
    """Following the cursor shows each once."""
    await desk.endpoints.create_endpoint(desk.partner_id, URL)
    for _ in range(3):
        await desk.open()
    first = await desk.endpoints.list_deliveries(desk.partner_id, limit=2)
    rest = await desk.endpoints.list_deliveries(desk.partner_id, cursor=first.next_cursor, limit=2)
    ids = [one.id for one in (*first.items, *rest.items)]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), rest.next_cursor) == (3, None)


async def test_a_disabled_endpoint_gets_nothing_again(desk: Office) -> None:
    """What was pending is dead, and sending again is refused until it is enabled."""
    made = await desk.endpoints.create_endpoint(desk.partner_id, URL)
    await desk.open()
    await desk.endpoints.patch_endpoint(desk.partner_id, made.endpoint.id, enabled=False)
    (dead,) = (await desk.endpoints.list_deliveries(desk.partner_id)).items
    assert (dead.state, dead.next_attempt_at_ms) == ("dead", None)
    with pytest.raises(Conflict, match="endpoint_disabled"):
        await desk.endpoints.redeliver(desk.partner_id, dead.id)
    await desk.endpoints.patch_endpoint(desk.partner_id, made.endpoint.id, enabled=True)
    again = await desk.endpoints.redeliver(desk.partner_id, dead.id)
    assert (again.state, again.next_attempt_at_ms) == ("pending", desk.clock.now_ms())


async def test_what_makes_no_sense_is_refused(desk: Office) -> None:
    """Unknown types, an empty filter, a giant or forbidden URL, one endpoint too many."""

    def forbid(url: str) -> None:
        if "10.0.0.1" in url:
            raise Invalid("invalid_url", "The URL names a private or reserved address.")

    service = EndpointService(desk.store, desk.clock, forbid)
    for types in (["session.exploded"], []):
        with pytest.raises(Invalid, match="invalid_event_types"):
            await service.create_endpoint(desk.partner_id, URL, types)
    for url in ("https://10.0.0.1/", "https://shop.example/" + "x" * 3_000):
        with pytest.raises(Invalid, match="invalid_url"):
            await service.create_endpoint(desk.partner_id, url)
    for _ in range(ENDPOINTS_MAX):
        await service.create_endpoint(desk.partner_id, URL)
    with pytest.raises(Conflict, match="too_many_endpoints"):
        await service.create_endpoint(desk.partner_id, URL)
