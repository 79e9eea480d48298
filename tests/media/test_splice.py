"""Two legs joined, in memory: real DTLS and SRTP, a clock that the test moves."""

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from remote_assist.errors import ProtocolViolation
from remote_assist.media.dtls import MAX_WAITING
from remote_assist.media.facts import FlowFact, LegConnected, LegFailed, LegResumed, LegSilent
from remote_assist.media.forward import (
    MAX_DATAGRAMS_PER_SWEEP,
    MAX_RETIRED_SSRCS,
    MAX_SSRCS,
    PLI_GAP_MS,
    SSRC_IDLE_MS,
)
from remote_assist.media.ice import MAX_ADDRESSES
from remote_assist.media.leg import SILENT_MS, STARVED_MS
from tests.kit.memory_network import AUDIO_SSRC, RTX, RTX_SSRC, VIDEO_SSRC, VP8, MemoryNetwork, Participant


@pytest.fixture
async def network() -> AsyncIterator[MemoryNetwork]:
    """Two participants who have connected, gate closed."""
    network = MemoryNetwork()
    await network.connect()
    yield network
    await network.close()


@pytest.fixture
async def call(network: MemoryNetwork) -> MemoryNetwork:
    """A call in which both have sent sound and a picture since the gate opened."""
    for participant in (network.a, network.b):
        participant.send_rtp()
        participant.send_rtp(VP8, VIDEO_SSRC)
        participant.send_rtp(RTX, RTX_SSRC)
    network.splice.open_gate()
    network.facts.clear()
    return network


