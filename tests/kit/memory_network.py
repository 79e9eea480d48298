"""A relay without sockets: the real port, legs and splice, a clock the test moves, and participants.

Datagrams are delivered at once and in order, unless the test holds them. DTLS and SRTP are real.
"""

import asyncio
import re
import struct

from aioice import stun
from pylibsrtp import Session as SrtpSession

from remote_assist.media.dtls import DtlsAssociation, Role
from remote_assist.media.facts import Fact, FailureReason, LegConnected, LegName
from remote_assist.media.ice import Address, fresh_credentials
from remote_assist.media.port import UdpPort
from remote_assist.media.splice import Splice

AUDIO_SSRC = 0x0A
VIDEO_SSRC = 0x0B
RTX_SSRC = 0x0C
OPUS, VP8, RTX = 111, 96, 97
WAIT_S = 20.0
"""Far more than anything here takes; a test that waits longer has failed."""


class MemoryPort(UdpPort):
    """The real port, whose datagrams go to participants in memory."""

    def __init__(self, network: "MemoryNetwork") -> None:
        super().__init__(lambda: network.now_ms)
        self.candidates = (("203.0.113.1", 10_000),)
        self.network = network

    def send(self, data: bytes, address: Address) -> None:
        self.network.deliver(data, address)


class MemoryNetwork:
    """One splice, two participants, and the time."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.port = MemoryPort(self)
        self.facts: list[Fact] = []
        self.both_legs_connected = asyncio.Event()
        self.at: dict[Address, Participant] = {}
        self.splice = Splice("s:1", self.port, self._note)
        self.a = Participant(self, "a", ("192.0.2.1", 5_001))
        self.b = Participant(self, "b", ("192.0.2.2", 5_002))

    def _note(self, fact: Fact) -> None:
        self.facts.append(fact)
        if sum(isinstance(known, LegConnected) for known in self.facts) == 2:
            self.both_legs_connected.set()

    def deliver(self, data: bytes, address: Address) -> None:
        """Hand what the relay sends to whoever is there."""
        if address in self.at:
            self.at[address].receive(data, address)

    def advance(self, ms: int) -> None:
        """Let time pass; the relay's sweep runs at its end."""
        self.now_ms += ms
        self.splice.sweep(self.now_ms)

    def negotiate(self) -> None:
        """Let ``a`` offer and ``b`` answer through the splice."""
        self.b.hear(self.splice.carry("a", "offer", self.a.describe("actpass")))
        self.a.hear(self.splice.carry("b", "answer", self.b.describe("active")))

    async def connect(self) -> None:
        """Bring both participants to where media may flow."""
        self.negotiate()
        for participant in (self.a, self.b):
            participant.check(nominate=True)
            participant.start_dtls()
        async with asyncio.timeout(WAIT_S):
            for event in (self.a.connected, self.b.connected, self.both_legs_connected):
                await event.wait()

    async def close(self) -> None:
        """End every task."""
        tasks = [*self.splice.close(), *self.a.dtls.close(), *self.b.dtls.close()]
        await asyncio.gather(*tasks, return_exceptions=True)


