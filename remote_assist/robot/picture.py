"""The picture the robot sends: moving bands, a small robot, a clock, and the picture code.

Drawn straight into the planes of a YUV frame, because a picture made of long equal runs of bytes needs
no array library. Modest in size and rate, so that a demo costs little on the machine that also serves it.
"""

import asyncio
import time
from fractions import Fraction
from typing import Final

import av
from aiortc import VideoStreamTrack
from aiortc.mediastreams import MediaStreamError

from remote_assist.clock import Clock
from remote_assist.robot.picture_code import COLUMNS, PictureCode, code_rows

WIDTH: Final = 640
HEIGHT: Final = 360
FRAMES_PER_SECOND: Final = 15
_CLOCK_RATE_HZ: Final = 90_000
_TIME_BASE: Final = Fraction(1, _CLOCK_RATE_HZ)

_STRIP_HEIGHT: Final = 2 * (WIDTH // COLUMNS)
_BAND: Final = 128
"""Width in pixels of one moving band."""
_PANEL_LUMA: Final = 40
_INK_LUMA: Final = 225
_PIXEL: Final = 10
"""Side of one dot of the drawn figures."""
_PANEL_LEFT: Final = 75
_PANEL_TOP: Final = 150
_TINT_BLUE: Final = 146
_TINT_RED: Final = 108
"""Chroma of a calm teal."""

_FONT: Final = {
    "0": (0b111, 0b101, 0b101, 0b101, 0b111),
    "1": (0b010, 0b110, 0b010, 0b010, 0b111),
    "2": (0b111, 0b001, 0b111, 0b100, 0b111),
    "3": (0b111, 0b001, 0b111, 0b001, 0b111),
    "4": (0b101, 0b101, 0b111, 0b001, 0b001),
    "5": (0b111, 0b100, 0b111, 0b001, 0b111),
    "6": (0b111, 0b100, 0b111, 0b101, 0b111),
    "7": (0b111, 0b001, 0b010, 0b010, 0b010),
    "8": (0b111, 0b101, 0b111, 0b101, 0b111),
    "9": (0b111, 0b101, 0b111, 0b001, 0b111),
    ":": (0b000, 0b010, 0b000, 0b010, 0b000),
}
_FACE: Final = (
    "......#......",
    "......#......",
    "..#########..",
    ".##.......##.",
    ".#..##.##..#.",
    "##..##.##..##",
    "##.........##",
    ".#..#####..#.",
    ".##.......##.",
    "..#########..",
)


class Picture(VideoStreamTrack):
    """A video track of WIDTH x HEIGHT at FRAMES_PER_SECOND."""

    def __init__(self, clock: Clock, sign: int) -> None:
        super().__init__()
        self._clock = clock
        self._sign = sign
        self._frames = 0
        self._started_s = 0.0
        wave = bytes(70 + abs(60 - 120 * x // _BAND) for x in range(_BAND))
        self._wave = wave * (WIDTH // _BAND + 2)
        self._panel: list[bytes] = []
        self._panel_second = -1
        self._chroma = bytes([_TINT_BLUE]), bytes([_TINT_RED])

    async def recv(self) -> av.VideoFrame:
        """Wait for the next frame's moment and draw it."""
        if self.readyState != "live":
            raise MediaStreamError
        now_s = asyncio.get_running_loop().time()
        if not self._frames:
            self._started_s = now_s
        due_s = self._started_s + self._frames / FRAMES_PER_SECOND
        if due_s > now_s:
            await asyncio.sleep(due_s - now_s)
        elif now_s - due_s > 1:  # the machine slept: go on from now instead of catching up
            self._started_s += now_s - due_s
        frame = self.draw(self._clock.now_ms())
        frame.pts = self._frames * _CLOCK_RATE_HZ // FRAMES_PER_SECOND
        frame.time_base = _TIME_BASE
        self._frames += 1
        return frame

    def draw(self, now_ms: int) -> av.VideoFrame:
        """Return the picture of this instant."""
        rows = bytearray(code_rows(PictureCode(self._sign, now_ms), WIDTH))
        shift = now_ms // 20
        for y in range(_STRIP_HEIGHT, HEIGHT):
            offset = (shift + y) % _BAND
            rows += self._wave[offset : offset + WIDTH]
        for i, line in enumerate(self._panel_rows(now_ms)):
            start = (_PANEL_TOP + i) * WIDTH + _PANEL_LEFT
            rows[start : start + len(line)] = line
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        luma, blue, red = frame.planes
        luma.update(bytes(rows))
        blue.update(self._chroma[0] * blue.buffer_size)
        red.update(self._chroma[1] * red.buffer_size)
        return frame

    def _panel_rows(self, now_ms: int) -> list[bytes]:
        """Return the luma rows of the panel with the face and the clock; made anew once a second."""
        second = now_ms // 1_000
        if second != self._panel_second:
            self._panel_second = second
            clock = time.strftime("%H:%M:%S", time.gmtime(second))
            self._panel = [row for dots in _panel_dots(clock) for row in [_dot_row(dots)] * _PIXEL]
        return self._panel


def _panel_dots(clock: str) -> list[str]:
    """Return the panel as text, one character a dot: the face on the left, the clock beside it."""
    blank = "." * len(_FACE[0])
    digits = [
        ".".join(f"{_FONT[sign][line]:03b}".replace("0", ".").replace("1", "#") for sign in clock)
        for line in range(5)
    ]
    empty = "." * len(digits[0])
    beside = [empty] * 3 + digits + [empty] * 3
    return [f".{face}..{text}." for face, text in zip([*_FACE, blank], beside, strict=True)]


def _dot_row(dots: str) -> bytes:
    ink, paper = bytes([_INK_LUMA]) * _PIXEL, bytes([_PANEL_LUMA]) * _PIXEL
    return b"".join(ink if dot == "#" else paper for dot in dots)
