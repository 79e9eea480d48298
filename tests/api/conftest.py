"""A real server on a real database, one per test file, and what asks it."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from remote_assist.app import Server
from remote_assist.settings import read

KEY = "canary-key-of-the-first-partner"
OTHER_KEY = "canary-key-of-another-partner"
OPEN = {
    "customer": {"name": "Carla", "email": "carla@shop.example", "locale": "de-CH"},
    "technician": {"name": "Toni"},
    "booked_minutes": 30,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a refusal, which must be problem details."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        problem = self.json
        assert {"type", "title", "status", "detail", "instance", "code"} <= set(problem)
        assert problem["status"] == self.status
        return str(problem["code"])


class Api:
    """Asks a running server as the first partner, unless told otherwise."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http

    async def ask(
        self, method: str, path: str, body: Any = None, key: str | None = KEY, **headers: str
    ) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        skip = ["Content-Type"] if data is None else []
        async with self.http.request(
            method,
            path,
            data=data if data is None else io.BytesIO(data),
            headers=sent,
            allow_redirects=False,
            skip_auto_headers=skip,
        ) as response:
            return Reply(response.status, response.headers, await response.text())

    async def open(self, **changes: Any) -> Any:
        """Open a session and return the answer."""
        reply = await self.ask("POST", "/api/v1/sessions", {**OPEN, **changes})
        assert reply.status == 201, reply.text
        return reply.json


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The API of a server of its own."""
    async with serving(tmp_path_factory.mktemp("data")) as one:
        yield one


@asynccontextmanager
async def serving(folder: Path, *, is_demo: bool = False, **settings: str) -> AsyncIterator[Api]:
    """Run a server in this process on free ports, with two partners."""
    given = {
        "HTTP_PORT": "0",
        "MEDIA_PORT": "0",
        "LAN_PORT": "0",
        "MEDIA_HOST": "127.0.0.1",
        "DATA_DIR": str(folder),
        "BOOTSTRAP_API_KEY": KEY,
        **settings,
    }
    read_settings = read({f"REMOTE_ASSIST_{name}": value for name, value in given.items()})
    server = Server(read_settings, is_demo=is_demo, is_lan=False)
    async with server.running():
        await server.partners.ensure_partner("other", OTHER_KEY)
        async with aiohttp.ClientSession(server.http_url) as http:
            yield Api(server, http)
