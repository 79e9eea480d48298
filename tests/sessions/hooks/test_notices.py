"""Notices and their envelope."""

import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from remote_assist.clock import SystemClock
from remote_assist.sessions.hooks.envelope import headers
from remote_assist.sessions.hooks.notices import NOTICE_TYPES, notice, timestamp

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
OTHER = "whsec_" + "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="


def test_a_notice_says_what_when_and_in_which_order() -> None:
    """Type, time and data stand where Standard Webhooks wants them."""
    built = notice("session.live", "s1", 2, 1_795_435_200_250, {"state": "live"})
    assert json.loads(built.body) == {
        "type": "session.live",
        "timestamp": "2026-11-23T12:00:00.250Z",
        "data": {"session_id": "s1", "sequence": 2, "state": "live"},
    }
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("kind", NOTICE_TYPES)
def test_the_reference_library_accepts_our_signature(kind: str) -> None:
    """With the right secret, and with no other; a changed body or id is refused."""
    body = notice(kind, "s1", 1, 0, {"name": "Zoë €"}).body
    now_ms = SystemClock().now_ms()
    sealed = headers("msg_1", SECRET, body, now_ms)
    assert Webhook(SECRET).verify(body.encode(), sealed)["type"] == kind
    for secret, text, changes in (
        (OTHER, body, {}),
        (SECRET, body + " ", {}),
        (SECRET, body, {"webhook-id": "msg_2"}),
        (SECRET, body, {"webhook-timestamp": str(now_ms // 1000 + 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(text.encode(), sealed | changes)


def test_every_attempt_has_its_own_time() -> None:
    """The id stays, so that a receiver can tell a repetition."""
    first, second = (headers("msg_1", SECRET, "{}", at_ms) for at_ms in (0, 5_000))
    assert first["webhook-id"] == second["webhook-id"]
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("0", "5")
    assert first["webhook-signature"] != second["webhook-signature"]
