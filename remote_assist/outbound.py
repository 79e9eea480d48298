"""The guarded HTTP client for everything that calls out, to addresses that strangers choose.

HTTPS to public addresses only, unless private ones are allowed. The address is checked where the
connection is made, so a name that changes its mind between check and call gains nothing. Never follows a
redirect, never uses a proxy, and stops reading early. Source: OWASP SSRF prevention; Standard Webhooks.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from remote_assist.errors import Invalid, RemoteAssistError

TOTAL_S: Final = 15.0
CONNECT_S: Final = 5.0
DRAIN_S: Final = 2.0
"""How long the body of a reply may take whose status is already known."""
REPLY_MAX: Final = 65_536
"""Bytes read of a reply's body; the connection of a longer one is closed."""
CONNECTIONS_MAX: Final = 64
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
"""6to4 and Teredo carry an IPv4 address that may be anybody's."""


class OutboundError(RemoteAssistError):
    """A call that brought no reply. ``code``: address_refused, timeout, tls_failed or connection_failed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; nobody needs the body."""

    status: int
    retry_after: str | None


class OutboundClient:
    """Posts to URLs that partners name. ``allow_private`` is for development and the demo."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the connection pool."""
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(allow_private=self._allow_private),
            use_dns_cache=False,
            limit=CONNECTIONS_MAX,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=TOTAL_S, connect=CONNECT_S),
        )

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def check_url(self, url: str) -> None:
        """Refuse what could not be called, early and with a reason.

        Raises:
            Invalid: ``invalid_url``.
        """
        try:
            parsed = URL(url)
            port = parsed.port
        except ValueError:
            raise Invalid("invalid_url", "This is no URL.") from None
        schemes = ("https", "http") if self._allow_private else ("https",)
        if parsed.scheme not in schemes or not parsed.host or not port:
            raise Invalid("invalid_url", f"The URL must begin with {schemes[0]}:// and name a host.")
        if parsed.user is not None or parsed.password is not None or parsed.fragment:
            raise Invalid("invalid_url", "The URL must have neither a user nor a fragment.")
        if _is_literal(parsed.host) and not self._may_reach(parsed.host):
            raise Invalid("invalid_url", "The URL names a private or reserved address.")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send ``body`` and return the status of the reply.

        Raises:
            OutboundError: there was none.
        """
        assert self._session is not None, "start() comes first"
        try:
            self.check_url(url)  # aiohttp asks no resolver about an address that is written as digits
            async with self._session.post(
                URL(url), data=body, headers=headers, allow_redirects=False
            ) as response:
                await _drain(response)
                return Reply(response.status, response.headers.get("Retry-After"))
        except Invalid as error:
            raise OutboundError("address_refused", error.detail) from error
        except aiohttp.InvalidURL as error:
            raise OutboundError("address_refused", "The URL does not name a host in a usual way.") from error
        except TimeoutError as error:
            raise OutboundError("timeout", "No reply came in time.") from error
        except aiohttp.ClientSSLError as error:
            raise OutboundError("tls_failed", "The certificate or the TLS handshake failed.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            code = "address_refused" if _was_refused(error) else "connection_failed"
            raise OutboundError(code, f"The call failed: {type(error).__name__}.") from error

    def _may_reach(self, host: str) -> bool:
        return may_reach(host, allow_private=self._allow_private)


def may_reach(address: str, *, allow_private: bool) -> bool:
    """Return whether an IP address may be called; link-local ones, where clouds keep secrets, never."""
    parsed = ipaddress.ip_address(address)
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return is_public(address) or (allow_private and not plain.is_link_local)


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public Internet's, also behind an IPv6 disguise."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed not in _GLOBAL_UNICAST or any(parsed in tunnel for tunnel in _TUNNELS):
            return False
    return parsed.is_global and not parsed.is_multicast


class _RefusedError(OSError):
    """A name resolved to nothing that may be called."""


class _GuardedResolver(AbstractResolver):
    """Leaves only public addresses, at the moment the connection is made."""

    def __init__(self, *, allow_private: bool) -> None:
        self._resolver = aiohttp.ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [one for one in found if may_reach(one["host"], allow_private=self._allow_private)]
        if not allowed:
            raise _RefusedError("no public address")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a short body, so that the connection can be used again; let a long or slow one go."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(DRAIN_S):
            left = REPLY_MAX
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
            if left > 0:
                return
    response.close()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _was_refused(error: BaseException | None) -> bool:
    """Look through the layers that aiohttp wraps around a resolver's answer."""
    while error is not None:
        if isinstance(error, _RefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False
