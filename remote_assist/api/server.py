"""All of HTTP as one aiohttp application. Knows every route and no rule."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from remote_assist import __version__
from remote_assist.api import (
    middleware,
    openapi,
    pages,
    routes_billing,
    routes_demo,
    routes_files,
    routes_health,
    routes_links,
    routes_sessions,
    routes_test_calls,
    routes_webhooks,
)
from remote_assist.api.access import ASKER, identify
from remote_assist.api.context import CONTEXT, Context
from remote_assist.api.idempotency import answer_once
from remote_assist.api.layer import Access, Operation, Respond, respond
from remote_assist.api.static_files import StaticFiles

_PLAIN = (
    routes_sessions.operations,
    routes_billing.operations,
    routes_webhooks.operations,
    routes_links.operations,
    routes_test_calls.operations,
    routes_files.operations,
)


def build(context: Context) -> web.Application:
    """Return the application. The socket server adds its own route to it."""
    application = web.Application(
        middlewares=[middleware.observe(context.clock, context.metrics), middleware.answer_problems],
        client_max_size=middleware.BODY_MAX_BYTES,
    )
    application[CONTEXT] = context
    application.on_response_prepare.append(middleware.add_headers)
    found = list(operations(is_demo=context.demo is not None))
    application.add_routes(
        web.route(one.method, one.path, _admit(one))
        if one.method != "GET"
        else web.get(one.path, _admit(one))
        for one in found
    )
    application.add_routes(routes_health.routes(context, openapi.document(found, __version__)))
    application.add_routes(pages.routes(StaticFiles(pages.STATIC_FOLDER)))
    return application


def operations(*, is_demo: bool) -> Iterator[Operation]:
    """Return every operation of the API."""
    for group in _PLAIN:
        yield from group
    if is_demo:
        yield from routes_demo.operations


def document() -> dict[str, Any]:
    """Return the OpenAPI document, with the operations of demo mode."""
    return openapi.document(operations(is_demo=True), __version__)


def _admit(operation: Operation) -> Respond:
    """Ask who it is before anything else is looked at."""
    answer = respond(operation)

    async def run(request: web.Request) -> web.StreamResponse:
        request[ASKER] = await identify(request, operation.access)
        if operation.method == "POST" and operation.access is Access.PARTNER:
            return await answer_once(request, answer)
        return await answer(request)

    return run
