"""What a file is, by its content, and what it may be called."""

import contextlib
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import Invalid
from remote_assist.sessions.sniffing import FILE_BYTES_MAX, NAME_MAX, Kind, kind_untrusted, safe_name

PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
JPEG_HEAD: Final = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x0b\x08"


def png(width: int = 3, height: int = 2) -> bytes:
    """Return the beginning of a PNG."""
    return PNG_HEAD + struct.pack(">II", width, height) + b"\x08\x06\0\0\0"


def jpeg(width: int = 3, height: int = 2) -> bytes:
    """Return the beginning of a JPEG, with a fill byte before its frame."""
    return JPEG_HEAD + struct.pack(">HH", height, width)


def webp(form: bytes, rest: bytes) -> bytes:
    """Return the beginning of a WebP."""
    return b"RIFF\0\0\0\0WEBP" + form + b"\0\0\0\0" + rest


GOOD: Final = {
    "png": (png(), "image/png"),
    "jpeg": (jpeg(), "image/jpeg"),
    "gif": (b"GIF89a\3\0\2\0", "image/gif"),
    "webp extended": (webp(b"VP8X", b"\0\0\0\0\2\0\0\1\0\0"), "image/webp"),
    "webp lossless": (webp(b"VP8L", b"\x2f\2\x40\0\0"), "image/webp"),
    "webp lossy": (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\3\0\2\0"), "image/webp"),
    "pdf": (b"%PDF-1.7\n\0", "application/pdf"),
    "a router's log": ("\x1b[1mDSL: kein Trägersignal\x1b[0m\r\n\t".encode(), "text/plain"),
    "a page is only text": (b"<script>alert(1)</script>", "text/plain"),
}
BAD: Final = {
    "a program": (b"MZ\x90\0\3", "file_type_refused"),
    "an archive": (b"PK\3\4\0\0", "file_type_refused"),
    "not utf-8": (b"\xe4\xf6\xfc", "file_type_refused"),
    "nothing": (b"", "file_empty"),
    "a cut picture": (PNG_HEAD + b"\0\0", "file_type_refused"),
    "a jpeg without a frame": (b"\xff\xd8\xff\xe0\0\x04ab\0\0\0\0\0\0", "file_type_refused"),
    "a cut jpeg": (b"\xff\xd8\xff\xe0\0\x04", "file_type_refused"),
    "an unknown webp": (webp(b"ABCD", b"\0"), "file_type_refused"),
    "a bomb": (png(100_000, 100_000), "picture_too_large"),
    "a picture of no size": (jpeg(0, 9), "picture_too_large"),
    "too much": (b"x" * (FILE_BYTES_MAX + 1), "file_too_large"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_taken_is_known_by_its_content(name: str) -> None:
    """Pictures, PDF and text, whatever their name says."""
    content, media_type = GOOD[name]
    assert kind_untrusted(content).media_type == media_type


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_refused(name: str) -> None:
    """With a code that a page can turn into a sentence."""
    content, code = BAD[name]
    with pytest.raises(Invalid, match=code):
        kind_untrusted(content)


@given(st.sampled_from([one for one, _ in GOOD.values()]), st.binary(max_size=40), st.integers(0, 40))
def test_nothing_but_a_refusal_escapes(good: bytes, noise: bytes, cut: int) -> None:
    """However a header is broken."""
    with contextlib.suppress(Invalid):
        kind_untrusted(good[:cut] + noise)


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("C:\\windows\\evil.exe", "evil.png"),
        ("photo.PNG", "photo.PNG"),
        ("a\u202egnp.exe", "agnp.png"),
        ("..", "file.png"),
        (".png", "png.png"),
        ("", "file.png"),
        ("one\r\ntwo\x00.png", "onetwo.png"),
        ('<img src="x">.svg', "img src=x.png"),
        ("Wohnzimmer & Küche 1.jpg", "Wohnzimmer & Küche 1.png"),
    ],
)
def test_names_are_made_safe(given_name: str, expected: str) -> None:
    """No path, no markup, no hidden ending."""
    assert safe_name(given_name, kind_untrusted(png())) == expected


@given(st.text(max_size=400))
def test_every_name_is_bounded_and_ends_as_its_kind(name: str) -> None:
    """Whatever was typed."""
    kind: Kind = kind_untrusted(b"text")
    safe = safe_name(name, kind)
    assert len(safe) <= NAME_MAX
    assert safe.lower().endswith(kind.endings)
    assert not set('/\\\0\r\n"<>') & set(safe)
    safe.encode()
