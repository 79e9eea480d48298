"""The relay's half facing one participant: its ICE, its DTLS, and when RTP may go to it.

Whatever goes wrong here is a counted drop or one ``LegFailed``; it never touches the far leg.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from pylibsrtp import Session as SrtpSession

from remote_assist.errors import ProtocolViolation
from remote_assist.media.dtls import DtlsAssociation, Role
from remote_assist.media.facts import (
    Fact,
    FailureReason,
    LegConnected,
    LegFailed,
    LegName,
    LegResumed,
    LegSilent,
)
from remote_assist.media.forward import MAX_DATAGRAMS_PER_SWEEP, Forward
from remote_assist.media.ice import Address, BindingRequest, IceAgent
from remote_assist.media.sdp import Description, Kind, LocalTransport

SILENT_MS: Final = 2_000
"""A connected leg from which nothing authentic came for longer is silent."""
STARVED_MS: Final = 3_000
"""RTP towards a leg stops when it sent no RTP for longer: nobody watches for free."""


class Surroundings(Protocol):
    """What a leg needs of the port it lives on."""

    counters: Counter[str]
    candidates: tuple[Address, ...]

    def now_ms(self) -> int:
        """Return UTC milliseconds."""
        ...

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram; a failure is counted, never raised."""
        ...

    def register(self, leg: "Leg") -> None:
        """Let checks with the leg's credentials reach it, and only those."""
        ...

    def bind(self, address: Address, leg: "Leg") -> None:
        """Let datagrams from a verified address reach the leg."""
        ...

    def release(self, leg: "Leg", addresses: tuple[Address, ...]) -> None:
        """Undo ``bind`` for some addresses."""
        ...

    def forget(self, leg: "Leg") -> None:
        """Undo ``register``."""
        ...


