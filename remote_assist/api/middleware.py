"""What every request passes: an id, a log line without query, problem details, security headers."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import hdrs, web

from remote_assist.api import problems
from remote_assist.api.problems import ApiProblem
from remote_assist.api.receipt_page import STYLE_SOURCE
from remote_assist.clock import Clock
from remote_assist.errors import RemoteAssistError
from remote_assist.ids import new_id
from remote_assist.telemetry import Metrics

BODY_MAX_BYTES: Final = 256 * 1024
REQUEST_ID: Final = web.RequestKey("request_id", str)
CSP: Final = (
    f"default-src 'self'; script-src 'self'; style-src 'self' {STYLE_SOURCE}; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": (
        "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), "
        "screen-wake-lock=(self), geolocation=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_LONG_LIVED: Final = "/socket.io/"
"""A WebSocket is one request of its whole lifetime: neither logged nor timed."""
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


def observe(clock: Clock, metrics: Metrics) -> Any:
    """Give each request an id, log it without query or fragment, and count it."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-ID", "")
        request[REQUEST_ID] = given if _ID.fullmatch(given) else new_id()
        if request.path.startswith(_LONG_LIVED):
            return await handler(request)
        started_s = clock.monotonic_s()
        with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
            response = await handler(request)
            elapsed_s = clock.monotonic_s() - started_s
            if request.path not in _QUIET:
                log.info(
                    "http_request",
                    method=request.method,
                    path=request.path[:200],
                    status=response.status,
                    elapsed_ms=round(elapsed_s * 1000, 1),
                )
        method = request.method if request.method in hdrs.METH_ALL else "other"
        metrics.observe_request(method, _route(request), response.status, elapsed_s)
        return response

    return middleware


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every refusal into problem details; a bug becomes a 500 that says nothing of itself."""
    try:
        return await handler(request)
    except ApiProblem as problem:
        refused = problem
    except RemoteAssistError as error:
        refused = problems.from_domain(error)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - redirects are no refusals
            raise
        refused = problems.from_http(error)
    except Exception:  # the outermost loop of this shell
        log.exception("http_request_failed", path=request.path[:200])
        detail = "Something broke on our side; the request id finds it in the log."
        refused = ApiProblem(500, "internal_error", detail)
    return problems.render(refused, request.path, request.get(REQUEST_ID))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete the security headers; what a handler has set stays."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "remote-assist"
    if request.path.startswith("/api/v1/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if REQUEST_ID in request:
        response.headers["X-Request-ID"] = request[REQUEST_ID]


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"
