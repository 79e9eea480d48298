"""Errors as problem details. Source: RFC 9457.

Every refusal of the API has this one shape, with a stable ``code``. A problem never repeats what was sent.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from remote_assist.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ProtocolViolation,
    RemoteAssistError,
    Unauthenticated,
)

CONTENT_TYPE: Final = "application/problem+json"
KEPT_HEADERS: Final = ("Allow", "Retry-After", "WWW-Authenticate", "Location")

STATUS_OF: Final[Mapping[type[RemoteAssistError], int]] = {
    ProtocolViolation: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    Invalid: 422,
}


class FieldError(BaseModel):
    """One place in the request that did not fit."""

    where: str = Field(examples=["body"], description="body, query, path or header")
    path: list[str | int] = Field(examples=[["customer", "name"]])
    message: str
    type: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="Stable, for programs.", examples=["session_not_found"])
    request_id: str | None = Field(default=None, description="To find the request in the server's log.")
    errors: list[FieldError] | None = None


class ApiProblem(Exception):
    """A refusal that only HTTP knows: wrong media type, unreadable body, too many requests."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def from_domain(error: RemoteAssistError) -> ApiProblem:
    """Translate a rule's refusal into HTTP."""
    status = next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 409)
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return ApiProblem(status, error.code, error.detail, headers=headers)


def from_http(error: web.HTTPException) -> ApiProblem:
    """Translate aiohttp's own refusals: no such path, wrong method, too large a body."""
    known = {
        404: ("not_found", "There is nothing at this path."),
        405: ("method_not_allowed", "This path does not answer that method; see the Allow header."),
        413: ("body_too_large", "The body is larger than this server reads."),
    }
    code, detail = known.get(error.status, (f"http_{error.status}", HTTPStatus(error.status).phrase))
    kept = {name: error.headers[name] for name in KEPT_HEADERS if name in error.headers}
    return ApiProblem(error.status, code, detail, headers=kept)


def render(problem: ApiProblem, path: str, request_id: str | None) -> web.Response:
    """Return the response of a refusal."""
    body = Problem(
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        instance=path,
        code=problem.code,
        request_id=request_id,
        errors=problem.errors,
    )
    return web.Response(
        body=body.model_dump_json(exclude_none=True).encode(),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers={**problem.headers, "Cache-Control": "no-store"},
    )