class Leg:
    """One leg of a splice. ``join`` it with the far one before anything else."""

    def __init__(
        self, splice_id: str, name: LegName, port: Surroundings, on_fact: Callable[[Fact], None]
    ) -> None:
        self.name: LegName = name
        self.ice = IceAgent()
        self.incoming = Forward(port.send, port.counters, self._rtp_began)
        """The direction from this leg to the far one."""
        self.outgoing: Forward
        """The direction from the far leg to this one."""
        self.is_connected = False
        self._splice_id = splice_id
        self._port = port
        self._on_fact = on_fact
        self.dtls = DtlsAssociation(
            send=self._send, on_connected=self._connected, on_data=self._data, on_failed=self._failed
        )
        self._role: Role = "server"
        self._fingerprints: tuple[tuple[str, str], ...] = ()
        self._far_dtls: DtlsAssociation
        self._is_gate_open = False
        self._rtp_owed_since_ms = 0
        self._silent_since_ms: int | None = None
        port.register(self)

    def join(self, far: "Leg") -> None:
        """Make what arrives here go to ``far``."""
        self._far_dtls = far.dtls
        far.outgoing = self.incoming

    def hear(self, description: Description, kind: Kind) -> None:
        """Take the participant's transport from its description.

        Raises:
            ProtocolViolation: it is of another RTCPeerConnection than before. Nothing has changed then.
        """
        transport = description.transport
        if self.dtls.is_started and set(transport.fingerprints) != set(self._fingerprints):
            raise ProtocolViolation("dtls_restart", "A new connection needs a new splice generation.")
        role = self._role
        if transport.setup != "actpass":
            role = "client" if transport.setup == "passive" else "server"
        if self.dtls.is_started and role != self._role:
            raise ProtocolViolation("dtls_role", "The DTLS role of a connection cannot change.")
        self._role, self._fingerprints = role, transport.fingerprints
        if kind == "offer":
            self.ice.hear_offer(transport.ufrag, transport.pwd)
        else:
            self.ice.hear_answer(transport.ufrag, transport.pwd)
        self._port.register(self)
        self._start_dtls()

    def speak(self, kind: Kind) -> LocalTransport:
        """Return the transport for a description to the participant."""
        if kind == "offer":
            credentials = self.ice.speak_offer()
        else:
            credentials = self.ice.speak_answer()
            self._port.register(self)
        return LocalTransport(
            ufrag=credentials.ufrag,
            pwd=credentials.pwd,
            fingerprint=self.dtls.fingerprint,
            setup="actpass" if kind == "offer" else "passive" if self._role == "server" else "active",
            candidates=self._port.candidates,
        )

    def check(self, request: BindingRequest, source: Address, now_ms: int) -> bytes | None:
        """Return the answer to a connectivity check, or None when it is not authentic or one too many."""
        self.incoming.budget -= 1
        answer = self.ice.answer(request, source) if self.incoming.budget >= 0 else None
        if answer is None:
            return None
        self.incoming.heard_ms = now_ms
        if answer.verified:
            self._port.bind(source, self)
            if answer.evicted is not None:
                self._port.release(self, (answer.evicted,))
            self.outgoing.target = self.ice.selected
            self._start_dtls()
        return answer.response

    def moved(self, source: Address) -> None:
        """Note an authentic packet from a verified address other than the selected one."""
        self.ice.follow(source)
        self.outgoing.target = self.ice.selected

    def receive_dtls(self, datagram: bytes, source: Address) -> None:
        """Take a DTLS datagram from a verified address."""
        if source != self.ice.selected and not self.is_connected:
            self.moved(source)
        self.incoming.budget -= 1
        if self.incoming.budget < 0 or not self.dtls.receive(datagram):
            self._port.counters["dropped_dtls"] += 1

    def was_heard_since(self, instant_ms: int) -> bool:
        """Whether something authentic came after ``instant_ms``."""
        return max(self.incoming.meter.last_ms, self.incoming.heard_ms) > instant_ms

    def open_gate(self) -> None:
        """Let RTP flow to this leg from now on."""
        self._is_gate_open = True
        self._begin_rtp(self._port.now_ms())

    def sweep(self, now_ms: int) -> None:
        """Notice silence, its end, and a leg that watches without sending. Called every 250 ms or so."""
        self.incoming.budget = MAX_DATAGRAMS_PER_SWEEP
        if not self.is_connected:
            return
        rtp_ms = self.incoming.meter.last_ms
        if now_ms - max(rtp_ms, self._rtp_owed_since_ms) > STARVED_MS:
            self.outgoing.is_open = False
        heard_ms = max(rtp_ms, self.incoming.heard_ms)
        if self._silent_since_ms is None and now_ms - heard_ms > SILENT_MS:
            self._silent_since_ms = heard_ms
            self._on_fact(LegSilent(self._splice_id, self.name))
        elif self._silent_since_ms is not None and heard_ms > self._silent_since_ms:
            silent_ms = heard_ms - self._silent_since_ms
            self._silent_since_ms = None
            self._on_fact(LegResumed(self._splice_id, self.name, silent_ms))

    def close(self) -> tuple[asyncio.Future[None], ...]:
        """Forget every address and credential, and return the tasks that are about to end."""
        self.is_connected = self.outgoing.is_open = self._is_gate_open = False
        self._port.forget(self)
        self._port.release(self, tuple(self.ice.verified))
        return self.dtls.close()

    def _start_dtls(self) -> None:
        """Begin the handshake once the certificate to expect and an address are known."""
        if not self.dtls.is_started and self._fingerprints and self.ice.selected is not None:
            self.dtls.start(self._role, self._fingerprints)

    def _send(self, data: bytes) -> None:
        if self.ice.selected is not None:
            self._port.send(data, self.ice.selected)

    def _connected(self, rx: SrtpSession, tx: SrtpSession) -> None:
        now_ms = self._port.now_ms()
        self.is_connected = True
        self.incoming.heard_ms = now_ms
        self.incoming.near_connected(rx)
        self.outgoing.far_connected(tx)
        self._on_fact(LegConnected(self._splice_id, self.name))
        self._begin_rtp(now_ms)

    def _data(self, data: bytes) -> None:
        self.incoming.heard_ms = self._port.now_ms()
        delivered = self._far_dtls.send_data(data)
        self._port.counters["forwarded_data" if delivered else "dropped_data"] += 1

    def _failed(self, reason: FailureReason) -> None:
        self.is_connected = self.outgoing.is_open = False
        self._on_fact(LegFailed(self._splice_id, self.name, reason))

    def _rtp_began(self, now_ms: int) -> None:
        """Note this leg's first RTP packet ever, or after a silence."""
        if not self.outgoing.is_open:
            self._begin_rtp(now_ms)

    def _begin_rtp(self, now_ms: int) -> None:
        """Open the direction to this leg if it may be, and ask the far side for key frames."""
        if not (self._is_gate_open and self.is_connected):
            return
        self._rtp_owed_since_ms = now_ms
        self.outgoing.is_open = True
        request = self.outgoing.key_frame_request(now_ms)
        if request is not None:
            self.incoming.send_rtcp(request)
