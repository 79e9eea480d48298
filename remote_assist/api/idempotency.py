"""``Idempotency-Key``: the same key with the same body gets the first answer again.

Answers may hold links and secrets that the database otherwise knows only by their hash. So a kept answer is
sealed with a key made from the partner's API key and the idempotency key, which only the asker holds.
Refusals are not kept: they had no effect, and the request may be mended and sent again.
"""

import base64
import hashlib
import json
import os
import re
from typing import Final

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from remote_assist.api.access import ASKER
from remote_assist.api.context import context_of
from remote_assist.api.layer import Respond
from remote_assist.api.problems import ApiProblem
from remote_assist.sessions.views import StoredReply

HEADER: Final = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NONCE_BYTES: Final = 12
_KEPT_HEADERS: Final = ("Location",)


async def answer_once(request: web.Request, respond: Respond) -> web.StreamResponse:
    """Answer a request of a partner, or repeat what the first request with its key was answered.

    Raises:
        Conflict: the first request is still running.
        Invalid: the key was used for another request.
        ApiProblem: the key is no key.
    """
    key, asker = request.headers.get(HEADER), request[ASKER]
    if key is None or asker.partner_id is None or asker.api_key is None:
        return await respond(request)
    if not _KEY.fullmatch(key):
        raise ApiProblem(422, "invalid_idempotency_key", "The key must be 1 to 255 visible ASCII characters.")
    partners = context_of(request).partners
    seal = _Seal(asker.api_key, key)
    stored = await partners.begin_request(asker.partner_id, key, await _fingerprint(request))
    if stored is not None:
        return seal.open(stored)
    try:
        response = await respond(request)
    except Exception:
        await partners.forget_request(asker.partner_id, key)
        raise
    assert isinstance(response, web.Response), "an operation that changes something answers in one piece"
    await partners.finish_request(asker.partner_id, key, seal.close(response))
    return response


async def _fingerprint(request: web.Request) -> str:
    """Return a hash of what is asked: method, path, query and body."""
    head = json.dumps([request.method, request.path_qs]).encode()
    return hashlib.sha256(head + b"\0" + await request.read()).hexdigest()


class _Seal:
    """Encrypt answers so that only who asked can read them again (AES-256-GCM, NIST SP 800-38D)."""

    def __init__(self, api_key: str, idempotency_key: str) -> None:
        material = json.dumps(["idempotency", api_key, idempotency_key]).encode()
        self._cipher = AESGCM(hashlib.sha256(material).digest())

    def close(self, response: web.Response) -> StoredReply:
        """Return what to keep of an answer."""
        body = response.body if isinstance(response.body, bytes) else b""
        kept = {
            "body": body.decode(),
            "content_type": response.content_type,
            "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        }
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, json.dumps(kept).encode(), None)
        return StoredReply(status=response.status, body=base64.b64encode(sealed).decode())

    def open(self, stored: StoredReply) -> web.Response:
        """Return the answer again."""
        sealed = base64.b64decode(stored.body)
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag:
            detail = "This idempotency key was used with another API key."
            raise ApiProblem(422, "idempotency_key_reused", detail) from None
        kept = json.loads(plain)
        return web.Response(
            status=stored.status,
            body=kept["body"].encode(),
            content_type=kept["content_type"],
            headers={**kept["headers"], "Idempotent-Replayed": "true"},
        )
