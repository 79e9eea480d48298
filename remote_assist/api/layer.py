"""Typed operations on aiohttp: a handler's signature is its contract.

    @operations.add("POST", "/api/v1/things", status=201, access=Access.PARTNER)
    async def create_thing(request: web.Request, body: ThingIn) -> Thing: ...

Parameters named ``body`` and ``query`` are pydantic models, the others are parts of the path. The layer
checks them before the handler runs, writes the answer, and keeps what ``openapi.py`` describes.
It knows no route.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, Final, get_args

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from remote_assist.api.problems import ApiProblem, FieldError

JSON_DEPTH_MAX: Final = 32
ERRORS_MAX: Final = 20
"""A body of thousands of mistakes gets the first ones back."""

_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)
"""Whole strings, or one bracket. Possessive, so that a hostile body costs linear time."""

Handler = Callable[..., Awaitable[Any]]
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(Enum):
    """Who may ask."""

    PUBLIC = "public"
    PARTNER = "partner"
    PARTICIPANT = "participant"
    """The session's partner, or a participant of it with a join token."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    handler: Handler
    status: int
    access: Access
    tag: str
    refusals: tuple[int, ...]
    media: Mapping[str, Any]
    takes: Mapping[str, Any]
    body: type[BaseModel] | None
    is_body_optional: bool
    query: type[BaseModel] | None
    parts: Mapping[str, TypeAdapter[Any]]
    answer: TypeAdapter[Any] | None
    summary: str
    description: str

    @property
    def name(self) -> str:
        """Return the operation's id."""
        return self.handler.__name__


@dataclass
class Operations:
    """The operations of one file of routes."""

    tag: str
    found: list[Operation] = field(default_factory=list)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.found)

    def add(
        self,
        method: str,
        path: str,
        *,
        access: Access,
        status: int = 200,
        refusals: tuple[int, ...] = (),
        media: Mapping[str, Any] | None = None,
        takes: Mapping[str, Any] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Register the decorated handler.

        ``refusals`` are the statuses beyond those that follow from the signature, ``media`` the content types
        beyond JSON with their schema, ``takes`` those of a body that the handler reads by itself.
        """

        def register(handler: Handler) -> Handler:
            signature = inspect.signature(handler, eval_str=True)
            types = {name: parameter.annotation for name, parameter in signature.parameters.items()}
            summary, _, description = (inspect.getdoc(handler) or "").partition("\n")
            body, is_body_optional = _optional(types.get("body"))
            self.found.append(
                Operation(
                    method=method,
                    path=path,
                    handler=handler,
                    status=status,
                    access=access,
                    tag=self.tag,
                    refusals=refusals,
                    media=media or {},
                    takes=takes or {},
                    body=body,
                    is_body_optional=is_body_optional,
                    query=types.get("query"),
                    parts={name: TypeAdapter(types[name]) for name in re.findall(r"{(\w+)", path)},
                    answer=_answer(signature.return_annotation),
                    summary=summary,
                    description=description.strip(),
                )
            )
            return handler

        return register


def _optional(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Split ``Model | None`` into the model and whether it may be left out."""
    choices = [one for one in get_args(annotation) if one is not type(None)]
    return (choices[0], True) if choices else (annotation, False)


def _answer(annotation: Any) -> TypeAdapter[Any] | None:
    """Return what checks and writes the answer; None if the handler writes a response of its own, or nothing.

    ``web.Response | Thing`` is a handler that writes a Thing by itself, to add a header.
    """
    choices = [
        one
        for one in get_args(annotation) or (annotation,)
        if not (one is None or one is type(None) or issubclass(one, web.StreamResponse))
    ]
    return TypeAdapter(choices[0]) if choices else None


def respond(operation: Operation) -> Respond:
    """Return the aiohttp handler of an operation whose asker is already known."""

    async def run(request: web.Request) -> web.StreamResponse:
        given = _read_path_untrusted(operation, request)
        errors: list[FieldError] = []
        if operation.query:
            given["query"] = _read_query_untrusted(operation.query, request, errors)
        if operation.body:
            given["body"] = await _read_body_untrusted(operation, operation.body, request, errors)
        if errors:
            detail = "A part of the request does not fit; see errors."
            raise ApiProblem(422, "validation_error", detail, errors=errors[:ERRORS_MAX])
        answer = await operation.handler(request, **given)
        if isinstance(answer, web.StreamResponse):
            return answer
        if operation.answer is None:
            return web.Response(status=operation.status)
        return web.Response(
            status=operation.status,
            body=operation.answer.dump_json(answer),
            content_type="application/json",
        )

    return run


def _read_path_untrusted(operation: Operation, request: web.Request) -> dict[str, Any]:
    """Return the parts of the path; one that cannot be an id names nothing, hence 404."""
    given: dict[str, Any] = {}
    for name, adapter in operation.parts.items():
        try:
            given[name] = adapter.validate_strings(request.match_info[name])
        except ValidationError:
            raise ApiProblem(404, "not_found", "There is nothing at this path.") from None
    return given


def _read_query_untrusted(model: type[BaseModel], request: web.Request, errors: list[FieldError]) -> Any:
    query = request.query
    repeated = sorted({name for name in query if len(query.getall(name)) > 1})
    errors += [_error("query", (name[:80],), "Given more than once", "repeated") for name in repeated]
    try:
        return model.model_validate_strings(dict(query))
    except ValidationError as error:
        errors += _errors("query", error)
        return None


async def _read_body_untrusted(
    operation: Operation, model: type[BaseModel], request: web.Request, errors: list[FieldError]
) -> Any:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ApiProblem(415, "unsupported_content_encoding", "Send the body uncompressed.")
    raw = await request.read()
    if not raw and operation.is_body_optional:
        return None
    if request.content_type != "application/json":
        raise ApiProblem(415, "unsupported_media_type", "Send the body as application/json.")
    if nesting(raw) > JSON_DEPTH_MAX:
        raise ApiProblem(400, "json_too_deep", f"JSON may be nested {JSON_DEPTH_MAX} levels deep.")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = _errors("body", error)
    if found[0].type == "json_invalid":
        raise ApiProblem(400, "malformed_json", "The body is not JSON.")
    errors += found
    return None


def nesting(raw: bytes) -> int:
    """Return how deeply the brackets of a JSON text are nested, valid or not."""
    depth = deepest = 0
    for found in _NESTING.finditer(raw):
        if found.group(1):
            depth += 1
            deepest = max(deepest, depth)
        elif found.group(2):
            depth -= 1
    return deepest


def _errors(where: str, error: ValidationError) -> list[FieldError]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [_error(where, one["loc"], one["msg"], one["type"]) for one in found]


def _error(where: str, path: tuple[int | str, ...], message: str, kind: str) -> FieldError:
    short = [part[:80] if isinstance(part, str) else part for part in path]
    return FieldError(where=where, path=short, message=message, type=kind)


def phrase(status: int) -> str:
    """Return the standard words of a status."""
    return HTTPStatus(status).phrase
