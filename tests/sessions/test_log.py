"""Records of the log: round trip, defaults, tolerance, and refusal of everything else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    Terms,
)
from remote_assist.sessions.log import (
    INTEGER_MAX,
    LINE_MAX,
    TEXT_MAX,
    line_untrusted,
    record_untrusted,
    tariff_untrusted,
    terms_untrusted,
    to_line,
    to_record,
)

PROPERTY = settings(max_examples=400, deadline=None, database=None)
INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)
COUNTS = st.integers(0, INTEGER_MAX)
TEXTS = st.text(max_size=20)
ROLES = st.sampled_from(Role)
CURRENCIES = st.from_regex(r"\A[A-Z]{3}\Z")
TARIFFS = st.one_of(
    st.builds(FixedTariff, price_minor=COUNTS, currency=CURRENCIES),
    st.builds(MeteredTariff, rate_minor_per_hour=COUNTS, currency=CURRENCIES, minimum_minor=COUNTS),
)
TERMS = st.builds(
    Terms,
    scheduled_start_ms=INTEGERS,
    booked_ms=COUNTS,
    tariff=TARIFFS,
    early_ms=COUNTS,
    bridge_ms=COUNTS,
    bridge_pct=COUNTS,
    free_ms=COUNTS,
    wait_ms=COUNTS,
    min_executed_ms=COUNTS,
    no_show_fee_minor=COUNTS,
    late_cancellation_fee_minor=COUNTS,
)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(SessionOpened, TERMS),
    st.builds(ParticipantJoined, ROLES, TEXTS, TEXTS),
    st.builds(ParticipantLeft, ROLES, TEXTS, TEXTS),
    st.builds(PresenceObserved, ROLES, INTEGERS, INTEGERS),
    st.builds(FlowObserved, ROLES, INTEGERS, INTEGERS),
    st.builds(BillingStarted),
    st.builds(Paused, TEXTS),
    st.builds(Resumed, TEXTS),
    st.builds(FaultRecorded, INTEGERS, INTEGERS, TEXTS),
    st.builds(ExtensionAccepted, TEXTS, INTEGERS, COUNTS),
    st.builds(SessionClosed, TEXTS),
)
RECORDED = st.builds(Recorded, INTEGERS, INTEGERS, EVENTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)

FLOW = {"seq": 1, "at": 5, "type": "flow_observed", "role": "customer", "from_ms": 1, "to_ms": 2}
TARIFF = {"kind": "fixed", "price_minor": 4000, "currency": "CHF"}
AGREED: dict[str, Any] = {"scheduled_start_ms": 7, "booked_ms": 8, "tariff": TARIFF}


@PROPERTY
@given(RECORDED)
def test_a_record_reads_back_unchanged(recorded: Recorded) -> None:
    """Every event survives its way through JSON, as text and as bytes."""
    line = to_line(recorded)
    assert "\n" not in line
    assert line_untrusted(line) == recorded
    assert line_untrusted(line.encode()) == recorded


@PROPERTY
@given(RECORDED, st.data())
def test_a_spoilt_record_is_read_or_refused(recorded: Recorded, data: st.DataObject) -> None:
    """With any field replaced or taken out, a record is an event, is ignored, or is a protocol violation."""
    record = to_record(recorded)
    spoilt: dict[str, Any] = record
    if isinstance(record.get("terms"), dict) and data.draw(st.booleans()):
        spoilt = record["terms"]
    name = data.draw(st.sampled_from(sorted(spoilt)))
    if data.draw(st.booleans()):
        spoilt[name] = data.draw(JSON)
    else:
        del spoilt[name]
    _read_or_refuse(json.dumps(record))


@PROPERTY
@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Nothing but a protocol violation escapes from any JSON value."""
    _read_or_refuse(json.dumps(value))


@PROPERTY
@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(line: str | bytes) -> None:
    """Nothing but a protocol violation escapes from any text or bytes."""
    _read_or_refuse(line)


@PROPERTY
@given(RECORDED, st.data())
def test_a_truncated_line_is_refused(recorded: Recorded, data: st.DataObject) -> None:
    """A line that was cut anywhere is refused."""
    line = to_line(recorded)
    with pytest.raises(ProtocolViolation):
        line_untrusted(line[: data.draw(st.integers(0, len(line) - 1))])


def _read_or_refuse(line: str | bytes) -> None:
    try:
        recorded = line_untrusted(line)
    except ProtocolViolation:
        return
    assert recorded is None or line_untrusted(to_line(recorded)) == recorded


def test_the_wire_has_the_agreed_names() -> None:
    """The instant of an event is ``at``, and a flow has exactly the fields of the page, in order."""
    recorded = Recorded(1, 5, FlowObserved(Role.CUSTOMER, 1, 2))
    assert json.dumps(to_record(recorded)) == json.dumps(FLOW)
    opened = to_record(Recorded(1, 5, SessionOpened(terms_untrusted(AGREED))))
    assert opened["terms"]["tariff"] == TARIFF
    assert opened["terms"]["wait_ms"] == 600_000


