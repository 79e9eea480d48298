"""The log on the wire: one JSON object a line, ``{"seq":1,"at":<UTC ms>,"type":...,...}``.

``record_untrusted`` reads a record from anywhere, ``to_record`` writes one. Types, roles and fields that
are not known here are ignored, because a later version may write them; anything else that does not fit is
refused. What no bill depends on (who, why) may be missing. Source: docs/billing.md, "The log".
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, NoReturn

from remote_assist.errors import ProtocolViolation
from remote_assist.sessions.events import (
    BillingStarted,
    Event,
    ExtensionAccepted,
    FaultRecorded,
    FixedTariff,
    FlowObserved,
    MeteredTariff,
    ParticipantJoined,
    ParticipantLeft,
    Paused,
    PresenceObserved,
    Recorded,
    Resumed,
    Role,
    SessionClosed,
    SessionOpened,
    Tariff,
    Terms,
)

LINE_MAX: Final = 65_536
"""Characters or bytes. The longest record of ours, terms with every number at its limit, has under 1,000."""
INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that JSON keeps everywhere (RFC 8259 section 6); 285,000 years in ms."""
TEXT_MAX: Final = 256
CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)

_TERMS_WITH_DEFAULTS: Final = (
    "early_ms",
    "bridge_ms",
    "bridge_pct",
    "free_ms",
    "wait_ms",
    "min_executed_ms",
    "no_show_fee_minor",
    "late_cancellation_fee_minor",
)


def line_untrusted(line: str | bytes) -> Recorded | None:
    """Return the event of one line; None if its type or role is not known here. Bytes are UTF-8.

    Raises:
        ProtocolViolation: the line is too long, no JSON object, or no record.
    """
    if len(line) > LINE_MAX:
        _refuse("a line is too long")
    try:
        text = line.decode() if isinstance(line, bytes) else line
        record = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        _refuse("a line is no JSON")
    return record_untrusted(record)


def record_untrusted(record: object) -> Recorded | None:
    """Return the event of a decoded record; None if its type or role is not known here.

    Raises:
        ProtocolViolation: a field is missing, or has the wrong type or an impossible value.
    """
    found = _object(record, "record")
    kind = _text(found, "type")
    read = _READERS.get(kind)
    if read is None or (kind in _TYPES_WITH_ROLE and _text(found, "role") not in _ROLES):
        return None
    return Recorded(_integer(found, "seq"), _integer(found, "at"), read(found))


def to_record(recorded: Recorded) -> dict[str, Any]:
    """Return the record of an event, ready for JSON; ``record_untrusted`` reads it back unchanged."""
    event = recorded.event
    record: dict[str, Any] = {"seq": recorded.seq, "at": recorded.at_ms, "type": event.type}
    for field in fields(event):
        value = getattr(event, field.name)
        record[field.name] = terms_to_fields(value) if isinstance(value, Terms) else value
    if "role" in record:
        record["role"] = str(record["role"])
    return record


def to_line(recorded: Recorded) -> str:
    """Return an event as one line of NDJSON, without the line's end."""
    return json.dumps(to_record(recorded), separators=(",", ":"))


def terms_untrusted(raw: object) -> Terms:
    """Return terms, filling in defaults.

    Raises:
        ProtocolViolation: a field is missing, or has the wrong type or an impossible value.
    """
    terms = _object(raw, "terms")
    return Terms(
        scheduled_start_ms=_integer(terms, "scheduled_start_ms"),
        booked_ms=_count(terms, "booked_ms"),
        tariff=tariff_untrusted(terms.get("tariff")),
        **{name: _count(terms, name) for name in _TERMS_WITH_DEFAULTS if name in terms},
    )


