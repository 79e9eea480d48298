"""Tokens: ours are accepted, everything else is refused."""

import base64
import contextlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import ProtocolViolation, Unauthenticated
from remote_assist.tokens import (
    CLOCK_LEEWAY_MS,
    JOIN_LIFE_MS,
    JOIN_TYP,
    RECEIPT_TYP,
    JoinClaims,
    TokenSigner,
    generate_key_pem,
    load_key_pem,
    thumbprint,
    verify_receipt_untrusted,
)

NOW_MS = 1_795_435_200_000
JOIN_KEY = load_key_pem(generate_key_pem())
RECEIPT_KEY = load_key_pem(generate_key_pem())
ISSUER = "https://assist.example"
SIGNER = TokenSigner(JOIN_KEY, RECEIPT_KEY, ISSUER)
TOKEN, EXPIRES_AT_MS = SIGNER.mint_join("session", "customer", "ada", NOW_MS)
CLAIMS = {
    "iss": ISSUER,
    "aud": "join",
    "sub": "ada",
    "sid": "session",
    "role": "customer",
    "iat": NOW_MS // 1000,
    "exp": NOW_MS // 1000 + 600,
}
HEADERS = {"kid": thumbprint(JOIN_KEY.public_key()), "typ": JOIN_TYP}


def signed(
    claims: dict[str, Any], headers: dict[str, Any] | None = None, key: Ed25519PrivateKey = JOIN_KEY
) -> str:
    return jwt.encode(claims, key, "EdDSA", {**HEADERS, **(headers or {})})


def test_a_join_token_comes_back_as_it_was_minted() -> None:
    """It names session, role and participant, and lives ten minutes."""
    assert SIGNER.verify_join(TOKEN, NOW_MS) == JoinClaims("session", "customer", "ada", EXPIRES_AT_MS)
    assert EXPIRES_AT_MS == NOW_MS + JOIN_LIFE_MS
    assert SIGNER.verify_join(TOKEN, EXPIRES_AT_MS - 1)
    assert SIGNER.verify_join(signed(CLAIMS), NOW_MS)


def test_an_expired_token_is_told_so() -> None:
    """A page then asks for a fresh one."""
    with pytest.raises(Unauthenticated, match="token_expired"):
        SIGNER.verify_join(TOKEN, EXPIRES_AT_MS)


def without(name: str) -> dict[str, Any]:
    return {other: value for other, value in CLAIMS.items() if other != name}


