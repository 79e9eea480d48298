"""Reading Socket.IO packets from outside."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.signaling.frames import (
    CONNECT,
    DISCONNECT,
    EVENT,
    JSON_DEPTH_MAX,
    PACKET_MAX,
    Frame,
    MalformedFrame,
    frame_untrusted,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def refusal(packet: object) -> MalformedFrame:
    with pytest.raises(MalformedFrame) as caught:
        frame_untrusted(packet)
    return caught.value


@pytest.mark.parametrize(
    ("packet", "frame"),
    [
        ("0", Frame(CONNECT)),
        ('0{"token":"t"}', Frame(CONNECT, None, {"token": "t"})),
        ('0/,{"token":"t"}', Frame(CONNECT, None, {"token": "t"})),
        ("1", Frame(DISCONNECT)),
        ('2["clock.read"]', Frame(EVENT, None, ("clock.read", None))),
        ('212["clock.read",{}]', Frame(EVENT, 12, ("clock.read", {}))),
    ],
)
def test_what_pages_send_is_read(packet: str, frame: Frame) -> None:
    """Connects, disconnects and events, with or without an id."""
    assert frame_untrusted(packet) == frame


@given(st.text(min_size=1, max_size=20), json_values, st.none() | st.integers(0, 10**15))
def test_an_event_survives_the_round_trip(name: str, payload: object, ack_id: int | None) -> None:
    """Whatever JSON an event carries arrives unchanged."""
    packet = f"2{'' if ack_id is None else ack_id}{json.dumps([name, payload])}"
    assert frame_untrusted(packet) == Frame(EVENT, ack_id, (name, payload))


@pytest.mark.parametrize(
    ("packet", "code", "ack_id"),
    [
        ("", "malformed", None),
        ("x", "malformed", None),
        ("9", "malformed", None),
        (None, "malformed", None),
        (["2"], "malformed", None),
        ("4", "malformed", None),
        ('31["answer"]', "malformed", 1),
        ("0[]", "malformed", None),
        ('2/admin,["clock.read"]', "malformed", None),
        ("2", "malformed", None),
        ("27{}", "malformed", 7),
        ("27[]", "malformed", 7),
        ("27[1]", "malformed", 7),
        ('27["a",1,2]', "malformed", 7),
        ("27[NaN]", "malformed", 7),
        ('27["a"', "malformed", 7),
        ("2" + "1" * 17 + '["a"]', "malformed", None),
        (b"2[]", "binary_refused", None),
        ('51-7["a",{"_placeholder":true,"num":0}]', "binary_refused", 7),
        ('5["a"]', "binary_refused", None),
        ("60-[]", "binary_refused", None),
        ('21-["a"]', "binary_refused", None),
        ("2" + "9" * PACKET_MAX, "too_large", None),
    ],
)
def test_everything_else_is_refused_with_a_code(packet: object, code: str, ack_id: int | None) -> None:
    """And answered to whoever asked for an answer."""
    refused = refusal(packet)
    assert (refused.code, refused.ack_id) == (code, ack_id)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_nesting_is_bounded() -> None:
    """JSON may nest JSON_DEPTH_MAX deep, the event's own list included."""
    assert frame_untrusted(f'21["a",{nested(JSON_DEPTH_MAX - 1)}]').ack_id == 1
    assert refusal(f'21["a",{nested(JSON_DEPTH_MAX)}]').code == "too_deep"
    assert refusal(f'21["a",{nested(40_000)}]').code == "malformed"


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_nothing_but_a_refusal_escapes(packet: str | bytes) -> None:
    """Any text or bytes are a frame or refused."""
    with contextlib.suppress(MalformedFrame):
        assert frame_untrusted(packet).type in {CONNECT, DISCONNECT, EVENT}
