"""Credentials for TURN servers that expire by themselves. Pure.

Source: draft-uberti-behave-turn-rest-00 section 2.2; coturn's ``use-auth-secret``.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

LIFE_S: Final = 6 * 3_600
"""A session may be extended; a TURN server asks for the credential again at each refresh."""


@dataclass(frozen=True, slots=True)
class TurnCredential:
    """What a browser shows to a TURN server."""

    username: str
    password: str


def credential(secret: str, holder: str, now_ms: int, life_s: int = LIFE_S) -> TurnCredential:
    """Return a credential for ``holder`` (``<session>:<role>``) that expires ``life_s`` from now."""
    username = f"{now_ms // 1000 + life_s}:{holder}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return TurnCredential(username, base64.b64encode(digest).decode())
