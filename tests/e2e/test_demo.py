"""What a newcomer does after ``make run``: call the robot, and be both sides in two windows."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.e2e.test_states import LAPTOP, look
from tests.kit.browsers import CUSTOMER_SIGN, CallPage, new_context
from tests.kit.servers import Server
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROBOT_SIGN = 10


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server in demo mode, as ``make run`` does."""
    server = Server(tmp_path_factory.mktemp("demo") / "data").start("--demo")
    yield server
    assert server.stop() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def first_screen(chromium: Browser, demo: Server) -> AsyncIterator[CallPage]:
    """Return the first screen in a fresh browser profile."""
    context = await new_context(chromium, sign=CUSTOMER_SIGN, **LAPTOP)
    page = await CallPage.open(context, demo.url)
    await expect(page.get("start-robot")).to_be_visible()
    yield page
    await context.close()


async def test_screenshots_of_a_call_with_the_robot(first_screen: CallPage) -> None:
    """One button leads to the robot, who lets the newcomer in, plays a tone and writes."""
    page = first_screen
    await look(page.page, "demo-1-first-screen")
    await page.get("start-robot").click()
    await page.join()
    await page.sees_motion(ROBOT_SIGN, within_s=30)
    await expect(page.get("chat-log")).to_contain_text("robot")
    await page.hears_tone(440)
    await expect(page.get("timer")).to_have_text("0:06", timeout=20_000)
    await look(page.page, "demo-2-with-the-robot")
    await page.get("hang-up").click()
    await page.get("confirm-leave").click()
    await expect(page.get("join")).to_be_visible()
    await look(page.page, "demo-3-left")
    assert page.errors == []


async def test_a_second_window_is_the_technician(first_screen: CallPage) -> None:
    """Both sides in one browser, whose camera only one of them may get, still see a call through."""
    page = first_screen
    async with page.page.context.expect_page() as opening:
        await page.get("start-window").click()
    technician = CallPage(await opening.value)
    await technician.join()
    await page.join()
    await technician.admit()
    await asyncio.gather(page.sees_motion(CUSTOMER_SIGN), technician.sees_motion(CUSTOMER_SIGN))
    await technician.get("hang-up").click()
    await technician.get("confirm-leave").click()
    await asyncio.gather(page.in_state("ended"), technician.in_state("ended"))
    assert page.errors + technician.errors == []


async def test_the_first_lines_tell_what_to_open(demo: Server) -> None:
    """The terminal names the first screen, both links and a key, and never a traceback."""
    await eventually(lambda: "\n".join(demo.lines).count("/j#") >= 2, what="both links")
    shown = "\n".join(demo.lines)
    assert demo.url in shown
    assert "Traceback" not in shown


async def test_keys_are_for_their_owner_only(demo: Server) -> None:
    """No other user of the machine can read the keys in the data folder."""
    keys = list((demo.data_dir / "keys").iterdir())
    assert keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)
