"""Whatever is sent, the answer is a coded refusal and never a failure of ours."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remote_assist.api.layer import JSON_DEPTH_MAX
from remote_assist.api.middleware import BODY_MAX_BYTES
from remote_assist.api.server import operations
from tests.api.conftest import KEY, OPEN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
WITH_BODY = [one for one in operations(is_demo=False) if one.body is not None]
SLOW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=20), some, max_size=4),
    max_leaves=20,
)
NAMES = [
    *("customer", "technician", "name", "email", "locale", "id", "booked_minutes", "scheduled_start"),
    *("tariff", "kind", "price_minor", "currency", "rate_minor_per_hour", "terms", "free_ms", "booked_ms"),
    *("recording", "metadata", "url", "event_types", "enabled", "secret"),
]
LIKELY: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.floats()
    | st.sampled_from(
        ["fixed", "metered", "CHF", "off", "https://a.example", "2027-01-01T00:00:00Z", "\ud800", "\0"]
    ),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from(NAMES), some, max_size=6),
    max_leaves=25,
)


async def fits(api: Api, method: str, path: str, raw: bytes, content_type: str = "application/json") -> int:
    reply = await api.ask(method, _some(path), raw, Content_Type=content_type)
    assert reply.status < 500, reply.text
    if reply.status >= 400:
        assert reply.code
    return reply.status


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
@SLOW
@given(raw=st.binary(max_size=300))
async def test_any_bytes(api: Api, operation: Any, raw: bytes) -> None:
    """Bytes that are no JSON are told so."""
    await fits(api, operation.method, operation.path, raw)


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
@SLOW
@given(value=JSON | LIKELY)
async def test_any_json(api: Api, operation: Any, value: Any) -> None:
    """JSON of any shape and with our own names in wrong places is answered."""
    await fits(api, operation.method, operation.path, json.dumps(value).encode())


@SLOW
@given(patch=st.dictionaries(st.sampled_from(NAMES), LIKELY, max_size=3))
async def test_nearly_right_sessions(api: Api, patch: Any) -> None:
    """A good request with some fields replaced is opened or refused."""
    assert await fits(api, "POST", "/api/v1/sessions", json.dumps({**OPEN, **patch}).encode()) in {
        201,
        400,
        422,
    }


@SLOW
@given(
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "session_id", "x"]), st.text(max_size=30), max_size=3
    )
)
@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/usage-records", "/api/v1/webhook-deliveries"])
async def test_any_query(api: Api, path: str, query: dict[str, str]) -> None:
    """Any text after the question mark is answered."""
    async with api.http.get(path, params=query, headers={"Authorization": f"Bearer {KEY}"}) as response:
        assert response.status in {200, 422}, await response.text()


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
async def test_deep_json_is_refused(api: Api, operation: Any) -> None:
    """Nesting has a bound, far below where a parser suffers."""
    for raw in (b"[" * 200_000, b'{"a":' * 40_000, b"[" * (JSON_DEPTH_MAX + 1) + b"]" * (JSON_DEPTH_MAX + 1)):
        reply = await api.ask(operation.method, _some(operation.path), raw)
        assert (reply.status, reply.code) == (400, "json_too_deep")


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", "-1e17"])
async def test_numbers_that_cannot_be_kept_are_refused(api: Api, number: str) -> None:
    """A number of any length is a refusal, never a failure."""
    people = '"customer":{"name":"A"},"technician":{"name":"B"}'
    raw = f'{{{people},"booked_minutes":30,"metadata":{{"n":{number}}}}}'
    reply = await api.ask("POST", "/api/v1/sessions", raw.encode())
    assert reply.status in {400, 422}


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "made-up"])
async def test_compressed_bodies_are_refused(api: Api, encoding: str) -> None:
    """Nothing is decompressed, with a key or without one, so that nothing can be a bomb."""
    for path in ("/api/v1/sessions", "/api/v1/join"):
        reply = await api.ask("POST", path, b"\x1f\x8b junk", Content_Encoding=encoding)
        assert (reply.status, reply.code) == (415, "unsupported_content_encoding")


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/usage-records", "/api/v1/webhook-deliveries"])
async def test_a_cursor_of_nobody_is_refused(api: Api, path: str) -> None:
    """A cursor that no page gave is an error, not the first page again."""
    assert (await api.ask("GET", f"{path}?cursor=zzz")).status == 422


async def test_metadata_may_be_nested_below_the_bound(api: Api) -> None:
    """A realistic depth is kept."""
    deep: Any = 1
    for _ in range(JSON_DEPTH_MAX - 2):
        deep = [deep]
    assert (await api.open(metadata={"deep": deep}))["metadata"] == {"deep": deep}


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
async def test_large_bodies_are_refused(api: Api, operation: Any) -> None:
    """A body over the bound is not read to its end."""
    reply = await api.ask(operation.method, _some(operation.path), b" " * (BODY_MAX_BYTES + 1))
    assert (reply.status, reply.code) == (413, "body_too_large")


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json5"]
)
async def test_other_media_types_are_refused(api: Api, operation: Any, content_type: str) -> None:
    """Only JSON is read, and it must say so."""
    reply = await api.ask(operation.method, _some(operation.path), b'{"a":1}', Content_Type=content_type)
    assert (reply.status, reply.code) == (415, "unsupported_media_type")


async def test_charset_of_json_does_not_matter(api: Api) -> None:
    """A parameter after the media type is allowed."""
    reply = await api.ask("POST", "/api/v1/sessions", OPEN, Content_Type="application/json; charset=utf-8")
    assert reply.status == 201


def _some(path: str) -> str:
    """Fill in ids that could be, of things that are not."""
    ids = {"session_id": "s", "endpoint_id": "e", "delivery_id": "d", "call_id": "c" * 22}
    return path.format(**ids)
