"""Health, documents and keys: what anybody may read."""

import asyncio
import json
from typing import Any, Final

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from remote_assist.api.context import Context, context_of

CHECK_TIMEOUT_S: Final = 2.0
REPEAT_S: Final = 1.0
"""Anybody may ask for readiness; the checks themselves run once a second at most."""
log = structlog.get_logger(__name__)


def routes(context: Context, openapi: dict[str, Any]) -> list[web.RouteDef]:
    """Return the routes of health, documents and keys."""
    readiness = _Readiness(context)
    found = [
        web.get("/healthz", _alive),
        web.get("/readyz", readiness.respond),
        web.get("/.well-known/jwks.json", _keys),
        web.get("/api/openapi.json", _document(openapi)),
        web.get("/api/asyncapi.json", _document(context.asyncapi)),
    ]
    if context.serves_metrics:
        found.append(web.get("/metrics", _metrics))
    return found


class _Readiness:
    """Whether this server can do its work, asked of its parts at most once a second."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = asyncio.Lock()
        self._asked_at_s = float("-inf")
        self._found: dict[str, str] = {}

    async def respond(self, _request: web.Request) -> web.Response:
        async with self._lock:
            if self._context.clock.monotonic_s() - self._asked_at_s >= REPEAT_S:
                names = list(self._context.checks)
                answers = await asyncio.gather(*(self._ask(name) for name in names))
                self._found = dict(zip(names, answers, strict=True))
                self._asked_at_s = self._context.clock.monotonic_s()
        is_draining = self._context.is_draining()
        is_ready = not is_draining and all(answer == "ok" for answer in self._found.values())
        body = {
            "status": "draining" if is_draining else "ready" if is_ready else "not_ready",
            "checks": self._found,
        }
        return web.json_response(body, status=200 if is_ready else 503, headers={"Cache-Control": "no-store"})

    async def _ask(self, name: str) -> str:
        try:
            await asyncio.wait_for(self._context.checks[name](), CHECK_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - whatever a part says, the answer is "failed"
            log.warning("readiness_check_failed", check=name, error=type(error).__name__)
            return "failed"
        return "ok"


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def _keys(request: web.Request) -> web.Response:
    headers = {"Cache-Control": "public, max-age=300"}
    return web.json_response(context_of(request).signer.jwks(), headers=headers)


async def _metrics(request: web.Request) -> web.Response:
    body = context_of(request).metrics.render()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


def _document(content: Any) -> Any:
    body = json.dumps(content).encode()

    async def respond(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-cache"})

    return respond
