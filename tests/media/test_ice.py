"""ICE-lite: which checks are answered, how, and which address is chosen."""

import os
import struct

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import ProtocolViolation
from remote_assist.media.ice import (
    MAX_ADDRESSES,
    Address,
    Answer,
    Credentials,
    IceAgent,
    fresh_credentials,
    parse_untrusted,
)

HOME: Address = ("192.0.2.10", 50_000)
AWAY: Address = ("198.51.100.20", 60_000)


def check(
    credentials: Credentials, *, nominate: bool = False, controlled: bool = False, pwd: str = ""
) -> bytes:
    """Return the bytes of a browser's connectivity check."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{credentials.ufrag}:theirs"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 42
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity((pwd or credentials.pwd).encode())
    return bytes(request)


def ask(agent: IceAgent, source: Address = HOME, **how: object) -> Answer | None:
    credentials = how.pop("credentials", agent.current)
    return agent.answer(parse_untrusted(check(credentials, **how)), source)  # type: ignore[arg-type]


def response_to(answer: Answer | None) -> stun.Message:
    assert answer is not None
    return stun.parse_message(answer.response)


def with_attribute(kind: int, value: bytes, key: Credentials) -> bytes:
    """Return a check with one more attribute before its integrity."""
    plain = stun.Message(
        stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": f"{key.ufrag}:theirs"}
    )
    data = bytes(plain) + struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
    data = stun.set_body_length(data, len(data) - 20)
    data += struct.pack("!HH", 8, 20) + stun.message_integrity(data, key.pwd.encode())
    data = stun.set_body_length(data, len(data) - 20 + 8)
    return data + struct.pack("!HHI", 0x8028, 4, stun.message_fingerprint(data))


def test_a_check_is_answered_with_its_own_address() -> None:
    """The response is signed, has a fingerprint, and tells the sender's address."""
    agent = IceAgent()
    answer = ask(agent)
    response = response_to(answer)
    assert answer is not None
    assert answer.verified
    assert response.message_class == stun.Class.RESPONSE
    assert response.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert response.check_message_integrity(agent.current.pwd.encode())
    assert "FINGERPRINT" in response.attributes
    assert agent.selected == HOME


def test_a_check_with_a_wrong_password_changes_nothing() -> None:
    """Without the leg's password there is no answer and no address."""
    agent = IceAgent()
    assert ask(agent, pwd="x" * 32) is None
    assert ask(agent, credentials=fresh_credentials()) is None
    assert (agent.selected, agent.verified) == (None, {})


def test_nomination_moves_a_leg_where_not_every_check_nominates() -> None:
    """A check on another path moves nothing; USE-CANDIDATE on it does; a packet does not."""
    agent = IceAgent()
    ask(agent, HOME)
    ask(agent, HOME, nominate=True)
    ask(agent, AWAY)
    assert agent.selected == HOME
    agent.follow(AWAY)
    assert agent.selected == HOME
    ask(agent, AWAY, nominate=True)
    assert agent.selected == AWAY


def test_packets_move_a_leg_where_every_check_nominates() -> None:
    """Firefox nominates every path it checks; its own packets show which one it uses."""
    agent = IceAgent()
    ask(agent, HOME, nominate=True)
    ask(agent, AWAY, nominate=True)
    assert agent.selected == HOME
    agent.follow(AWAY)
    assert agent.selected == AWAY
    agent.follow(("203.0.113.1", 1))
    assert agent.selected == AWAY


def test_a_participant_that_thinks_it_is_controlled_is_corrected() -> None:
    """The relay is always controlled; an other one claiming that gets 487 and has verified nothing."""
    agent = IceAgent()
    response = response_to(ask(agent, controlled=True))
    assert response.error_code == 487
    assert response.check_message_integrity(agent.current.pwd.encode())
    assert agent.verified == {}


def test_an_attribute_that_must_be_understood_and_is_not_is_named() -> None:
    """An unknown comprehension-required attribute gets 420 with its number; an optional one is ignored."""
    agent = IceAgent()
    answer = agent.answer(parse_untrusted(with_attribute(0x7777, b"abc", agent.current)), HOME)
    response = response_to(answer)
    assert response.error_code == 420
    assert response.check_message_integrity(agent.current.pwd.encode())
    assert struct.pack("!HHH", 0x000A, 2, 0x7777) in bytes(answer.response if answer else b"")
    assert agent.verified == {}
    answer = agent.answer(parse_untrusted(with_attribute(0xC057, b"abcd", agent.current)), HOME)
    assert response_to(answer).message_class == stun.Class.RESPONSE


def test_addresses_are_bounded_and_the_selected_one_stays() -> None:
    """Beyond the bound the address checked longest ago gives way, never the selected one."""
    agent = IceAgent()
    ask(agent, HOME)
    evicted = [answer.evicted for n in range(MAX_ADDRESSES + 1) if (answer := ask(agent, (f"10.0.0.{n}", 1)))]
    assert evicted == [None] * (MAX_ADDRESSES - 1) + [("10.0.0.0", 1), ("10.0.0.1", 1)]
    assert len(agent.verified) == MAX_ADDRESSES
    assert agent.selected == HOME


def heard(agent: IceAgent, name: str, kind: str = "offer") -> None:
    (agent.hear_offer if kind == "offer" else agent.hear_answer)(name * 4, name * 22)


