"""A call between two Chromium pages through the relay, proven by what one draws and the other reads."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import CallFactory
from tests.kit.browsers import CUSTOMER_SIGN, SCREEN_SIGN, TECHNICIAN_SIGN
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_picture_and_sound_travel_both_ways(open_call: CallFactory) -> None:
    """Each page shows the fresh, moving picture of the other and plays its tone."""
    call = await (await open_call()).begin()
    await asyncio.gather(
        call.customer.sees_motion(TECHNICIAN_SIGN), call.technician.sees_motion(CUSTOMER_SIGN)
    )
    await call.customer.in_state("connected")
    await call.technician.in_state("connected")
    customer_picture = await call.technician.sees(CUSTOMER_SIGN)
    red, green, _ = customer_picture["colour"]
    assert red > green, "the customer's canvas is red"
    assert customer_picture["age"] < 1_000
    await call.customer.hears(TECHNICIAN_SIGN)
    await call.technician.hears(CUSTOMER_SIGN)


async def test_nobody_is_seen_before_the_technician_admits(open_call: CallFactory) -> None:
    """Media is connected before admission, but no picture passes; on admission it is there at once."""
    call = await (await open_call()).connect()
    await expect(call.technician.get("admit")).to_be_enabled()
    for page in (call.customer, call.technician):
        await page.until(
            lambda page=page: page.page.evaluate("lab.pc()?.connectionState === 'connected'"),  # type: ignore[misc]  # default argument
            "the connection",
        )
        received = await page.page.evaluate(
            "async () => [...(await lab.pc().getStats()).values()]"
            ".filter(s => s.type === 'inbound-rtp').reduce((n, s) => n + s.packetsReceived, 0)"
        )
        assert received == 0
        assert await page.page.evaluate("lab.read('remote-video')") is None
    await call.technician.admit()
    await call.technician.sees(CUSTOMER_SIGN, within_s=3)
    await call.customer.sees(TECHNICIAN_SIGN, within_s=3)


async def test_a_shared_screen_is_added_and_removed(open_call: CallFactory) -> None:
    """The screen appears beside the picture, and goes again without disturbing it."""
    call = await (await open_call()).begin()
    await call.customer.get("share-screen").click()
    await call.technician.sees(SCREEN_SIGN, in_box="remote-screen")
    await call.technician.sees_motion(CUSTOMER_SIGN)
    await call.customer.get("share-screen").click()
    await expect(call.technician.get("remote-screen")).to_be_hidden()
    await call.technician.sees_motion(CUSTOMER_SIGN)
    await call.technician.get("share-screen").click()
    await call.customer.sees(SCREEN_SIGN, in_box="remote-screen")


async def test_data_channels_go_end_to_end(open_call: CallFactory) -> None:
    """What one page says on a data channel, the other hears."""
    call = await (await open_call()).begin()
    await call.technician.page.evaluate(
        "() => { lab.said = []; const hear = c => c.addEventListener('message', e => lab.said.push(e.data));"
        " lab.pc().addEventListener('datachannel', e => hear(e.channel)) }"
    )
    await call.customer.page.evaluate(
        "() => { const c = lab.pc().createDataChannel('lab'); c.onopen = () => c.send('hello') }"
    )
    await eventually(
        lambda: call.technician.page.evaluate("lab.said.includes('hello')"), what="the message", within_s=15
    )


async def test_chat_goes_both_ways_and_shows_markup_as_text(open_call: CallFactory) -> None:
    """A line appears on both sides, once, as it was written."""
    call = await (await open_call()).begin()
    for writer, reader, line in (
        (call.customer, call.technician, "<b>the light blinks</b> & hums"),
        (call.technician, call.customer, "Bitte drücken Sie «Reset» 🔧"),
    ):
        await writer.get("chat-input").fill(line)
        await writer.get("chat-input").press("Enter")
        await expect(reader.get("chat-log")).to_contain_text(line)
        await expect(writer.get("chat-log")).to_contain_text(line)
    log = await call.technician.text("chat-log")
    assert log.count("the light blinks") == 1


async def test_mute_and_camera_off_are_felt_at_the_other_end(open_call: CallFactory) -> None:
    """A muted microphone is silent, a camera turned off shows nothing, and both come back."""
    call = await (await open_call()).begin()
    await call.technician.hears(CUSTOMER_SIGN)
    await call.customer.get("toggle-mic").click()
    await call.technician.is_silent()
    await call.customer.get("toggle-mic").click()
    await call.technician.hears(CUSTOMER_SIGN)
    await call.customer.get("toggle-camera").click()
    await eventually(
        lambda: call.technician.page.evaluate("(lab.read('remote-video')?.age ?? 9e9) > 2000"),
        what="no fresh picture",
        within_s=15,
    )
    await call.customer.get("toggle-camera").click()
    await call.technician.sees_motion(CUSTOMER_SIGN)
