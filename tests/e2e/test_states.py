"""Every state of the call page: accessible, and pictured in test-output/ to be looked at."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.kit.access import assert_accessible, assert_fits
from tests.kit.browsers import CUSTOMER_SIGN, SCREEN_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace
from tests.kit.servers import Server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OUTPUT: Final = Path(__file__).parents[2] / "test-output"
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
}
LAPTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 800}}


async def look(page: Page, name: str) -> None:
    """Take a picture of the page, and fail on any accessibility fault or sideways scrolling."""
    OUTPUT.mkdir(exist_ok=True)
    await page.screenshot(path=OUTPUT / f"{name}.png")
    await assert_accessible(page, name)
    await assert_fits(page, name)


@pytest.fixture(params=["laptop", "phone", "dark-german-phone", "dark-french-laptop"])
def look_of(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Return a name and the context options for it."""
    options: dict[str, dict[str, Any]] = {
        "laptop": LAPTOP,
        "phone": PHONE,
        "dark-french-laptop": {**LAPTOP, "color_scheme": "dark", "locale": "fr-CH"},
        "dark-german-phone": {**PHONE, "color_scheme": "dark", "locale": "de-CH"},
    }
    return request.param, options[request.param]


@pytest_asyncio.fixture(loop_scope="session")
async def pages(
    chromium: Browser, marketplace: Marketplace, look_of: tuple[str, dict[str, Any]]
) -> AsyncIterator[tuple[CallPage, CallPage]]:
    """Return a customer's page in the asked-for look and a technician's on a laptop."""
    locale = str(look_of[1].get("locale", "en"))
    opened = await marketplace.open_session(locale=locale)
    contexts = [
        await new_context(chromium, sign=CUSTOMER_SIGN, **look_of[1]),
        await new_context(chromium, sign=TECHNICIAN_SIGN, **{**look_of[1], **LAPTOP}),
    ]
    customer = await CallPage.open(contexts[0], opened.customer_url)
    technician = await CallPage.open(contexts[1], opened.technician_url)
    yield customer, technician
    for context in contexts:
        await context.close()


async def test_screenshots_of_a_call(
    pages: tuple[CallPage, CallPage], look_of: tuple[str, dict[str, Any]]
) -> None:
    """From the first look to the receipt, every state is accessible in every look."""
    customer, technician = pages
    name = look_of[0]
    await customer.get("join").wait_for()
    await technician.get("join").wait_for()
    await look(customer.page, f"{name}-1-customer-before-join")
    await look(technician.page, f"{name}-1-technician-before-join")
    await customer.join()
    await customer.in_state("waiting")
    await look(customer.page, f"{name}-2-customer-waiting")
    await technician.join()
    await technician.get("admit").wait_for()
    await look(technician.page, f"{name}-2-technician-may-admit")
    await technician.admit()
    await customer.sees(TECHNICIAN_SIGN)
    await technician.sees(CUSTOMER_SIGN)
    await look(customer.page, f"{name}-3-customer-in-call")
    await look(technician.page, f"{name}-3-technician-in-call")
    await technician.get("share-screen").click()
    await customer.sees(SCREEN_SIGN, in_box="remote-screen")
    await look(customer.page, f"{name}-4-customer-sees-screen")
    await technician.get("hang-up").click()
    await technician.get("confirm-leave").wait_for()
    await look(technician.page, f"{name}-5-technician-confirms")
    await technician.get("confirm-leave").click()
    await customer.in_state("ended")
    await technician.in_state("ended")
    await look(customer.page, f"{name}-6-customer-ended")
    await look(technician.page, f"{name}-6-technician-ended")


@pytest.mark.parametrize(("error", "name"), [("NotAllowedError", "refused"), ("NotReadableError", "busy")])
async def test_screenshots_without_a_camera(
    chromium: Browser, marketplace: Marketplace, error: str, name: str
) -> None:
    """Without a camera the page says why, and the call still happens with the other side's picture."""
    opened = await marketplace.open_session()
    without = await new_context(chromium, sign=CUSTOMER_SIGN, camera=error, **PHONE)
    with_camera = await new_context(chromium, sign=TECHNICIAN_SIGN, **LAPTOP)
    try:
        customer = await CallPage.open(without, opened.customer_url)
        technician = await CallPage.open(with_camera, opened.technician_url)
        await customer.get("join").wait_for()
        await look(customer.page, f"camera-{name}-1-before-join")
        await customer.join()
        await technician.join()
        await technician.admit()
        await customer.sees_motion(TECHNICIAN_SIGN)
        await look(customer.page, f"camera-{name}-2-in-call")
        await look(technician.page, f"camera-{name}-2-technician")
        await customer.in_state("connected")
        await technician.in_state("connected")
        await marketplace.close(opened.id)
        await customer.in_state("ended")
    finally:
        await without.close()
        await with_camera.close()


async def test_screenshots_outside_a_call(chromium: Browser, server: Server) -> None:
    """The first screen, a link that nobody knows and a link without a secret are accessible too."""
    context = await new_context(chromium, sign=CUSTOMER_SIGN, **PHONE)
    try:
        page = await context.new_page()
        for name, path, words in (
            ("first-screen", "/", "running"),
            ("unknown-link", "/j#AAAAAAAAAAAAAAAAAAAAAA", "not known"),
            ("no-link", "/j", "not complete"),
        ):
            await page.goto("about:blank")
            await page.goto(server.url + path)
            await expect(page.get_by_role("main")).to_contain_text(words)
            await look(page, name)
    finally:
        await context.close()
