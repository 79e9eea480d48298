"""One server, one Chromium and at most one Firefox for the whole folder, all on one event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.kit.browsers import (
    CUSTOMER_SIGN,
    TECHNICIAN_SIGN,
    CallPage,
    launch_chromium,
    launch_firefox,
    new_context,
)
from tests.kit.marketplace import Marketplace, Opened, WebhookSink, webhook_sink
from tests.kit.servers import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run one real server; it must stop cleanly in the end."""
    server = Server(tmp_path_factory.mktemp("e2e") / "data").start()
    yield server
    assert server.stop() == 0


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def marketplace(server: Server) -> AsyncIterator[Marketplace]:
    """Return the API with a key."""
    async with Marketplace(server.url) as marketplace:
        yield marketplace


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sink(marketplace: Marketplace) -> AsyncIterator[WebhookSink]:
    """Return a registered webhook receiver."""
    async with webhook_sink(marketplace) as sink:
        yield sink


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """Return the driver."""
    async with async_playwright() as playwright:
        yield playwright


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """Return the one Chromium."""
    browser = await launch_chromium(playwright)
    yield browser
    await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def firefox(playwright: Playwright) -> AsyncIterator[Browser]:
    """Return the one Firefox, started by the first test that asks."""
    browser = await launch_firefox(playwright)
    yield browser
    await browser.close()


@dataclass
class Call:
    """A session with both of its pages open."""

    opened: Opened
    customer: CallPage
    technician: CallPage
    marketplace: Marketplace

    async def connect(self) -> "Call":
        """Join on both sides and wait until media is connected, before anybody is admitted."""
        await self.customer.join()
        await self.technician.join()
        return self

    async def begin(self) -> "Call":
        """Join, admit and see each other."""
        await self.connect()
        return await self.begin_after_join()

    async def begin_after_join(self) -> "Call":
        """Admit and see each other."""
        await self.technician.admit()
        await asyncio.gather(self.customer.sees(TECHNICIAN_SIGN), self.technician.sees(CUSTOMER_SIGN))
        return self

    async def hang_up(self) -> None:
        """End the session by the technician's button, confirmed."""
        await self.technician.get("hang-up").click()
        await self.technician.get("confirm-leave").click()
        await asyncio.gather(self.customer.in_state("ended"), self.technician.in_state("ended"))


CallFactory = Callable[..., Awaitable[Call]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_call(
    marketplace: Marketplace, chromium: Browser, tmp_path: Path
) -> AsyncIterator[CallFactory]:
    """Return a way to open a session with a page for each side; all is closed afterwards."""
    async with contextlib.AsyncExitStack() as stack:
        calls: list[Call] = []

        async def make(
            customer_browser: Browser = chromium, technician_browser: Browser = chromium, **fields: object
        ) -> Call:
            opened = await marketplace.open_session(**fields)  # type: ignore[arg-type]  # any field of the API
            pages = []
            for browser, sign, url in (
                (customer_browser, CUSTOMER_SIGN, opened.customer_url),
                (technician_browser, TECHNICIAN_SIGN, opened.technician_url),
            ):
                context = await new_context(browser, sign=sign)
                stack.push_async_callback(context.close)
                pages.append(await CallPage.open(context, url))
            calls.append(Call(opened, pages[0], pages[1], marketplace))
            return calls[-1]

        yield make
        for call in calls:
            await marketplace.close(call.opened.id)
            assert call.customer.errors == []
            assert call.technician.errors == []
