"""The packet path alone: what happens when the far side's encryption or the network refuses."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from remote_assist.media.forward import Forward
from remote_assist.media.ice import Address

KEY = bytes(range(30))
HERE: Address = ("192.0.2.1", 1)


def session(kind: int, ssrc: int = 0) -> Session:
    return Session(Policy(key=KEY, ssrc_type=kind, ssrc_value=ssrc))


class Path:
    """One direction with keys on both ends, its output, and the sender's encryption."""

    def __init__(self, far: Session) -> None:
        self.counters: Counter[str] = Counter()
        self.sent: list[tuple[bytes, Address]] = []
        self.gaps: list[int] = []
        self.forward = Forward(lambda data, to: self.sent.append((data, to)), self.counters, self.gaps.append)
        self.forward.near_connected(session(Policy.SSRC_ANY_INBOUND))
        self.forward.far_connected(far)
        self.forward.is_open, self.forward.target = True, HERE
        self.sender = session(Policy.SSRC_ANY_OUTBOUND)


@pytest.fixture
def path() -> Path:
    return Path(session(Policy.SSRC_ANY_OUTBOUND))


RTP = bytes.fromhex("8060000100000001000000aa") + b"picture"
RTCP = bytes.fromhex("80c90001000000aa")


def test_a_packet_is_decrypted_and_encrypted_anew(path: Path) -> None:
    """What leaves is the same packet under the far keys, to where the far participant is."""
    assert path.forward.packet(path.sender.protect(RTP), 5)
    [(data, to)] = path.sent
    assert to == HERE
    assert session(Policy.SSRC_ANY_INBOUND).unprotect(data) == RTP
    assert path.gaps == [5]


def test_what_cannot_be_encrypted_is_authentic_all_the_same() -> None:
    """A refusal of the far session is a counted drop; the near leg was heard."""
    path = Path(session(Policy.SSRC_SPECIFIC, 1))
    assert path.forward.packet(path.sender.protect(RTP), 5)
    assert path.forward.packet(path.sender.protect_rtcp(RTCP), 6)
    assert path.counters == {"dropped_not_encrypted": 2}
    assert (path.sent, path.forward.meter.last_ms, path.forward.heard_ms) == ([], 5, 6)


def test_without_a_destination_packets_are_held(path: Path) -> None:
    """A far participant without a verified address gets nothing, and that is no error."""
    path.forward.target = None
    assert path.forward.packet(path.sender.protect(RTP), 5)
    assert path.forward.packet(path.sender.protect_rtcp(RTCP), 5)
    assert (path.sent, path.counters) == ([], {"held_rtp": 1})


def test_pictures_are_learnt_from_authentic_packets_only(path: Path) -> None:
    """A key frame is asked for streams that proved themselves, and for none otherwise."""
    path.forward.video_payloads = frozenset((96,))
    assert not path.forward.packet(RTP + bytes(10), 5)
    assert path.forward.key_frame_request(10_000) is None
    path.forward.packet(path.sender.protect(RTP), 5)
    assert path.forward.key_frame_request(10_000) == bytes.fromhex("81ce000200000001000000aa")
    assert path.forward.key_frame_request(10_000) is None


@given(st.binary(max_size=1_500))
def test_no_datagram_raises(data: bytes) -> None:
    """Anything that looks like RTP and is not authentic is dropped and counted once."""
    path = Path(session(Policy.SSRC_ANY_OUTBOUND))
    assert not path.forward.packet(b"\x80" + data, 0)
    assert sum(path.counters.values()) == 1
    assert path.sent == []


@given(st.binary(max_size=1_200), st.integers(0, 255))
def test_whatever_an_authentic_participant_sends_is_forwarded_as_it_is(payload: bytes, kind: int) -> None:
    """The relay does not parse payloads, so no payload can trouble it."""
    path = Path(session(Policy.SSRC_ANY_OUTBOUND))
    plain = bytes((0x80, kind)) + RTP[2:12] + payload
    is_rtcp = kind in range(192, 224)
    assert path.forward.packet((path.sender.protect_rtcp if is_rtcp else path.sender.protect)(plain), 0)
    far = session(Policy.SSRC_ANY_INBOUND)
    assert (far.unprotect_rtcp if is_rtcp else far.unprotect)(path.sent[0][0]) == plain
