"""Mint and verify join tokens and receipts. Given keys and ``now``; reads neither files nor clocks.

One Ed25519 key per purpose. A verifier fixes algorithm, ``typ``, ``kid``, issuer and audience by itself and
takes nothing from the token's header but the proof that it agrees. Source: RFC 8725; kid: RFC 7638.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from remote_assist.errors import ProtocolViolation, Unauthenticated

ALGORITHM: Final = "EdDSA"
JOIN_TYP: Final = "join+jwt"
RECEIPT_TYP: Final = "receipt+jwt"
JOIN_AUDIENCE: Final = "join"
JOIN_LIFE_MS: Final = 600_000
JOIN_TOKEN_MAX: Final = 2_048
"""Characters. Ours have about 450."""
RECEIPT_MAX: Final = 4_194_304
"""Characters. A lane has at most one interval a second: an eight-hour session needs 1.6 million."""
CLOCK_LEEWAY_MS: Final = 60_000
"""How far in the future a token may be issued: another node's clock, or a step of ours over a restart."""


@dataclass(frozen=True, slots=True)
class JoinClaims:
    """Whom a join token stands for."""

    session_id: str
    role: str
    participant_id: str
    expires_at_ms: int


def generate_key_pem() -> bytes:
    """Return a fresh private key (PKCS 8, PEM), for a file that only the owner may read."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key_pem(pem: bytes) -> Ed25519PrivateKey:
    """Return the private key in ``pem``.

    Raises:
        ValueError: there is no Ed25519 private key in it.
    """
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 private key")  # noqa: TRY004 - one error for every bad file
    return key


class TokenSigner:
    """Signs with the keys of this installation, and verifies what they signed."""

    def __init__(
        self,
        join_key: Ed25519PrivateKey,
        receipt_key: Ed25519PrivateKey,
        issuer: str,
        retired_receipt_keys: Sequence[Ed25519PublicKey] = (),
    ) -> None:
        self._join_key = join_key
        self._receipt_key = receipt_key
        self._issuer = issuer
        self._join_kid = thumbprint(join_key.public_key())
        self._receipt_kid = thumbprint(receipt_key.public_key())
        self._receipt_keys = [receipt_key.public_key(), *retired_receipt_keys]

    def mint_join(self, session_id: str, role: str, participant_id: str, now_ms: int) -> tuple[str, int]:
        """Return a join token and the instant it expires."""
        expires_at_s = (now_ms + JOIN_LIFE_MS) // 1000
        claims = {
            "iss": self._issuer,
            "aud": JOIN_AUDIENCE,
            "sub": participant_id,
            "sid": session_id,
            "role": role,
            "iat": now_ms // 1000,
            "exp": expires_at_s,
        }
        headers = {"kid": self._join_kid, "typ": JOIN_TYP}
        return jwt.encode(claims, self._join_key, ALGORITHM, headers), expires_at_s * 1000

    def verify_join(self, token: str, now_ms: int) -> JoinClaims:
        """Return whom the token stands for.

        Raises:
            Unauthenticated: ``token_expired``, or ``invalid_token`` for everything else.
        """
        try:
            claims = _verify_untrusted(
                token, JOIN_TOKEN_MAX, JOIN_TYP, {self._join_kid: self._join_key.public_key()}
            )
            found = _join_claims_untrusted(claims, self._issuer, now_ms)
        except ProtocolViolation as error:
            raise Unauthenticated("invalid_token", "The join token is not valid.") from error
        if now_ms >= found.expires_at_ms:
            raise Unauthenticated("token_expired", "The join token has expired.")
        return found

    def sign_receipt(self, claims: Mapping[str, Any]) -> str:
        """Return the claims, with our issuer, as a signed compact JWS."""
        headers = {"kid": self._receipt_kid, "typ": RECEIPT_TYP}
        return jwt.encode({"iss": self._issuer, **claims}, self._receipt_key, ALGORITHM, headers)

    def verify_receipt(self, token: str) -> dict[str, Any]:
        """Return the claims of a receipt signed here.

        Raises:
            ProtocolViolation: it was not, or it was changed.
        """
        return verify_receipt_untrusted(token, self.jwks())

    def jwks(self) -> dict[str, Any]:
        """Return the public keys of receipts (RFC 7517), the current one first, old ones for ever."""
        return {"keys": [_jwk(key) for key in self._receipt_keys]}


def verify_receipt_untrusted(token: str, jwks: object) -> dict[str, Any]:
    """Return the claims of a receipt signed by one of the keys in a JWKS document.

    Raises:
        ProtocolViolation: the receipt or the document is malformed, or no key signed it.
    """
    return _verify_untrusted(token, RECEIPT_MAX, RECEIPT_TYP, _keys_untrusted(jwks))


def thumbprint(key: Ed25519PublicKey) -> str:
    """Return the key id: the SHA-256 of the key's required members. Source: RFC 7638, RFC 8037."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _verify_untrusted(
    token: str, size_max: int, typ: str, keys: Mapping[str, Ed25519PublicKey]
) -> dict[str, Any]:
    if not isinstance(token, str) or len(token) > size_max or not token.isascii():
        raise ProtocolViolation("invalid_token", "The token is no text of acceptable size.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise ProtocolViolation("invalid_token", "The token's header cannot be read.") from error
    # Any further member (crit, jku, x5u, jwk, zip, b64) asks for something we never do.
    if set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM or header["typ"] != typ:
        raise ProtocolViolation("invalid_token", "The token's header is not one of ours.")
    key = keys.get(header["kid"]) if isinstance(header["kid"], str) else None
    if key is None:
        raise ProtocolViolation("unknown_key", "No known key signed the token.")
    try:
        # Times, issuer and audience are checked by the callers, against the instant they are given.
        decoded = jwt.decode_complete(token, key, algorithms=[ALGORITHM], options=_SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise ProtocolViolation("invalid_token", "The token's signature or content is wrong.") from error
    payload: dict[str, Any] = decoded["payload"]
    return payload


_SIGNATURE_ONLY: Final[Any] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _join_claims_untrusted(claims: Mapping[str, Any], issuer: str, now_ms: int) -> JoinClaims:
    if claims.get("iss") != issuer or claims.get("aud") != JOIN_AUDIENCE:
        raise ProtocolViolation("invalid_token", "The token is for somebody else.")
    match claims:
        case {
            "sid": str(sid),
            "role": str(role),
            "sub": str(sub),
            "iat": int(issued_s),
            "exp": int(expires_s),
        }:
            expires_ms = expires_s * 1000
        case _:
            raise ProtocolViolation("invalid_token", "The token lacks a claim.")
    if expires_ms - issued_s * 1000 > JOIN_LIFE_MS or issued_s * 1000 > now_ms + CLOCK_LEEWAY_MS:
        raise ProtocolViolation("invalid_token", "The token's times make no sense.")
    return JoinClaims(sid, role, sub, expires_ms)


def _keys_untrusted(jwks: object) -> dict[str, Ed25519PublicKey]:
    listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(listed, list):
        raise ProtocolViolation("invalid_jwks", "The document has no list of keys.")
    keys = {}
    for entry in listed:
        if not isinstance(entry, Mapping) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
            continue  # a set may hold keys of other kinds
        try:
            raw = base64.urlsafe_b64decode(str(entry.get("x")) + "==")
            key = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError as error:
            raise ProtocolViolation("invalid_jwks", "A key of the document is malformed.") from error
        keys[thumbprint(key)] = key
    return keys


def _jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _base64url(key.public_bytes_raw()),
        "kid": thumbprint(key),
        "alg": ALGORITHM,
        "use": "sig",
    }


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
