"""telemetry.py: nothing secret reaches a log, whoever writes it and however."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from remote_assist import telemetry

SECRET = "Zm9vYmFyYmF6cXV4Zm9v"
LINK = f"http://127.0.0.1:8080/j#{SECRET}"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\na=ice-pwd:canaryicepwdcanary\r\na=fingerprint:sha-256 CA:NA:RY\r\n"
CANARIES = (SECRET, TOKEN, "canaryicepwd", "CA:NA:RY", "whsec_Y2FuYXJ5", "c2lnbmF0dXJl")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    kept = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    telemetry.set_up_logs(stream)
    yield stream
    logging.getLogger().handlers[:], logging.getLogger().level = kept[0], kept[1]
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


SAID: list[Any] = [
    LINK,
    f"GET {LINK} failed",
    f"Bearer {TOKEN}",
    TOKEN,
    SDP,
    repr(SDP),
    json.dumps({"sdp": SDP}),
    ["deep", {"in": [LINK, {"there": SDP}]}],
    "secret whsec_Y2FuYXJ5Y2FuYXJ5",
    ValueError(SDP),
]


@pytest.mark.parametrize("said", SAID, ids=range(len(SAID)))
def test_patterns_are_redacted_in_our_lines(said: Any, stream: io.StringIO) -> None:
    """A secret in a field of any name is blanked by its looks."""
    structlog.get_logger("test").info("said", what=said)
    assert not any(canary in stream.getvalue() for canary in CANARIES)
    assert lines(stream)[0]["event"] == "said"


@pytest.mark.parametrize("said", SAID, ids=range(len(SAID)))
def test_patterns_are_redacted_in_lines_of_libraries(said: Any, stream: io.StringIO) -> None:
    """Libraries log through the standard library, with arguments; these lines pass the same rule."""
    logging.getLogger("library").error("got %s", said)
    assert not any(canary in stream.getvalue() for canary in CANARIES)


@pytest.mark.parametrize("said", SAID, ids=range(len(SAID)))
def test_patterns_are_redacted_in_stack_traces(said: Any, stream: io.StringIO) -> None:
    """The message of an exception is text like any other."""
    try:
        raise RuntimeError(str(said))  # noqa: TRY301 - to be logged where it is caught
    except RuntimeError:
        structlog.get_logger("test").exception("failed")
        logging.getLogger("library").exception("failed")
    assert not any(canary in stream.getvalue() for canary in CANARIES)
    assert all("RuntimeError" in line["exception"] for line in lines(stream))


@pytest.mark.parametrize(
    "name",
    ["secret", "token", "join_token", "authorization", "api_key", "sdp", "url", "name", "email", "text"],
)
def test_telling_names_are_blanked(name: str, stream: io.StringIO) -> None:
    """What a field of this name holds is never shown, whatever it looks like."""
    structlog.get_logger("test").info("said", **{name: "plain words", "deep": {name: 5}})
    line = lines(stream)[0]
    assert line[name] == telemetry.BLANK
    assert line["deep"] == {name: telemetry.BLANK}


def test_protected_texts_are_blanked(stream: io.StringIO) -> None:
    """An operator's secret looks like nothing in particular, so it is named."""
    telemetry.protect("plain-operator-word")
    structlog.get_logger("test").info("said", what="is plain-operator-word it")
    assert "plain-operator-word" not in stream.getvalue()


def test_ids_stay(stream: io.StringIO) -> None:
    """Redaction leaves what an operator searches for."""
    with structlog.contextvars.bound_contextvars(session_id="0190a-b", request_id="r-1"):
        structlog.get_logger("test").info("http_request", path="/api/v1/sessions/0190a-b", status=200)
    line = lines(stream)[0]
    assert (line["session_id"], line["request_id"], line["status"]) == ("0190a-b", "r-1", 200)
    assert line["path"] == "/api/v1/sessions/0190a-b"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda some: st.lists(some) | st.dictionaries(st.text(), some)
    )
)
def test_redaction_always_gives_json(value: Any) -> None:
    """Whatever is logged, the line can be written, and redacting twice changes nothing more."""
    once = telemetry.redact(value)
    json.dumps(once)
    assert telemetry.redact(once) == once


def test_metrics_show_requests_and_included_counters() -> None:
    """Prometheus reads requests by route, and the counters of other parts at that moment."""
    metrics = telemetry.Metrics()
    counters = {"datagrams": 1}
    metrics.include("relay", lambda: counters)
    metrics.observe_request("GET", "/healthz", 200, 0.001)
    counters["datagrams"] = 7
    shown = metrics.render().decode()
    assert 'remote_assist_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in shown
    assert 'remote_assist_relay_total{what="datagrams"} 7.0' in shown
