"""From a link to a lobby that can be used, to the first frame, and back after a reload; near and far.

Three times, each on the page's own clock, with a technician who is there and has admitted before:

- ``lobby``: from opening the link, nothing cached, to a `join` button that can be pressed.
- ``join``: from pressing it to the first frame of the far side.
- ``reload``: from reloading a page in a call to the far side's picture, and nobody presses anything.

They are taken near (loopback) and far: a proxy before the server delays what it passes on, so that every
request and socket message takes 40 ms longer there and back; media goes past it. Two rounds warm up.
"""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

from bench.join import STOPWATCH, first_frame_ms, p95, summary
from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, launch_chromium, new_context
from tests.kit.marketplace import Marketplace, Opened
from tests.kit.servers import Server
from tests.kit.waiting import eventually

ROUNDS: Final = 30
WARM_UP: Final = 2
FAR_MS: Final = 40
RELOAD_GOAL_MS: Final = 3_000
READ_BYTES: Final = 65_536
JOIN: Final = '[data-testid="join"]'
# Pages allow no eval, so what is waited for is noted by a script that was there before the page.
NOTES: Final = """
(() => {
  window.noted = {};
  const look = () => {
    const join = document.querySelector('[data-testid="join"]');
    if (join && !join.disabled && noted.lobbyMs === undefined) noted.lobbyMs = performance.now();
    const video = lab.video('remote-video');
    if (!video) return requestAnimationFrame(look);
    video.requestVideoFrameCallback((now) => { noted.pictureMs = now });
  };
  look();
})();
"""


class Distance:
    """Passes bytes on to the server, in order and without a limit, ``delay_ms`` late for the round trip."""

    def __init__(self) -> None:
        self.port = 0
        self.target_port = 0
        self.delay_ms = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Distance"]:
        """Listen on a free port."""
        listening = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listening.close()
            for task in self._tasks:
                task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        for source, sink in ((reader, back), (there, writer)):
            flowing: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
            for work in (self._take(source, flowing), self._give(sink, flowing)):
                task = asyncio.create_task(work)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _take(self, source: asyncio.StreamReader, flowing: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        data = b"-"
        while data:
            try:
                data = await source.read(READ_BYTES)
            except ConnectionError:
                data = b""
            flowing.put_nowait((loop.time() + self.delay_ms / 2_000, data))

    async def _give(self, sink: asyncio.StreamWriter, flowing: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while True:
                due_s, data = await flowing.get()
                await asyncio.sleep(max(0.0, due_s - loop.time()))
                if not data:
                    break
                sink.write(data)
                await sink.drain()
        sink.close()


async def noted_ms(page: Page, name: str) -> float:
    """Return what the page noted, once it did."""
    found: float = await eventually(
        lambda: page.evaluate("name => window.noted?.[name] ?? 0", name), within_s=30, what=name
    )
    return found


async def one_round(browser: Browser, link: str, waiting: Page) -> dict[str, float]:
    """Open the link in a fresh browser profile, join, reload."""
    context = await new_context(browser, sign=CUSTOMER_SIGN)
    await context.add_init_script(NOTES)
    # A background page's timers are throttled, so the one that stays is brought to the front first.
    await waiting.bring_to_front()
    page = await context.new_page()
    await page.add_init_script(STOPWATCH)
    await page.goto(link)
    times = {"lobby": await noted_ms(page, "lobbyMs")}
    times["join"] = await first_frame_ms(page, JOIN)
    await page.reload()
    times["reload"] = await noted_ms(page, "pictureMs")
    await context.close()
    return times


async def admitted(browser: Browser, opened: Opened) -> Page:
    """Return the technician's page, who has admitted a customer that is gone again."""
    technician = await new_context(browser, sign=TECHNICIAN_SIGN)
    waiting = await technician.new_page()
    await waiting.goto(opened.technician_url)
    await waiting.click(JOIN)
    context = await new_context(browser, sign=CUSTOMER_SIGN)
    first = await context.new_page()
    await first.goto(opened.customer_url)
    await first.click(JOIN)
    await waiting.click('[data-testid="admit"]')
    await eventually(lambda: first.evaluate("lab.read('remote-video')"), within_s=30, what="the first call")
    await context.close()
    return waiting


async def measure(browser: Browser, marketplace: Marketplace, distance: Distance) -> list[dict[str, Any]]:
    """Take all times near and far, in turn, so that a busy machine slows both."""
    opened = await marketplace.open_session()
    waiting = await admitted(browser, opened)
    taken: dict[tuple[str, int], list[float]] = {}
    for turn in range(WARM_UP + ROUNDS):
        for delay_ms in (0, FAR_MS):
            distance.delay_ms = delay_ms
            times = await one_round(browser, opened.customer_url, waiting)
            for what, ms in times.items():
                if turn >= WARM_UP:
                    taken.setdefault((what, delay_ms), []).append(ms)
    await marketplace.close(opened.id)
    return [result(what, delay_ms, sorted(values)) for (what, delay_ms), values in taken.items()]


def result(what: str, delay_ms: int, ordered: list[float]) -> dict[str, Any]:
    """Return the line to print of one time at one distance."""
    line: dict[str, Any] = {
        "bench": what,
        "added_round_trip_ms": delay_ms,
        "rounds": len(ordered),
        "ms": summary(ordered),
    }
    if what == "reload":
        line |= {"goal": f"p95 <= {RELOAD_GOAL_MS} ms", "met": p95(ordered) <= RELOAD_GOAL_MS}
    return line


async def run() -> list[dict[str, Any]]:
    """Start everything, measure, stop everything."""
    with tempfile.TemporaryDirectory() as folder:
        async with Distance().open() as distance:
            url = f"http://127.0.0.1:{distance.port}"
            server = Server(Path(folder) / "data", keeps_ports=True, PUBLIC_URL=url)
            distance.target_port = server.http_port
            await asyncio.to_thread(server.start)
            try:
                async with async_playwright() as playwright, Marketplace(url) as market:
                    browser = await launch_chromium(playwright)
                    try:
                        return await measure(browser, market, distance)
                    finally:
                        await browser.close()
            finally:
                server.stop()


def main() -> None:
    """Print a line of JSON for each time."""
    for line in asyncio.run(run()):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
