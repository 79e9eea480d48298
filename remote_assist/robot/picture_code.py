"""A bar code that a picture carries through encoders: who drew it, and when.

44 cells in two rows of 22 along the top edge: 4 bits for the sign of who draws, 36 bits of a millisecond
clock, 4 check bits. Cells are as wide as a 22nd of the picture, so the code survives any scaling.
Pure: bytes in, bytes out. The same code is drawn and read by web pages in tests/kit/picture.js.
"""

from dataclasses import dataclass
from typing import Final

COLUMNS: Final = 22
CLOCK_BITS: Final = 36
_DATA_BITS: Final = 40
_CHECK_SEED: Final = 0b1010
"""So that an all-black picture is not a valid code."""
_BLACK: Final = 16
_WHITE: Final = 235
"""Luma range of limited-range video (ITU-R BT.601)."""
_THRESHOLD: Final = 126


@dataclass(frozen=True, slots=True)
class PictureCode:
    """What a picture says: the drawer's ``sign`` (0-15) and its clock, in ms modulo 2**36."""

    sign: int
    clock_ms: int

    def age_ms(self, now_ms: int) -> int:
        """Return how long ago the picture was drawn, by a clock that agrees with the drawer's."""
        return (now_ms - self.clock_ms) % (1 << CLOCK_BITS)


def code_bits(code: PictureCode) -> list[int]:
    """Return the 44 cells, most significant bit first."""
    value = (code.sign & 0xF) << CLOCK_BITS | code.clock_ms & ((1 << CLOCK_BITS) - 1)
    check = _check(value)
    return [value >> i & 1 for i in reversed(range(_DATA_BITS))] + [check >> i & 1 for i in (3, 2, 1, 0)]


def code_rows(code: PictureCode, width: int) -> bytes:
    """Return the luma rows of the code strip for a picture of this width, top row first."""
    bits = code_bits(code)
    height = width // COLUMNS
    edges = [i * width // COLUMNS for i in range(COLUMNS + 1)]
    rows = bytearray()
    for start in (0, COLUMNS):
        row = b"".join(
            bytes([_WHITE if bits[start + i] else _BLACK]) * (edges[i + 1] - edges[i]) for i in range(COLUMNS)
        )
        rows += row * height
    return bytes(rows)


def read_luma(luma: memoryview | bytes, stride: int, width: int) -> PictureCode | None:
    """Return the code of a picture's luma plane, or None when there is no valid one."""
    cell = width / COLUMNS
    if len(luma) < stride * int(2 * cell):
        return None
    value = 0
    for i in range(_DATA_BITS + 4):
        x = int((i % COLUMNS + 0.5) * cell)
        y = int((i // COLUMNS + 0.5) * cell)
        value = value << 1 | (luma[y * stride + x] > _THRESHOLD)
    data, check = value >> 4, value & 0xF
    if _check(data) != check:
        return None
    return PictureCode(sign=data >> CLOCK_BITS, clock_ms=data & ((1 << CLOCK_BITS) - 1))


def _check(value: int) -> int:
    check = _CHECK_SEED
    for shift in range(0, _DATA_BITS, 4):
        check ^= value >> shift & 0xF
    return check
