"""The call by keyboard alone, enlarged to 200 %, without motion, and with fingers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Call
from tests.kit.access import assert_accessible, assert_fits, assert_targets, tab_stops
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, CallPage, new_context
from tests.kit.marketplace import Marketplace

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# A laptop's 1280 x 800 enlarged to 200 % is 640 x 400 pixels of layout. Source: WCAG 2.2, 1.4.4 and 1.4.10.
ENLARGED: Final[dict[str, Any]] = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
SMALL_PHONE: Final[dict[str, Any]] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
SIDEWAYS: Final[dict[str, Any]] = {"viewport": {"width": 844, "height": 390}, "has_touch": True}
NARROWEST: Final[dict[str, Any]] = {"viewport": {"width": 320, "height": 640}}
IN_CALL: Final = {"toggle-mic", "toggle-camera", "share-screen", "chat-toggle", "hang-up"}


@pytest_asyncio.fixture(loop_scope="session")
async def lobby(
    request: pytest.FixtureRequest, chromium: Browser, marketplace: Marketplace
) -> AsyncIterator[Call]:
    """Return both pages before joining, on the screen that the test asks for."""
    screen: dict[str, Any] = getattr(request, "param", {})
    opened = await marketplace.open_session()
    contexts = [
        await new_context(chromium, sign=sign, reduced_motion="reduce", **screen)
        for sign in (CUSTOMER_SIGN, TECHNICIAN_SIGN)
    ]
    customer = await CallPage.open(contexts[0], opened.customer_url)
    technician = await CallPage.open(contexts[1], opened.technician_url)
    await asyncio.gather(customer.get("join").wait_for(), technician.get("join").wait_for())
    yield Call(opened, customer, technician, marketplace)
    for context in contexts:
        await context.close()


async def press(page: CallPage, testid: str, key: str = "Enter") -> None:
    """Walk to an element by Tab and press a key on it."""
    await page.page.bring_to_front()
    for _ in range(40):
        await page.page.keyboard.press("Tab")
        if await page.page.evaluate("document.activeElement?.dataset.testid ?? ''") == testid:
            await page.page.keyboard.press(key)
            return
    raise AssertionError(f"{testid} cannot be reached by keyboard")


async def test_a_call_by_keyboard_alone(lobby: Call) -> None:
    """Join, admit, mute, chat and hang up without a mouse; the focus is always to be seen."""
    customer, technician = lobby.customer, lobby.technician
    assert "join" in await tab_stops(customer.page)
    await press(customer, "join")
    await customer.in_state("waiting")
    await press(technician, "join")
    await technician.get("admit").wait_for()
    await press(technician, "admit", "Space")
    await asyncio.gather(customer.sees(TECHNICIAN_SIGN), technician.sees(CUSTOMER_SIGN))
    for page in (customer, technician):
        await page.page.bring_to_front()
        assert set(await tab_stops(page.page)) >= IN_CALL
    await press(customer, "toggle-mic")
    await expect(customer.get("toggle-mic")).to_have_attribute("aria-pressed", "true")
    if not await customer.get("chat-input").is_visible():
        await press(customer, "chat-toggle")
    await press(customer, "chat-input", "H")
    await customer.page.keyboard.type("elp")
    await customer.page.keyboard.press("Enter")
    await expect(customer.get("chat-log")).to_contain_text("Help")
    await press(technician, "hang-up")
    await expect(technician.get("confirm-leave")).to_be_visible()
    await technician.page.keyboard.press("Escape")
    await expect(technician.get("confirm-leave")).to_be_hidden()
    await press(technician, "hang-up")
    await press(technician, "confirm-leave")
    await asyncio.gather(customer.in_state("ended"), technician.in_state("ended"))
    assert customer.errors == technician.errors == []


@pytest.mark.parametrize(
    "lobby",
    [ENLARGED, SMALL_PHONE, SIDEWAYS, NARROWEST],
    ids=["enlarged", "small", "sideways", "narrowest"],
    indirect=True,
)
async def test_every_state_fits_a_small_screen(lobby: Call) -> None:
    """Nothing scrolls sideways, everything is big enough for a finger, and no state has a fault."""

    async def check(state: str) -> None:
        for page in (lobby.customer, lobby.technician):
            await page.page.bring_to_front()
            await assert_fits(page.page, state)
            await assert_targets(page.page, state)
            await assert_accessible(page.page, state)

    await check("lobby")
    await lobby.connect()
    await lobby.technician.get("admit").wait_for()
    await check("waiting")
    await lobby.begin_after_join()
    await check("call")
    await lobby.customer.get("chat-toggle").click()
    await check("chat")
    await lobby.customer.get("chat-toggle").click()
    for page in (lobby.customer, lobby.technician):
        await page.get("hang-up").click()
    await check("leaving")
    await lobby.technician.get("confirm-leave").click()
    await lobby.customer.get("receipt").wait_for()
    await lobby.technician.get("receipt").wait_for()
    await check("ended")


async def test_nothing_moves_for_those_who_ask_for_it(lobby: Call) -> None:
    """With reduced motion no animation runs longer than an instant."""
    await lobby.connect()
    await lobby.begin_after_join()
    for page in (lobby.customer, lobby.technician):
        moving = await page.page.evaluate(
            "document.getAnimations().filter(a => a.playState === 'running'"
            " && a.effect.getComputedTiming().endTime > 50).length"
        )
        assert moving == 0