@pytest.mark.parametrize(
    "claims",
    [
        *[without(name) for name in CLAIMS],
        CLAIMS | {"aud": "receipt"},
        CLAIMS | {"aud": ["join", "other"]},
        CLAIMS | {"iss": "https://evil.example"},
        CLAIMS | {"exp": NOW_MS // 1000 + 601},
        CLAIMS | {"exp": 10**30},
        CLAIMS | {"exp": None},
        CLAIMS | {"iat": (NOW_MS + CLOCK_LEEWAY_MS) // 1000 + 1, "exp": NOW_MS // 1000 + 600},
        CLAIMS | {"sid": 5},
    ],
    ids=str,
)
def test_claims_that_are_not_ours_are_refused(claims: dict[str, Any]) -> None:
    """Even with our own signature: another purpose, a longer life, a missing claim."""
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(signed(claims), NOW_MS)


@pytest.mark.parametrize(
    "headers",
    [
        {"typ": "JWT"},
        {"typ": RECEIPT_TYP},
        {"kid": "../../etc/passwd"},
        {"kid": thumbprint(RECEIPT_KEY.public_key())},
        {"jku": "https://evil.example/jwks.json"},
        {"crit": ["exp"]},
        {"b64": False},
        {"x5u": "https://evil.example/"},
    ],
    ids=str,
)
def test_a_header_that_asks_for_more_is_refused(headers: dict[str, Any]) -> None:
    """The verifier takes nothing from the header; whatever is unusual there is an attack."""
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(signed(CLAIMS, headers), NOW_MS)


def part(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_without_a_signature_is_refused() -> None:
    """Algorithm ``none`` in every spelling."""
    for alg in ("none", "None", "NONE", "nOnE", ""):
        for signature in ("", TOKEN.rsplit(".", 1)[1]):
            forged = f"{part({'alg': alg, **HEADERS})}.{part(CLAIMS)}.{signature}"
            with pytest.raises(Unauthenticated, match="invalid_token"):
                SIGNER.verify_join(forged, NOW_MS)


def test_our_public_key_is_no_password() -> None:
    """HS256 with the public key as its secret, in every encoding, is refused."""
    public = JOIN_KEY.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (public.public_bytes_raw(), pem, part(public.public_bytes_raw()).encode()):
        signing = f"{part({'alg': 'HS256', **HEADERS})}.{part(CLAIMS)}"
        forged = f"{signing}.{part(hmac.digest(secret, signing.encode(), 'sha256'))}"
        with pytest.raises(Unauthenticated, match="invalid_token"):
            SIGNER.verify_join(forged, NOW_MS)


def test_another_key_or_algorithm_is_refused() -> None:
    """Signed by a stranger, by our receipt key, or with ES256."""
    for key in (load_key_pem(generate_key_pem()), RECEIPT_KEY):
        with pytest.raises(Unauthenticated, match="invalid_token"):
            SIGNER.verify_join(signed(CLAIMS, key=key), NOW_MS)
    forged = jwt.encode(CLAIMS, generate_private_key(SECP256R1()), "ES256", HEADERS)
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(forged, NOW_MS)


@given(st.one_of(st.text(max_size=400), st.binary(max_size=400).map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_refused_by_name(text: str) -> None:
    """Nothing but the one refusal escapes."""
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(text, NOW_MS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values, st.binary(max_size=70))
def test_any_parts_are_refused_by_name(header: object, claims: object, signature: bytes) -> None:
    """Well-formed JSON in the wrong places raises nothing else either."""
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(f"{part(header)}.{part(claims)}.{part(signature)}", NOW_MS)


@given(json_values)
def test_any_claims_under_our_signature_are_judged_by_name(claims: object) -> None:
    """A payload that is no object, or the wrong one, is refused and nothing else."""
    payload = json.dumps(claims).encode()
    token = jwt.api_jws.PyJWS().encode(payload, JOIN_KEY, "EdDSA", HEADERS)
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(token, NOW_MS)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_refused(place: int, character: str) -> None:
    """No token differs from ours in one place and passes; unused bits of the last character aside."""
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with contextlib.suppress(Unauthenticated):
        claims = SIGNER.verify_join(changed, NOW_MS)
        assert place == len(TOKEN) - 1, "only the last character carries unused bits"
        assert claims == SIGNER.verify_join(TOKEN, NOW_MS)


def test_a_giant_token_is_not_even_looked_at() -> None:
    """Its size alone refuses it."""
    with pytest.raises(Unauthenticated, match="invalid_token"):
        SIGNER.verify_join(TOKEN + "A" * 10_000, NOW_MS)


def test_a_receipt_is_verified_with_the_public_keys_alone() -> None:
    """Whoever holds the key set can check it, also one signed before the key was changed."""
    receipt = SIGNER.sign_receipt({"sub": "session", "billed_s": 540})
    expected = {"iss": ISSUER, "sub": "session", "billed_s": 540}
    newer = TokenSigner(JOIN_KEY, load_key_pem(generate_key_pem()), ISSUER, [RECEIPT_KEY.public_key()])
    for jwks in (SIGNER.jwks(), newer.jwks()):
        assert verify_receipt_untrusted(receipt, json.loads(json.dumps(jwks))) == expected
    assert SIGNER.verify_receipt(receipt) == expected
    assert len(newer.jwks()["keys"]) == 2


def test_a_receipt_that_was_changed_is_refused() -> None:
    """One second more in the claims breaks the signature."""
    header, payload, signature = SIGNER.sign_receipt({"billed_s": 540}).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = f"{header}.{part(claims | {'billed_s': 541})}.{signature}"
    with pytest.raises(ProtocolViolation, match="invalid_token"):
        SIGNER.verify_receipt(forged)


def test_a_join_token_is_no_receipt_and_a_receipt_no_join_token() -> None:
    """Each purpose has its own key and type."""
    with pytest.raises(ProtocolViolation):
        SIGNER.verify_receipt(TOKEN)
    with pytest.raises(Unauthenticated):
        SIGNER.verify_join(SIGNER.sign_receipt(CLAIMS), NOW_MS)


@pytest.mark.parametrize(
    "jwks",
    [
        None,
        [],
        {},
        {"keys": 5},
        {"keys": [5, {"kty": "RSA"}, {"kty": "OKP", "crv": "X25519"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "ü"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519"}]},
    ],
    ids=str,
)
def test_a_key_set_without_the_key_verifies_nothing(jwks: object) -> None:
    """A malformed or foreign document is said to be one."""
    with pytest.raises(ProtocolViolation):
        verify_receipt_untrusted(SIGNER.sign_receipt({}), jwks)


def test_a_key_file_must_hold_a_key_of_the_right_kind() -> None:
    """An elliptic-curve key of another kind is refused at start."""
    wrong = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="not an Ed25519"):
        load_key_pem(wrong)


def test_the_key_id_is_the_thumbprint_of_the_standard() -> None:
    """The example of RFC 8037, appendix A.3."""
    raw = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    key = Ed25519PublicKey.from_public_bytes(raw)
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
