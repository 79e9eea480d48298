"""A marketplace as a developer writes one: opens sessions with an API key, reads the results."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Self

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook

from tests.kit.servers import API_KEY

DEMO_TERMS: Final = {"free_ms": 0, "min_executed_ms": 1_000}


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as POST /sessions answers."""

    id: str
    customer_url: str
    technician_url: str

    @property
    def secrets(self) -> tuple[str, str]:
        """What stands in the fragments of the links."""
        return self.customer_url.split("#", 1)[1], self.technician_url.split("#", 1)[1]


class Marketplace:
    """The API with a key. Use as ``async with Marketplace(server.url) as marketplace``."""

    def __init__(self, url: str, key: str = API_KEY) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(f"{self.url}/api/v1/", headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """Return the parsed answer; anything but a 2xx fails the test with the problem's text."""
        async with self.http.request(method, path, **options) as response:
            text = await response.text()
            assert response.status < 300, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if "json" in response.content_type else text

    async def open_session(self, locale: str = "en", **fields: Any) -> Opened:
        """Open a session with terms short enough for a test."""
        body = {
            "customer": {"name": "Ada", "locale": locale},
            "technician": {"name": "Grace"},
            "booked_minutes": 30,
            "terms": DEMO_TERMS,
            "tariff": {"kind": "metered", "rate_minor_per_hour": 6_000, "currency": "CHF"},
            **fields,
        }
        view = await self.request("POST", "sessions", json=body)
        return Opened(view["id"], view["customer_url"], view["technician_url"])

    async def log(self, session_id: str) -> list[dict[str, Any]]:
        """Return the whole log, page by page."""
        items: list[dict[str, Any]] = []
        cursor = None
        while True:
            query: dict[str, str] = {"cursor": cursor} if cursor else {}
            page = await self.request("GET", f"sessions/{session_id}/events", params=query)
            items += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return items

    async def usage_records(self, session_id: str) -> list[dict[str, Any]]:
        """Return the session's usage records."""
        page = await self.request("GET", "usage-records", params={"session_id": session_id})
        items: list[dict[str, Any]] = page["items"]
        return items

    async def close(self, session_id: str) -> dict[str, Any]:
        """Close a session by API."""
        view: dict[str, Any] = await self.request("POST", f"sessions/{session_id}/close")
        return view


class WebhookSink:
    """A receiver that keeps what it got; ``notices`` verifies each with the reference library."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.secret = ""
        self.url = ""

    async def _take(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=204)

    def notices(self, session_id: str | None = None) -> list[dict[str, Any]]:
        """Return the verified bodies in order of arrival, of one session or of all.

        Raises:
            standardwebhooks.WebhookVerificationError: a signature is wrong.
        """
        verifier = Webhook(self.secret)
        bodies = [
            json.loads(body) for headers, body in self.received if verifier.verify(body, headers) is not None
        ]
        return [body for body in bodies if session_id is None or session_id in json.dumps(body)]


@contextlib.asynccontextmanager
async def webhook_sink(marketplace: Marketplace) -> AsyncIterator[WebhookSink]:
    """Run a receiver on a free port and register it as an endpoint for everything."""
    sink = WebhookSink()
    app = web.Application()
    app.router.add_post("/hook", sink._take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    sink.url = f"http://127.0.0.1:{port}/hook"
    endpoint = await marketplace.request("POST", "webhook-endpoints", json={"url": sink.url})
    sink.secret = endpoint["secret"]
    try:
        yield sink
    finally:
        await marketplace.request("DELETE", f"webhook-endpoints/{endpoint['id']}")
        await runner.cleanup()
