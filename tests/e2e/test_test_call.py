"""/test-call: a page calls itself through the relay and says whether a call would work."""

import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.test_states import PHONE, look
from tests.kit.browsers import CUSTOMER_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace
from tests.kit.servers import Server
from tests.kit.waiting import STRETCH

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CHECK_MS = 30_000 * STRETCH


async def check(page: Page, verdict: str) -> None:
    """Press the button and wait for a verdict."""
    box = page.get_by_test_id("network-check")
    await box.get_by_role("button").click()
    await expect(box).to_have_attribute("data-verdict", re.compile(verdict), timeout=CHECK_MS)


async def test_page_calls_itself(chromium: Browser, server: Server) -> None:
    """On a good network the page says so, with a code that holds what was measured."""
    context = await new_context(chromium, sign=CUSTOMER_SIGN, **PHONE)
    try:
        page = await context.new_page()
        await page.goto(server.url + "/test-call")
        await look(page, "test-call-1-before")
        # How much of the test picture a loaded machine carries is not ours to promise.
        await check(page, "good|fair|poor")
        await expect(page.get_by_test_id("network-check")).to_contain_text(
            re.compile(r"[GFP]-U\d+-L\d+-J\d+-K[1-9]\d*-C\d+")
        )
        await look(page, "test-call-2-verdict")
    finally:
        await context.close()


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [(429, "busy", "X2"), (0, "unreachable", "X1")],
    ids=["busy", "unreachable"],
)
async def test_failure_is_explained(
    chromium: Browser, server: Server, status: int, verdict: str, code: str
) -> None:
    """When nothing can be measured the page says why, with a code of its own, and can try again."""

    async def answer(route: Route) -> None:
        await (route.fulfill(status=status, json={}) if status else route.abort())

    context = await new_context(chromium, sign=CUSTOMER_SIGN, **PHONE)
    try:
        page = await context.new_page()
        await page.goto(server.url + "/test-call")
        await page.route("**/api/v1/test-calls", answer)
        await check(page, verdict)
        await expect(page.get_by_test_id("network-check")).to_contain_text(code)
        await page.unroute_all()
        await check(page, "good|fair|poor")
    finally:
        await context.close()


async def test_lobby_has_the_same_check(chromium: Browser, marketplace: Marketplace) -> None:
    """Before joining a customer can check the connection, and join afterwards."""
    opened = await marketplace.open_session()
    context = await new_context(chromium, sign=CUSTOMER_SIGN, **PHONE)
    try:
        customer = await CallPage.open(context, opened.customer_url)
        await check(customer.page, "good|fair|poor")
        await customer.join()
        await customer.in_state("waiting")
        await marketplace.close(opened.id)
        assert customer.errors == []
    finally:
        await context.close()
