"""The whole relay over real UDP, with aiortc's own RTCPeerConnection on both sides."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aioice.ice
import pytest
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError

from remote_assist.clock import SystemClock
from remote_assist.errors import Conflict
from remote_assist.media.facts import Fact, LegConnected, LegFailed, LegName, LegSilent
from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.media.splice import Splice
from tests.kit.waiting import eventually


class Person:
    """A participant on aiortc, who counts the frames that arrive."""

    def __init__(self, name: LegName) -> None:
        self.name = name
        self.pc = RTCPeerConnection()
        self.frames = {"audio": 0, "video": 0}
        self.tracks = 0
        self.said: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._watch)
        self.pc.on("datachannel", lambda channel: channel.on("message", self.said.append))

    def _watch(self, track: MediaStreamTrack) -> None:
        self.tracks += 1
        self.tasks.append(asyncio.get_running_loop().create_task(self._count(track)))

    async def _count(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                self.frames[track.kind] += 1
        except MediaStreamError:
            return

    def send(self) -> None:
        self.pc.addTrack(AudioStreamTrack())
        self.pc.addTrack(VideoStreamTrack())

    async def close(self) -> None:
        await self.pc.close()
        await asyncio.gather(*self.tasks)


async def negotiate(splice: Splice, offerer: Person, answerer: Person) -> None:
    await offerer.pc.setLocalDescription(await offerer.pc.createOffer())
    offer = splice.carry(offerer.name, "offer", offerer.pc.localDescription.sdp)
    await answerer.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    if not answerer.pc.getSenders()[0].track:
        answerer.send()
    await answerer.pc.setLocalDescription(await answerer.pc.createAnswer())
    answer = splice.carry(answerer.name, "answer", answerer.pc.localDescription.sdp)
    await offerer.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))


@pytest.fixture(autouse=True)
def _loopback_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let aioice gather 127.0.0.1, which it never does by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture
async def facts() -> list[Fact]:
    return []


@pytest.fixture
async def relay(facts: list[Fact]) -> AsyncIterator[Relay]:
    relay = Relay(RelayConfig(host="127.0.0.1", port=0, max_splices=2), SystemClock().now_ms, facts.append)
    await relay.start()
    yield relay
    await relay.stop()


@pytest.fixture
async def people() -> AsyncIterator[tuple[Person, Person]]:
    a, b = Person("a"), Person("b")
    yield a, b
    await asyncio.gather(a.close(), b.close())


async def test_a_call_from_gate_to_hang_up(
    relay: Relay, facts: list[Fact], people: tuple[Person, Person]
) -> None:
    """Two participants connect, are let in, are seen and heard, talk, add a picture, and leave."""
    a, b = people
    splice = relay.open_splice("s:1")
    a.send()
    channel = a.pc.createDataChannel("draw")
    await negotiate(splice, a, b)
    await eventually(lambda: {LegConnected("s:1", "a"), LegConnected("s:1", "b")} <= set(facts))
    await eventually(lambda: relay.counters.get("held_rtp", 0) > 50)
    assert a.frames == b.frames == {"audio": 0, "video": 0}
    splice.open_gate()
    await eventually(lambda: min(*a.frames.values(), *b.frames.values()) > 20)
    channel.send("hello")
    await eventually(lambda: b.said == ["hello"])
    # A third track, added by the one who answered before.
    b.pc.addTrack(VideoStreamTrack())
    await negotiate(splice, b, a)
    await eventually(lambda: a.tracks == 3)
    before = a.frames["video"]
    await eventually(lambda: a.frames["video"] > before + 60)
    flows = relay.collect_flows()
    assert {flow.leg for flow in flows} == {"a", "b"}
    assert all(flow.to_ms - flow.from_ms > 500 for flow in flows)
    forwarded = relay.counters["forwarded_rtp"]
    await eventually(lambda: relay.counters["forwarded_rtp"] > forwarded + 100)
    await a.pc.close()
    await eventually(lambda: LegFailed("s:1", "a", "closed_by_participant") in facts)
    relay.close_splice("s:1")
    relay.close_splice("s:1")
    assert {flow.leg for flow in relay.collect_flows()} == {"a", "b"}
    assert relay.collect_flows() == []
    assert not [
        name for name in relay.counters if name in ("dropped_not_authentic", "dropped_ssrc", "send_failed")
    ]


async def test_a_new_splice_replaces_an_old_one(relay: Relay, facts: list[Fact]) -> None:
    """With fresh connections on both sides the next generation works, and the last one is gone."""
    for generation in (1, 2):
        a, b = Person("a"), Person("b")
        splice = relay.open_splice(f"s:{generation}")
        splice.open_gate()
        a.send()
        await negotiate(splice, a, b)
        await eventually(lambda a=a, b=b: a.frames["video"] and b.frames["video"])  # type: ignore[misc]
        relay.close_splice(f"s:{generation}")
        await asyncio.gather(a.close(), b.close())
    assert [type(fact) for fact in facts].count(LegConnected) == 4
    assert relay.counters["splices"] == 0


async def test_a_participant_that_vanishes_falls_silent(
    relay: Relay, facts: list[Fact], people: tuple[Person, Person]
) -> None:
    """Two seconds after the last datagram of a participant the fact is there, for that leg only."""
    a, b = people
    splice = relay.open_splice("s:1")
    splice.open_gate()
    a.send()
    await negotiate(splice, a, b)
    await eventually(lambda: a.frames["audio"] and b.frames["audio"])
    for transceiver in b.pc.getTransceivers():
        transceiver.sender.transport.transport._connection._nominated[1].protocol.transport.abort()
        break
    await eventually(lambda: LegSilent("s:1", "b") in facts)
    assert LegSilent("s:1", "a") not in facts


async def test_strangers_cannot_prevent_a_call(relay: Relay, facts: list[Fact]) -> None:
    """Hello, alert, empty and forged datagrams from another port, all through set-up, change nothing."""
    spray = [
        b"",
        b"\x16\xfe\xfd" + bytes(60),
        b"\x15\xfe\xfd" + bytes(12),
        b"\x80\x6f" + bytes(50),
        b"\x00\x01" + bytes(30),
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:

        async def disturb() -> None:
            while True:
                for datagram in spray:
                    stranger.sendto(datagram, ("127.0.0.1", relay.port))
                await asyncio.sleep(0.002)

        disturbing = asyncio.get_running_loop().create_task(disturb())
        for n in range(5):
            a, b = Person("a"), Person("b")
            a.send()
            splice = relay.open_splice(f"s:{n}")
            splice.open_gate()
            await negotiate(splice, a, b)
            await eventually(lambda a=a, b=b: a.frames["audio"] and b.frames["audio"])  # type: ignore[misc]
            relay.close_splice(f"s:{n}")
            await asyncio.gather(a.close(), b.close())
        disturbing.cancel()
    assert not [fact for fact in facts if not isinstance(fact, LegConnected)]


async def test_splices_are_bounded_and_named_once(relay: Relay) -> None:
    """A second splice of a name, or one too many, is a conflict."""
    relay.open_splice("s:1")
    with pytest.raises(Conflict) as caught:
        relay.open_splice("s:1")
    assert caught.value.code == "splice_exists"
    relay.open_splice("s:2")
    with pytest.raises(Conflict) as caught:
        relay.open_splice("s:3")
    assert caught.value.code == "relay_full"
    relay.close_splice("s:2")
    relay.open_splice("s:3")


async def test_stopping_ends_every_task_and_frees_the_port(facts: list[Fact]) -> None:
    """After ``stop`` no task, address or socket is left, whatever state the splices were in."""
    before = asyncio.all_tasks()
    relay = Relay(RelayConfig(host="127.0.0.1", port=0), SystemClock().now_ms, facts.append)
    await relay.start()
    number = relay.port
    a, b = Person("a"), Person("b")
    a.send()
    await negotiate(relay.open_splice("s:1"), a, b)
    await eventually(lambda: LegConnected("s:1", "a") in facts)
    await relay.stop()
    await asyncio.gather(a.close(), b.close())
    assert relay._port.is_forgotten
    assert asyncio.all_tasks() == before
    assert relay.port == 0
    again = Relay(RelayConfig(host="127.0.0.1", port=number), SystemClock().now_ms, facts.append)
    await again.start()
    assert (again.port, again.addresses) == (number, ("127.0.0.1",))
    await again.stop()


async def test_stopping_what_never_started_is_harmless(facts: list[Fact]) -> None:
    """An application that failed before the relay started can still stop everything."""
    await Relay(RelayConfig(), SystemClock().now_ms, facts.append).stop()
