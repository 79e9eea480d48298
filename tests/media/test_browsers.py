"""Real browsers through a relay, without the product's page: what no two parts of ours can prove alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from remote_assist.clock import SystemClock
from remote_assist.media.facts import Fact, LegConnected, LegFailed, LegName
from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.media.splice import Splice
from tests.kit.browsers import launch_chromium, launch_firefox
from tests.kit.waiting import eventually

pytestmark = pytest.mark.browser

PAGE = """
(() => {
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  window.said = []; window.states = [];
  pc.onconnectionstatechange = () => states.push(pc.connectionState);
  pc.ondatachannel = event => { event.channel.onmessage = message => said.push(message.data) };
  window.picture = () => {
    const canvas = document.createElement('canvas'); canvas.width = 320; canvas.height = 240;
    const pen = canvas.getContext('2d'); let n = 0;
    setInterval(() => { pen.fillStyle = `hsl(${n++ % 360} 80% 50%)`; pen.fillRect(0, 0, 320, 240) }, 40);
    return canvas.captureStream(25);
  };
  window.start = () => {
    const sound = new AudioContext(), tone = sound.createOscillator();
    const out = sound.createMediaStreamDestination();
    tone.connect(out); tone.start();
    for (const stream of [out.stream, picture()]) pc.addTrack(stream.getTracks()[0], stream);
  };
  window.local = async () => {
    await pc.setLocalDescription(); return [pc.localDescription.type, pc.localDescription.sdp];
  };
  window.decoded = async () => {
    const frames = {};
    for (const report of (await pc.getStats()).values())
      if (report.type === 'inbound-rtp' && report.kind === 'video')
        frames[report.mid] = report.framesDecoded || 0;
    return frames;
  };
})()
"""


class Browsers:
    """Two pages, each in its browser, and the splice between them."""

    def __init__(self, splice: Splice, a: Page, b: Page) -> None:
        self.splice = splice
        self.pages: dict[LegName, Page] = {"a": a, "b": b}

    async def negotiate(self, offerer: LegName = "a") -> None:
        answerer: LegName = "b" if offerer == "a" else "a"
        for sender, receiver in ((offerer, answerer), (answerer, offerer)):
            kind, sdp = await self.pages[sender].evaluate("local()")
            carried = {"type": kind, "sdp": self.splice.carry(sender, kind, sdp)}
            await self.pages[receiver].evaluate(
                "description => pc.setRemoteDescription(description)", carried
            )

    async def moving(self, leg: LegName, pictures: int) -> None:
        """Wait until so many pictures of the far side move."""
        before: dict[str, int] = await self.pages[leg].evaluate("decoded()")

        async def moved() -> bool:
            now: dict[str, int] = await self.pages[leg].evaluate("decoded()")
            return sum(now[mid] > before.get(mid, 0) + 5 for mid in now) == pictures

        await eventually(moved, within_s=20, what=f"{pictures} pictures at {leg}")

    async def states(self) -> list[Any]:
        return [await page.evaluate("states") for page in self.pages.values()]


@pytest.fixture(params=["chromium-chromium", "chromium-firefox", "firefox-chromium"])
async def browsers(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Browsers, list[Fact]]]:
    facts: list[Fact] = []
    relay = Relay(RelayConfig(port=0), SystemClock().now_ms, facts.append)
    await relay.start()
    async with async_playwright() as playwright:
        running: dict[str, Browser] = {}
        pages = []
        for name in request.param.split("-"):
            if name not in running:
                running[name] = await (launch_chromium if name == "chromium" else launch_firefox)(playwright)
            pages.append(await (await running[name].new_context()).new_page())
            await pages[-1].evaluate(PAGE)
        yield Browsers(relay.open_splice("s:1"), pages[0], pages[1]), facts
        for browser in running.values():
            await browser.close()
    await relay.stop()


async def test_a_call_of_two_browsers(browsers: tuple[Browsers, list[Fact]]) -> None:
    """Picture both ways, data, a second picture added and removed, and ICE restarts of either side."""
    call, facts = browsers
    a, b = call.pages["a"], call.pages["b"]
    await a.evaluate("start(); window.channel = pc.createDataChannel('draw'); 0")
    await b.evaluate("start()")
    await call.negotiate()
    await eventually(lambda: {LegConnected("s:1", "a"), LegConnected("s:1", "b")} <= set(facts), within_s=20)
    assert await a.evaluate("decoded()") in ({}, {"1": 0})
    call.splice.open_gate()
    await call.moving("a", 1)
    await call.moving("b", 1)
    await eventually(lambda: a.evaluate("channel.readyState === 'open'"))
    await a.evaluate("channel.send('hello')")
    await eventually(lambda: b.evaluate("said[0] === 'hello'"))
    await b.evaluate("window.screen2 = pc.addTrack(picture().getTracks()[0]); 0")
    await call.negotiate("b")
    await call.moving("a", 2)
    await b.evaluate("pc.removeTrack(screen2)")
    await call.negotiate("b")
    for leg in ("a", "b"):
        await call.pages[leg].evaluate("pc.restartIce()")
        await call.negotiate(leg)
        await call.moving("a", 1)
        await call.moving("b", 1)
    assert await call.states() == [["connecting", "connected"]] * 2
    assert not [fact for fact in facts if isinstance(fact, LegFailed)]
