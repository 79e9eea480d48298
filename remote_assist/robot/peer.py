"""The robot's RTCPeerConnection for one splice generation: what it sends, and proof of what it receives."""

import asyncio
import contextlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aioice.ice
import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from remote_assist.clock import Clock
from remote_assist.errors import ProtocolViolation
from remote_assist.robot.closing import to_the_end
from remote_assist.robot.picture_code import PictureCode, read_luma
from remote_assist.robot.tone import loudness

CLOSE_TIMEOUT_S: Final = 10
KEPT_MESSAGES: Final = 64
GUIDE_LABEL: Final = "assist"
"""The data channel that the offering side opens; a page asks on it whether bytes come back."""
PING: Final = '{"type":"ping"}'
PONG: Final = '{"type":"pong"}'

_addresses_without_loopback = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001 - the shape of aioice
    """Return the machine's addresses, the loopback one included.

    aioice leaves 127.0.0.1 out and offers no option for it, but the robot mostly lives on the server's own
    machine, which may have no other network. The hook may go when aioice can be told.
    """
    addresses: list[str] = _addresses_without_loopback(use_ipv4=use_ipv4, use_ipv6=use_ipv6)
    return [*addresses, "127.0.0.1"] if use_ipv4 else addresses


aioice.ice.get_host_addresses = _host_addresses


@dataclass(slots=True)
class Received:
    """What came from the far side, summed over all generations."""

    frames: int = 0
    """Decoded pictures, screens included."""
    coded_frames: int = 0
    """Pictures that carried a valid code."""
    code: PictureCode | None = None
    """The newest code."""
    signs: set[int] = field(default_factory=set)
    """Who drew the pictures: a camera and a screen differ."""
    age_ms: int | None = None
    """How old the newest coded picture was when it arrived here."""
    sizes: set[tuple[int, int]] = field(default_factory=set)
    audio_frames: int = 0
    loudest: int = 0
    """Largest audio sample, of 32767."""
    messages: list[str | bytes] = field(default_factory=list)
    """The newest messages of data channels."""


class Peer:
    """One connection. A description that cannot be used raises ProtocolViolation and leaves it closable."""

    def __init__(
        self,
        *,
        generation: int,
        ice_servers: Sequence[dict[str, Any]],
        tracks: Sequence[MediaStreamTrack],
        received: Received,
        clock: Clock,
        on_state: Callable[[int, str], None],
    ) -> None:
        self.generation = generation
        self.received = received
        self._tracks = tracks
        self._clock = clock
        self._readers: set[asyncio.Task[None]] = set()
        self._channels: list[RTCDataChannel] = []
        servers = [
            RTCIceServer(entry["urls"], entry.get("username"), entry.get("credential"))
            for entry in ice_servers
        ]
        # An empty list matters: without one aiortc asks a public server on the internet.
        self._pc = RTCPeerConnection(RTCConfiguration(servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("track", self._read_track)
        self._pc.on("datachannel", self._read_channel)
        self._pc.on("connectionstatechange", lambda: on_state(generation, self._pc.connectionState))

    @property
    def state(self) -> str:
        """The connection's state, as in RTCPeerConnection.connectionState."""
        state: str = self._pc.connectionState
        return state

    async def offer(self) -> str:
        """Add the tracks and the data channel, and return the first offer."""
        self._add_tracks()  # first: aiortc bundles onto the transport of what was added first
        self._read_channel(self._pc.createDataChannel(GUIDE_LABEL))
        await self._pc.setLocalDescription()
        return self._local_sdp()

    async def answer(self, sdp: str) -> str:
        """Take an offer, first or later, and return the answer."""
        await self._take(sdp, "offer")
        self._add_tracks(asked_for={each.kind for each in self._pc.getTransceivers()})
        await self._pc.setLocalDescription()
        return self._local_sdp()

    async def accept(self, sdp: str) -> None:
        """Take the far side's answer; one that nothing asked for is ignored."""
        if self._pc.signalingState == "have-local-offer":
            await self._take(sdp, "answer")

    @property
    def pending_offer(self) -> str | None:
        """Our offer that waits for its answer."""
        return self._local_sdp() if self._pc.signalingState == "have-local-offer" else None

    def say(self, message: str) -> bool:
        """Send a message through the first open data channel; false when there is none."""
        for channel in self._channels:
            if channel.readyState == "open":
                channel.send(message)
                return True
        return False

    async def close(self) -> None:
        """Stop sending and receiving. Never fails, never waits long, is not cut short by a cancellation."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pc.close(), CLOSE_TIMEOUT_S)

    def _local_sdp(self) -> str:
        sdp: str = self._pc.localDescription.sdp
        return sdp

    async def _take(self, sdp: str, kind: str) -> None:
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:  # aiortc's parser documents no exceptions and raises many kinds
            raise ProtocolViolation("unusable_description", type(error).__name__) from error

    def _add_tracks(self, asked_for: Container[str] = ("audio", "video")) -> None:
        """Add the tracks that have not been added, except kinds the offer holds no section for."""
        waiting = []
        for track in self._tracks:
            if track.kind in asked_for:
                self._pc.addTrack(track)
            else:
                waiting.append(track)
        self._tracks = waiting

    def _read_track(self, track: MediaStreamTrack) -> None:
        reader = asyncio.create_task(self._consume(track))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    async def _consume(self, track: MediaStreamTrack) -> None:
        """Read a track to its end, so that nothing piles up, and note what it shows."""
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self._note_picture(frame)
                elif isinstance(frame, av.AudioFrame):
                    self.received.audio_frames += 1
                    self.received.loudest = max(self.received.loudest, loudness(frame))

    def _note_picture(self, frame: av.VideoFrame) -> None:
        received = self.received
        received.frames += 1
        received.sizes.add((frame.width, frame.height))
        luma = frame.planes[0]
        code = read_luma(memoryview(luma), luma.line_size, frame.width)
        if code is not None:
            received.coded_frames += 1
            received.code = code
            received.signs.add(code.sign)
            received.age_ms = code.age_ms(self._clock.now_ms())

    def _read_channel(self, channel: RTCDataChannel) -> None:
        self._channels.append(channel)

        def note(message: str | bytes) -> None:
            if message == PING:
                channel.send(PONG)
                return
            self.received.messages.append(message)
            del self.received.messages[:-KEPT_MESSAGES]

        channel.on("message", note)
