"""The guarded client: what it reaches, and what it does not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from remote_assist import outbound
from remote_assist.errors import Invalid
from remote_assist.outbound import OutboundClient, OutboundError, is_public, may_reach

FORBIDDEN = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001:db8::1",
    "2001::1",
    "2002:7f00:1::",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9"]


@asynccontextmanager
async def client(*, allow_private: bool) -> AsyncIterator[OutboundClient]:
    made = OutboundClient(allow_private=allow_private)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_private_or_reserved_address_is_not_public(address: str) -> None:
    """In whatever disguise."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    """Version 4, version 6, and 4 in 6."""
    assert is_public(address)


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_a_forbidden_literal_is_never_called(address: str) -> None:
    """Neither accepted as an endpoint nor called, should it be one already."""
    host = f"[{address}]" if ":" in address else address
    url = f"https://{host}/hook"
    async with client(allow_private=False) as guarded:
        with pytest.raises(Invalid, match="invalid_url"):
            guarded.check_url(url)
        with pytest.raises(OutboundError, match="address_refused"):
            await guarded.post(url, b"{}", {})


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "017700000001"])
async def test_a_name_that_leads_home_is_never_called(host: str) -> None:
    """The address is checked where the connection is made, so spelling does not help."""
    async with client(allow_private=False) as guarded:
        with pytest.raises(OutboundError, match="address_refused"):
            await guarded.post(f"https://{host}/", b"{}", {})


async def test_a_name_that_changes_its_mind_is_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the public addresses of an answer are left to connect to."""

    class Rebinding(AbstractResolver):
        answers = ["9.9.9.9", "127.0.0.1"]  # noqa: RUF012 - a fixture of this test

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
                for one in self.answers
            ]

        async def close(self) -> None:
            pass

    monkeypatch.setattr("aiohttp.ThreadedResolver", Rebinding)
    guard = outbound._GuardedResolver(allow_private=False)
    assert [one["host"] for one in await guard.resolve("shop.example", 443)] == ["9.9.9.9"]
    Rebinding.answers = ["127.0.0.1"]
    with pytest.raises(OSError, match="no public address"):
        await guard.resolve("shop.example", 443)
    await guard.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/hook",
        "//shop.example/hook",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "http://shop.example/hook",
        "https://",
        "https:///hook",
        "https://user:pass@shop.example/",
        "https://user@shop.example/",
        "https://shop.example/#fragment",
        "https://shop.example:99999/",
        "https://shop.example:0/",
        "https://[::1/",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_public_https_url_is_refused(url: str) -> None:
    """With one stable code, before anything is stored."""
    with pytest.raises(Invalid, match="invalid_url"):
        OutboundClient(allow_private=False).check_url(url)


def test_an_ordinary_url_is_accepted() -> None:
    """With a port, a path and a query as well; plain http only where private receivers are allowed."""
    for url in ("https://shop.example/hook", "https://shop.example:8443/a?b=c", "https://9.9.9.9/"):
        OutboundClient(allow_private=False).check_url(url)
    for url in ("http://127.0.0.1:9000/hook", "http://localhost/", "https://[::1]/"):
        OutboundClient(allow_private=True).check_url(url)


async def test_the_body_arrives_as_it_was_given() -> None:
    """Bytes and headers unchanged, and the reply's status and Retry-After come back."""
    got: list[tuple[bytes, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        got.append((await request.read(), request.headers.get("webhook-id")))
        return web.Response(status=429, headers={"Retry-After": "7"}, text="later")

    async with serving(answer) as url, client(allow_private=True) as open_client:
        reply = await open_client.post(url, "Zoë".encode(), {"webhook-id": "msg_1"})
    assert got == [("Zoë".encode(), "msg_1")]
    assert (reply.status, reply.retry_after) == (429, "7")


async def test_neither_a_redirect_nor_a_proxy_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is the receiver's own; the environment's proxy hears nothing."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with serving(answer) as url, client(allow_private=True) as open_client:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
        reply = await open_client.post(url, b"{}", {})
    assert (reply.status, asked) == (302, ["/"])


async def test_an_endless_or_slow_reply_ends_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever drips bytes or sends megabytes holds nobody up."""
    monkeypatch.setattr(outbound, "DRAIN_S", 0.05)
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if request.path == "/endless":
            for _ in range(100):
                await response.write(b"x" * 65_536)
        else:
            await response.write(b"x")
            await over.wait()
        return response

    async with serving(answer) as url, client(allow_private=True) as open_client:
        for path in ("endless", "slow"):
            assert (await open_client.post(url + path, b"{}", {})).status == 200
        over.set()


async def test_silence_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that never answers is a timeout."""
    monkeypatch.setattr(outbound, "TOTAL_S", 0.05)
    over = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with serving(answer) as url, client(allow_private=True) as open_client:
        with pytest.raises(OutboundError, match="timeout"):
            await open_client.post(url, b"{}", {})
        over.set()


async def test_every_failure_has_a_code() -> None:
    """Nobody listens; what listens speaks no TLS; it speaks no HTTP."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x00\x01\x02 not http\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(allow_private=True) as open_client:
        for url, code in (
            ("http://127.0.0.1:1/", "connection_failed"),
            (f"http://127.0.0.1:{port}/", "connection_failed"),
            (f"https://127.0.0.1:{port}/", "tls_failed"),
        ):
            with pytest.raises(OutboundError, match=code):
                await open_client.post(url, b"{}", {})
    server.close()
    await server.wait_closed()


async def test_stopping_what_never_started_is_nothing() -> None:
    """The stop order does not ask how far the start came."""
    await OutboundClient(allow_private=False).stop()


def test_link_local_addresses_are_refused_even_where_private_ones_are_allowed() -> None:
    """Clouds hand out secrets there, and nobody develops a receiver on such an address."""
    assert may_reach("127.0.0.1", allow_private=True)
    assert may_reach("10.0.0.1", allow_private=True)
    assert not may_reach("169.254.169.254", allow_private=True)
    assert not may_reach("fe80::1", allow_private=True)
    assert not may_reach("::ffff:169.254.169.254", allow_private=True)
    assert not may_reach("127.0.0.1", allow_private=False)
