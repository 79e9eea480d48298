"""The packet path of one direction: decrypt with the near leg's keys, encrypt with the far leg's, send.

No await, no lock, no log line, no queue; a packet is never decoded, rewritten or reordered. The only
packet that begins here is an RTCP picture loss indication (RFC 4585 section 6.3.1).
"""

import contextlib
import struct
from collections import Counter
from collections.abc import Callable
from typing import Final

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session as SrtpSession

from remote_assist.media.flow import FlowMeter
from remote_assist.media.ice import Address

MAX_SSRCS: Final = 16
"""Streams per leg at a time: sound, camera, screen and their repair streams are 5; libsrtp keeps memory
for each. The one unheard of for longest gives way to a new one."""
SSRC_IDLE_MS: Final = 10_000
"""A stream that was heard more recently never gives way."""
MAX_RETIRED_SSRCS: Final = 256
"""Streams that gave way are refused for good, as their replay protection is gone (RFC 3711 section
3.3.2). With as many of them no new stream is accepted; a fresh generation starts at zero."""
MAX_DATAGRAMS_PER_SWEEP: Final = 750
"""3,000 datagrams a second from one leg, of every kind; an honest one sends 200-600."""
PLI_GAP_MS: Final = 500
"""Between two key frame requests to one leg."""

_MIN_RTP_BYTES: Final = 12
_PLI: Final = struct.Struct("!BBHII")
_OWN_SSRC: Final = 1
"""The sender of our requests. Browsers use 1 where they send no media, and look only at the target."""
_RTCP_TYPES: Final = range(192, 224)
"""RFC 5761 section 4: the second byte of RTCP, where RTP has marker and payload type."""


