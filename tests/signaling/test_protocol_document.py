"""docs/protocol.md says what the registry says."""

import re
from pathlib import Path
from typing import Final

import pytest

from remote_assist.signaling import frames, negotiation, presence, rate, rooms, server
from remote_assist.signaling.messages import CHAT_TEXT_MAX, FROM_PAGE, SDP_MAX, TO_PAGE
from remote_assist.signaling.rules import RULES

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs/protocol.md").read_text()


def rows(first_cell: str) -> list[list[str]]:
    """Return the cells of the table rows whose first cell is an event of this direction."""
    found = [
        line.strip("|").split(" | ") for line in TEXT.splitlines() if re.match(r"\| `[a-z]+\.[a-z]+` ", line)
    ]
    return [[cell.strip() for cell in row] for row in found if len(row) == (6 if first_cell == "page" else 3)]


def test_what_pages_send_is_documented() -> None:
    """Name, payload, answer, who, when and meaning of each event, in the registry's order."""
    expected = []
    for event in FROM_PAGE.values():
        rule = RULES[event.name]
        expected.append(
            [
                f"`{event.name}`",
                event.payload.__name__,
                event.answer.__name__,
                "both" if len(rule.roles) > 1 else "technician",
                ", ".join(
                    (
                        "joined" if rule.needs_join else "lobby or joined",
                        "also when closed" if rule.is_open_after_close else "until closed",
                    )
                ),
                event.doc,
            ]
        )
    assert rows("page") == expected


def test_what_the_server_says_is_documented() -> None:
    """Name, payload and meaning of each event, in the registry's order."""
    assert rows("server") == [[f"`{one.name}`", one.payload.__name__, one.doc] for one in TO_PAGE.values()]


@pytest.mark.parametrize(
    "folder",
    ["signaling", "media", "tokens.py"]
    + [f"sessions/{name}.py" for name in ("state", "attendance", "ratings", "files", "sniffing")],
)
def test_every_code_a_client_may_meet_is_documented(folder: str) -> None:
    """No refusal in the source has a code that this page does not name."""
    path = ROOT / "remote_assist" / folder
    sources = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    pattern = rf'(?:{"|".join(RAISED)})\(\s*"([a-z_]+)"'
    codes = {code for source in sources for code in re.findall(pattern, source.read_text())}
    assert codes
    assert sorted(code for code in codes - INTERNAL if f"`{code}`" not in TEXT) == []


RAISED: Final = (
    "Conflict",
    "Forbidden",
    "Gone",
    "Invalid",
    "MalformedFrame",
    "NotFound",
    "ProtocolViolation",
    "Refusal",
    "Unauthenticated",
    "_refusal",
    "failure",
)
INTERNAL: Final = {
    # Of receipts, of the relay's own packets, and of races that the service resolves by itself.
    "invalid_jwks",
    "unknown_key",
    "stun_invalid",
    "stun_not_a_check",
    "stun_not_ice",
    "splice_exists",
    "relay_full",
    "version_conflict",
    "session_exists",
    # Of the network check, which speaks HTTP.
    "test_call_not_found",
    "too_many_test_calls",
}


def test_the_limits_are_those_of_the_source() -> None:
    """Each number of section 7."""
    assert f"{frames.PACKET_MAX // 1024} KiB" in TEXT
    assert f"{SDP_MAX:,} characters" in TEXT
    assert f"{CHAT_TEXT_MAX:,} characters" in TEXT
    assert f"| nesting of JSON | {frames.JSON_DEPTH_MAX} |" in TEXT
    assert f"| {rate.RATE_PER_S:.0f} a second, bursts of {rate.BURST:.0f} |" in TEXT
    assert f"| {rate.LOGGED_PER_S:.0f} a second, bursts of {rate.LOGGED_BURST:.0f} |" in TEXT
    assert f"| {server.STRANGERS_PER_ADDRESS_MAX} | HTTP 429 |" in TEXT
    assert f"after {rate.STRIKES_MAX} refusals" in TEXT
    assert f"| connections of a role | {presence.CONNECTIONS_MAX} |" in TEXT
    assert f"within {server.AUTHENTICATE_WITHIN_S:.0f} s of opening" in TEXT
    assert f"| unread packets | {server.QUEUE_MAX} |" in TEXT
    assert f"every {server.PING_S} s, answered within {server.PING_S} s" in TEXT
    assert negotiation.RENEWALS_MAX == 5
    assert "five times a minute" in TEXT
    assert rooms.ANSWER_TIMEOUT_S < server.PING_S
