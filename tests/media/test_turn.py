"""media/turn.py: credentials as coturn checks them."""

import base64
import hashlib
import hmac

from remote_assist.media.turn import credential


def test_credential_is_what_the_server_computes() -> None:
    """The password is the HMAC-SHA1 of the user name, which says when it expires and whose it is."""
    made = credential("s3cret", "0190:customer", now_ms=1_700_000_000_999, life_s=60)
    assert made.username == "1700000060:0190:customer"
    expected = hmac.new(b"s3cret", made.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(made.password) == expected


def test_known_vector() -> None:
    """As ``printf 1:x | openssl dgst -sha1 -hmac k -binary | base64`` says."""
    assert credential("k", "x", now_ms=0, life_s=1).password == "4YtLTrLPyfH1L9tQUyXs5YyCNrc="
