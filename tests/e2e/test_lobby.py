"""The lobby on a phone: which camera, what is heard, what to do when refused or inside another app."""

from typing import Final

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.test_states import PHONE, look
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def to_the_end(customer: CallPage) -> None:
    """Scroll down, where the button that always stays in sight covers no other one by half."""
    await customer.page.evaluate("scrollTo(0, document.body.scrollHeight)")


async def test_phone_shows_the_back_camera_first(chromium: Browser, marketplace: Marketplace) -> None:
    """A customer's phone shows what is broken, another camera is one choice away, and the call uses it."""
    opened = await marketplace.open_session()
    phone = await new_context(chromium, sign=CUSTOMER_SIGN, phone=True, **PHONE)
    laptop = await new_context(chromium, sign=TECHNICIAN_SIGN)
    try:
        customer = await CallPage.open(phone, opened.customer_url)
        choice = customer.get("choose-camera")
        await expect(choice).to_have_value("cam-back")
        await expect(choice).to_contain_text("Back camera")
        await choice.select_option("cam-front")
        await expect(choice).to_have_value("cam-front")
        await customer.sees(CUSTOMER_SIGN, in_box="local-video")
        assert await customer.page.evaluate("lab.cameras.map((track) => track.readyState)") == [
            "ended",
            "live",
        ]
        await customer.page.reload()
        await expect(choice).to_have_value("cam-front")
        technician = await CallPage.open(laptop, opened.technician_url)
        await customer.join()
        await technician.join()
        await technician.admit()
        await technician.sees(CUSTOMER_SIGN)
        await marketplace.close(opened.id)
        assert customer.errors == []
    finally:
        await phone.close()
        await laptop.close()


async def test_sound_is_tested_before_joining(chromium: Browser, marketplace: Marketplace) -> None:
    """The lobby says that it hears the microphone, plays notes, and helps whoever did not hear them."""
    opened = await marketplace.open_session()
    context = await new_context(chromium, sign=CUSTOMER_SIGN, phone=True, **PHONE)
    try:
        customer = await CallPage.open(context, opened.customer_url)
        await expect(customer.get("microphone-level")).to_have_attribute("data-heard", "true")
        speaker = customer.get("speaker-test")
        await speaker.get_by_role("button").click()
        await speaker.get_by_role("button", name="No").click()
        await expect(speaker).to_contain_text("volume")
        await to_the_end(customer)
        await look(customer.page, "lobby-phone-sound")
        await marketplace.close(opened.id)
    finally:
        await context.close()


IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
ANDROID: Final = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "words", "name"),
    [(IPHONE, "Website Settings", "iphone"), (ANDROID, "Permissions", "android")],
    ids=["iphone", "android"],
)
async def test_refused_camera_is_explained_for_this_browser(
    chromium: Browser, marketplace: Marketplace, agent: str, words: str, name: str
) -> None:
    """Whoever refused the camera reads the steps of their own browser, and may join all the same."""
    opened = await marketplace.open_session()
    context = await new_context(
        chromium, sign=CUSTOMER_SIGN, camera="NotAllowedError", user_agent=agent, **PHONE
    )
    await context.add_init_script(
        "navigator.permissions.query = async () => { throw new TypeError('unknown') }"
    )
    try:
        customer = await CallPage.open(context, opened.customer_url)
        await customer.page.get_by_role("button", name="Try camera").click()
        await expect(customer.get("permission-help")).to_contain_text(words)
        await to_the_end(customer)
        await look(customer.page, f"lobby-refused-{name}")
        await customer.join()
        await customer.in_state("waiting")
        await marketplace.close(opened.id)
    finally:
        await context.close()


@pytest.mark.parametrize("can_copy", [True, False], ids=["clipboard", "no-clipboard"])
async def test_in_app_browser_offers_a_way_out(
    chromium: Browser, marketplace: Marketplace, can_copy: bool
) -> None:
    """Inside Instagram the page leads to a real browser by one tap or a copied link, secret included."""
    opened = await marketplace.open_session()
    agent = ANDROID.replace("Pixel 8)", "Pixel 8; wv)") + " Instagram 334.0.0.42.95 Android"
    context = await new_context(chromium, sign=CUSTOMER_SIGN, user_agent=agent, **PHONE)
    writes = (
        "async (text) => { window.copied = text }" if can_copy else "async () => { throw new Error('no') }"
    )
    await context.add_init_script(f"navigator.clipboard.writeText = {writes}")
    try:
        customer = await CallPage.open(context, opened.customer_url)
        notice = customer.get("in-app")
        await expect(notice).to_contain_text("outside Instagram")
        out = await customer.get("in-app-open").get_attribute("href")
        assert out is not None
        assert out.startswith("intent" + opened.customer_url.removeprefix("http") + "#Intent;scheme=http;")
        await customer.get("in-app-copy").click()
        if can_copy:
            await expect(notice).to_contain_text("Copied")
            assert await customer.page.evaluate("window.copied") == opened.customer_url
        else:
            await expect(notice.get_by_role("textbox")).to_have_value(opened.customer_url)
        await look(customer.page, f"lobby-in-app-{'copied' if can_copy else 'manual'}")
        await customer.get("join").wait_for()
        await marketplace.close(opened.id)
    finally:
        await context.close()
