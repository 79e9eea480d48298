"""Two of the robot's connections joined by a real relay on a real port."""

import asyncio

from remote_assist.clock import SystemClock
from remote_assist.media.relay import Relay, RelayConfig
from remote_assist.robot.peer import Peer, Received
from remote_assist.robot.picture import Picture
from remote_assist.robot.tone import Tone
from tests.kit.waiting import eventually


async def test_pictures_pass_once_the_gate_is_open() -> None:
    """Both connect at once, see nothing before the gate opens, and each other's pictures after."""
    clock = SystemClock()
    relay = Relay(RelayConfig(port=0, public_addresses=["127.0.0.1"]), clock.now_ms, lambda _fact: None)
    await relay.start()
    splice = relay.open_splice("robots:1")
    offerer, answerer = (
        Peer(
            generation=1,
            ice_servers=[],
            tracks=[Tone(), Picture(clock, sign)],
            received=Received(),
            clock=clock,
            on_state=lambda _generation, _state: None,
        )
        for sign in (5, 6)
    )
    try:
        answer = await answerer.answer(splice.carry("b", "offer", await offerer.offer()))
        await offerer.accept(splice.carry("a", "answer", answer))
        await eventually(lambda: (offerer.state, answerer.state) == ("connected", "connected"))
        await eventually(lambda: relay.counters.get("held_rtp", 0) > 20, what="held packets")
        assert offerer.received.frames == answerer.received.frames == 0
        splice.open_gate()
        for peer, sign in ((offerer, 6), (answerer, 5)):
            received = peer.received
            await eventually(lambda: received.coded_frames > 2, what="pictures")  # noqa: B023 - awaited here
            assert received.code is not None
            assert received.code.sign == sign
    finally:
        await asyncio.gather(offerer.close(), answerer.close())
        relay.close_splice("robots:1")
        await relay.stop()