def tariff_untrusted(raw: object) -> Tariff:
    """Return a tariff of a known kind.

    Raises:
        ProtocolViolation: the kind is not known, or a field is missing or impossible.
    """
    tariff = _object(raw, "tariff")
    kind = _text(tariff, "kind")
    currency = _text(tariff, "currency")
    if CURRENCY.fullmatch(currency) is None:
        _refuse("currency is no ISO 4217 code")
    if kind == FixedTariff.kind:
        return FixedTariff(price_minor=_count(tariff, "price_minor"), currency=currency)
    if kind != MeteredTariff.kind:
        _refuse("kind of tariff is not known")
    return MeteredTariff(
        rate_minor_per_hour=_count(tariff, "rate_minor_per_hour"),
        currency=currency,
        minimum_minor=_count(tariff, "minimum_minor") if "minimum_minor" in tariff else 0,
    )


def terms_to_fields(terms: Terms) -> dict[str, Any]:
    """Return terms ready for JSON, every default spelt out."""
    plain = {field.name: getattr(terms, field.name) for field in fields(terms) if field.name != "tariff"}
    return {**plain, "tariff": tariff_to_fields(terms.tariff)}


def tariff_to_fields(tariff: Tariff) -> dict[str, Any]:
    """Return a tariff ready for JSON."""
    return {"kind": tariff.kind, **{field.name: getattr(tariff, field.name) for field in fields(tariff)}}


_Fields = Mapping[str, Any]


def _role(record: _Fields) -> Role:
    return Role(_text(record, "role"))


def _interval(record: _Fields) -> tuple[int, int]:
    """Any two instants: an empty or reversed interval is accepted and counts nothing."""
    return _integer(record, "from_ms"), _integer(record, "to_ms")


_ROLES: Final = frozenset(Role)
_TYPES_WITH_ROLE: Final = frozenset(
    {ParticipantJoined.type, ParticipantLeft.type, PresenceObserved.type, FlowObserved.type}
)
_READERS: Final[Mapping[str, Callable[[_Fields], Event]]] = {
    SessionOpened.type: lambda record: SessionOpened(terms_untrusted(record.get("terms"))),
    ParticipantJoined.type: lambda record: ParticipantJoined(
        _role(record), _remark(record, "participant_id"), _remark(record, "connection_id")
    ),
    ParticipantLeft.type: lambda record: ParticipantLeft(
        _role(record), _remark(record, "participant_id"), _remark(record, "connection_id")
    ),
    PresenceObserved.type: lambda record: PresenceObserved(_role(record), *_interval(record)),
    FlowObserved.type: lambda record: FlowObserved(_role(record), *_interval(record)),
    BillingStarted.type: lambda _: BillingStarted(),
    Paused.type: lambda record: Paused(_text(record, "pause_id")),
    Resumed.type: lambda record: Resumed(_text(record, "pause_id")),
    FaultRecorded.type: lambda record: FaultRecorded(*_interval(record), _remark(record, "cause")),
    ExtensionAccepted.type: lambda record: ExtensionAccepted(
        _text(record, "extension_id"), _integer(record, "extra_ms"), _count(record, "price_minor")
    ),
    SessionClosed.type: lambda record: SessionClosed(_remark(record, "reason")),
}


def _object(raw: object, name: str) -> _Fields:
    return raw if isinstance(raw, dict) else _refuse(f"{name} is no object")


def _integer(record: _Fields, name: str) -> int:
    value = record.get(name)
    # bool is a subclass of int in Python, and true is no number in JSON.
    if type(value) is not int or abs(value) > INTEGER_MAX:
        _refuse(f"{name} is no integer within bounds")
    return value


def _count(record: _Fields, name: str) -> int:
    value = _integer(record, name)
    return value if value >= 0 else _refuse(f"{name} is negative")


def _text(record: _Fields, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        _refuse(f"{name} is no text within bounds")
    return value


def _remark(record: _Fields, name: str) -> str:
    return _text(record, name) if name in record else ""


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"{name} is no JSON number")


def _refuse(detail: str) -> NoReturn:
    raise ProtocolViolation("invalid_log", f"The log makes no sense: {detail}.")
