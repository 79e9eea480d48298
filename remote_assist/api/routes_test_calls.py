"""Test calls: a page calls itself through the relay, without a key, to check its network."""

from http import HTTPStatus

from aiohttp import web

from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.limits import address_of
from remote_assist.api.problems import ApiProblem
from remote_assist.api.schemas import TestCallId, TestCallOut, TestDescription, TestDescriptionOut
from remote_assist.errors import Conflict
from remote_assist.media.self_calls import LIFE_S

operations = Operations("test calls")


@operations.add(
    "POST",
    "/api/v1/test-calls",
    status=201,
    access=Access.PUBLIC,
    refusals=(HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def open_test_call(request: web.Request) -> TestCallOut:
    """Open a test call for a few seconds. Nothing of it is stored, logged or billed."""
    context = context_of(request)
    address, now_s = address_of(request), context.clock.monotonic_s()
    wait_s = context.test_calls.retry_after_s(address, now_s)
    if wait_s:
        headers = {"Retry-After": str(wait_s)}
        raise ApiProblem(429, "too_many_test_calls", "Too many tests; wait a little.", headers=headers)
    context.test_calls.count(address, now_s)
    try:
        call_id = context.self_calls.open()
    except Conflict as refusal:
        raise ApiProblem(503, refusal.code, refusal.detail, headers={"Retry-After": str(LIFE_S)}) from None
    return TestCallOut(
        id=call_id, life_s=LIFE_S, ice_servers=list(context.ice_servers(f"test-call-{call_id}", "customer"))
    )


@operations.add(
    "POST",
    "/api/v1/test-calls/{call_id}/descriptions",
    access=Access.PUBLIC,
    refusals=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
)
async def describe_test_call(
    request: web.Request, call_id: TestCallId, body: TestDescription
) -> TestDescriptionOut:
    """Give the description of one connection, and get it as the other one is to hear it."""
    sdp = context_of(request).self_calls.carry(call_id, body.leg, body.type, body.sdp)
    return TestDescriptionOut(type=body.type, sdp=sdp)


@operations.add("DELETE", "/api/v1/test-calls/{call_id}", status=204, access=Access.PUBLIC)
async def close_test_call(request: web.Request, call_id: TestCallId) -> None:
    """End a test call before its time. It may be over already."""
    context_of(request).self_calls.close(call_id)
