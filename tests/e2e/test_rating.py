"""After the call: solved or not, stars, a comment."""

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import CallFactory
from tests.e2e.test_states import OUTPUT, look
from tests.kit.marketplace import Marketplace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_both_sides_say_how_it_went(open_call: CallFactory, marketplace: Marketplace) -> None:
    """Each tap is kept at once, is there again after a reload, and reaches the partner."""
    call = await (await open_call()).connect()
    await call.technician.get("admit").wait_for()
    await marketplace.close(call.opened.id)
    customer, technician = call.customer, call.technician
    await customer.in_state("ended")
    kept = customer.page.locator("[data-testid=rating][data-keeping=kept]")
    await customer.get("not-solved").check(force=True)
    await customer.get("stars-2").check(force=True)
    await customer.get("rating-comment").fill("Nice <b>person</b>, slow line")
    await customer.get("rating-send").click()
    await expect(customer.get("rating-send")).to_have_count(0)
    await customer.get("stars-4").press("ArrowRight")
    await kept.wait_for()
    await customer.page.reload()
    await expect(customer.get("stars-5")).to_be_checked()
    await expect(customer.get("rating-comment")).to_have_value("Nice <b>person</b>, slow line")
    await customer.page.set_viewport_size({"width": 360, "height": 740})
    await look(customer.page, "rated-phone")
    await customer.page.screenshot(path=OUTPUT / "rated-phone-full.png", full_page=True)

    await technician.get("solved").check(force=True)
    await technician.page.locator("[data-testid=rating][data-keeping=kept]").wait_for()
    await technician.page.set_viewport_size({"width": 1366, "height": 768})
    await look(technician.page, "rated-technician")
    path = f"sessions/{call.opened.id}/ratings"
    items = (await marketplace.request("GET", path))["items"]
    assert [(one["role"], one["stars"], one["solved"]) for one in items] == [
        ("customer", 5, False),
        ("technician", None, True),
    ]
    assert items[0]["comment"] == "Nice <b>person</b>, slow line"
