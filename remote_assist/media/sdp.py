"""Edit session descriptions (RFC 8866) as lines: replace the transport, keep all else byte for byte.

The two browsers negotiate with each other; the relay puts only its own transport in the place of
theirs. So nothing here knows a codec, and nothing here touches the world (ADR 0003).
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from remote_assist.errors import ProtocolViolation

MAX_BYTES: Final = 65_536
MAX_LINES: Final = 2_048
MAX_LINE_CHARS: Final = 4_096
MAX_MEDIA: Final = 16
MAX_SSRC_LINES: Final = 64
MAX_FINGERPRINTS: Final = 8

Kind = Literal["offer", "answer"]
Setup = Literal["actpass", "active", "passive"]

# RFC 8859 category TRANSPORT, as far as browsers write it, and the two that would put a second key
# beside DTLS-SRTP: crypto (RFC 4568) and cryptex (RFC 9335).
_DROPPED: Final = frozenset(
    (
        "candidate",
        "end-of-candidates",
        "remote-candidates",
        "ice-ufrag",
        "ice-pwd",
        "ice-options",
        "ice-lite",
        "ice-mismatch",
        "ice-pacing",
        "fingerprint",
        "setup",
        "tls-id",
        "rtcp",
        "crypto",
        "cryptex",
    )
)
# Header extensions encrypted hop by hop (RFC 6904) cannot pass a hop with other keys.
_ENCRYPTED_EXTENSION: Final = "urn:ietf:params:rtp-hdrext:encrypt"

_LINE: Final = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*")
_MEDIA: Final = re.compile(r"m=([a-z]+) ([0-9]{1,5})(?:/[0-9]{1,5})? (([A-Z/]+)((?: [^ ]+)+) ?)")
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_RTPMAP: Final = re.compile(r"a=rtpmap:([0-9]{1,3}) ([^/ ]+)/")
_FINGERPRINT: Final = re.compile(r"([A-Za-z0-9-]+) ((?:[0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2})")
_DIGEST_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}

_RTP_PROTOCOLS: Final = frozenset(("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF"))
_DATA_PROTOCOLS: Final = frozenset(("UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"))
# Repair streams have SSRCs of their own, for which nobody may ask a key frame.
_REPAIR_CODECS: Final = frozenset(("rtx", "ulpfec", "flexfec-03", "flexfec"))


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """What the sender of a description says of its own transport."""

    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    """Pairs of hash name (sha-256 or longer, lower case) and digest (upper case, with colons)."""
    setup: Setup


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """What the relay says of one of its legs."""

    ufrag: str
    pwd: str
    fingerprint: str
    """SHA-256 of the certificate, upper case, with colons."""
    setup: Setup
    candidates: tuple[tuple[str, int], ...]
    """Addresses and ports, the preferred one first; never empty."""


@dataclass(frozen=True, slots=True)
class _Section:
    """One m= line and what belongs to it."""

    media: str
    port: int
    protocol: str
    rest: str
    lines: tuple[str, ...]
    is_live: bool
    """Whether it has a transport. Port 0 means rejected, or in an offer bundle-only (RFC 8843)."""


@dataclass(frozen=True, slots=True)
class Description:
    """An offer or answer that has been checked."""

    transport: RemoteTransport
    video_payloads: frozenset[int]
    """Payload types of pictures, without repair streams."""
    _session: tuple[str, ...]
    _sections: tuple[_Section, ...]

    def with_transport(self, local: LocalTransport) -> str:
        """Return the description with the relay's transport in the place of the sender's."""
        address, port = local.candidates[0]
        connection = f"c=IN {'IP6' if ':' in address else 'IP4'} {address}"
        transport = tuple(_transport_lines(local))
        lines = [*_kept(self._session, connection), "a=ice-lite"]
        has_connection = any(line.startswith("c=") for line in self._session)
        for section in self._sections:
            lines.append(f"m={section.media} {port if section.port else 0} {section.rest}")
            own = list(_kept(section.lines, connection))
            if not has_connection and not any(line.startswith("c=") for line in own):
                own.insert(1 if own and own[0].startswith("i=") else 0, connection)
            if section.is_live:
                first_attribute = next((n for n, line in enumerate(own) if line[0] == "a"), len(own))
                own[first_attribute:first_attribute] = transport
            lines += own
        return "\r\n".join(lines) + "\r\n"


def parse_untrusted(sdp: str, kind: Kind) -> Description:
    """Return the checked description.

    Lines may end in CRLF or LF; they always leave with CRLF.

    Raises:
        ProtocolViolation: it is too large, is no SDP, or asks for what a splice cannot carry: several
            transports, RTCP on a port of its own, an ICE-lite sender, no DTLS with SHA-256 or better.
    """
    session, bodies = _split(_lines_untrusted(sdp))
    sections = tuple(_section(body, kind) for body in bodies)
    live = [section for section in sections if section.is_live]
    if not live:
        raise ProtocolViolation("sdp_no_media", "No section of the description has a transport.")
    if any(line == "a=ice-lite" for line in session):
        raise ProtocolViolation("sdp_ice_lite", "An ICE-lite participant cannot reach an ICE-lite relay.")
    tagged = _tagged(session, live)
    for section in live:
        _check_protocol(section)
    return Description(
        _transport((*tagged.lines, *session), kind), _video_payloads(sections), session, sections
    )


def _lines_untrusted(sdp: str) -> list[str]:
    """Return the lines, after every limit that costs nothing to check."""
    if len(sdp) > MAX_BYTES or len(sdp.encode("utf-8", "replace")) > MAX_BYTES:
        raise ProtocolViolation("sdp_too_large", f"A description has at most {MAX_BYTES} bytes.")
    lines = sdp.removesuffix("\n").removesuffix("\r").split("\n")
    if len(lines) > MAX_LINES:
        raise ProtocolViolation("sdp_too_many_lines", f"A description has at most {MAX_LINES} lines.")
    lines = [line.removesuffix("\r") for line in lines]
    if any(len(line) > MAX_LINE_CHARS for line in lines):
        raise ProtocolViolation("sdp_line_too_long", f"A line has at most {MAX_LINE_CHARS} characters.")
    if sum(line.startswith("a=ssrc") for line in lines) > MAX_SSRC_LINES:
        raise ProtocolViolation(
            "sdp_too_many_ssrcs", f"A description has at most {MAX_SSRC_LINES} ssrc lines."
        )
    if lines[0] != "v=0" or not all(_LINE.fullmatch(line) and _is_encodable(line) for line in lines):
        raise ProtocolViolation("sdp_invalid", "This is not a session description.")
    return lines


def _is_encodable(line: str) -> bool:
    """Whether the line has no lone surrogates, which no socket could send."""
    return line.isascii() or line.encode("utf-8", "replace").decode("utf-8") == line


def _split(lines: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Split into the session part and one part for each m= line."""
    bounds = [*(n for n, line in enumerate(lines) if line.startswith("m=")), len(lines)]
    if len(bounds) > MAX_MEDIA + 1:
        raise ProtocolViolation(
            "sdp_too_many_media", f"A description has at most {MAX_MEDIA} media sections."
        )
    return tuple(lines[: bounds[0]]), [tuple(lines[start:end]) for start, end in itertools.pairwise(bounds)]


