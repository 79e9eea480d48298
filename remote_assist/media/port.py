"""The one UDP socket of a node, and who may reach what (RFC 7983).

Only datagrams from addresses that a leg's ICE verified reach DTLS or SRTP. All others are dropped
and counted; they leave no state behind.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import ifaddr

from remote_assist.errors import ProtocolViolation
from remote_assist.media import ice
from remote_assist.media.ice import Address
from remote_assist.media.leg import Leg

BATCH: Final = 128
"""Datagrams read per wake-up of the loop; about 5 ms of work."""
DATAGRAM_BYTES: Final = 2_048
"""More than an Ethernet frame carries. A longer datagram is cut, and then is not authentic."""
SOCKET_BUFFER_BYTES: Final = 4 << 20
"""Half a second of 50 calls. Without CAP_NET_ADMIN the kernel grants at most net.core.rmem_max."""
MAX_CANDIDATES: Final = 16
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33
"""asm-generic/socket.h of Linux; Python has no names for them."""
OWNER_IS_ALIVE_MS: Final = 3_000
"""An address of a leg heard from more recently is not given to another leg."""


def machine_addresses() -> tuple[str, ...]:
    """Return the machine's IPv4 addresses, loopback last, without link-local ones."""
    found = {
        str(ip.ip): None
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4 and not ipaddress.ip_address(str(ip.ip)).is_link_local
    }
    return tuple(sorted(found, key=lambda address: ipaddress.ip_address(address).is_loopback))


def _enlarge_buffers(udp: socket.socket) -> None:
    """Ask for room beyond the system's limit, or for as much as the limit allows."""
    for forced, asked in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (_SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        udp.setsockopt(socket.SOL_SOCKET, asked, SOCKET_BUFFER_BYTES)
        with contextlib.suppress(OSError):
            udp.setsockopt(socket.SOL_SOCKET, forced, SOCKET_BUFFER_BYTES)


class UdpPort:
    """The socket with its tables. ``receive`` is all of it that needs no socket."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.counters: Counter[str] = Counter()
        self.candidates: tuple[Address, ...] = ()
        self._socket: socket.socket | None = None
        self._by_ufrag: dict[str, Leg] = {}
        self._by_address: dict[Address, Leg] = {}
        self._ufrags: dict[Leg, frozenset[str]] = {}

    def open(self, host: str | None, port: int, public_addresses: Iterable[str]) -> None:
        """Bind and start reading. Must be called in a running loop.

        Args:
            host: an IPv4 address or name; None or "" binds all IPv4 addresses.
            port: 0 takes any.
            public_addresses: what participants are told; empty means the bound ones.

        Raises:
            OSError: the address cannot be bound.
        """
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            _enlarge_buffers(udp)
            udp.bind((host or "0.0.0.0", port))  # noqa: S104 - all addresses by design (ADR 0002)
        except BaseException:
            udp.close()
            raise
        bound_host, bound_port = udp.getsockname()
        bound = machine_addresses() if bound_host == "0.0.0.0" else (bound_host,)  # noqa: S104 - compared, not bound
        addresses = tuple(public_addresses) or bound
        self.candidates = tuple((address, bound_port) for address in addresses[:MAX_CANDIDATES])
        self._socket = udp
        asyncio.get_running_loop().add_reader(udp, self._drain)

    def close(self) -> None:
        """Stop reading and free the port."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    @property
    def number(self) -> int:
        """The bound port; 0 while closed."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    @property
    def is_forgotten(self) -> bool:
        """Whether no address and no credential is left in the tables."""
        return not (self._by_ufrag or self._by_address or self._ufrags)

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram; a failure is counted, never raised."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(data, address)
        except OSError as error:
            self.counters["send_full" if isinstance(error, BlockingIOError) else "send_failed"] += 1

    def register(self, leg: Leg) -> None:
        """Let checks with the leg's credentials reach it, and only those."""
        ufrags = frozenset(credentials.ufrag for credentials in leg.ice.credentials)
        before = self._ufrags.get(leg, frozenset())
        for ufrag in before - ufrags:
            del self._by_ufrag[ufrag]
        for ufrag in ufrags - before:
            self._by_ufrag[ufrag] = leg
        self._ufrags[leg] = ufrags

    def forget(self, leg: Leg) -> None:
        """Undo ``register``."""
        for ufrag in self._ufrags.pop(leg, frozenset()):
            del self._by_ufrag[ufrag]

    def bind(self, address: Address, leg: Leg) -> None:
        """Let datagrams from a verified address reach the leg."""
        self._by_address[address] = leg

    def release(self, leg: Leg, addresses: tuple[Address, ...]) -> None:
        """Undo ``bind``, unless the address belongs to another leg by now."""
        for address in addresses:
            if self._by_address.get(address) is leg:
                del self._by_address[address]

    def receive(self, data: bytes, source: Address, now_ms: int) -> None:
        """Classify a datagram by its first byte (RFC 7983 section 7) and hand it on, or drop it."""
        leg = self._by_address.get(source)
        first = data[0] if data else 255
        if 127 < first < 192 and leg is not None:  # noqa: PLR2004 - the table of RFC 7983
            if leg.incoming.packet(data, now_ms) and source != leg.ice.selected:
                leg.moved(source)
        elif 19 < first < 64 and leg is not None:  # noqa: PLR2004 - same
            leg.receive_dtls(data, source)
        elif first < 4:  # noqa: PLR2004 - same
            self._receive_stun(data, source, now_ms)
        else:
            self.counters["dropped_stranger" if leg is None else "dropped_unclassifiable"] += 1

    def _receive_stun(self, data: bytes, source: Address, now_ms: int) -> None:
        try:
            request = ice.parse_untrusted(data)
        except ProtocolViolation as violation:
            self.counters[f"dropped_{violation.code}"] += 1
            return
        leg = self._by_ufrag.get(request.local_ufrag)
        owner = self._by_address.get(source)
        if owner is not None and owner is not leg and owner.was_heard_since(now_ms - OWNER_IS_ALIVE_MS):
            self.counters["dropped_stun_taken"] += 1
            return
        response = None if leg is None else leg.check(request, source, now_ms)
        if response is None:
            self.counters["dropped_stun_not_authentic"] += 1
        else:
            self.counters["checks"] += 1
            self.send(response, source)

    def _drain(self) -> None:
        """Read what waits, at most a batch, with one reading of the clock."""
        udp = self._socket
        now_ms = self.now_ms()
        for _ in range(BATCH):
            if udp is None or udp is not self._socket:
                return
            try:
                data, source = udp.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self.counters["receive_failed"] += 1
                return
            self.receive(data, source, now_ms)