class Forward:
    """What arrives at one leg (near) goes to the other (far)."""

    __slots__ = (
        "_counters",
        "_first_payloads",
        "_heard",
        "_last_pli_ms",
        "_on_gap",
        "_protect",
        "_protect_rtcp",
        "_retired",
        "_rx",
        "_send",
        "_tx",
        "_unprotect",
        "_unprotect_rtcp",
        "budget",
        "heard_ms",
        "is_open",
        "meter",
        "target",
        "video_payloads",
    )

    def __init__(
        self, send: Callable[[bytes, Address], None], counters: Counter[str], on_gap: Callable[[int], None]
    ) -> None:
        """``on_gap`` is told the instant of the first RTP packet after a silence, before it goes out."""
        self.is_open = False
        """Whether RTP goes through. RTCP always does."""
        self.target: Address | None = None
        """Where the far participant is."""
        self.budget = MAX_DATAGRAMS_PER_SWEEP
        self.meter = FlowMeter()
        self.heard_ms = self.meter.last_ms
        """Arrival of the newest authentic datagram other than RTP."""
        self.video_payloads: frozenset[int] = frozenset()
        """Payload types of pictures, so that nobody asks a microphone for a key frame."""
        self._send = send
        self._counters = counters
        self._on_gap = on_gap
        self._heard: dict[bytes, int] = {}
        self._first_payloads: dict[bytes, int] = {}
        self._retired: set[bytes] = set()
        self._last_pli_ms = self.meter.last_ms
        self._rx: SrtpSession | None = None
        self._tx: SrtpSession | None = None

    def near_connected(self, rx: SrtpSession) -> None:
        """Take the session that decrypts what comes from the near leg."""
        self._rx, self._unprotect, self._unprotect_rtcp = rx, rx.unprotect, rx.unprotect_rtcp

    def far_connected(self, tx: SrtpSession) -> None:
        """Take the session that encrypts what goes to the far leg."""
        self._tx, self._protect, self._protect_rtcp = tx, tx.protect, tx.protect_rtcp

    def packet(self, data: bytes, now_ms: int) -> bool:
        """Forward an SRTP or SRTCP datagram. Return whether it was authentic.

        ``data``: first byte 128-191 (RFC 7983), any length, from a verified address.
        """
        self.budget -= 1
        if self._rx is None or self.budget < 0 or len(data) < _MIN_RTP_BYTES:
            return self._drop("dropped_early" if self._rx is None else "dropped_over_limit")
        if data[1] in _RTCP_TYPES:
            return self._rtcp(data, now_ms)
        ssrc = data[8:12]
        is_new = ssrc not in self._heard
        if is_new and not self._may_begin(ssrc, now_ms):
            return self._drop("dropped_ssrc")
        try:
            plain = self._unprotect(data)
        except (SrtpError, ValueError):
            return self._drop("dropped_not_authentic")
        if is_new:
            self._make_room()
            self._first_payloads[ssrc] = data[1] & 0x7F
        self._heard[ssrc] = now_ms
        if self.meter.arrived(now_ms):
            self._on_gap(now_ms)
        if not self.is_open or self.target is None:
            self._counters["held_rtp"] += 1
            return True
        try:
            self._send(self._protect(plain), self.target)
        except (SrtpError, ValueError):
            self._counters["dropped_not_encrypted"] += 1
        else:
            self._counters["forwarded_rtp"] += 1
        return True

    def send_rtcp(self, plain: bytes) -> None:
        """Encrypt RTCP for the far leg and send it, if there is a way."""
        if self._tx is None or self.target is None:
            return
        try:
            self._send(self._protect_rtcp(plain), self.target)
        except (SrtpError, ValueError):
            self._counters["dropped_not_encrypted"] += 1
        else:
            self._counters["forwarded_rtcp"] += 1

    def key_frame_request(self, now_ms: int) -> bytes | None:
        """Return RTCP that asks the near leg for a key frame of each picture it sends, or None.

        None if it sends none, or was asked less than ``PLI_GAP_MS`` ago.
        """
        pictures = [ssrc for ssrc, payload in self._first_payloads.items() if payload in self.video_payloads]
        if not pictures or now_ms - self._last_pli_ms < PLI_GAP_MS:
            return None
        self._last_pli_ms = now_ms
        self._counters["key_frame_requests"] += 1
        return b"".join(_PLI.pack(0x81, 206, 2, _OWN_SSRC, int.from_bytes(ssrc, "big")) for ssrc in pictures)

    def _rtcp(self, data: bytes, now_ms: int) -> bool:
        ssrc = data[4:8]
        is_new = ssrc not in self._heard
        if is_new and not self._may_begin(ssrc, now_ms):
            return self._drop("dropped_ssrc")
        try:
            plain = self._unprotect_rtcp(data)
        except (SrtpError, ValueError):
            return self._drop("dropped_not_authentic")
        if is_new:
            self._make_room()
        self._heard[ssrc] = self.heard_ms = now_ms
        self.send_rtcp(plain)
        return True

    def _drop(self, reason: str) -> bool:
        self._counters[reason] += 1
        return False

    def _may_begin(self, ssrc: bytes, now_ms: int) -> bool:
        """Whether a stream not heard of yet may be let in, if its first packet proves authentic."""
        if len(self._heard) < MAX_SSRCS:
            return ssrc not in self._retired
        idle_longest = min(self._heard.values())
        has_idle = now_ms - idle_longest > SSRC_IDLE_MS and len(self._retired) < MAX_RETIRED_SSRCS
        return has_idle and ssrc not in self._retired

    def _make_room(self) -> None:
        """Retire the stream unheard of for longest, if there are as many as may be."""
        if len(self._heard) < MAX_SSRCS:
            return
        oldest = min(self._heard, key=self._heard.__getitem__)
        del self._heard[oldest]
        self._first_payloads.pop(oldest, None)
        self._retired.add(oldest)
        for session in (self._rx, self._tx):
            if session is not None:
                # A stream that was held back was never in the far session, which is as good as removed.
                with contextlib.suppress(SrtpError):
                    session.remove_stream(int.from_bytes(oldest, "big"))
