"""api/layer.py: what a signature says is what is read and written."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from remote_assist.api.layer import Access, Operations, nesting, respond
from remote_assist.api.middleware import answer_problems

BRACKETS: Any = st.recursive(st.just(0), lambda some: st.lists(some, min_size=1, max_size=3), max_leaves=20)


def depth_of(value: Any) -> int:
    return 1 + max(depth_of(one) for one in value) if isinstance(value, list) else 0


@given(BRACKETS)
def test_nesting_is_the_depth_of_json(value: Any) -> None:
    """The count agrees with a recursive one."""
    assert nesting(json.dumps(value).encode()) == depth_of(value)


@given(st.text())
def test_brackets_in_strings_do_not_count(text: str) -> None:
    """A string may hold anything."""
    assert nesting(json.dumps([text, {text: text}]).encode()) == 2


@pytest.mark.parametrize("hostile", [b'"' * 250_000, b'\\"' * 125_000, b'"\\' * 125_000, b'["' * 125_000])
def test_hostile_texts_cost_linear_time(hostile: bytes) -> None:
    """Unfinished strings are passed once, not once per quote (the test's time limit would tell)."""
    nesting(hostile)


class Thing(BaseModel):
    name: str


def client_of(operations: Operations) -> TestClient[web.Request, web.Application]:
    application = web.Application(middlewares=[answer_problems])
    application.add_routes(web.route(one.method, one.path, respond(one)) for one in operations)
    return TestClient(TestServer(application))


async def test_answers_of_every_kind() -> None:
    """A model, nothing, or a response of the handler's own."""
    operations = Operations("test")

    @operations.add("POST", "/things/{name}", access=Access.PUBLIC, status=201)
    async def make(_request: web.Request, name: str, body: Thing | None) -> Thing:
        return body or Thing(name=name)

    @operations.add("DELETE", "/things/{name}", access=Access.PUBLIC, status=204)
    async def remove(_request: web.Request, name: str) -> None:
        assert name == "a"

    @operations.add("GET", "/things", access=Access.PUBLIC)
    async def own(_request: web.Request) -> web.Response | Thing:
        return web.Response(text="own")

    async with client_of(operations) as client:
        async with client.post("/things/a") as response:
            assert (response.status, await response.json()) == (201, {"name": "a"})
        async with client.post("/things/a", json={"name": "b"}) as response:
            assert await response.json() == {"name": "b"}
        async with client.delete("/things/a") as response:
            assert (response.status, await response.read()) == (204, b"")
        async with client.get("/things") as response:
            assert await response.text() == "own"


async def test_a_bug_is_a_problem_that_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected exception is a 500 with a code; its text stays here."""
    operations = Operations("test")

    @operations.add("GET", "/broken", access=Access.PUBLIC)
    async def broken(_request: web.Request) -> Thing:
        raise RuntimeError("canary-of-a-bug")

    async with client_of(operations) as client, client.get("/broken") as response:
        body = await response.json()
        assert (response.status, body["code"]) == (500, "internal_error")
        assert "canary" not in json.dumps(body)
    del caplog
