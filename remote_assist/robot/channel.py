"""The robot's way to the server: the link's secret for a token, the token for a Socket.IO connection."""

import asyncio
import contextlib
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import socketio

from remote_assist.errors import Gone, NotFound, ProtocolViolation, Rejected
from remote_assist.robot.closing import to_the_end

REQUEST_TIMEOUT_S: Final = 10
INBOX_MAX: Final = 512
DISCONNECTED: Final = "disconnected"
"""What stands in the inbox, beside the server's events, when the connection is lost."""


class ConnectionLost(Exception):
    """The server cannot be reached just now."""


class Channel:
    """One Socket.IO connection. ``inbox`` holds what the server said, in order, as (event, payload)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.fragment:
            raise ProtocolViolation("invalid_link", "A link looks like https://host/j#secret.")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secret = parts.fragment
        self._http: aiohttp.ClientSession | None = None
        self._socket: socketio.AsyncClient | None = None
        self.inbox: asyncio.Queue[tuple[str, Any]] = asyncio.Queue(INBOX_MAX)

    async def open(self) -> dict[str, Any]:
        """Exchange the secret, connect, and return what the server said about this participant.

        Raises:
            NotFound: nobody knows this link.
            Gone: the session is over.
            ConnectionLost: try again later.
        """
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S))
        holder = await self._exchange(self._http)
        self._socket = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, http_session=self._http, logger=False
        )
        self._socket.on("*", self._heard)
        self._socket.on("disconnect", self._disconnected)
        try:
            await self._socket.connect(
                self._origin,
                auth={"token": holder["token"]},
                transports=["websocket"],
                wait_timeout=REQUEST_TIMEOUT_S,
            )
        except (socketio.exceptions.ConnectionError, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost(type(error).__name__) from error
        return holder

    async def call(self, event: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send an event and return the answer's data.

        Raises:
            Rejected: the server refused it.
            ConnectionLost: no answer came.
        """
        if self._socket is None:
            raise ConnectionLost("not connected")
        try:
            answer = await self._socket.call(event, payload or {}, timeout=REQUEST_TIMEOUT_S)
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError) as error:
            raise ConnectionLost(type(error).__name__) from error
        if not isinstance(answer, dict) or not answer.get("ok"):
            failure = answer.get("error", {}) if isinstance(answer, dict) else {}
            raise Rejected(str(failure.get("code", "no_answer")), str(failure.get("detail", "")))
        data: dict[str, Any] = answer["data"]
        return data

    async def close(self) -> None:
        """Disconnect. Safe to call twice; not cut short by a cancellation."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        socket, self._socket = self._socket, None
        http, self._http = self._http, None
        if socket is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(socket.disconnect(), REQUEST_TIMEOUT_S)
        if http is not None:
            await http.close()

    async def _exchange(self, http: aiohttp.ClientSession) -> dict[str, Any]:
        try:
            async with http.post(f"{self._origin}/api/v1/join", json={"secret": self._secret}) as response:
                if response.status == 404:  # noqa: PLR2004 - HTTP
                    raise NotFound("link_unknown", "Nobody knows this link.")
                if response.status == 410:  # noqa: PLR2004 - HTTP
                    raise Gone("session_ended", "The session is over.")
                response.raise_for_status()
                holder: dict[str, Any] = await response.json()
                return holder
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConnectionLost(type(error).__name__) from error

    async def _heard(self, event: str, payload: Any = None) -> None:
        if self.inbox.full():  # the robot hangs: a fresh connection brings a fresh snapshot
            await self._disconnected()
            return
        self.inbox.put_nowait((event, payload))

    async def _disconnected(self, *_reason: object) -> None:
        while self.inbox.full():
            self.inbox.get_nowait()
        self.inbox.put_nowait((DISCONNECTED, None))