def talk(network: MemoryNetwork, participant: Participant, ms: int) -> None:
    """Let one participant send sound for some time."""
    for _ in range(ms // 20):
        network.advance(20)
        participant.send_rtp()


async def test_both_legs_connect(network: MemoryNetwork) -> None:
    """Both handshakes end in a fact each, and every leg shows a certificate of its own."""
    assert set(network.facts) == {LegConnected("s:1", "a"), LegConnected("s:1", "b")}
    assert network.a.relay_fingerprints != network.b.relay_fingerprints


async def test_before_the_gate_opens_nobody_is_seen_or_heard(network: MemoryNetwork) -> None:
    """RTP is held; RTCP and data pass; and still the evidence counts."""
    network.a.send_rtp()
    rtcp = network.a.send_rtcp()
    network.advance(20)
    network.a.send_rtp()
    assert network.a.dtls.send_data(b"hello")
    assert (network.b.rtp, network.b.rtcp) == ([], [rtcp])
    assert network.port.counters["held_rtp"] == 2
    assert network.splice.collect_flows() == [FlowFact("s:1", "a", 1_000_000, 1_000_020)]


async def test_packets_arrive_as_they_were_sent(call: MemoryNetwork) -> None:
    """RTP and RTCP cross both ways unchanged, unordered and unqueued."""
    for near, far in ((call.a, call.b), (call.b, call.a)):
        sent = [near.send_rtp(payload=bytes([n]) * n * 10) for n in range(1, 100)]
        assert far.rtp == sent
        assert near.send_rtcp() == far.rtcp[-1]


async def test_opening_the_gate_asks_each_side_for_a_key_frame_once(call: MemoryNetwork) -> None:
    """The picture's own stream is asked, not its repair stream and not the microphone; not twice."""
    assert call.a.key_frames_asked == call.b.key_frames_asked == [VIDEO_SSRC]
    call.splice.open_gate()
    assert call.a.key_frames_asked == [VIDEO_SSRC]
    call.advance(PLI_GAP_MS)
    call.splice.open_gate()
    assert call.a.key_frames_asked == [VIDEO_SSRC, VIDEO_SSRC]


async def test_data_crosses_without_a_gate(network: MemoryNetwork) -> None:
    """Data channel datagrams pass from DTLS to DTLS."""
    network.b.dtls.send_data(b"data")
    for _ in range(10):
        if network.a.data:
            break
        await _turn()
    assert network.a.data == [b"data"]
    assert network.port.counters["forwarded_data"] == 1


async def _turn() -> None:
    """Let every task that is ready run."""
    await asyncio.sleep(0)


async def test_who_sends_nothing_sees_nothing(call: MemoryNetwork) -> None:
    """After 3 s without RTP from a leg, RTP to it stops, RTCP goes on; its first packet resumes it."""
    talk(call, call.a, STARVED_MS)
    assert len(call.b.rtp) == STARVED_MS // 20
    call.b.check()
    talk(call, call.a, 1_000)
    assert len(call.b.rtp) == STARVED_MS // 20
    rtcp = call.a.send_rtcp()
    assert call.b.rtcp[-1] == rtcp
    assert len(call.a.rtp) == 0
    call.b.send_rtp()
    assert call.a.key_frames_asked == [VIDEO_SSRC, VIDEO_SSRC]
    call.a.send_rtp()
    assert len(call.b.rtp) == STARVED_MS // 20 + 1
    assert len(call.a.rtp) == 1


async def test_a_gate_opened_for_somebody_who_never_sends_closes_again(network: MemoryNetwork) -> None:
    """Without a first packet of its own a leg gets three seconds, then its first packet opens it."""
    network.splice.open_gate()
    talk(network, network.a, STARVED_MS + 100)
    received = len(network.b.rtp)
    talk(network, network.a, 1_000)
    assert len(network.b.rtp) == received
    network.b.send_rtp()
    talk(network, network.a, 20)
    assert len(network.b.rtp) == received + 1


async def test_silence_and_its_end_are_facts(call: MemoryNetwork) -> None:
    """A leg of which nothing authentic is heard is silent after 2 s; being heard again says for how long."""
    call.advance(SILENT_MS)
    assert call.facts == []
    call.advance(250)
    call.advance(250)
    assert call.facts == [LegSilent("s:1", "a"), LegSilent("s:1", "b")]
    call.a.send_rtcp()
    call.b.check()
    call.advance(250)
    assert call.facts[2:] == [LegResumed("s:1", "a", 2_500), LegResumed("s:1", "b", 2_500)]
    call.advance(250)
    assert len(call.facts) == 4


async def test_anything_authentic_breaks_the_silence(call: MemoryNetwork) -> None:
    """Checks and data count as being heard, forged datagrams do not."""
    for _ in range(3):
        call.advance(1_500)
        call.a.check()
        call.b.dtls.send_data(b"here")
        await _turn()
        await _turn()
    assert call.facts == []
    for _ in range(3):
        call.advance(1_500)
        call.a.send(b"\x80\x6f" + bytes(40))
    assert call.facts == [LegSilent("s:1", "a"), LegSilent("s:1", "b")]


async def test_a_replayed_packet_is_neither_forwarded_nor_evidence(call: MemoryNetwork) -> None:
    """A packet that was seen before is dropped, whoever sends it again."""
    recorded: list[bytes] = []
    for _ in range(3):
        call.advance(20)
        call.a.sequence += 1
        plain = struct.pack("!BBHII", 0x80, 111, call.a.sequence, call.a.sequence, AUDIO_SSRC)
        recorded.append(call.a.tx.protect(plain))
        call.a.send(recorded[-1])
    call.splice.collect_flows()
    received = len(call.b.rtp)
    for _ in range(100):
        call.advance(20)
        for packet in recorded:
            call.a.send(packet)
    assert len(call.b.rtp) == received
    assert call.splice.collect_flows() == []
    assert call.port.counters["dropped_not_authentic"] == 300


async def test_forged_packets_are_dropped(call: MemoryNetwork) -> None:
    """What was not encrypted with the leg's keys goes nowhere, however long it is."""
    for length in (0, 1, 2, 11, 12, 13, 100, 1_499, 1_500, 1_501, 2_048):
        call.a.send((b"\x80\x6f" + bytes(length))[:length])
        call.a.send((b"\x80\xc8" + bytes(length))[:length])
    assert (call.b.rtp, call.b.rtcp) == ([], [r for r in call.b.rtcp if r[1] == 206])


async def test_an_ice_restart_concerns_one_leg(call: MemoryNetwork) -> None:
    """The far side merely answers; the restarted leg gets new credentials, and media moves with it."""
    far_ufrag, old_ufrag = call.b.relay_ufrag, call.a.relay_ufrag
    away = ("198.51.100.7", 6_000)
    call.a.credentials = type(call.a.credentials)("newufrag", "newpassword0123456789abc")
    call.negotiate()
    assert call.b.relay_ufrag == far_ufrag
    assert call.a.relay_ufrag != old_ufrag
    call.a.check(source=away)
    call.b.send_rtp()
    assert call.a.arrived_at[-1] == call.a.address
    call.a.check(nominate=True, source=away)
    call.b.send_rtp()
    assert call.a.arrived_at[-1] == away
    call.a.send_rtp(source=away)
    assert len(call.b.rtp) == 1
    assert call.facts == []


async def test_where_every_check_nominates_media_follows_the_participant(call: MemoryNetwork) -> None:
    """A packet from another verified address moves the leg there."""
    away = ("198.51.100.7", 6_000)
    call.a.check(nominate=True, source=away)
    call.b.send_rtp()
    assert call.a.arrived_at[-1] == call.a.address
    call.a.send_rtp(source=away)
    call.b.send_rtp()
    assert call.a.arrived_at[-1] == away


async def test_an_address_nobody_verified_reaches_nothing(call: MemoryNetwork) -> None:
    """The right keys from the wrong address are a stranger's."""
    received = len(call.b.rtp)
    call.a.send_rtp(source=("198.51.100.9", 1))
    assert len(call.b.rtp) == received
    assert call.port.counters["dropped_stranger"] == 1


async def test_nobody_takes_the_address_of_a_living_leg(call: MemoryNetwork) -> None:
    """A check of one leg from another's address is ignored while that one is heard."""
    received = len(call.b.stun)
    call.b.check(source=call.a.address)
    assert len(call.b.stun) == received
    assert call.port.counters["dropped_stun_taken"] == 1
    call.advance(STARVED_MS + 1)
    call.b.check(source=call.a.address)
    assert len(call.b.stun) == received + 1


async def test_another_certificate_needs_another_splice(call: MemoryNetwork) -> None:
    """A description of a new connection is refused, and the call goes on."""
    other = Participant(call, "a", ("192.0.2.77", 1))
    with pytest.raises(ProtocolViolation) as caught:
        call.splice.carry("a", "offer", other.describe("actpass"))
    assert caught.value.code == "dtls_restart"
    call.a.send_rtp()
    assert len(call.b.rtp) == 1


async def test_a_role_cannot_change(call: MemoryNetwork) -> None:
    """Who was the DTLS client stays it."""
    with pytest.raises(ProtocolViolation) as caught:
        call.splice.carry("a", "offer", call.a.describe("passive"))
    assert caught.value.code == "dtls_role"


async def test_renegotiation_keeps_the_association() -> None:
    """A second offer and answer, from either side, change nothing about transport."""
    network = MemoryNetwork()
    await network.connect()
    ufrags = network.a.relay_ufrag, network.b.relay_ufrag
    network.a.hear(network.splice.carry("b", "offer", network.b.describe("actpass")))
    answer = network.splice.carry("a", "answer", network.a.describe("active"))
    network.b.hear(answer)
    assert "a=setup:passive" in answer
    assert (network.a.relay_ufrag, network.b.relay_ufrag) == ufrags
    await network.close()


async def test_the_relay_takes_the_role_that_is_left() -> None:
    """Offered ``passive`` or answered ``passive``, the relay is the DTLS client of that leg."""
    network = MemoryNetwork()
    offer = network.splice.carry("a", "offer", network.a.describe("passive"))
    assert "a=setup:actpass" in offer
    network.b.hear(offer)
    answer = network.splice.carry("b", "answer", network.b.describe("passive"))
    assert "a=setup:active" in answer
    network.a.hear(answer)
    for participant in (network.a, network.b):
        participant.start_dtls("server")
        participant.check(nominate=True)
    await network.a.connected.wait()
    await network.b.connected.wait()
    await network.close()


async def test_an_answerer_may_begin_before_its_answer_is_carried() -> None:
    """Checks and DTLS that overtake the answer are kept, not lost."""
    network = MemoryNetwork()
    network.b.hear(network.splice.carry("a", "offer", network.a.describe("actpass")))
    network.b.check(nominate=True)
    network.b.start_dtls()
    await _turn()
    network.splice.carry("b", "answer", network.b.describe("active"))
    await network.b.connected.wait()
    await network.close()


async def test_the_far_leg_s_failure_is_not_the_near_leg_s(call: MemoryNetwork) -> None:
    """When one participant closes its connection, the other's leg stays connected."""
    await call.b.dtls._dtls.stop()
    for _ in range(20):
        await _turn()
    assert call.facts == [LegFailed("s:1", "b", "closed_by_participant")]
    call.a.send_rtp()
    assert call.a.dtls.send_data(b"anybody?")
    for _ in range(20):
        await _turn()
    assert call.port.counters["dropped_data"] == 1
    call.a.check()
    assert call.facts == [LegFailed("s:1", "b", "closed_by_participant")]
    assert call.b.rtp == []


async def test_a_closed_splice_leaves_nothing_behind(call: MemoryNetwork) -> None:
    """No address, no credential, no packet, no fact; descriptions are refused."""
    call.splice.close()
    assert call.port.is_forgotten
    call.a.send_rtp()
    call.a.check()
    call.splice.open_gate()
    assert call.b.rtp == []
    with pytest.raises(ProtocolViolation) as caught:
        call.splice.carry("a", "offer", call.a.describe("actpass"))
    assert caught.value.code == "splice_closed"
    for _ in range(20):
        await _turn()
    assert call.facts == []


async def test_streams_are_bounded(call: MemoryNetwork) -> None:
    """Only so many SSRCs are let in at a time; the rest is dropped, RTP and RTCP."""
    for ssrc in range(1_000, 1_000 + 3 * MAX_SSRCS):
        call.a.send_rtp(ssrc=ssrc)
        call.a.send_rtcp(ssrc=ssrc + 5_000)
    assert len(call.splice._a.incoming._heard) == MAX_SSRCS
    assert call.port.counters["dropped_ssrc"] == 6 * MAX_SSRCS - (MAX_SSRCS - 3)
    call.a.send_rtp()
    assert call.b.rtp[-1][8:12] == AUDIO_SSRC.to_bytes(4, "big")


async def test_an_idle_stream_gives_way_for_good(call: MemoryNetwork) -> None:
    """A screen shared for the ninth time still passes; the stream that gave way never comes back."""
    for ssrc in range(1_000, 1_000 + MAX_SSRCS - 3):
        call.a.send_rtp(ssrc=ssrc)
    call.now_ms += SSRC_IDLE_MS + 1
    talk(call, call.a, 40)
    call.b.send_rtp()
    call.a.send_rtp(VP8, ssrc=9_001)
    call.a.send_rtcp(ssrc=9_002)
    assert [rtp[8:12] for rtp in call.b.rtp[-1:]] == [(9_001).to_bytes(4, "big")]
    received = len(call.b.rtp)
    call.a.send_rtp(VP8, VIDEO_SSRC)
    call.a.send_rtcp(RTX_SSRC)
    assert len(call.b.rtp) == received
    assert call.port.counters["dropped_ssrc"] == 2


async def test_streams_cannot_be_changed_for_ever(network: MemoryNetwork) -> None:
    """After many streams gave way, no new one is let in: memory stays bounded."""
    for ssrc in range(MAX_RETIRED_SSRCS + 2 * MAX_SSRCS):
        network.now_ms += SSRC_IDLE_MS + 1
        network.splice.sweep(network.now_ms)
        network.a.send_rtp(ssrc=20_000 + ssrc)
    forward = network.splice._a.incoming
    assert len(forward._heard) <= MAX_SSRCS
    assert len(forward._retired) == MAX_RETIRED_SSRCS
    assert network.port.counters["dropped_ssrc"] == MAX_SSRCS


async def test_a_leg_with_too_many_addresses_forgets_the_oldest(call: MemoryNetwork) -> None:
    """What comes from an address that gave way is a stranger's; the one in use stays."""
    for n in range(MAX_ADDRESSES):
        call.a.check(source=("198.51.100.1", n))
    assert len(call.port._by_address) == MAX_ADDRESSES + 1
    call.a.send_rtp(source=("198.51.100.1", 0))
    assert call.port.counters["dropped_stranger"] == 1
    call.a.send_rtp()
    assert len(call.b.rtp) == 1


async def test_a_flood_of_one_leg_is_cut(call: MemoryNetwork) -> None:
    """A leg that sends more than it may is dropped until the next sweep, and then heard again."""
    for _ in range(MAX_DATAGRAMS_PER_SWEEP + 50):
        call.a.send_rtp()
    assert len(call.b.rtp) <= MAX_DATAGRAMS_PER_SWEEP
    assert call.port.counters["dropped_over_limit"] >= 50
    call.advance(250)
    received = len(call.b.rtp)
    call.a.send_rtp()
    assert len(call.b.rtp) == received + 1


async def test_checks_and_handshake_datagrams_count_as_well(call: MemoryNetwork) -> None:
    """No kind of datagram gets around the limit of a leg."""
    for _ in range(MAX_DATAGRAMS_PER_SWEEP):
        call.a.check()
    answered = len(call.a.stun)
    assert answered < MAX_DATAGRAMS_PER_SWEEP
    call.a.check()
    call.a.dtls.send_data(b"data")
    assert len(call.a.stun) == answered
    assert call.port.counters["dropped_dtls"] == 1


async def test_packets_before_the_handshake_are_dropped() -> None:
    """SRTP from a verified address without keys is counted and gone."""
    network = MemoryNetwork()
    network.negotiate()
    network.a.check()
    network.a.send(b"\x80\x6f" + bytes(40))
    assert network.port.counters["dropped_early"] == 1
    await network.close()


async def test_the_first_flight_follows_the_participant() -> None:
    """Before the keys are known, DTLS is answered to the verified address it came from."""
    network = MemoryNetwork()
    network.negotiate()
    away = ("198.51.100.7", 6_000)
    network.a.check(nominate=True)
    network.a.check(nominate=True, source=away)
    network.a.send(b"\x16\xfe\xfd", away)
    network.splice._a._send(b"\x16hello")
    assert network.a.arrived_at[-1] == away
    await network.close()


async def test_a_flood_of_handshake_datagrams_is_cut() -> None:
    """Only so many DTLS datagrams wait; the rest is dropped and counted."""
    network = MemoryNetwork()
    network.negotiate()
    network.a.check()
    for _ in range(MAX_WAITING + 5):
        network.a.send(b"\x16\xfe\xfd")
    assert network.port.counters["dropped_dtls"] == 5
    network.splice._b._send(b"nowhere")
    await network.close()


async def test_checks_without_the_password_change_nothing(call: MemoryNetwork) -> None:
    """A check with a known name and a wrong password is not answered and moves nothing."""
    answered = len(call.a.stun)
    call.a.relay_pwd = "x" * 32
    call.a.check(nominate=True, source=("198.51.100.7", 6_000))
    assert len(call.a.stun) == answered
    assert call.port.counters["dropped_stun_not_authentic"] == 1


async def test_names_of_old_restarts_are_forgotten(call: MemoryNetwork) -> None:
    """After two restarts the first name is a stranger's."""
    first = call.a.relay_ufrag, call.a.relay_pwd
    for n in range(2):
        call.a.credentials = type(call.a.credentials)(f"restart{n}", f"password0123456789abcd{n}")
        call.negotiate()
    call.a.relay_ufrag, call.a.relay_pwd = first
    answered = len(call.a.stun)
    call.a.check()
    assert len(call.a.stun) == answered
