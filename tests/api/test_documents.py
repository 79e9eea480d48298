"""The documents of the interfaces, the pages and their policies, health and keys."""

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from remote_assist.api.layer import Access
from remote_assist.api.server import document, operations
from tests.api.conftest import Api, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTRACT = {
    "/api/v1/sessions": {"get", "post"},
    "/api/v1/sessions/{session_id}": {"get"},
    "/api/v1/sessions/{session_id}/events": {"get"},
    "/api/v1/sessions/{session_id}/close": {"post"},
    "/api/v1/sessions/{session_id}/receipt": {"get"},
    "/api/v1/sessions/{session_id}/ratings": {"get"},
    "/api/v1/sessions/{session_id}/files": {"post"},
    "/api/v1/sessions/{session_id}/files/{file_id}": {"get"},
    "/api/v1/usage-records": {"get"},
    "/api/v1/usage-records/{record_id}": {"get"},
    "/api/v1/webhook-endpoints": {"get", "post"},
    "/api/v1/webhook-endpoints/{endpoint_id}": {"get", "patch", "delete"},
    "/api/v1/webhook-deliveries": {"get"},
    "/api/v1/webhook-deliveries/{delivery_id}/redeliver": {"post"},
    "/api/v1/join": {"post"},
    "/api/v1/test-calls": {"post"},
    "/api/v1/test-calls/{call_id}": {"delete"},
    "/api/v1/test-calls/{call_id}/descriptions": {"post"},
}


async def test_openapi_is_valid_and_complete(api: Api) -> None:
    """The served document is OpenAPI 3.1 and names every operation of the contract."""
    served = (await api.ask("GET", "/api/openapi.json", key=None)).json
    validate(served)
    assert served["openapi"] == "3.1.0"
    assert {path: set(found) for path, found in served["paths"].items()} == CONTRACT


async def test_printed_document_adds_the_demo() -> None:
    """`schema openapi` holds the demo route too, for the pages' types."""
    validate(document())
    assert "/api/v1/demo/sessions" in document()["paths"]


@pytest.mark.parametrize("operation", list(operations(is_demo=True)), ids=lambda operation: operation.name)
async def test_operations_are_described(operation: Any) -> None:
    """Each has a sentence, and says whose key it wants and what it refuses."""
    described = document()["paths"][operation.path][operation.method.lower()]
    assert described["summary"].endswith(".")
    assert bool(described["security"]) == (operation.access is not Access.PUBLIC)
    assert ("401" in described["responses"]) == (operation.access is not Access.PUBLIC)


async def test_asyncapi_is_served(api: Api) -> None:
    """The protocol of the sockets is read beside it."""
    assert (await api.ask("GET", "/api/asyncapi.json", key=None)).json["asyncapi"] == "3.0.0"


@pytest.mark.parametrize(
    "path",
    ["/", "/j", "/healthz", "/readyz", "/api/openapi.json", "/api/docs/", "/.well-known/jwks.json"],
)
async def test_open_doors_need_no_key(api: Api, path: str) -> None:
    """What anybody may read is answered with 200 and strict headers, also to HEAD."""
    reply = await api.ask("GET", path, key=None)
    assert reply.status == 200, reply.text
    policy = reply.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy or "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert (await api.ask("HEAD", path, key=None)).status == 200


async def test_docs_page_runs_nothing_inline_and_asks_nobody_else(api: Api) -> None:
    """Swagger UI comes from this server, and its start from a file of its own."""
    page = (await api.ask("GET", "/api/docs/", key=None)).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    for name in re.findall(r"(?:src|href)=\"([^\"]+)\"", page):
        assert (await api.ask("GET", f"/api/docs/{name}", key=None)).status == 200, name


