"""What a file is, by its content alone: names and declared types are claims of a stranger. Pure.

Only types that are harmless to show or to keep are known; everything else is refused. Sizes of pictures are
read from their headers: nothing is decoded here, and a picture that would fill a phone's memory is refused.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from remote_assist.errors import Invalid

FILE_BYTES_MAX: Final = 10 * 1024 * 1024
PIXELS_MAX: Final = 64_000_000
"""Of one picture: 256 MB once decoded. A phone's camera makes 12 to 50 million."""
NAME_MAX: Final = 120

_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\"*:<>?|]"
)
"""Control characters, marks that turn the direction of writing, and what file systems forbid."""
_CONTROLS: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG that give height and width. Source: ITU-T T.81, table B.1."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that is taken, and how names of it end."""

    media_type: str
    endings: tuple[str, ...]


_PNG: Final = Kind("image/png", (".png",))
_JPEG: Final = Kind("image/jpeg", (".jpg", ".jpeg"))
_GIF: Final = Kind("image/gif", (".gif",))
_WEBP: Final = Kind("image/webp", (".webp",))
_PDF: Final = Kind("application/pdf", (".pdf",))
_TEXT: Final = Kind("text/plain", (".txt", ".log", ".csv", ".md"))


def kind_untrusted(content: bytes) -> Kind:
    """Return what the content is.

    Raises:
        Invalid: ``file_empty``, ``file_too_large``, ``file_type_refused`` or ``picture_too_large``.
    """
    if not content:
        raise Invalid("file_empty", "The file is empty.")
    if len(content) > FILE_BYTES_MAX:
        raise Invalid("file_too_large", f"A file has at most {FILE_BYTES_MAX >> 20} MiB.")
    found = _picture(content)
    if found is not None:
        kind, (width, height) = found
        if not 0 < width * height <= PIXELS_MAX:
            raise Invalid("picture_too_large", f"A picture has at most {PIXELS_MAX:,} pixels.")
        return kind
    if content.startswith(b"%PDF-"):
        return _PDF
    if _is_text(content):
        return _TEXT
    raise Invalid("file_type_refused", "Pictures, PDF and plain text are taken; this is something else.")


def safe_name(name: str, kind: Kind) -> str:
    """Return a name without path or tricks that ends as its kind does: ``../a.exe`` becomes ``a.png``."""
    last = re.split(r"[/\\]", name)[-1]
    clean = " ".join(_UNPRINTABLE.sub("", last).split()).strip(". ")
    if clean.lower().endswith(kind.endings):
        stem, dot, ending = clean.rpartition(".")
        return f"{stem[: NAME_MAX - len(ending) - 1] or 'file'}{dot}{ending}"
    stem = clean.rpartition(".")[0] or clean
    return f"{stem[: NAME_MAX - len(kind.endings[0])] or 'file'}{kind.endings[0]}"


def _picture(content: bytes) -> tuple[Kind, tuple[int, int]] | None:
    """Return kind, width and height of a picture; None if it is none, or cut off in its header."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
            return _PNG, struct.unpack_from(">II", content, 16)
        if content.startswith((b"GIF87a", b"GIF89a")):
            return _GIF, struct.unpack_from("<HH", content, 6)
        if content.startswith(b"\xff\xd8\xff"):
            return _JPEG, _jpeg_size(content)
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _WEBP, _webp_size(content)
    except (struct.error, ValueError):
        pass
    return None


def _jpeg_size(content: bytes) -> tuple[int, int]:
    place = 2
    while True:
        mark, marker, length = struct.unpack_from(">BBH", content, place)
        if mark != 0xFF:  # noqa: PLR2004 - every marker begins with it
            raise ValueError("no marker")
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", content, place + 5)
            return width, height
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            place += 1
        else:
            place += 2 + max(length, 2)


def _webp_size(content: bytes) -> tuple[int, int]:
    """Source: RFC 9649, sections 2.5 to 2.7."""
    form = content[12:16]
    if form == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", content, 24)
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no known form")


def _is_text(content: bytes) -> bool:
    """UTF-8 without control characters other than those of terminals; what a router's log is."""
    if not _CONTROLS.isdisjoint(content):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
