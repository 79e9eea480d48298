"""Phones with two cameras, and devices that are refused, missing, slow, or taken away in mid-call."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Call
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36",
}
DeviceFactory = Callable[..., Awaitable[Call]]


@pytest_asyncio.fixture(loop_scope="session")
async def call_with(chromium: Browser, marketplace: Marketplace) -> AsyncIterator[DeviceFactory]:
    """Return a way to open both pages with a customer's device of the test's choice."""
    async with AsyncExitStack() as stack:
        calls: list[Call] = []

        async def make(lab: dict[str, Any], **options: Any) -> Call:
            opened = await marketplace.open_session()
            near = await new_context(chromium, sign=CUSTOMER_SIGN, lab=lab, **options)
            far = await new_context(chromium, sign=TECHNICIAN_SIGN)
            stack.push_async_callback(near.close)
            stack.push_async_callback(far.close)
            customer = await CallPage.open(near, opened.customer_url)
            technician = await CallPage.open(far, opened.technician_url)
            calls.append(Call(opened, customer, technician, marketplace))
            return calls[-1]

        yield make
        for call in calls:
            await marketplace.close(call.opened.id)
            assert call.customer.errors == call.technician.errors == []


async def test_a_phone_shows_its_rear_camera_first(call_with: DeviceFactory) -> None:
    """The customer shows a thing, not a face; one tap flips the camera, another one flips it back."""
    call = await call_with({}, phone=True, **PHONE)
    await call.connect()
    await call.begin_after_join()

    wanted = ""

    async def is_seen() -> bool:
        _, green, blue = (await call.technician.sees(CUSTOMER_SIGN))["colour"]
        return wanted == ("back" if green > blue else "front")

    for wanted in ("back", "front", "back"):
        await eventually(is_seen, within_s=15, what=f"the {wanted} camera")
        await call.technician.sees_motion(CUSTOMER_SIGN)
        await call.customer.get("flip-camera").click()
    live = "lab.cameras.filter(track => track.readyState === 'live').length"
    assert await call.customer.page.evaluate(live) <= 1


async def test_a_phone_has_no_button_for_what_it_cannot_do(call_with: DeviceFactory) -> None:
    """A phone cannot share its screen, so nothing offers it."""
    call = await call_with({}, phone=True, **PHONE)
    await call.connect()
    await expect(call.customer.get("hang-up")).to_be_visible()
    await expect(call.customer.get("share-screen")).to_have_count(0)
    await expect(call.technician.get("share-screen")).to_be_visible()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [("NotAllowedError", "denied"), ("NotFoundError", "missing"), ("NotReadableError", "busy")],
)
async def test_a_call_without_camera_and_microphone(
    call_with: DeviceFactory, error: str, trouble: str
) -> None:
    """Without either device the page says why, and the customer still sees, hears and writes."""
    call = await call_with({"camera": error, "microphone": error})
    await call.connect()
    await call.technician.admit()
    await call.customer.sees_motion(TECHNICIAN_SIGN)
    await call.customer.hears(TECHNICIAN_SIGN)
    for device in ("camera", "microphone"):
        told = call.customer.page.locator(f"[data-device={device}]")
        await expect(told).to_have_attribute("data-trouble", trouble)
    await call.customer.in_state("connected")
    await call.technician.in_state("connected")


async def test_a_camera_taken_away_in_mid_call(call_with: DeviceFactory) -> None:
    """The page says that the camera is gone, the call goes on, and one tap gets it back."""
    call = await call_with({})
    await call.connect()
    await call.begin_after_join()
    await call.customer.page.evaluate("lab.revoke('video', 'NotAllowedError')")
    told = call.customer.page.locator("[data-device=camera]")
    await expect(told).to_be_visible()
    await call.technician.hears(CUSTOMER_SIGN)
    await call.customer.in_state("connected")
    await call.customer.get("toggle-camera").click()
    await expect(told).to_have_attribute("data-trouble", "denied")
    await call.customer.page.evaluate("lab.options.camera = 'ok'")
    await call.customer.get("toggle-camera").click()
    await expect(told).to_have_count(0)
    await call.technician.sees_motion(CUSTOMER_SIGN)


async def test_a_microphone_taken_away_in_mid_call(call_with: DeviceFactory) -> None:
    """Silence is sent instead, so the time goes on being measured, and one tap gets the sound back."""
    call = await call_with({})
    await call.connect()
    await call.begin_after_join()
    await call.technician.hears(CUSTOMER_SIGN)
    await call.customer.page.evaluate("lab.revoke('audio', 'NotAllowedError')")
    await call.technician.is_silent()
    await call.technician.in_state("connected")
    await call.customer.page.evaluate("lab.options.microphone = 'ok'")
    await call.customer.get("toggle-mic").click()
    await call.technician.hears(CUSTOMER_SIGN)


async def test_a_camera_of_two_pictures_a_second(call_with: DeviceFactory) -> None:
    """A slow camera is a picture, not a broken connection."""
    call = await call_with({"fps": 2})
    await call.connect()
    await call.begin_after_join()
    await call.technician.sees_motion(CUSTOMER_SIGN)
    for _ in range(20):
        state = await call.technician.get("connection-state").get_attribute("data-state")
        assert state == "connected"
        await asyncio.sleep(0.2)
    await call.technician.sees(CUSTOMER_SIGN)
