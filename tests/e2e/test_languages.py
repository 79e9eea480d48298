"""Every language, on every page of a call, switched while it goes on."""

import asyncio
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.test_states import look
from tests.kit.access import assert_fits
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL_PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
LEAVE: Final = {"de": "Auflegen", "fr": "Raccrocher", "it": "Chiudi", "en": "Hang up"}
RECEIPT: Final = {"de": "Quittung", "fr": "Quittance", "it": "Ricevuta", "en": "Receipt"}


async def speaks(page: Page, locale: str) -> None:
    """Choose a language on the page, which then says so and does not scroll sideways."""
    await page.locator("header select").select_option(locale)
    await expect(page.locator("html")).to_have_attribute("lang", locale)
    await assert_fits(page, locale)


@pytest.mark.parametrize("locale", ["fr", "it"])
async def test_a_whole_call_in(chromium: Browser, marketplace: Marketplace, locale: str) -> None:
    """The link's language holds from the lobby to the receipt, on a phone 360 pixels wide."""
    opened = await marketplace.open_session(locale=f"{locale}-CH")
    contexts = [
        await new_context(chromium, sign=CUSTOMER_SIGN, locale="en-GB", **SMALL_PHONE),
        await new_context(chromium, sign=TECHNICIAN_SIGN, locale=f"{locale}-CH"),
    ]
    customer = await CallPage.open(contexts[0], opened.customer_url)
    technician = await CallPage.open(contexts[1], opened.technician_url)
    try:
        await customer.get("join").wait_for()
        await expect(customer.page.locator("html")).to_have_attribute("lang", locale)
        await look(customer.page, f"language-{locale}-1-lobby")
        await customer.join()
        await technician.join()
        await technician.admit()
        await asyncio.gather(customer.sees(TECHNICIAN_SIGN), technician.sees(CUSTOMER_SIGN))
        await look(customer.page, f"language-{locale}-2-call")
        await look(technician.page, f"language-{locale}-2-call-technician")
        await technician.get("hang-up").click()
        await technician.get("confirm-leave").click()
        await customer.get("receipt").wait_for()
        await look(customer.page, f"language-{locale}-3-end")
        async with contexts[0].expect_page() as opening:
            await customer.get("receipt").click()
        receipt = await opening.value
        await expect(receipt.get_by_role("heading", level=1)).to_have_text(RECEIPT[locale])
        assert customer.errors == technician.errors == []
    finally:
        for context in contexts:
            await context.close()


async def test_the_language_may_change_at_any_time(chromium: Browser, marketplace: Marketplace) -> None:
    """In the lobby, in the call and after it; the call goes on, and a reload keeps the choice."""
    opened = await marketplace.open_session(locale="de")
    context = await new_context(chromium, sign=CUSTOMER_SIGN, **SMALL_PHONE)
    far = await new_context(chromium, sign=TECHNICIAN_SIGN)
    try:
        customer = await CallPage.open(context, opened.customer_url)
        technician = await CallPage.open(far, opened.technician_url)
        for locale in LEAVE:
            await customer.get("join").wait_for()
            await speaks(customer.page, locale)
        await customer.join()
        await technician.join()
        await technician.admit()
        await customer.sees(TECHNICIAN_SIGN)
        for locale, word in LEAVE.items():
            await speaks(customer.page, locale)
            await expect(customer.get("hang-up")).to_contain_text(word)
        await speaks(customer.page, "it")
        await customer.sees_motion(TECHNICIAN_SIGN)
        await customer.page.reload()
        await expect(customer.get("hang-up")).to_contain_text(LEAVE["it"])
        await marketplace.close(opened.id)
        await customer.in_state("ended")
        for locale in LEAVE:
            await speaks(customer.page, locale)
        assert customer.errors == []
    finally:
        await context.close()
        await far.close()
