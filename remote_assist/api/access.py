"""Who asks: a partner by API key, or a participant by join token."""

from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from remote_assist.api.context import context_of
from remote_assist.api.layer import Access
from remote_assist.errors import NotFound, Unauthenticated
from remote_assist.ids import PartnerId, SessionId

CREDENTIAL_MAX: Final = 4_096
"""Far above any key or token of ours."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Either of a partner with its key, or a participant of one session."""

    partner_id: PartnerId | None = None
    api_key: str | None = None
    session_id: SessionId | None = None
    role: str | None = None


ASKER: Final = web.RequestKey("asker", Asker)


async def identify(request: web.Request, access: Access) -> Asker:
    """Return who asks.

    Raises:
        Unauthenticated: nobody we know, or not with a credential that this operation takes.
    """
    if access is Access.PUBLIC:
        return Asker()
    credential = _bearer_untrusted(request.headers.getall("Authorization", []))
    context = context_of(request)
    if access is Access.PARTICIPANT and credential.startswith("eyJ") and credential.count(".") == 2:  # noqa: PLR2004 - a compact JWS has two dots
        claims = context.signer.verify_join(credential, context.clock.now_ms())
        return Asker(session_id=SessionId(claims.session_id), role=claims.role)
    partner = await context.partners.authenticate(credential)
    structlog.contextvars.bind_contextvars(partner_id=partner.id)
    return Asker(partner_id=partner.id, api_key=credential)


def partner_of(request: web.Request) -> PartnerId:
    """Return the partner that asks; the operation's access says that there is one."""
    partner_id = request[ASKER].partner_id
    assert partner_id is not None
    return partner_id


def partner_for(request: web.Request, session_id: SessionId) -> PartnerId | None:
    """Return the partner that asks, or None for a participant of this very session.

    Raises:
        NotFound: a participant of another session.
    """
    asker = request[ASKER]
    if asker.session_id is not None and asker.session_id != session_id:
        raise NotFound("session_not_found", "There is no such session.")
    return asker.partner_id


def _bearer_untrusted(headers: list[str]) -> str:
    if len(headers) != 1 or len(headers[0]) > CREDENTIAL_MAX:
        raise Unauthenticated("missing_credential", "Send one header: Authorization: Bearer <key>.")
    scheme, _, credential = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("missing_credential", "Send the header: Authorization: Bearer <key>.")
    return credential.strip()
