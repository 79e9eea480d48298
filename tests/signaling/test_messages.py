"""The registry of messages."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import ProtocolViolation
from remote_assist.signaling.messages import (
    CHAT_TEXT_MAX,
    FROM_PAGE,
    SDP_MAX,
    TO_PAGE,
    ChatPost,
    Join,
    Nothing,
    Presence,
    ServerTime,
    failure,
    parse_untrusted,
    success,
)

GOOD: dict[str, object] = {
    "session.sync": {},
    "session.join": {"tab_id": "tab-1", "generation": None},
    "session.admit": {},
    "session.leave": {},
    "session.close": {},
    "session.rate": {"stars": 5, "solved": None, "comment": ""},
    "presence.report": {"visible": True},
    "media.report": {"microphone": True, "camera": False, "screen_stream_id": None},
    "device.report": {
        "kind": "phone",
        "system": "Android 15",
        "browser": "Firefox 153",
        "network": "wifi",
        "quality": "good",
    },
    "description.send": {"generation": 1, "type": "offer", "sdp": "v=0\r\n"},
    "splice.renew": {"generation": 1},
    "chat.post": {"client_id": "1", "text": "hello"},
    "billing.pause": {"pause_id": "p1"},
    "billing.resume": {"pause_id": "p1"},
    "clock.read": {},
    "token.renew": {},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def refusal(name: str, payload: object) -> ProtocolViolation:
    with pytest.raises(ProtocolViolation) as caught:
        parse_untrusted(name, payload)
    return caught.value


@pytest.mark.parametrize("name", FROM_PAGE)
def test_a_good_payload_is_parsed(name: str) -> None:
    """Every event has a payload that fits, which becomes its type."""
    assert isinstance(parse_untrusted(name, GOOD[name]), FROM_PAGE[name].payload)


def test_no_payload_is_an_empty_one() -> None:
    """Events without fields need no object."""
    assert parse_untrusted("clock.read", None) == Nothing()
    assert parse_untrusted("session.join", {"tab_id": "t"}) == Join(tab_id="t", generation=None)


def test_unknown_events_are_refused() -> None:
    """What the server says cannot be sent to it, either."""
    assert refusal("session.destroy", {}).code == "unknown_event"
    assert refusal("session.state", {}).code == "unknown_event"


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("session.sync", {"extra": 1}),
        ("session.join", {"tab_id": ""}),
        ("session.join", {"tab_id": "a b"}),
        ("session.join", {"tab_id": "a" * 65}),
        ("session.join", {"tab_id": "a", "generation": -1}),
        ("session.join", {"tab_id": "a", "generation": 2**31}),
        ("session.join", {"tab_id": "a", "generation": "1"}),
        ("session.join", {"tab_id": "a", "generation": 1.0}),
        ("session.rate", {"stars": 6}),
        ("session.rate", {"stars": 4.5}),
        ("session.rate", {"comment": "x" * 1_001}),
        ("presence.report", {"visible": "true"}),
        ("presence.report", {"visible": 1}),
        ("media.report", {"microphone": True, "camera": True, "screen_stream_id": "s" * 129}),
        ("device.report", {"kind": "phone", "system": "x" * 41, "browser": "", "network": "wifi"}),
        ("device.report", {"kind": "toaster", "system": "", "browser": "", "network": "wifi"}),
        ("description.send", {"generation": 1, "type": "rollback", "sdp": "v=0"}),
        ("description.send", {"generation": 1, "type": "offer", "sdp": ""}),
        ("description.send", {"generation": 1, "type": "offer", "sdp": "v" * (SDP_MAX + 1)}),
        ("chat.post", {"client_id": "1", "text": "x" * (CHAT_TEXT_MAX + 1)}),
        ("chat.post", {"client_id": "1", "text": " \n "}),
        ("chat.post", {"client_id": "1", "text": "bell\x07"}),
        ("chat.post", {"client_id": "1", "text": "nul\x00"}),
        ("chat.post", []),
        ("chat.post", "text"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, payload: object) -> None:
    """Wrong types, unknown fields and sizes out of bounds."""
    assert refusal(name, payload).code == "invalid_payload"


def test_a_refusal_names_the_field_and_not_its_content() -> None:
    """Nothing that somebody typed is repeated."""
    detail = refusal("chat.post", {"client_id": "1", "text": 5}).detail
    assert detail.startswith("text: ")
    assert "secret" not in refusal("chat.post", {"client_id": "secret words", "text": "x"}).detail
    assert refusal("chat.post", 5).detail.startswith("payload: ")


@given(st.sampled_from(sorted(FROM_PAGE)), json_values)
def test_nothing_but_a_refusal_escapes(name: str, payload: object) -> None:
    """Any JSON is a message or refused."""
    with contextlib.suppress(ProtocolViolation):
        assert isinstance(parse_untrusted(name, payload), FROM_PAGE[name].payload)


def test_names_say_who_speaks() -> None:
    """No event goes both ways, and each name is ``noun.verb``."""
    assert not set(FROM_PAGE) & set(TO_PAGE)
    assert all(name.count(".") == 1 for name in (*FROM_PAGE, *TO_PAGE))


def test_messages_do_not_change() -> None:
    """A parsed message is a value."""
    report = Presence(visible=True)
    with pytest.raises(ValueError, match="frozen"):
        report.visible = False  # type: ignore[misc]  # the point of the test
    assert ChatPost(client_id="1", text="x") == ChatPost(client_id="1", text="x")


def test_acknowledgements_have_two_forms() -> None:
    """Data, or a coded error."""
    assert success(ServerTime(now_ms=5)) == {"ok": True, "data": {"now_ms": 5}}
    assert failure("glare", "No.") == {"ok": False, "error": {"code": "glare", "detail": "No."}}
