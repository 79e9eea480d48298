"""What one can do during a call, on a phone and on a laptop."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import CallFactory
from tests.e2e.test_states import LAPTOP, PHONE, look
from tests.kit.browsers import CUSTOMER_SIGN, SCREEN_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TWO_CAMERAS = """
navigator.mediaDevices.enumerateDevices = async () => ['back', 'front'].map(
  (id) => ({ kind: 'videoinput', deviceId: id, label: id }));
const give = navigator.mediaDevices.getUserMedia;
window.asked = [];
navigator.mediaDevices.getUserMedia = async (want) => {
  window.asked.push(want.video?.facingMode ?? null);
  const stream = await give(want);
  for (const track of stream.getVideoTracks())
    track.getSettings = () => ({ facingMode: want.video.facingMode });
  return stream;
};
"""

DEAD_AT_FIRST = """
const give = navigator.mediaDevices.getUserMedia;
let times = 0;
navigator.mediaDevices.getUserMedia = async (want) => {
  if (!want.audio || times++ > 0) return give(want);
  const stream = await give({ video: want.video });
  const out = new AudioContext().createMediaStreamDestination();
  stream.addTrack(out.stream.getAudioTracks()[0]);
  return stream;
};
"""


async def test_a_phone_pauses_flips_and_moves_its_picture(
    chromium: Browser, marketplace: Marketplace
) -> None:
    """One big button stops the picture; the other camera is one tap away; one's own picture gives way."""
    opened = await marketplace.open_session()
    phone = await new_context(chromium, sign=CUSTOMER_SIGN, **PHONE)
    laptop = await new_context(
        chromium, sign=TECHNICIAN_SIGN, **{**LAPTOP, "viewport": {"width": 1366, "height": 768}}
    )
    await phone.add_init_script(TWO_CAMERAS)
    try:
        customer = await CallPage.open(phone, opened.customer_url)
        technician = await CallPage.open(laptop, opened.technician_url)
        await customer.join()
        await technician.join()
        await technician.admit()
        await asyncio.gather(customer.sees(TECHNICIAN_SIGN), technician.sees(CUSTOMER_SIGN))

        await customer.get("flip-camera").click()
        await customer.until(
            lambda: customer.page.evaluate("asked.at(-1) === 'user' && asked[0] === 'environment'"),
            "the flip",
        )
        await technician.sees_motion(CUSTOMER_SIGN)

        own = customer.page.locator("[data-corner]")
        for corner in ("bottom-left", "top-left"):
            await customer.get("move-own").click()
            await expect(own).to_have_attribute("data-corner", corner)
        box = await own.bounding_box()
        assert box is not None
        await customer.page.mouse.move(box["x"] + 20, box["y"] + 20)
        await customer.page.mouse.down()
        await customer.page.mouse.move(350, 600, steps=4)
        await customer.page.mouse.up()
        await expect(own).to_have_attribute("data-corner", "bottom-right")

        big = await customer.get("toggle-camera").bounding_box()
        assert big is not None
        assert big["width"] > 300
        await look(customer.page, "phone-in-call")
        await customer.get("toggle-camera").click()
        await expect(technician.page.get_by_text("camera is off")).to_be_visible()
        await look(customer.page, "phone-paused")
        for name, width, height in (("landscape", 844, 390), ("narrow", 360, 740)):
            await customer.page.set_viewport_size({"width": width, "height": height})
            await look(customer.page, f"phone-{name}")
        await customer.get("toggle-camera").click()
        await technician.sees_motion(CUSTOMER_SIGN)
        await look(technician.page, "laptop-in-call")
        assert customer.errors == technician.errors == []
    finally:
        await marketplace.close(opened.id)
        await phone.close()
        await laptop.close()


async def test_a_phone_has_no_button_for_sharing_its_screen(
    open_call: CallFactory, chromium: Browser
) -> None:
    """Firefox for Android has the function and refuses every call of it."""
    call = await open_call()
    android = await new_context(
        chromium,
        sign=CUSTOMER_SIGN,
        user_agent="Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0",
        **PHONE,
    )
    phone = await CallPage.open(android, call.opened.customer_url)
    await phone.join()
    await expect(phone.get("toggle-camera")).to_be_visible()
    await expect(phone.get("share-screen")).to_have_count(0)
    await android.close()


async def test_the_technician_is_rung_and_sees_who_waits_with_what(open_call: CallFactory) -> None:
    """The title calls to the window until the customer is let in; device and connection are told in words."""
    call = await open_call()
    await call.technician.join()
    title = await call.technician.page.title()
    await call.customer.join()
    await expect(call.technician.page).to_have_title(re.compile("waiting"))
    await expect(call.technician.get("far-device").last).to_contain_text("Linux · Chrome")
    await look(call.technician.page, "technician-is-rung")
    await call.begin_after_join()
    await expect(call.technician.page).to_have_title(title)
    state = call.technician.get("connection-state")
    await expect(state).to_have_text("Good connection")
    await expect(call.technician.get("far-device")).to_contain_text("Good connection")


async def test_a_silent_microphone_is_repaired_in_one_tap(
    chromium: Browser, marketplace: Marketplace
) -> None:
    """A microphone that gives nothing is noticed, and one tap gets it anew."""
    opened = await marketplace.open_session()
    contexts = [await new_context(chromium, sign=sign) for sign in (CUSTOMER_SIGN, TECHNICIAN_SIGN)]
    await contexts[0].add_init_script(DEAD_AT_FIRST)
    try:
        customer = await CallPage.open(contexts[0], opened.customer_url)
        technician = await CallPage.open(contexts[1], opened.technician_url)
        await customer.join()
        await technician.join()
        await technician.admit()
        await technician.sees(CUSTOMER_SIGN)
        await customer.get("repair-microphone").wait_for()
        await look(customer.page, "microphone-dead")
        await customer.get("repair-microphone").click()
        await technician.hears(CUSTOMER_SIGN)
        await expect(customer.get("repair-microphone")).to_have_count(0)
    finally:
        await marketplace.close(opened.id)
        for context in contexts:
            await context.close()


async def test_a_technician_works_by_keyboard(open_call: CallFactory) -> None:
    """Keys mute, ask before leaving and list themselves; notes outlive the panel; typing is only typing."""
    call = await (await open_call()).begin()
    technician, page = call.technician, call.technician.page
    await page.set_viewport_size({"width": 1366, "height": 768})
    await call.customer.get("share-screen").click()
    await technician.sees(SCREEN_SIGN, in_box="remote-screen")
    boxes = [await technician.get(name).bounding_box() for name in ("remote-screen", "remote-video")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] + 1
    await page.locator("body").press("?")
    await technician.get("notes").fill("m q ?")
    await look(page, "technician-tools")
    await page.keyboard.press("Escape")
    await expect(technician.get("tools")).to_have_count(0)
    await expect(technician.get("toggle-mic")).to_have_attribute("aria-pressed", "false")
    await page.locator("body").press("n")
    await expect(technician.get("notes")).to_have_value("m q ?")
    await page.keyboard.press("Escape")
    await page.locator("body").press("m")
    await expect(technician.get("toggle-mic")).to_have_attribute("aria-pressed", "true")
    await page.locator("body").press("q")
    await expect(technician.get("confirm-leave")).to_be_visible()
