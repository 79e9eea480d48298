"""The sound the robot sends: a quiet 440 Hz tone that comes and goes, so that it pleases and proves."""

import array
import asyncio
import math
from fractions import Fraction
from typing import Final

import av
from aiortc import AudioStreamTrack
from aiortc.mediastreams import MediaStreamError

SAMPLE_RATE_HZ: Final = 48_000
_TONE_HZ: Final = 440
_AMPLITUDE: Final = 1_600
"""About -26 dB of full scale."""
_TONE_S: Final = 0.8
_CYCLE_S: Final = 2
_FADE_S: Final = 0.08
_FRAME_SAMPLES: Final = SAMPLE_RATE_HZ // 50
_TIME_BASE: Final = Fraction(1, SAMPLE_RATE_HZ)


class Tone(AudioStreamTrack):
    """An audio track of 20 ms frames. Packets go on through the pauses, as every participant's do."""

    def __init__(self) -> None:
        super().__init__()
        self._cycle = _one_cycle()
        self._sent = 0
        self._started_s = 0.0

    async def recv(self) -> av.AudioFrame:
        """Wait for the next frame's moment and return it."""
        if self.readyState != "live":
            raise MediaStreamError
        now_s = asyncio.get_running_loop().time()
        if not self._sent:
            self._started_s = now_s
        due_s = self._started_s + self._sent / SAMPLE_RATE_HZ
        if due_s > now_s:
            await asyncio.sleep(due_s - now_s)
        elif now_s - due_s > 1:  # the machine slept: go on from now instead of catching up
            self._started_s += now_s - due_s
        frame = av.AudioFrame(format="s16", layout="mono", samples=_FRAME_SAMPLES)
        start = 2 * (self._sent % (SAMPLE_RATE_HZ * _CYCLE_S))
        frame.planes[0].update(self._cycle[start : start + 2 * _FRAME_SAMPLES])
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = self._sent
        frame.time_base = _TIME_BASE
        self._sent += _FRAME_SAMPLES
        return frame


def _one_cycle() -> bytes:
    """Return one cycle of tone and pause as 16-bit samples; its length is a whole number of frames."""
    samples = array.array("h", bytes(2 * SAMPLE_RATE_HZ * _CYCLE_S))
    length = int(_TONE_S * SAMPLE_RATE_HZ)
    for i in range(length):
        fade = min(1.0, i / (_FADE_S * SAMPLE_RATE_HZ), (length - i) / (_FADE_S * SAMPLE_RATE_HZ))
        samples[i] = int(_AMPLITUDE * fade * math.sin(2 * math.pi * _TONE_HZ * i / SAMPLE_RATE_HZ))
    return samples.tobytes()


def loudness(frame: av.AudioFrame) -> int:
    """Return the largest sample of a 16-bit frame, looking at every eighth one."""
    samples = array.array("h", bytes(frame.planes[0])[: 2 * frame.samples])
    return max((abs(sample) for sample in samples[::8]), default=0)
