"""Recompute a bill from a log, as ``remote-assist replay`` prints it. Pure: lines in, one result out.

Whoever holds the log gets the numbers of the receipt from this function.
Source: docs/billing.md, "Recompute it".
"""

import json
from collections.abc import Iterable
from typing import Any

from remote_assist.errors import ProtocolViolation
from remote_assist.sessions.assessment import assess, to_fields
from remote_assist.sessions.log import line_untrusted
from remote_assist.sessions.timing.sheet import TimeSheet


def replay(lines: Iterable[str | bytes], until_ms: int | None = None) -> dict[str, Any]:
    """Return the result of a log in NDJSON; empty lines are skipped.

    ``until_ms`` matters only while the session is open and defaults to the latest instant in the log:
    the latest ``at``, or the end of an interval that is not empty, of any event of a known type.

    Raises:
        ProtocolViolation: a line makes no sense, or no line opens a session.
    """
    sheet = TimeSheet()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            recorded = line_untrusted(line)
        except ProtocolViolation as violation:
            raise ProtocolViolation(violation.code, f"Line {number}: {violation.detail}") from None
        if recorded is not None:
            sheet.add(recorded)
    if not sheet.has_terms:
        raise ProtocolViolation("invalid_log", "The log makes no sense: no session is opened in it.")
    return to_fields(assess(sheet, sheet.latest_ms if until_ms is None else until_ms))


def replay_line(lines: Iterable[str | bytes], until_ms: int | None = None) -> str:
    """Return the result of a log as one compact line of JSON.

    Raises:
        ProtocolViolation: as ``replay``.
    """
    return json.dumps(replay(lines, until_ms), separators=(",", ":"))
