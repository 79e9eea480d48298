"""The protocol as documents."""

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from remote_assist.signaling.asyncapi import asyncapi_document, events_schema
from remote_assist.signaling.messages import FROM_PAGE, TO_PAGE, Joined, ServerTime, failure, success


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return found + [one for value in node.values() for one in references(value)]
    return [one for value in node for one in references(value)] if isinstance(node, list) else []


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


@pytest.mark.parametrize("document", [asyncapi_document(), events_schema()])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Both documents are whole."""
    found = references(document)
    assert found
    assert all(resolve(document, one) is not None for one in found)


def test_the_document_has_the_form_of_asyncapi_3() -> None:
    """The members that the specification requires, in the shape it requires."""
    document = asyncapi_document("7")
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["title"]
    assert document["info"]["version"] == "7"
    channel = document["channels"]["socket"]
    assert channel["address"] == "/socket.io/"
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"] == {"$ref": "#/channels/socket"}
        for message in operation["messages"]:
            name = message["$ref"].removeprefix("#/channels/socket/messages/")
            assert channel["messages"][name] == {"$ref": f"#/components/messages/{name}"}


def test_every_event_is_in_the_document() -> None:
    """What a page may send is received, with a reply; what the server says is sent."""
    operations = asyncapi_document()["operations"]
    assert set(operations) == {f"receive.{n}" for n in FROM_PAGE} | {f"send.{n}" for n in TO_PAGE}
    for name in FROM_PAGE:
        reply = operations[f"receive.{name}"]["reply"]
        assert reply["messages"] == [{"$ref": f"#/channels/socket/messages/{name}.ack"}]


def test_acknowledgements_fit_their_schema() -> None:
    """Data or a coded error, and nothing between."""
    document = asyncapi_document()
    schema = {
        "$ref": "#/components/schemas/AcknowledgementClockRead",
        "components": document["components"],
    }
    validator = OAS31Validator(schema)
    assert validator.is_valid(success(ServerTime(now_ms=1)))
    assert validator.is_valid(failure("rate_limited", "Too many events; slow down."))
    assert not validator.is_valid({"ok": True, "error": {"code": "a", "detail": "b"}})
    assert not validator.is_valid({"ok": False})


def test_the_types_schema_names_every_event() -> None:
    """Payload and answer of what pages send, payload of what the server says."""
    schema = events_schema()
    assert schema["title"] == "Protocol"
    from_page = schema["properties"]["from_page"]["properties"]
    to_page = schema["properties"]["to_page"]["properties"]
    assert {name: one["properties"]["answer"]["$ref"] for name, one in from_page.items()} == {
        name: f"#/$defs/{event.answer.__name__}" for name, event in FROM_PAGE.items()
    }
    assert {name: one["$ref"] for name, one in to_page.items()} == {
        name: f"#/$defs/{event.payload.__name__}" for name, event in TO_PAGE.items()
    }


def test_schemas_are_closed() -> None:
    """No object of the protocol takes fields it does not name."""
    for definition in events_schema()["$defs"].values():
        assert definition["additionalProperties"] is False


def test_answers_keep_their_fields_required() -> None:
    """A page may rely on the fields of an answer, the empty ones included."""
    assert events_schema()["$defs"]["Joined"]["required"] == ["snapshot", "plan"]
    assert Joined.model_fields["plan"].is_required()


def test_the_documents_are_the_same_every_time() -> None:
    """So that checks can compare files."""
    assert asyncapi_document() == asyncapi_document()
    assert events_schema() == events_schema()