def test_terms_have_the_agreed_defaults() -> None:
    """Terms that name only the start, the booking and the tariff get the defaults of the page."""
    agreed = terms_untrusted(AGREED)
    assert agreed == Terms(7, 8, FixedTariff(4000, "CHF"), 0, 2_000, 5, 60_000, 600_000, 120_000, 0, 0)
    assert terms_untrusted({**AGREED, "bridge_pct": 7, "luck": 1}).bridge_pct == 7


def test_a_metered_minimum_may_be_left_out() -> None:
    """A metered tariff without a minimum has none."""
    tariff = {"kind": "metered", "rate_minor_per_hour": 6000, "currency": "EUR"}
    assert tariff_untrusted(tariff) == MeteredTariff(6000, "EUR", 0)
    assert tariff_untrusted({**tariff, "minimum_minor": 5}) == MeteredTariff(6000, "EUR", 5)


@pytest.mark.parametrize(
    "record",
    [
        {"type": "weather_observed"},
        {**FLOW, "type": "flow_imagined", "at": "noon"},
        {**FLOW, "role": "observer"},
        {"type": "participant_joined", "role": "expert"},
    ],
)
def test_what_is_not_known_is_ignored(record: dict[str, Any]) -> None:
    """Unknown types, and roles that never touch billing, are no events of ours and no errors."""
    assert record_untrusted(record) is None


def test_what_no_bill_depends_on_may_be_missing() -> None:
    """A close without a reason is a close; fields that are not known change nothing."""
    closed = Recorded(1, 5, SessionClosed(""))
    assert record_untrusted({"seq": 1, "at": 5, "type": "session_closed"}) == closed
    assert record_untrusted({"seq": 1, "at": 5, "type": "session_closed", "role": "observer"}) == closed


@pytest.mark.parametrize(("from_ms", "to_ms"), [(5, 5), (6, 5), (-1, -2)])
def test_odd_intervals_are_accepted(from_ms: int, to_ms: int) -> None:
    """An empty or reversed interval is read as it stands."""
    recorded = record_untrusted({**FLOW, "from_ms": from_ms, "to_ms": to_ms})
    assert recorded == Recorded(1, 5, FlowObserved(Role.CUSTOMER, from_ms, to_ms))


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {**FLOW, "type": 1},
        {**FLOW, "seq": None},
        {**FLOW, "at": 5.0},
        {**FLOW, "at": True},
        {**FLOW, "at": "5"},
        {**FLOW, "to_ms": INTEGER_MAX + 1},
        {**FLOW, "to_ms": -INTEGER_MAX - 1},
        {**FLOW, "role": ["customer"]},
        {"seq": 1, "at": 5, "type": "flow_observed", "from_ms": 1, "to_ms": 2},
        {"seq": 1, "at": 5, "type": "paused"},
        {"seq": 1, "at": 5, "type": "paused", "pause_id": "p" * (TEXT_MAX + 1)},
        {"seq": 1, "at": 5, "type": "session_closed", "reason": 4},
        {"seq": 1, "at": 5, "type": "session_opened"},
        {"seq": 1, "at": 5, "type": "session_opened", "terms": {**AGREED, "booked_ms": -1}},
        {"seq": 1, "at": 5, "type": "session_opened", "terms": {**AGREED, "free_ms": None}},
        {"seq": 1, "at": 5, "type": "session_opened", "terms": {**AGREED, "tariff": {}}},
    ],
)
def test_what_makes_no_sense_is_refused(record: object) -> None:
    """Missing, mistyped and impossible fields are protocol violations."""
    with pytest.raises(ProtocolViolation):
        record_untrusted(record)


@pytest.mark.parametrize(
    "tariff",
    [
        {**TARIFF, "kind": "gift"},
        {**TARIFF, "kind": "metered"},
        {**TARIFF, "currency": "chf"},
        {**TARIFF, "currency": "CHFR"},
        {**TARIFF, "currency": "CHF\n"},
        {**TARIFF, "price_minor": -1},
        "fixed",
    ],
)
def test_an_impossible_tariff_is_refused(tariff: object) -> None:
    """A tariff has a known kind, amounts that are not negative and a currency code."""
    with pytest.raises(ProtocolViolation):
        tariff_untrusted(tariff)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "{",
        '{"type":NaN}',
        '{"type":"weather","x":Infinity}',
        b"\xff",
        "[" * 60_000,
        '{"type":"' + "x" * TEXT_MAX + '"}' + " " * LINE_MAX,
        '{"seq":' + "9" * 5_000 + "}",
    ],
)
def test_a_line_that_is_no_record_is_refused(line: str | bytes) -> None:
    """Lines that are no JSON, too long, too deep or hold a monstrous number are protocol violations."""
    with pytest.raises(ProtocolViolation):
        line_untrusted(line)