async def test_assets_are_immutable_and_pages_are_not(api: Api) -> None:
    """A hashed file is kept for ever, a page is asked for anew and answered 304."""
    page = await api.ask("GET", "/j", key=None)
    assert page.headers["Cache-Control"] == "no-cache"
    assert (await api.ask("GET", "/j", key=None, If_None_Match=page.headers["ETag"])).status == 304
    names = re.findall(r"(?:src|href)=\"\.?/?(assets/[^\"]+)\"", page.text)
    assert names
    for name in names:
        asset = await api.ask("GET", f"/{name}", key=None)
        assert asset.status == 200
        assert "immutable" in asset.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        *("/nope", "/api/v2/sessions", "/assets/%00", "/assets/nope.js", "/assets/../settings.py"),
        *("/assets/..%2f..%2fsettings.py", "/api/docs/ui/..%2f..%2fj.html"),
    ],
)
async def test_other_paths_are_problems(api: Api, path: str) -> None:
    """Nothing outside the bundle is served, and every refusal has the one shape."""
    reply = await api.ask("GET", path, key=None)
    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/api/v1/sessions"), ("POST", "/"), ("PUT", "/healthz"), ("PROPFIND", "/j")],
)
async def test_other_methods_are_problems(api: Api, method: str, path: str) -> None:
    """405 names what is allowed."""
    reply = await api.ask(method, path, key=None)
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert "GET" in reply.headers["Allow"]


async def test_request_id_is_echoed_or_made(api: Api) -> None:
    """A caller's id comes back, a senseless one is replaced, and problems name it."""
    given = await api.ask("GET", "/nope", key=None, X_Request_ID="caller-12345")
    assert given.headers["X-Request-ID"] == given.json["request_id"] == "caller-12345"
    made = await api.ask("GET", "/nope", key=None, X_Request_ID="<script>")
    assert re.fullmatch(r"[0-9a-f-]{36}", made.headers["X-Request-ID"])


async def test_keys_are_public_keys_only(api: Api) -> None:
    """The JWKS holds no private part."""
    keys = (await api.ask("GET", "/.well-known/jwks.json", key=None)).json["keys"]
    assert keys
    assert all(set(key) == {"kty", "crv", "x", "kid", "alg", "use"} for key in keys)


async def test_readiness_says_what_is_wrong(api: Api) -> None:
    """A draining server is no target for new sessions, though alive."""
    ready = await api.ask("GET", "/readyz", key=None)
    assert ready.json == {"status": "ready", "checks": {"database": "ok", "relay": "ok"}}
    api.server.is_draining = True
    try:
        draining = await api.ask("GET", "/readyz", key=None)
    finally:
        api.server.is_draining = False
    assert (draining.status, draining.json["status"]) == (503, "draining")
    assert (await api.ask("GET", "/healthz", key=None)).status == 200


async def test_metrics_are_served_by_setting_only(api: Api, tmp_path: Any) -> None:
    """Without the setting there is nothing at /metrics."""
    assert (await api.ask("GET", "/metrics", key=None)).status == 404
    async with serving(tmp_path, METRICS="true") as measured:
        await measured.open()
        shown = await measured.ask("GET", "/metrics", key=None)
        assert 'route="/api/v1/sessions",status="201"} 1.0' in shown.text
        assert "remote_assist_relay_total" in shown.text


async def test_demo_exists_in_demo_mode_only(api: Api) -> None:
    """Nobody opens sessions without a key on a real server."""
    reply = await api.ask("POST", "/api/v1/demo/sessions", {"with": "window"}, key=None)
    assert (reply.status, reply.code) == (404, "not_found")


async def test_demo_opens_sessions_without_a_key(tmp_path: Any) -> None:
    """The first screen gets both links, and for a phone the one of the local network, if there is any."""
    async with serving(tmp_path, is_demo=True) as demo:
        for kind in ("window", "phone"):
            reply = await demo.ask("POST", "/api/v1/demo/sessions", {"with": kind}, key=None)
            assert reply.status == 201
            assert reply.json["phone"] is None
            assert reply.json["customer_url"].startswith(demo.server.http_url + "/j#")
        wrong = await demo.ask("POST", "/api/v1/demo/sessions", {"with": "cat"}, key=None)
        assert wrong.status == 422
        session = await demo.ask(
            "GET", f"/api/v1/sessions/{reply.json['session_id']}", key=demo.server.demo_key
        )
        assert session.json["terms"]["free_ms"] == 0
        assert session.json["terms"]["tariff"]["rate_minor_per_hour"] == 6000
        assert json.loads(session.text)["terms"]["min_executed_ms"] == 5000
