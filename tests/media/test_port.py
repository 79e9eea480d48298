"""The UDP port: real sockets on loopback, and every first byte at many lengths."""

import asyncio
import ipaddress
import random
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.media.port import BATCH, MAX_CANDIDATES, UdpPort, machine_addresses
from tests.kit.memory_network import MemoryNetwork
from tests.kit.waiting import eventually

LENGTHS = sorted({*range(64), *range(64, 1_501, 29), 1_200, 1_499, 1_500})


@pytest.fixture
async def port() -> AsyncIterator[UdpPort]:
    port = UdpPort(lambda: 1_000)
    port.open("127.0.0.1", 0, ())
    yield port
    port.close()


def far_end() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    return udp


async def test_by_default_every_address_of_the_machine_is_told() -> None:
    """Bound to all addresses, the port tells each of them, loopback last, none twice."""
    port = UdpPort(lambda: 0)
    port.open(None, 0, ())
    addresses = [address for address, _ in port.candidates]
    assert addresses == list(machine_addresses())[:MAX_CANDIDATES]
    assert addresses[-1] == "127.0.0.1"
    assert len(set(addresses)) == len(addresses)
    assert all(ipaddress.IPv4Address(address) for address in addresses)
    assert {number for _, number in port.candidates} == {port.number}
    port.close()
    assert port.number == 0


async def test_public_addresses_replace_the_bound_ones(port: UdpPort) -> None:
    """Behind a one-to-one NAT only the addresses named by the operator are told."""
    assert port.candidates == (("127.0.0.1", port.number),)
    other = UdpPort(lambda: 0)
    other.open("", 0, ["203.0.113.7", "2001:db8::7"])
    assert other.candidates == (("203.0.113.7", other.number), ("2001:db8::7", other.number))
    other.close()


async def test_a_busy_port_is_an_error_and_leaks_nothing(port: UdpPort) -> None:
    """A port that somebody has is an OSError, for whoever started us to explain."""
    with pytest.raises(OSError, match="in use"):
        UdpPort(lambda: 0).open("127.0.0.1", port.number, ())


async def test_datagrams_are_drained_in_bounded_batches(port: UdpPort) -> None:
    """One wake-up reads a batch, and the rest is read on the next ones."""
    with far_end() as udp:
        for n in range(BATCH + 10):
            udp.sendto(bytes([255, n % 256]), ("127.0.0.1", port.number))
        port._drain()
        assert port.counters["dropped_stranger"] == BATCH
        await eventually(lambda: port.counters["dropped_stranger"] == BATCH + 10)


async def test_empty_datagrams_are_dropped(port: UdpPort) -> None:
    """An empty datagram is a stranger's and ends nothing."""
    with far_end() as udp:
        udp.sendto(b"", ("127.0.0.1", port.number))
        udp.sendto(b"", ("127.0.0.1", port.number))
        await eventually(lambda: port.counters["dropped_stranger"] == 2)


async def test_what_cannot_be_sent_is_counted(port: UdpPort) -> None:
    """A refused destination, a datagram too long and a closed socket raise nothing."""
    port.send(b"x", ("255.255.255.255", 9))
    port.send(b"x" * 70_000, ("127.0.0.1", 9))
    port.send(b"x", ("::1", 9))
    assert port.counters["send_failed"] == 3
    with far_end() as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        port.send(b"hello", udp.getsockname())
        assert udp.recv(100) == b"hello"
    port.close()
    port.send(b"x", ("127.0.0.1", 9))


async def test_a_full_socket_is_counted(port: UdpPort) -> None:
    """When the kernel takes no more, the datagram is dropped, as the network would."""
    assert port._socket is not None
    port._socket.close()
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    asyncio.get_running_loop().remove_reader(port._socket)
    name = "\0remote-assist-test-full"
    right.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.bind(name)
        left.setblocking(False)
        port._socket = left
        while not port.counters["send_full"]:
            port.send(b"x" * 1_000, name)  # type: ignore[arg-type]
    port.close()


async def test_a_broken_socket_does_not_stop_the_loop(port: UdpPort) -> None:
    """An error of the socket while reading is counted."""
    assert port._socket is not None
    asyncio.get_running_loop().remove_reader(port._socket)
    port._socket.close()
    port._drain()
    port._socket = None
    assert port.counters["receive_failed"] == 1


async def test_a_port_closed_while_it_drains_stops_at_once(port: UdpPort) -> None:
    """A datagram whose effect closes the port is the last one read."""
    with far_end() as udp:
        for _ in range(3):
            udp.sendto(b"\xff", ("127.0.0.1", port.number))
        port.receive = lambda *_: port.close()  # type: ignore[method-assign]
        port._drain()
        port._drain()
    assert port.number == 0


@pytest.fixture(scope="module")
def junk() -> bytes:
    return random.Random(7983).randbytes(2_048)


@pytest.mark.parametrize("stage", ["stranger", "verified", "connected"])
async def test_every_first_byte_at_every_length_is_survived(stage: str, junk: bytes) -> None:
    """Before ICE, before DTLS and in a running call nothing raises, nothing passes, the call goes on."""
    network = MemoryNetwork()
    if stage == "connected":
        await network.connect()
        network.splice.open_gate()
    else:
        network.negotiate()
    if stage == "verified":
        network.a.check()
    source = ("203.0.113.99", 9) if stage == "stranger" else network.a.address
    for first in range(256):
        for length in LENGTHS:
            network.port.receive((bytes([first]) + junk)[:length], source, network.now_ms)
        network.splice.sweep(network.now_ms)
        await asyncio.sleep(0)
    assert (network.b.rtp, network.b.rtcp, network.b.data) == ([], [], [])
    assert network.splice.collect_flows() == []
    if stage == "connected":
        network.a.send_rtp()
        assert len(network.b.rtp) == 1
        assert [fact for fact in network.facts if type(fact).__name__ == "LegFailed"] == []
    await network.close()


@given(st.binary(max_size=1_500))
def test_strangers_leave_nothing_behind(datagram: bytes) -> None:
    """Whatever a stranger sends, the tables stay as they were and nothing is sent."""
    port = UdpPort(lambda: 0)
    port.receive(datagram, ("203.0.113.99", 9), 0)
    assert port.is_forgotten
    assert sum(port.counters.values()) == 1