def test_an_ice_restart_gets_fresh_credentials_and_keeps_the_old_ones_answered() -> None:
    """The participant's offer with new credentials is answered with new ones of ours; both work."""
    agent = IceAgent()
    heard(agent, "a")
    before = agent.speak_answer()
    assert agent.speak_answer() == before
    heard(agent, "b")
    assert agent.speak_offer() == before
    after = agent.speak_answer()
    assert after.ufrag != before.ufrag
    assert after.pwd != before.pwd
    for credentials in (before, after):
        assert ask(agent, credentials=credentials) is not None
    assert agent.speak_offer() == after


def test_only_the_last_credentials_but_one_are_remembered() -> None:
    """However often ICE restarts, a leg answers to three user names at most."""
    agent = IceAgent()
    heard(agent, "a")
    seen = {agent.speak_answer().ufrag}
    for name in "bcdefgh":
        heard(agent, name)
        assert len(agent.credentials) <= 3
        seen.add(agent.speak_answer().ufrag)
    assert len(seen) == 8
    assert len(agent.credentials) == 2


def test_an_ice_restart_that_is_rolled_back_changes_nothing() -> None:
    """After glare the participant answers with its old credentials, or offers anew; ours stay."""
    agent = IceAgent()
    heard(agent, "a")
    ours = agent.speak_answer()
    heard(agent, "b")
    heard(agent, "a", "answer")
    assert agent.credentials == (ours,)
    heard(agent, "b")
    heard(agent, "a")
    assert agent.speak_answer() == ours


def test_a_repeated_restart_offer_is_one_restart() -> None:
    """The same new credentials offered twice get the same answer; different ones get another."""
    agent = IceAgent()
    heard(agent, "a")
    agent.speak_answer()
    heard(agent, "b")
    prepared = agent.credentials[1]
    heard(agent, "b")
    assert agent.credentials[1] == prepared
    heard(agent, "c")
    assert agent.credentials[1] != prepared


def test_after_a_restart_nomination_is_judged_anew() -> None:
    """How the earlier checks nominated says nothing about a connection that began again."""
    agent = IceAgent()
    heard(agent, "a")
    agent.speak_answer()
    ask(agent, HOME)
    heard(agent, "b")
    agent.speak_answer()
    ask(agent, AWAY, nominate=True)
    assert agent.selected == HOME
    agent.follow(AWAY)
    assert agent.selected == AWAY


def test_fresh_credentials_are_valid_and_never_the_same() -> None:
    """Names and passwords are as long as RFC 8445 asks, and random."""
    many = {fresh_credentials() for _ in range(100)}
    assert len(many) == 100
    assert all(c.ufrag.isalnum() and len(c.ufrag) >= 4 and c.pwd.isalnum() and len(c.pwd) >= 22 for c in many)


def refused(datagram: bytes) -> str:
    with pytest.raises(ProtocolViolation) as caught:
        parse_untrusted(datagram)
    return caught.value.code


def test_only_binding_requests_are_looked_at() -> None:
    """Responses, indications, other methods and other protocols are refused before they are parsed."""
    request = check(fresh_credentials())
    assert refused(b"") == "stun_not_a_check"
    assert refused(request[:19]) == "stun_not_a_check"
    for kind in (b"\x01\x01", b"\x00\x11", b"\x00\x03"):
        assert refused(kind + request[2:]) == "stun_not_a_check"
    assert refused(request[:4] + b"\0\0\0\0" + request[8:]) == "stun_not_a_check"


def test_a_request_that_is_not_for_ice_is_refused() -> None:
    """A plain STUN request, or one whose name or integrity has the wrong shape, is no check."""
    plain = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    assert refused(bytes(plain)) == "stun_not_ice"
    plain.attributes["USERNAME"] = "name"
    plain.add_message_integrity(b"key")
    assert refused(bytes(plain)) == "stun_not_ice"
    assert refused(check(Credentials("u" * 600, "p" * 22))) == "stun_not_ice"
    plain.attributes = {"USERNAME": "a:b", "MESSAGE-INTEGRITY": b"short"}
    assert refused(bytes(plain)) == "stun_not_ice"


def test_every_truncation_is_refused() -> None:
    """A check cut at any byte is a violation."""
    request = check(fresh_credentials(), nominate=True)
    assert {refused(request[:end]) for end in range(len(request))} == {"stun_not_a_check", "stun_invalid"}


def test_every_changed_bit_is_noticed() -> None:
    """No single flipped bit leaves a check that is answered."""
    agent = IceAgent()
    request = check(agent.current)
    for n in range(len(request) * 8):
        damaged = bytearray(request)
        damaged[n // 8] ^= 1 << n % 8
        try:
            assert agent.answer(parse_untrusted(bytes(damaged)), HOME) is None
        except ProtocolViolation:
            continue
    assert agent.verified == {}


@given(st.binary(max_size=200))
def test_any_attributes_are_answered_or_refused(body: bytes) -> None:
    """Whatever stands after a valid header, the parser returns a check or a violation."""
    datagram = struct.pack("!HHI12s", 1, len(body), 0x2112A442, os.urandom(12)) + body
    agent = IceAgent()
    try:
        request = parse_untrusted(datagram)
    except ProtocolViolation:
        return
    assert agent.answer(request, HOME) is None


@given(st.integers(0, 0x7FFF), st.binary(max_size=40))
def test_any_signed_attribute_is_answered(kind: int, value: bytes) -> None:
    """A participant may sign what it likes: the answer is a response, an error or a violation."""
    agent = IceAgent()
    try:
        request = parse_untrusted(with_attribute(kind, value, agent.current))
    except ProtocolViolation:
        return
    answer = agent.answer(request, HOME)
    assert answer is None or stun.parse_message(answer.response)
