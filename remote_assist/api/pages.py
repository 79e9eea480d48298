"""The pages: first screen, call page, their assets, and the page of the API's documentation."""

from pathlib import Path
from typing import Final

from aiohttp import web

from remote_assist.api.problems import ApiProblem
from remote_assist.api.static_files import StaticFiles

STATIC_FOLDER: Final = Path(__file__).parent.parent / "static"
PAGES: Final = {"/": "index.html", "/j": "j.html", "/test-call": "test-call.html"}
"""Path to file. Opening a page changes nothing and uses up no link."""

_DOCS_CSP: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DOCS_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Remote Assist API</title>
<link rel="stylesheet" href="ui/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="ui/swagger-ui-bundle.js"></script>
<script src="init.js"></script>
</html>
"""
_DOCS_INIT: Final = """SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""


def routes(files: StaticFiles) -> list[web.RouteDef]:
    """Return the routes of all pages."""

    def page(name: str) -> web.RouteDef:
        async def respond(request: web.Request) -> web.Response:
            if PAGES[name] not in files:
                raise ApiProblem(503, "pages_not_built", "The web pages are not built yet; run: make web")
            return files.respond(request, PAGES[name])

        return web.get(name, respond)

    async def asset(request: web.Request) -> web.Response:
        return files.respond(request, "assets/" + request.match_info["name"])

    async def docs_asset(request: web.Request) -> web.Response:
        return files.respond(request, "docs/" + request.match_info["name"])

    async def icon(request: web.Request) -> web.Response:
        found = next((name for name in ("favicon.ico", "favicon.svg", "icon.svg") if name in files), None)
        return files.respond(request, found) if found else web.Response(status=204)

    return [
        *(page(name) for name in PAGES),
        web.get("/assets/{name:.+}", asset),
        web.get("/favicon.ico", icon),
        web.get("/favicon.svg", icon),
        web.get("/api/docs", _to_docs),
        web.get("/api/docs/", _docs_page),
        web.get("/api/docs/init.js", _docs_init),
        web.get("/api/docs/ui/{name:.+}", docs_asset),
    ]


async def _to_docs(_request: web.Request) -> web.Response:
    return web.Response(status=308, headers={"Location": "docs/"})


async def _docs_page(_request: web.Request) -> web.Response:
    headers = {"Content-Security-Policy": _DOCS_CSP, "Cache-Control": "no-cache"}
    return web.Response(text=_DOCS_PAGE, content_type="text/html", headers=headers)


async def _docs_init(_request: web.Request) -> web.Response:
    return web.Response(
        text=_DOCS_INIT, content_type="text/javascript", headers={"Cache-Control": "no-cache"}
    )
