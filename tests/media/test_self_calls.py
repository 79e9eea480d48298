"""Calls of a page to itself: bounded, and told to nobody who bills."""

from typing import TYPE_CHECKING

import pytest
from aiortc import RTCSessionDescription

from remote_assist.clock import SystemClock
from remote_assist.errors import Conflict, NotFound, ProtocolViolation
from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.media.self_calls import OPEN_MAX, SelfCalls
from tests.kit.waiting import eventually
from tests.media.test_relay import Person

if TYPE_CHECKING:
    from remote_assist.media.facts import Fact


async def test_media_flows_at_once_and_is_no_evidence() -> None:
    """Two connections of one page hear each other at once, and no fact or flow comes of it."""
    facts: list[Fact] = []
    relay = Relay(RelayConfig(host="127.0.0.1", port=0), SystemClock().now_ms, facts.append)
    await relay.start()
    calls = SelfCalls(relay)
    one, other = Person("a"), Person("b")
    try:
        call_id = calls.open()
        one.send()
        other.send()
        await one.pc.setLocalDescription(await one.pc.createOffer())
        offer = calls.carry(call_id, "a", "offer", one.pc.localDescription.sdp)
        await other.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await other.pc.setLocalDescription(await other.pc.createAnswer())
        answer = calls.carry(call_id, "b", "answer", other.pc.localDescription.sdp)
        await one.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

        async def is_heard() -> bool:
            return one.frames["audio"] > 5 and other.frames["audio"] > 5

        await eventually(is_heard, within_s=15, what="sound both ways")
        assert relay.collect_flows() == []
        calls.close(call_id)
        calls.close(call_id)
        assert relay.collect_flows() == []
        assert facts == []
        with pytest.raises(NotFound):
            calls.carry(call_id, "a", "offer", offer)
    finally:
        calls.stop()
        await one.close()
        await other.close()
        await relay.stop()


async def test_number_is_bounded() -> None:
    """No more than a few are open at once, and an end makes room again."""
    relay = Relay(RelayConfig(host="127.0.0.1", port=0), SystemClock().now_ms, lambda _fact: None)
    await relay.start()
    calls = SelfCalls(relay)
    try:
        opened = [calls.open() for _ in range(OPEN_MAX)]
        with pytest.raises(Conflict, match="later"):
            calls.open()
        calls.close(opened[0])
        last = calls.open()
        with pytest.raises(ProtocolViolation):
            calls.carry(last, "a", "offer", "nonsense")
        calls.stop()
        assert relay.counters["splices"] == 0
    finally:
        calls.stop()
        await relay.stop()
