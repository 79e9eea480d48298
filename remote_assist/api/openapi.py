"""The OpenAPI 3.1 document of a list of operations. Source: OpenAPI 3.1.0; JSON Schema 2020-12."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter

from remote_assist.api import problems
from remote_assist.api.layer import Access, Operation, phrase
from remote_assist.api.problems import Problem

_REF: Final = "#/components/schemas/{model}"
_SECURITY: Final[dict[Access, list[dict[str, list[str]]]]] = {
    Access.PUBLIC: [],
    Access.PARTNER: [{"apiKey": []}],
    Access.PARTICIPANT: [{"apiKey": []}, {"joinToken": []}],
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body within a week gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_SchemaKey = tuple[str, Literal["validation", "serialization"]]


def document(operations: Iterable[Operation], version: str, server_url: str | None = None) -> dict[str, Any]:
    """Return the whole document."""
    listed = list(operations)
    schemas, components = _schemas(listed)
    paths: dict[str, Any] = {}
    for operation in listed:
        path = re.sub(r"{(\w+):[^}]+}", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Remote Assist",
            "version": version,
            "summary": "Sessions of help by live video, timed to the second.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        **({"servers": [{"url": server_url}]} if server_url else {}),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "A partner's API key."},
                "joinToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A participant's join token; own session only.",
                },
            },
        },
    }


def _schemas(operations: Sequence[Operation]) -> tuple[dict[_SchemaKey, Any], dict[str, Any]]:
    """Return the schema of each body, answer and path part, and the components they refer to."""
    wanted: list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        ("problem", "serialization", TypeAdapter(Problem))
    ]
    for operation in operations:
        if operation.body:
            wanted.append((f"{operation.name} body", "validation", TypeAdapter(operation.body)))
        if operation.answer:
            wanted.append((f"{operation.name} answer", "serialization", operation.answer))
        wanted += [(f"{operation.name} {name}", "validation", part) for name, part in operation.parts.items()]
    schemas, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    return schemas, definitions.get("$defs", {})


def _describe(
    operation: Operation, schemas: dict[_SchemaKey, Any], components: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": _SECURITY[operation.access],
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        described["description"] = operation.description
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schemas[(f"{operation.name} {name}", "validation")],
        }
        for name in operation.parts
    ]
    if operation.query:
        parameters += _query_parameters(operation.query, components)
    if operation.method == "POST" and operation.access is Access.PARTNER:
        parameters.append(dict(_IDEMPOTENCY_KEY))
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = {
            "required": not operation.is_body_optional,
            "content": {"application/json": {"schema": schemas[(f"{operation.name} body", "validation")]}},
        }
    if operation.takes:
        content = {kind: {"schema": schema} for kind, schema in operation.takes.items()}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _query_parameters(model: type[BaseModel], components: dict[str, Any]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REF)
    components.update(schema.pop("$defs", {}))
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema["properties"].items()
    ]


def _responses(operation: Operation, schemas: dict[_SchemaKey, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {kind: {"schema": schema} for kind, schema in operation.media.items()}
    if operation.answer:
        content["application/json"] = {"schema": schemas[(f"{operation.name} answer", "serialization")]}
    success: dict[str, Any] = {"description": phrase(operation.status)}
    if content:
        success["content"] = content
    responses = {str(operation.status): success}
    problem = {problems.CONTENT_TYPE: {"schema": schemas[("problem", "serialization")]}}
    for status in sorted(_refusals(operation)):
        responses[str(status)] = {"description": phrase(status), "content": problem}
    return responses


def _refusals(operation: Operation) -> set[int]:
    found: set[int] = set(operation.refusals)
    if operation.access is not Access.PUBLIC:
        found.add(HTTPStatus.UNAUTHORIZED)
    if operation.parts:
        found.add(HTTPStatus.NOT_FOUND)
    if operation.body:
        found |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    if operation.body or operation.query:
        found.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if operation.method == "POST" and operation.access is Access.PARTNER:
        found |= {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
    return found