class Participant:
    """A participant made of parts: its checks, its DTLS, its SRTP, and what it has received."""

    def __init__(self, network: MemoryNetwork, name: LegName, address: Address) -> None:
        self.network, self.name, self.address = network, name, address
        network.at[address] = self
        self.credentials = fresh_credentials()
        self.relay_ufrag = self.relay_pwd = ""
        self.relay_fingerprints: tuple[tuple[str, str], ...] = ()
        self.connected = asyncio.Event()
        self.failed: list[FailureReason] = []
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.data: list[bytes] = []
        self.stun: list[stun.Message] = []
        self.arrived_at: list[Address] = []
        self.sequence = 100
        self._rx: SrtpSession
        self.tx: SrtpSession
        self.dtls = DtlsAssociation(
            send=self.send,
            on_connected=self._connected,
            on_data=self.data.append,
            on_failed=self.failed.append,
        )

    def describe(self, setup: str) -> str:
        """Return a small description of sound, picture and data."""
        transport = (
            f"c=IN IP4 0.0.0.0\r\na=ice-ufrag:{self.credentials.ufrag}\r\n"
            f"a=ice-pwd:{self.credentials.pwd}\r\n"
            f"a=fingerprint:sha-256 {self.dtls.fingerprint}\r\na=setup:{setup}\r\n"
        )
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
            f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}\r\n{transport}a=mid:0\r\na=rtcp-mux\r\n"
            f"a=rtpmap:{OPUS} opus/48000/2\r\n"
            f"m=video 9 UDP/TLS/RTP/SAVPF {VP8} {RTX}\r\n{transport}a=mid:1\r\na=rtcp-mux\r\n"
            f"a=rtpmap:{VP8} VP8/90000\r\na=rtpmap:{RTX} rtx/90000\r\n"
            f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:2\r\n"
        )

    def hear(self, sdp: str) -> None:
        """Learn the relay's transport from a description."""
        named = dict(re.findall(r"(?m)^a=(ice-ufrag|ice-pwd|fingerprint):(.*)\r$", sdp))
        self.relay_ufrag, self.relay_pwd = named["ice-ufrag"], named["ice-pwd"]
        name, _, digest = named["fingerprint"].partition(" ")
        self.relay_fingerprints = ((name, digest),)

    def send(self, data: bytes, source: Address | None = None) -> None:
        """Let a datagram arrive at the relay, from this participant's address if not another one."""
        self.network.port.receive(data, source or self.address, self.network.now_ms)

    def check(self, *, nominate: bool = False, source: Address | None = None) -> None:
        """Send a connectivity check."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.relay_ufrag}:{self.credentials.ufrag}"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 42
        if nominate:
            request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.relay_pwd.encode())
        if source is not None:
            self.network.at[source] = self
        self.send(bytes(request), source)

    def start_dtls(self, role: Role = "client") -> None:
        """Begin the handshake."""
        self.dtls.start(role, self.relay_fingerprints)

    def send_rtp(
        self,
        payload_type: int = OPUS,
        ssrc: int = AUDIO_SSRC,
        payload: bytes = b"sound",
        source: Address | None = None,
    ) -> bytes:
        """Send an SRTP packet, and return it as it was before encryption."""
        self.sequence += 1
        plain = (
            struct.pack("!BBHII", 0x80, payload_type, self.sequence & 0xFFFF, self.sequence, ssrc) + payload
        )
        self.send(self.tx.protect(plain), source)
        return plain

    def send_rtcp(self, ssrc: int = AUDIO_SSRC) -> bytes:
        """Send an SRTCP receiver report, and return it as it was before encryption."""
        plain = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
        self.send(self.tx.protect_rtcp(plain))
        return plain

    def receive(self, data: bytes, address: Address) -> None:
        """Take what the relay sends."""
        self.arrived_at.append(address)
        first = data[0]
        if first < 4:
            self.stun.append(stun.parse_message(data))
        elif first < 64:
            self.dtls.receive(data)
        elif data[1] in range(192, 224):
            self.rtcp.append(self._rx.unprotect_rtcp(data))
        else:
            self.rtp.append(self._rx.unprotect(data))

    @property
    def key_frames_asked(self) -> list[int]:
        """The SSRCs of the pictures somebody asked a key frame for, in order."""
        packets = (rtcp[n : n + 12] for rtcp in self.rtcp if rtcp[1] == 206 for n in range(0, len(rtcp), 12))
        return [int.from_bytes(packet[8:12], "big") for packet in packets]

    def _connected(self, rx: SrtpSession, tx: SrtpSession) -> None:
        self._rx, self.tx = rx, tx
        self.connected.set()