def _section(body: Sequence[str], kind: Kind) -> _Section:
    match = _MEDIA.fullmatch(body[0])
    if match is None or int(match[2]) > 65_535:  # noqa: PLR2004 - ports have 16 bits
        raise ProtocolViolation("sdp_invalid", "A media line makes no sense.")
    lines, port = tuple(body[1:]), int(match[2])
    is_live = port != 0 or (kind == "offer" and "a=bundle-only" in lines)
    return _Section(match[1], port, match[4], match[3], lines, is_live)


def _tagged(session: Iterable[str], live: Sequence[_Section]) -> _Section:
    """Return the section whose transport all live ones share (RFC 8843 section 7)."""
    by_mid = {_value(section.lines, "mid"): section for section in live}
    if len(live) == 1:
        return live[0]
    for line in session:
        if line.startswith("a=group:BUNDLE"):
            mids = line.split(" ")[1:]
            if len(by_mid) == len(live) and all(mid in mids for mid in by_mid):
                return next(by_mid[mid] for mid in mids if mid in by_mid)
    raise ProtocolViolation("sdp_not_bundled", "All media must share one transport (BUNDLE).")


def _check_protocol(section: _Section) -> None:
    if section.protocol in _RTP_PROTOCOLS:
        if "a=rtcp-mux" not in section.lines:
            raise ProtocolViolation("sdp_no_rtcp_mux", "RTP and RTCP must share one port (rtcp-mux).")
    elif section.protocol not in _DATA_PROTOCOLS:
        raise ProtocolViolation("sdp_protocol", "Only DTLS-SRTP and DTLS-SCTP can be carried.")


