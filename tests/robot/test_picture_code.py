"""The code survives what encoders and scalers do to a picture, and is never read where none is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.robot.picture_code import COLUMNS, PictureCode, code_bits, code_rows, read_luma

codes = st.builds(PictureCode, sign=st.integers(0, 15), clock_ms=st.integers(0, 2**36 - 1))


@given(code=codes, width=st.sampled_from([176, 320, 333, 640, 1280]))
def test_what_is_drawn_is_read(code: PictureCode, width: int) -> None:
    """Every code is read back at every width."""
    rows = code_rows(code, width)
    assert len(rows) == 2 * (width // COLUMNS) * width
    padded = rows + bytes(width * 8)
    assert read_luma(padded, width, width) == code


@given(code=codes, noise=st.integers(0, 70))
def test_noise_below_half_the_range_changes_nothing(code: PictureCode, noise: int) -> None:
    """Compression errors do not change what is read."""
    rows = bytes(
        min(255, luma + noise) if luma < 128 else max(0, luma - noise) for luma in code_rows(code, 320)
    )
    assert read_luma(rows + bytes(320 * 4), 320, 320) == code


@given(code=codes, cell=st.integers(0, 43))
def test_a_flipped_cell_is_noticed(code: PictureCode, cell: int) -> None:
    """One cell read wrongly never yields a code."""
    width, height = 220, 10
    rows = bytearray(code_rows(code, width)) + bytearray(width * 4)
    x, y = cell % COLUMNS * 10, cell // COLUMNS * height
    for line in range(y, y + height):
        for column in range(x, x + 10):
            rows[line * width + column] = 255 - rows[line * width + column]
    assert read_luma(bytes(rows), width, width) is None


@pytest.mark.parametrize("luma", [0, 16, 127, 128, 235, 255])
def test_a_flat_picture_has_no_code(luma: int) -> None:
    """A black, grey or white picture is not mistaken for a code."""
    assert read_luma(bytes([luma]) * (64 * 64), 64, 64) is None


def test_a_picture_too_small_for_the_strip_has_no_code() -> None:
    """Nothing is read beyond the end of a plane."""
    assert read_luma(b"\x00" * 16, 640, 640) is None


def test_the_clock_may_wrap() -> None:
    """An age is right across the wrap of the 36-bit clock."""
    assert PictureCode(sign=1, clock_ms=2**36 - 5).age_ms(2**36 * 7 + 10) == 15


def test_a_code_is_44_cells() -> None:
    """The layout is two full rows."""
    assert len(code_bits(PictureCode(sign=3, clock_ms=1))) == 2 * COLUMNS
