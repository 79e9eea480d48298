"""api/access.py: who may ask what. Every operation is tried with every wrong credential."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from remote_assist.api.layer import Access, Operation
from remote_assist.api.server import operations
from remote_assist.tokens import JOIN_LIFE_MS, TokenSigner
from tests.api.conftest import KEY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = {
    "get_receipt": (404, "receipt_not_ready"),
    "get_file": (404, "file_not_found"),
    "keep_file": (422, "file_empty"),
}
CLOSED = [one for one in operations(is_demo=True) if one.access is not Access.PUBLIC]


def path_of(operation: Operation) -> str:
    return (
        operation.path.replace("{session_id}", "s")
        .replace("{record_id}", "r")
        .replace("{endpoint_id}", "e")
        .replace("{delivery_id}", "d")
        .replace("{file_id}", "f")
    )


def bodies(operation: Operation) -> Any:
    return b"{not even json" if operation.body else None


@pytest.mark.parametrize("operation", CLOSED, ids=lambda operation: operation.name)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {KEY}",
        KEY,
        f"Bearer {KEY}x",
        "Bearer " + "x" * 5000,
    ],
)
async def test_strangers_are_refused_before_anything_is_read(
    api: Api, operation: Operation, authorization: str | None
) -> None:
    """Without a known key the answer is 401, whatever the body or the path holds."""
    headers = {} if authorization is None else {"Authorization": authorization}
    reply = await api.ask(operation.method, path_of(operation), bodies(operation), key=None, **headers)
    assert reply.status == 401
    assert reply.code in {"missing_credential", "invalid_api_key"}
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_the_scheme_is_read_in_any_case(api: Api) -> None:
    """Authentication schemes are case-insensitive (RFC 9110, 11.1)."""
    assert (await api.ask("GET", "/api/v1/sessions", key=None, Authorization=f"bearer {KEY}")).status == 200


async def joined(api: Api) -> tuple[str, Any]:
    opened = await api.open()
    secret = opened["customer_url"].split("#")[1]
    reply = await api.ask("POST", "/api/v1/join", {"secret": secret}, key=None)
    assert reply.status == 200
    return opened["id"], reply.json


@pytest.mark.parametrize("operation", CLOSED, ids=lambda operation: operation.name)
async def test_a_join_token_opens_nothing_but_the_own_receipt_and_files(
    api: Api, operation: Operation
) -> None:
    """A participant's token is no API key."""
    session_id, join = await joined(api)
    path = path_of(operation).replace("/s/", f"/{session_id}/").removesuffix("/s")
    reply = await api.ask(operation.method, path, bodies(operation), key=join["token"])
    if operation.access is Access.PARTICIPANT:
        assert (reply.status, reply.code) == OWN[operation.name]
    else:
        assert (reply.status, reply.code) == (401, "invalid_api_key")


async def test_a_join_token_opens_the_own_session_only(api: Api) -> None:
    """Another session's receipt does not exist for a participant."""
    _, join = await joined(api)
    other = await api.open()
    reply = await api.ask("GET", f"/api/v1/sessions/{other['id']}/receipt", key=join["token"])
    assert (reply.status, reply.code) == (404, "session_not_found")


def forged(api: Api, session_id: str) -> dict[str, str]:
    """Return bad tokens for a session by what is wrong with them."""
    signer, now_ms = api.server.signer, api.server.clock.now_ms()
    good, _ = signer.mint_join(session_id, "customer", "p", now_ms)
    claims = jwt.decode(good, options={"verify_signature": False})
    header = jwt.get_unverified_header(good)
    stranger = TokenSigner(Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), api.server.public_url)

    def part(content: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    head, body, signature = good.split(".")
    return {
        "expired": signer.mint_join(session_id, "customer", "p", now_ms - JOIN_LIFE_MS - 1000)[0],
        "from the future": signer.mint_join(session_id, "customer", "p", now_ms + 3_600_000)[0],
        "another key": stranger.mint_join(session_id, "customer", "p", now_ms)[0],
        "alg none": f"{part({**header, 'alg': 'none'})}.{body}.",
        "alg none kept signature": f"{part({**header, 'alg': 'none'})}.{body}.{signature}",
        "alg HS256 with the public key": jwt.encode(
            claims, signer.jwks()["keys"][0]["x"], "HS256", {"kid": header["kid"], "typ": header["typ"]}
        ),
        "another role": f"{head}.{part({**claims, 'role': 'technician'})}.{signature}",
        "cut signature": f"{head}.{body}.{signature[:-4]}",
        "wrong audience": signer.sign_receipt({**claims, "aud": "join"}),
        "embedded key": f"{part({**header, 'jwk': signer.jwks()['keys'][0]})}.{body}.{signature}",
        "no claims": f"{head}.{part({})}.{signature}",
        "not json": f"{head}.eyJ.{signature}",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "expired",
        "from the future",
        "another key",
        "alg none",
        "alg none kept signature",
        "alg HS256 with the public key",
        "another role",
        "cut signature",
        "wrong audience",
        "embedded key",
        "no claims",
        "not json",
    ],
)
async def test_bad_tokens_are_refused(api: Api, wrong: str) -> None:
    """Expired, forged, for another audience, unsigned: each is a 401 with a code."""
    opened = await api.open()
    token = forged(api, opened["id"])[wrong]
    reply = await api.ask("GET", f"/api/v1/sessions/{opened['id']}/receipt", key=token)
    assert reply.status == 401
    assert reply.code == ("token_expired" if wrong == "expired" else "invalid_token")
    assert reply.headers["WWW-Authenticate"] == "Bearer"
