"""DTLS on aiortc's transport: the contract with its private names, and real handshakes in memory."""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiortc.rtcdtlstransport
import pytest
from pylibsrtp import Session as SrtpSession

from remote_assist.media.dtls import MAX_WAITING, DtlsAssociation, Role, _finish_at_once
from remote_assist.media.facts import FailureReason

WAIT_S = 20.0


class End:
    """One end of an association, with what it reported."""

    def __init__(self, limit_s: float = WAIT_S) -> None:
        self.sent: Callable[[bytes], object] = lambda _: None
        self.data: list[bytes] = []
        self.failed: list[FailureReason] = []
        self.srtp: tuple[SrtpSession, SrtpSession] | None = None
        self.changed = asyncio.Event()
        self.dtls = DtlsAssociation(
            send=self._send,
            on_connected=self._connected,
            on_data=self._data,
            on_failed=self._failed,
            handshake_limit_s=limit_s,
        )

    def start(self, role: Role, far: "End", digest: str = "") -> None:
        self.dtls.start(role, (("sha-256", digest or far.dtls.fingerprint),))

    def is_settled(self) -> bool:
        return bool(self.srtp or self.failed)

    async def until(self, what: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not what():
                self.changed.clear()
                await self.changed.wait()

    def _send(self, datagram: bytes) -> None:
        self.sent(datagram)

    def _connected(self, rx: SrtpSession, tx: SrtpSession) -> None:
        self.srtp = (rx, tx)
        self.changed.set()

    def _data(self, data: bytes) -> None:
        self.data.append(data)
        self.changed.set()

    def _failed(self, reason: FailureReason) -> None:
        self.failed.append(reason)
        self.changed.set()


@asynccontextmanager
async def ends(limit_s: float = WAIT_S) -> AsyncIterator[tuple[End, End]]:
    """Two ends, each of whose datagrams arrive at the other."""
    client, server = End(limit_s), End(limit_s)
    client.sent, server.sent = server.dtls.receive, client.dtls.receive
    try:
        yield client, server
    finally:
        await asyncio.gather(*client.dtls.close(), *server.dtls.close(), return_exceptions=True)


async def shake_hands(client: End, server: End) -> None:
    server.start("server", client)
    client.start("client", server)
    await client.until(lambda: client.srtp)
    await server.until(lambda: server.srtp)


def test_the_private_names_of_aiortc_are_as_we_use_them() -> None:
    """When this fails, aiortc has changed: look at media/dtls.py before moving the version range."""
    transport = aiortc.rtcdtlstransport.RTCDtlsTransport
    coroutines = ("start", "_send_data", "_do_handshake", "_recv_next", "_write_ssl")
    assert all(inspect.iscoroutinefunction(getattr(transport, name)) for name in coroutines)
    assert list(inspect.signature(transport._set_role).parameters) == ["self", "role"]
    assert list(inspect.signature(transport._register_data_receiver).parameters) == ["self", "receiver"]
    certificate = aiortc.rtcdtlstransport.RTCCertificate.generateCertificate()
    made = transport(None, [certificate])  # type: ignore[arg-type]
    for name in ("_srtp_profiles", "_rx_srtp", "_tx_srtp", "_task", "_data_receiver", "_transport", "_ssl"):
        assert hasattr(made, name)
    source = inspect.getsource(transport)
    # Of the ICE transport it uses these and no others; our stand-in has them.
    used = {
        word.split("(")[0]
        for word in source.replace("self._transport.", "self.transport.").split("self.transport.")[1:]
    }
    assert {name.split()[0].rstrip(",:") for name in used} == {"_recv", "_send", "role"}


async def test_both_ends_get_matching_keys() -> None:
    """After the handshake each end decrypts what the other encrypts, RTP and RTCP."""
    async with ends() as (client, server):
        await shake_hands(client, server)
        assert client.srtp
        assert server.srtp
        rtp = bytes.fromhex("806f000100000001 0000000a") + b"sound"
        rtcp = bytes.fromhex("80c900010000000a")
        for (_, tx), (rx, _) in ((client.srtp, server.srtp), (server.srtp, client.srtp)):
            assert rx.unprotect(tx.protect(rtp)) == rtp
            assert rx.unprotect_rtcp(tx.protect_rtcp(rtcp)) == rtcp


async def test_data_crosses_at_once_and_decrypted() -> None:
    """Data channel datagrams go out without waiting, and arrive whole and in order."""
    async with ends() as (client, server):
        await shake_hands(client, server)
        assert all(client.dtls.send_data(bytes([n]) * 1_100) for n in range(20))
        await server.until(lambda: len(server.data) == 20)
        assert server.data == [bytes([n]) * 1_100 for n in range(20)]


async def test_early_datagrams_wait_for_the_start() -> None:
    """A participant that begins before its certificate is known loses nothing."""
    async with ends() as (client, server):
        client.start("client", server)
        await asyncio.sleep(0)
        server.start("server", client)
        await client.until(lambda: client.srtp)


async def test_waiting_datagrams_are_bounded() -> None:
    """Before the handshake only so many datagrams are kept."""
    async with ends() as (client, _):
        assert [client.dtls.receive(b"\x16")] * MAX_WAITING == [True] * MAX_WAITING
        while client.dtls.receive(b"\x16"):
            pass
        assert not client.dtls.receive(b"\x16")


async def test_a_wrong_certificate_never_gets_keys() -> None:
    """A participant with another certificate than announced fails, and no keys come out."""
    async with ends() as (client, server):
        client.start("client", server)
        server.start("server", client, digest=End().dtls.fingerprint)
        await server.until(lambda: server.failed)
        assert server.failed == ["handshake_failed"]
        assert server.srtp is None
        assert not server.dtls.send_data(b"data")


async def test_a_handshake_has_a_limit() -> None:
    """A participant that never answers fails after the limit."""
    async with ends(limit_s=0.01) as (client, server):
        client.sent = lambda _: None
        client.start("client", server)
        await client.until(lambda: client.failed)
        assert client.failed == ["handshake_timeout"]


async def test_two_servers_or_nonsense_fail_cleanly() -> None:
    """An error of the transport is one failure, not an exception."""
    async with ends(limit_s=0.05) as (client, server):
        client.sent = lambda _: None
        client.dtls.receive(b"\x16" + bytes(12) + b"nonsense")
        client.dtls.start("client", ())
        await client.until(lambda: client.failed)
        server.start("server", client)
        await server.until(lambda: server.failed)
        assert (client.failed, server.failed) == (["handshake_failed"], ["handshake_timeout"])


async def test_a_participant_that_closes_is_noticed() -> None:
    """A close_notify ends the association on the far end, once."""
    async with ends() as (client, server):
        await shake_hands(client, server)
        await client.dtls._dtls.stop()
        await server.until(lambda: server.failed)
        assert server.failed == ["closed_by_participant"]
        assert not server.dtls.is_connected
        assert not server.dtls.send_data(b"late")


async def test_a_failing_receiver_fails_only_its_own_association() -> None:
    """Whatever breaks while data is handled ends this association and leaves no unhandled task."""
    async with ends() as (client, server):
        await shake_hands(client, server)

        def break_down(_: bytes) -> None:
            raise RuntimeError("broken")

        server.dtls._on_data = break_down
        client.dtls.send_data(b"data")
        await server.until(lambda: server.failed)
        assert server.failed == ["closed_by_participant"]


async def test_closing_reports_nothing() -> None:
    """After ``close`` there is no failure, connected or not."""
    async with ends() as (client, server):
        await shake_hands(client, server)
        tasks = (*client.dtls.close(), *server.dtls.close())
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (client.failed, server.failed) == ([], [])
    async with ends() as (client, server):
        client.start("client", server)
        await asyncio.gather(*client.dtls.close(), return_exceptions=True)
        assert client.failed == []


async def test_openssl_s_complaint_stays_inside() -> None:
    """A datagram that cannot be encrypted is dropped, and the association goes on."""
    async with ends() as (client, server):
        await shake_hands(client, server)
        assert not client.dtls.send_data(b"x" * 100_000)
        assert client.dtls.send_data(b"still here")
        await server.until(lambda: server.data)
        assert server.data == [b"still here"]


async def test_each_association_has_a_certificate_of_its_own() -> None:
    """No two legs share a certificate."""
    assert len({End().dtls.fingerprint for _ in range(5)}) == 5


@pytest.mark.parametrize("seed", range(12))
async def test_damaged_handshakes_complete_or_fail_cleanly(seed: int) -> None:
    """Lost, doubled and changed handshake datagrams end in keys or in one failure, never in an exception."""
    dice = random.Random(seed)
    async with ends(limit_s=0.4) as (client, server):

        def damage(far: End) -> Callable[[bytes], object]:
            def sent(datagram: bytes) -> None:
                changed = bytearray(datagram)
                for _ in range(dice.choice((0, 0, 1, 3))):
                    changed[dice.randrange(len(changed))] = dice.randrange(256)
                for _ in range(dice.choice((0, 1, 1, 1, 2))):
                    far.dtls.receive(
                        bytes(
                            changed[: dice.randrange(1, len(changed) + 1)] if dice.random() < 0.1 else changed
                        )
                    )

            return sent

        client.sent, server.sent = damage(server), damage(client)
        server.start("server", client)
        client.start("client", server)
        for end in (client, server):
            await end.until(end.is_settled)
            assert len(end.failed) <= 1


async def test_sending_that_would_wait_is_an_error() -> None:
    """Should aiortc ever wait while it sends, that is noticed and not left half done."""
    with pytest.raises(RuntimeError):
        _finish_at_once(asyncio.sleep(0))
