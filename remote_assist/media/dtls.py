"""DTLS for one leg, on aiortc's transport. The only file that may use private names of aiortc.

``tests/media/test_dtls.py`` has the contract test that fails when those names change (ADR 0004).
Nothing here knows ICE: the leg hands in datagrams of verified addresses and takes out datagrams to
send. No exception and no task of aiortc gets out of here unhandled.
"""

# ruff: noqa: SLF001 - this is the one file that may

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal

from aiortc import rtcdtlstransport as aiortc_dtls
from pylibsrtp import Session as SrtpSession

from remote_assist.media.facts import FailureReason

HANDSHAKE_LIMIT_S: Final = 30.0
"""From the first verified address on. A browser gives ICE up after half of that."""
MAX_WAITING: Final = 64
"""DTLS datagrams between arrival and the handshake or data pump; more are dropped, as a network would."""

Role = Literal["client", "server"]

_PROFILES: Final = [
    aiortc_dtls.SRTP_AEAD_AES_128_GCM,
    aiortc_dtls.SRTP_AEAD_AES_256_GCM,
    aiortc_dtls.SRTP_AES128_CM_SHA1_80,
]


class _IceStandIn:
    """What RTCDtlsTransport needs of an ICE transport: a source and a sink of datagrams."""

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.has_ended = False
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._send_datagram = send

    def put(self, datagram: bytes) -> bool:
        """Keep a datagram. Return False if there are too many."""
        try:
            self._waiting.put_nowait(datagram)
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        """Disconnect whoever waits for a datagram, now or later.

        Nobody is cancelled: ``asyncio.wait_for`` of Python 3.11, around ``_recv``, may lose that.
        """
        self.has_ended = True
        self.put(b"")

    async def _recv(self) -> bytes:
        datagram = b"" if self.has_ended else await self._waiting.get()
        if self.has_ended:
            raise ConnectionError
        return datagram

    async def _send(self, data: bytes) -> None:
        if not self.has_ended:
            self._send_datagram(data)


class DtlsAssociation:
    """One DTLS association with a certificate of its own.

    ``on_connected``, ``on_data`` (decrypted data channel datagrams) and ``on_failed`` are called from
    the loop; ``on_failed`` at most once, and never after ``close``.
    """

    def __init__(
        self,
        *,
        send: Callable[[bytes], None],
        on_connected: Callable[[SrtpSession, SrtpSession], None],
        on_data: Callable[[bytes], None],
        on_failed: Callable[[FailureReason], None],
        handshake_limit_s: float = HANDSHAKE_LIMIT_S,
    ) -> None:
        certificate = aiortc_dtls.RTCCertificate.generateCertificate()
        self.fingerprint = next(f.value for f in certificate.getFingerprints() if f.algorithm == "sha-256")
        """SHA-256 of the certificate, upper case, with colons."""
        self.is_connected = False
        self._ice = _IceStandIn(send)
        self._dtls = aiortc_dtls.RTCDtlsTransport(self._ice, [certificate])  # type: ignore[arg-type]  # a stand-in, see ADR 0004
        self._dtls._srtp_profiles = _PROFILES
        self._dtls._register_data_receiver(self)
        self._on_connected = on_connected
        self._on_data = on_data
        self._on_failed = on_failed
        self._handshake_limit_s = handshake_limit_s
        self._is_closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        """Whether role and fingerprints are settled for good."""
        return self._task is not None

    def start(self, role: Role, fingerprints: tuple[tuple[str, str], ...]) -> None:
        """Begin the handshake, with the datagrams that wait already."""
        assert self._task is None
        self._dtls._set_role(role)
        expected = [
            aiortc_dtls.RTCDtlsFingerprint(algorithm=name, value=digest) for name, digest in fingerprints
        ]
        parameters = aiortc_dtls.RTCDtlsParameters(fingerprints=expected)
        self._task = asyncio.get_running_loop().create_task(self._run(parameters))

    def receive(self, datagram: bytes) -> bool:
        """Take a datagram of the participant. Return False if it had to be dropped."""
        return self._ice.put(datagram)

    def send_data(self, data: bytes) -> bool:
        """Encrypt and send a data channel datagram at once. Return False if it had to be dropped."""
        if not self.is_connected:
            return False
        try:
            _finish_at_once(self._dtls._send_data(data))
        except Exception:  # noqa: BLE001 - whatever OpenSSL says, the near leg must not suffer
            return False
        return True

    def close(self) -> tuple[asyncio.Future[None], ...]:
        """Stop and return the tasks that are about to end. Nothing is sent or reported any more."""
        self.is_connected = False
        self._is_closed = True
        self._ice.end()
        return tuple(task for task in (self._task, self._dtls._task) if task is not None)

    async def _run(self, parameters: aiortc_dtls.RTCDtlsParameters) -> None:
        """Shake hands, then pump data until the participant closes."""
        reason = await self._shake_hands(parameters)
        if reason is None and not self._is_closed:
            self.is_connected = True
            self._on_connected(self._dtls._rx_srtp, self._dtls._tx_srtp)
        pump = self._dtls._task
        if pump is not None:
            await asyncio.wait((pump,))
            pump.exception()  # retrieved, so that nobody hears of it as unhandled
        self.is_connected = False
        if not self._is_closed:
            self._on_failed(reason or "closed_by_participant")

    async def _shake_hands(self, parameters: aiortc_dtls.RTCDtlsParameters) -> FailureReason | None:
        limit = asyncio.get_running_loop().call_later(self._handshake_limit_s, self._ice.end)
        try:
            await self._dtls.start(parameters)
        except Exception:  # noqa: BLE001 - a bad handshake fails this leg and nothing else
            return "handshake_failed"
        finally:
            limit.cancel()
        if self._ice.has_ended:
            return "handshake_timeout"
        return None if self._dtls.state == "connected" else "handshake_failed"

    async def _handle_data(self, data: bytes) -> None:
        """Take decrypted application data (the DataReceiver protocol of aiortc)."""
        self._on_data(data)


def _finish_at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits; aiortc's sending waits only for our stand-in, which does not."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("Sending waited.")
