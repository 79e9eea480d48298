"""Links: exchange a secret for a short-lived join token. Nothing is used up by it."""

from http import HTTPStatus

from aiohttp import web

from remote_assist.api.context import context_of
from remote_assist.api.layer import Access, Operations
from remote_assist.api.limits import address_of
from remote_assist.api.problems import ApiProblem
from remote_assist.api.schemas import JoinConfig, JoinIn, JoinOut
from remote_assist.errors import NotFound

operations = Operations("links")


@operations.add(
    "POST",
    "/api/v1/join",
    access=Access.PUBLIC,
    refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS),
)
async def exchange_link(request: web.Request, body: JoinIn) -> JoinOut:
    """Exchange a link's secret for a join token.

    The secret goes on working, after a reload and on other devices, until 15 minutes after the close.
    """
    context = context_of(request)
    address, now_s = address_of(request), context.clock.monotonic_s()
    wait_s = context.guesses.retry_after_s(address, now_s)
    if wait_s:
        headers = {"Retry-After": str(wait_s)}
        raise ApiProblem(429, "too_many_guesses", "Too many unknown links; wait a little.", headers=headers)
    try:
        holder = await context.sessions.find_link(body.secret)
    except NotFound:
        context.guesses.count(address, now_s)
        raise
    token, expires_at_ms = context.signer.mint_join(
        holder.session_id, holder.role.value, holder.participant_id, context.clock.now_ms()
    )
    return JoinOut(
        token=token,
        expires_at_ms=expires_at_ms,
        session_id=holder.session_id,
        role=holder.role.value,
        participant_id=holder.participant_id,
        name=holder.name,
        locale=holder.locale,
        config=JoinConfig(
            ice_servers=list(context.ice_servers(holder.session_id, holder.role.value)),
            is_demo=context.demo is not None,
        ),
    )
