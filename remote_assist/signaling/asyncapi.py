"""The protocol as documents, made from the registry: AsyncAPI 3.0, and the schema of the TypeScript types.

Pure: the same registry always gives the same document, so that checks can compare files.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from remote_assist.signaling.messages import FROM_PAGE, TO_PAGE, Failure, FromPage, Message, ToPage

ACKNOWLEDGEMENT: Final = "Acknowledgement"


def asyncapi_document(version: str = "1") -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document. Its ``receive`` operations are events that a page may send.

    Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
    """
    schemas = _schemas("#/components/schemas/{model}")
    for event in FROM_PAGE.values():
        schemas[_ack_name(event.name)] = _acknowledgement(
            {"$ref": f"#/components/schemas/{event.answer.__name__}"}, "#/components/schemas/Failure"
        )
    events: list[FromPage | ToPage] = [*FROM_PAGE.values(), *TO_PAGE.values()]
    messages: dict[str, Any] = {
        event.name: {"name": event.name, "summary": event.doc, "payload": _component(event.payload)}
        for event in events
    }
    messages |= {
        f"{name}.ack": {
            "name": f"{name}.ack",
            "summary": f"The acknowledgement of {name}.",
            "payload": {"$ref": f"#/components/schemas/{_ack_name(name)}"},
        }
        for name in FROM_PAGE
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Remote Assist between page and server",
            "version": version,
            "description": "Socket.IO 5 over WebSocket. docs/protocol.md tells the whole story.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/socket.io/",
                "description": "The namespace `/`, with `auth: {token}` from `POST /api/v1/join`.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {**_receives(), **_sends()},
        "components": {"messages": messages, "schemas": schemas},
    }


def events_schema() -> dict[str, Any]:
    """Return the JSON schema that TypeScript types are generated from.

    ``from_page`` maps each event to its ``payload`` and ``answer``, ``to_page`` each to its payload.
    """
    from_page = {
        event.name: _closed(
            {"payload": _definition(event.payload), "answer": _definition(event.answer)}, event.doc
        )
        for event in FROM_PAGE.values()
    }
    to_page = {event.name: _definition(event.payload) for event in TO_PAGE.values()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Protocol",
        **_closed({"from_page": _closed(from_page), "to_page": _closed(to_page)}),
        "$defs": _schemas("#/$defs/{model}"),
    }


def _receives() -> dict[str, Any]:
    """Return what the server receives, each with its acknowledgement as the reply."""
    return {
        f"receive.{event.name}": {
            "action": "receive",
            "summary": event.doc,
            "channel": {"$ref": "#/channels/socket"},
            "messages": [{"$ref": f"#/channels/socket/messages/{event.name}"}],
            "reply": {
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": f"#/channels/socket/messages/{event.name}.ack"}],
            },
        }
        for event in FROM_PAGE.values()
    }


def _sends() -> dict[str, Any]:
    return {
        f"send.{event.name}": {
            "action": "send",
            "summary": event.doc,
            "channel": {"$ref": "#/channels/socket"},
            "messages": [{"$ref": f"#/channels/socket/messages/{event.name}"}],
        }
        for event in TO_PAGE.values()
    }


def _schemas(template: str) -> dict[str, Any]:
    """Return the schemas of all payloads and answers, sorted by name."""
    models: set[type[Message]] = {Failure}
    for event in FROM_PAGE.values():
        models |= {event.payload, event.answer}
    models |= {event.payload for event in TO_PAGE.values()}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, document = models_json_schema([(model, "serialization") for model in ordered], ref_template=template)
    definitions: Mapping[str, Any] = document["$defs"]
    return {name: definitions[name] for name in sorted(definitions)}


def _component(model: type[Message]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _definition(model: type[Message]) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{model.__name__}"}


def _ack_name(event: str) -> str:
    return ACKNOWLEDGEMENT + "".join(part.capitalize() for part in event.split("."))


def _acknowledgement(answer: Mapping[str, Any], failure: str) -> dict[str, Any]:
    accepted = _closed({"ok": {"const": True}, "data": answer})
    refused = _closed({"ok": {"const": False}, "error": {"$ref": failure}})
    return {"oneOf": [accepted, refused]}


def _closed(properties: Mapping[str, Any], description: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": dict(properties),
    }
    return {**schema, "description": description} if description else schema
