"""From the second `join` click to the first remote frame, with admission already given.

What is measured: a technician sits in a session whose customer was admitted once. A customer's page is
opened afresh, waits in the lobby, and presses `join`; the time runs on that page's own clock from the
click to the first frame that its `remote-video` presents (requestVideoFrameCallback).

Against what: a direct connection between two pages of the same Chromium, with the same canvas camera, the
same generated tone, the same roles (who stays offers; who comes answers), a data channel, and one hop of
signalling through a local WebSocket. Both kinds alternate in one run, so that a busy machine slows both.
Opening a page, its scripts and its lobby are outside the time of both. Two joins of each kind warm up.
"""

import asyncio
import json
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.kit.browsers import CUSTOMER_SIGN, TECHNICIAN_SIGN, launch_chromium, new_context
from tests.kit.marketplace import Marketplace, Opened
from tests.kit.servers import Server
from tests.kit.waiting import eventually

JOINS: Final = 20
WARM_UP: Final = 2
ALLOWED_MS: Final = 50
PAGE: Final = Path(__file__).with_name("direct.html")
STOPWATCH: Final = """
addEventListener('click', () => {
  if (lab.clicked !== undefined) return;
  lab.clicked = performance.now();
  const look = () => {
    const video = lab.video('remote-video');
    if (!video) return requestAnimationFrame(look);
    video.requestVideoFrameCallback((now) => { lab.firstFrameMs = now - lab.clicked });
  };
  look();
}, { capture: true });
"""


@asynccontextmanager
async def direct_site() -> AsyncIterator[str]:
    """Serve the direct page, and pass each role's messages to the other."""
    sockets: dict[str, web.WebSocketResponse] = {}

    async def page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    async def pass_on(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        role = request.query["role"]
        sockets[role] = socket
        far = "technician" if role == "customer" else "customer"
        async for message in socket:
            if message.type is WSMsgType.TEXT and far in sockets and not sockets[far].closed:
                await sockets[far].send_str(message.data)
        return socket

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/socket", pass_on)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def first_frame_ms(page: Page, button: str) -> float:
    """Press the button and return the time to the first frame."""
    await page.click(button)
    # Polled from here: the product's pages allow no eval, which waiting inside the page would need.
    measured: float = await eventually(
        lambda: page.evaluate("lab.firstFrameMs ?? 0"), within_s=30, what="a frame"
    )
    return measured


async def relayed(context: BrowserContext, opened: Opened) -> float:
    """Join the session from a fresh page, as somebody who was admitted before."""
    page = await context.new_page()
    await page.add_init_script(STOPWATCH)
    await page.goto(opened.customer_url)
    button = '[data-testid="join"]'
    await page.wait_for_selector(button)
    measured = await first_frame_ms(page, button)
    await page.close()
    return measured


async def direct(context: BrowserContext, url: str) -> float:
    """Join the direct call from a fresh page."""
    page = await context.new_page()
    await page.add_init_script(STOPWATCH)
    await page.goto(f"{url}/?role=customer")
    await page.wait_for_function("window.ready")
    measured = await first_frame_ms(page, "#join")
    await page.close()
    return measured


async def measure(browser: Browser, marketplace: Marketplace, url: str) -> dict[str, Any]:
    """Alternate both kinds of joins and compare."""
    customer = await new_context(browser, sign=CUSTOMER_SIGN)
    technician = await new_context(browser, sign=TECHNICIAN_SIGN)
    opened = await marketplace.open_session()
    waiting = await technician.new_page()
    await waiting.goto(opened.technician_url)
    await waiting.click('[data-testid="join"]')
    first = await customer.new_page()
    await first.goto(opened.customer_url)
    await first.click('[data-testid="join"]')
    await waiting.click('[data-testid="admit"]')
    await eventually(lambda: first.evaluate("lab.read('remote-video')"), within_s=30, what="the first call")
    await first.close()
    far = await technician.new_page()
    await far.goto(f"{url}/?role=technician")
    await far.wait_for_function("window.ready")

    times: dict[str, list[float]] = {"relay": [], "direct": []}
    for _ in range(WARM_UP + JOINS):
        # A background page's timers are throttled, so whoever stays is brought to the front first.
        await waiting.bring_to_front()
        times["relay"].append(await relayed(customer, opened))
        await far.bring_to_front()
        times["direct"].append(await direct(customer, url))
    await marketplace.close(opened.id)
    relay, straight = (sorted(values[WARM_UP:]) for values in times.values())
    return {
        "bench": "join",
        "joins": JOINS,
        "relay_ms": summary(relay),
        "direct_ms": summary(straight),
        "p95_difference_ms": round(p95(relay) - p95(straight), 1),
        "goal": f"p95 of the relay <= direct + {ALLOWED_MS} ms",
        "met": p95(relay) <= p95(straight) + ALLOWED_MS,
    }


def p95(ordered: list[float]) -> float:
    """Return the nearest-rank 95th percentile."""
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def summary(ordered: list[float]) -> dict[str, Any]:
    """Return what to print of a sorted list."""
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(p95(ordered), 1),
        "max": round(ordered[-1], 1),
        "all": [round(value) for value in ordered],
    }


async def run() -> dict[str, Any]:
    """Start everything, measure, stop everything."""
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.to_thread(Server(Path(folder) / "data").start)
        try:
            async with (
                async_playwright() as playwright,
                direct_site() as url,
                Marketplace(server.url) as market,
            ):
                browser = await launch_chromium(playwright)
                try:
                    return await measure(browser, market, url)
                finally:
                    await browser.close()
        finally:
            server.stop()


def main() -> None:
    """Print one line of JSON."""
    print(json.dumps(asyncio.run(run())))


if __name__ == "__main__":
    main()