def _transport(lines: Sequence[str], kind: Kind) -> RemoteTransport:
    """Read the transport; where section and session both speak, ``lines`` has the section first."""
    ufrag, pwd = _value(lines, "ice-ufrag"), _value(lines, "ice-pwd")
    if ufrag is None or pwd is None or not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise ProtocolViolation("sdp_no_ice", "The description has no valid ICE user name and password.")
    setup = _value(lines, "setup")
    match setup:
        case "active" | "passive":
            return RemoteTransport(ufrag, pwd, _fingerprints(lines), setup)
        case "actpass" if kind == "offer":
            return RemoteTransport(ufrag, pwd, _fingerprints(lines), "actpass")
        case _:
            raise ProtocolViolation("sdp_setup", f"The DTLS role of this {kind} is missing or not allowed.")


def _fingerprints(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the usable fingerprints, each once. Weaker hashes than SHA-256 are as good as none."""
    found: dict[tuple[str, str], None] = {}
    for line in lines:
        if not line.startswith("a=fingerprint:"):
            continue
        match = _FINGERPRINT.fullmatch(line.removeprefix("a=fingerprint:").rstrip(" "))
        if match is None:
            raise ProtocolViolation("sdp_fingerprint", "A certificate fingerprint makes no sense.")
        name, digest = match[1].lower(), match[2].upper()
        if _DIGEST_BYTES.get(name) == (len(digest) + 1) // 3:
            found[name, digest] = None
    if not 1 <= len(found) <= MAX_FINGERPRINTS:
        raise ProtocolViolation(
            "sdp_fingerprint", "One to eight fingerprints of SHA-256 or better are needed."
        )
    return tuple(found)


def _video_payloads(sections: Iterable[_Section]) -> frozenset[int]:
    payloads: set[int] = set()
    for section in sections:
        if section.media == "video":
            maps = (_RTPMAP.match(line) for line in section.lines)
            payloads |= {int(m[1]) for m in maps if m and m[2].lower() not in _REPAIR_CODECS}
    return frozenset(payload for payload in payloads if payload <= 127)  # noqa: PLR2004 - seven bits


def _value(lines: Iterable[str], name: str) -> str | None:
    """Return the value of the first attribute ``name``."""
    prefix = f"a={name}:"
    return next((line[len(prefix) :] for line in lines if line.startswith(prefix)), None)


def _kept(lines: Iterable[str], connection: str) -> Iterator[str]:
    """Yield the lines that are not transport, with the relay's address for the sender's."""
    for line in lines:
        if line.startswith("c="):
            yield connection
        elif not (line.startswith("a=") and _is_dropped(line)):
            yield line


def _is_dropped(line: str) -> bool:
    name = line[2:].partition(":")[0]
    return name in _DROPPED or (name == "extmap" and _ENCRYPTED_EXTENSION in line)


def _transport_lines(local: LocalTransport) -> Iterator[str]:
    yield f"a=ice-ufrag:{local.ufrag}"
    yield f"a=ice-pwd:{local.pwd}"
    yield f"a=fingerprint:sha-256 {local.fingerprint}"
    yield f"a=setup:{local.setup}"
    for n, (address, port) in enumerate(local.candidates):
        # RFC 8445 section 5.1.2.1: type preference 126, local preference falling, component 1.
        priority = (126 << 24) | ((65_535 - n) << 8) | 255
        yield f"a=candidate:{n + 1} 1 udp {priority} {address} {port} typ host"
    yield "a=end-of-candidates"
