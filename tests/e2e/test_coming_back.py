"""Reloads, second tabs and leaving: the same participant, never twice."""

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Call, CallFactory
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, CallPage
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def participants(call: Call, role: str) -> set[str]:
    """Return the participant ids of a role that ever joined, by the log."""
    log = await call.marketplace.log(call.opened.id)
    return {
        event["participant_id"]
        for event in log
        if event["type"] == "participant_joined" and event["role"] == role
    }


@pytest.mark.parametrize("who", ["customer", "technician"])
async def test_a_reloaded_page_comes_back(open_call: CallFactory, who: str) -> None:
    """After a reload the picture is there again on both sides, for the same participant."""
    call = await (await open_call()).begin()
    page: CallPage = getattr(call, who)
    await page.page.reload()
    await call.customer.sees_motion(TECHNICIAN_SIGN)
    await call.technician.sees_motion(CUSTOMER_SIGN)
    assert len(await participants(call, who)) == 1


async def test_a_second_tab_takes_over(open_call: CallFactory) -> None:
    """The newest tab of a role is the one that takes part; the older one says so and stops sending."""
    call = await (await open_call()).begin()
    second = await CallPage.open(call.customer.page.context, call.opened.customer_url)
    await second.join()
    await second.sees_motion(TECHNICIAN_SIGN)
    await call.technician.sees_motion(CUSTOMER_SIGN)
    assert len(await participants(call, "customer")) == 1
    await eventually(
        lambda: call.customer.page.evaluate("!lab.pc() || lab.pc().connectionState !== 'connected'"),
        what="the older tab lets go",
    )
    assert second.errors == []


async def test_a_customer_may_leave_and_return(open_call: CallFactory) -> None:
    """The customer's hang-up leaves the session open; the link brings the customer back."""
    call = await (await open_call()).begin()
    await call.customer.get("hang-up").click()
    if await call.customer.get("confirm-leave").is_visible():
        await call.customer.get("confirm-leave").click()
    await eventually(lambda: _left(call), what="the customer's leaving stands in the log", within_s=10)
    view = await call.marketplace.request("GET", f"sessions/{call.opened.id}")
    assert view["state"] != "closed"
    await call.customer.page.goto("about:blank")
    await call.customer.page.goto(call.opened.customer_url)
    await call.customer.join()
    await call.technician.sees_motion(CUSTOMER_SIGN)
    await call.hang_up()
    await expect(call.customer.get("hang-up")).to_be_hidden()


async def _left(call: Call) -> bool:
    log = await call.marketplace.log(call.opened.id)
    return any(event["type"] == "participant_left" and event["role"] == "customer" for event in log)
