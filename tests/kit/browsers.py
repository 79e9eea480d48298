"""Chromium and Firefox from the distribution, and the call page as a test sees it: by its testids."""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from playwright.async_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from tests.kit.waiting import STRETCH, eventually

CHROMIUM: Final = "/usr/bin/chromium"
FIREFOX: Final = "/usr/bin/firefox-esr"
CHROMIUM_ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
)
FIREFOX_PREFS: Final[dict[str, str | float | bool]] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
}
PICTURE_JS: Final = (Path(__file__).parent / "picture.js").read_text()
CUSTOMER_SIGN: Final = 1
TECHNICIAN_SIGN: Final = 2
SCREEN_SIGN: Final = 8
TIMEOUT_MS: Final = 15_000 * STRETCH

expect.set_options(timeout=TIMEOUT_MS)


async def launch_chromium(playwright: Playwright, *extra: str) -> Browser:
    """Start the distribution's Chromium with fake devices; one for a whole test run."""
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, *extra])


async def launch_firefox(playwright: Playwright) -> Browser:
    """Start the stock Firefox ESR, over WebDriver BiDi."""
    return await playwright.firefox.launch(
        executable_path=FIREFOX, channel="moz-firefox", firefox_user_prefs=FIREFOX_PREFS
    )


async def new_context(
    browser: Browser,
    *,
    sign: int,
    camera: str = "ok",
    phone: bool = False,
    lab: Mapping[str, Any] | None = None,
    **options: Any,
) -> BrowserContext:
    """Return a fresh context whose camera draws ``sign``; ``camera`` may name the error it gives instead.

    ``phone`` gives it two cameras, front and back, of which only one can be open at a time. ``lab`` sets what
    else picture.js knows: ``microphone`` may name an error too, and ``fps`` makes the camera slow.
    """
    context = await browser.new_context(**{"locale": "en-GB", **options})
    given = {"sign": sign, "screenSign": SCREEN_SIGN, "camera": camera, "phone": phone, **(lab or {})}
    given["colour"] = "#a03030" if sign == CUSTOMER_SIGN else "#30a030"
    await context.add_init_script(f"window.__lab = {json.dumps(given)};{PICTURE_JS}")
    context.set_default_timeout(TIMEOUT_MS)
    return context


class CallPage:
    """The call page of one participant."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)

    @classmethod
    async def open(cls, context: BrowserContext, url: str) -> "CallPage":
        """Open a link in a new tab and wait until it can be joined."""
        call = cls(await context.new_page())
        await call.page.goto(url)
        return call

    def get(self, testid: str) -> Locator:
        """Return the element with this testid."""
        return self.page.get_by_test_id(testid)

    async def join(self) -> None:
        """Press join."""
        await self.get("join").click()

    async def admit(self) -> None:
        """Press admit, as soon as the customer has joined."""
        await self.get("admit").click()

    async def in_state(self, state: str) -> None:
        """Wait for a connection state."""
        await expect(self.get("connection-state")).to_have_attribute("data-state", state)

    async def sees(self, sign: int, *, in_box: str = "remote-video", within_s: float = 15) -> dict[str, Any]:
        """Wait until the box shows a fresh picture of this sign, and return what was read."""

        async def fresh() -> dict[str, Any] | None:
            seen = cast("dict[str, Any] | None", await self.page.evaluate("box => lab.read(box)", in_box))
            return seen if seen and seen["sign"] == sign and seen["age"] < 1_500 else None

        found: dict[str, Any] = await eventually(fresh, within_s=within_s, what=f"sign {sign} in {in_box}")
        return found

    async def sees_motion(self, sign: int, *, in_box: str = "remote-video", within_s: float = 15) -> None:
        """Wait for two different fresh pictures."""
        first = await self.sees(sign, in_box=in_box, within_s=within_s)

        async def newer() -> bool:
            return bool((await self.sees(sign, in_box=in_box))["clock"] != first["clock"])

        await eventually(newer, what="a second picture")

    async def hears(self, sign: int) -> None:
        """Wait until the received sound has the pitch of this sign."""
        await self.hears_tone(400 + 150 * sign)

    async def hears_tone(self, expected_hz: int) -> None:
        """Wait until this is the loudest pitch of the received sound."""

        async def heard() -> bool:
            pitch_hz: float = await self.page.evaluate("lab.pitch()")
            return abs(pitch_hz - expected_hz) < 25

        await eventually(heard, within_s=15, what=f"a tone of {expected_hz} Hz")

    async def is_silent(self) -> None:
        """Wait until the received sound is silent."""

        async def silent() -> bool:
            return bool(await self.page.evaluate("lab.pitch()") == 0)

        await eventually(silent, within_s=15, what="silence")

    async def text(self, testid: str) -> str:
        """Return the visible text of an element."""
        return (await self.get(testid).inner_text()).strip()

    async def until(self, claim: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Wait for a claim about the page."""
        return await eventually(claim, within_s=15, what=what)
