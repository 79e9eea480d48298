"""Two connections of the robot's kind, face to face: what one draws and plays, the other reads."""

import asyncio

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from remote_assist.clock import SystemClock
from remote_assist.errors import ProtocolViolation
from remote_assist.robot.peer import PING, PONG, Peer, Received
from remote_assist.robot.picture import Picture
from remote_assist.robot.tone import Tone
from tests.kit.waiting import eventually


def make_peer(sign: int, states: list[str], *, generation: int = 1) -> Peer:
    clock = SystemClock()
    return Peer(
        generation=generation,
        ice_servers=[],
        tracks=[Tone(), Picture(clock, sign)],
        received=Received(),
        clock=clock,
        on_state=lambda _generation, state: states.append(state),
    )


async def read_the_far_side(peer: Peer, sign: int) -> None:
    received = peer.received
    await eventually(lambda: received.coded_frames > 3, what="coded pictures")
    await eventually(lambda: received.loudest > 300, what="the tone")
    assert received.code is not None
    assert received.code.sign == sign
    assert received.age_ms is not None
    assert 0 <= received.age_ms < 2_000


async def test_picture_and_tone_arrive_both_ways() -> None:
    """Each side reads the other's sign, a fresh clock and a tone."""
    states: list[str] = []
    left, right = make_peer(3, states), make_peer(4, states)
    try:
        await left.accept(await right.answer(await left.offer()))
        await read_the_far_side(left, 4)
        await read_the_far_side(right, 3)
    finally:
        await asyncio.gather(left.close(), right.close())
    assert states.count("connected") == 2
    assert left.state == "closed"


async def test_an_offer_names_the_loopback_address() -> None:
    """A machine without a network can still be its own far side."""
    peer = make_peer(1, [])
    offer = await peer.offer()
    await peer.close()
    assert " 127.0.0.1 " in offer
    assert offer.count("a=ice-ufrag") == offer.count("m="), "every section has its transport"


async def test_a_hostile_description_is_a_protocol_violation() -> None:
    """Nonsense from the far side is refused in one way, and the connection can still be closed."""
    peer = make_peer(1, [])
    with pytest.raises(ProtocolViolation, match="unusable_description"):
        await peer.answer("v=0\r\nm=video\r\n")
    await peer.close()


async def test_messages_of_a_data_channel_arrive() -> None:
    """What the far side says on a data channel is kept, and an answer finds its way back."""
    states: list[str] = []
    peer = make_peer(1, states)
    far = RTCPeerConnection()
    heard: list[object] = []
    channel = far.createDataChannel("pointer")
    channel.on("open", lambda: channel.send("hello"))
    channel.on("message", heard.append)
    try:
        await far.setLocalDescription()
        answer = await peer.answer(far.localDescription.sdp)
        await far.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await eventually(lambda: peer.received.messages == ["hello"], what="the message")
        assert peer.say("back")
        channel.send(PING)
        await eventually(lambda: heard == ["back", PONG], what="the reply")
    finally:
        await asyncio.gather(far.close(), peer.close())


async def test_an_answer_that_nobody_asked_for_is_ignored() -> None:
    """A late answer changes nothing."""
    peer = make_peer(1, [])
    await peer.accept("v=0\r\n")
    assert peer.state == "new"
    await peer.close()
