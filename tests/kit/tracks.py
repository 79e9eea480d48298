"""The cheapest real media: Opus silence that was encoded once."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any, Final

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

_OPUS_SILENCE: Final = b"\xf8\xff\xfe"
"""One 20 ms frame (RFC 6716): what an encoder makes of silence."""
_FRAME_S: Final = 0.02
_FRAME_SAMPLES: Final = 960


class OpusSilence(MediaStreamTrack):
    """50 packets a second that nobody had to encode."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._started_s = 0.0

    async def recv(self) -> av.Packet[Any]:
        """Wait for the next packet's moment."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if not self._sent:
            self._started_s = loop.time()
        due_s = self._started_s + self._sent * _FRAME_S
        if due_s > loop.time():
            await asyncio.sleep(due_s - loop.time())
        packet = av.Packet(_OPUS_SILENCE)
        packet.pts = self._sent * _FRAME_SAMPLES
        packet.time_base = Fraction(1, 48_000)
        self._sent += 1
        return packet
