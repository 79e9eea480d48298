"""What participants are shown."""

from typing import Any

from remote_assist.ids import ConnectionId, ParticipantId, PartnerId, SessionId
from remote_assist.sessions.billing.tariff import Charge
from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.sessions.events import (
    BillingStarted,
    Event,
    FixedTariff,
    FlowObserved,
    MeteredTariff,
    Recorded,
    Role,
    SessionClosed,
    SessionOpened,
    Terms,
)
from remote_assist.sessions.state import Stage
from remote_assist.sessions.timing.sheet import TimeSheet
from remote_assist.sessions.views import ChatLine, Participant, SessionView
from remote_assist.signaling import messages, view
from remote_assist.signaling.presence import Connection, Presence

C, T = Role.CUSTOMER, Role.TECHNICIAN
TERMS = Terms(0, 60_000, FixedTariff(4_000, "CHF"), free_ms=0, min_executed_ms=1_000)


def session(state: Stage = Stage.LIVE, **changes: Any) -> SessionView:
    fields: dict[str, Any] = {
        "id": SessionId("s"),
        "partner_id": PartnerId("p"),
        "version": 3,
        "last_seq": 9,
        "state": state,
        "customer": Participant(ParticipantId("c"), "Ada", None, None),
        "technician": Participant(ParticipantId("t"), "Grace", None, None),
        "terms": TERMS,
        "recording": "off",
        "metadata": {},
        "created_at_ms": 0,
        "billing_started_at_ms": 0,
        "paused_ids": (),
        "customer_connection": None,
        "technician_connection": None,
        "closed_at_ms": None,
        "close_reason": None,
        "home_node": None,
        "epoch": 1,
    }
    return SessionView(**{**fields, **changes})


def sheet(to_ms: int, *more: tuple[int, Event]) -> TimeSheet:
    made = TimeSheet()
    events: list[tuple[int, Event]] = [(0, SessionOpened(TERMS)), (0, BillingStarted())]
    events += [(to_ms, FlowObserved(role, 0, to_ms)) for role in Role]
    for at_ms, event in [*events, *more]:
        made.add(Recorded(0, at_ms, event))
    return made


def record(
    revision: int, total_minor: int, *, needs_approval: bool = False, billed_s: int = 5
) -> UsageRecord:
    return UsageRecord(
        id=f"ur_{revision}",
        session_id=SessionId("s"),
        partner_id=PartnerId("p"),
        revision=revision,
        outcome="completed",
        billed_s=billed_s,
        evidenced_ms=5_000,
        bridged_ms=0,
        paused_ms=0,
        fault_ms=0,
        served_ms=5_000,
        total_ms=5_000,
        intervals=((0, 5_000),),
        charges=(Charge(f"line-{revision}", total_minor),),
        total_minor=total_minor,
        currency="CHF",
        needs_approval=needs_approval,
        corrects=None,
        log_seq=9,
        recorded_at_ms=1,
    )


def test_prices_of_both_kinds() -> None:
    """A package has a price, metered time a rate and a minimum."""
    assert view.price(FixedTariff(4_000, "CHF")) == messages.Price(
        kind="fixed", currency="CHF", price_minor=4_000
    )
    assert view.price(MeteredTariff(6_000, "EUR", 500)) == messages.Price(
        kind="metered", currency="EUR", rate_minor_per_hour=6_000, minimum_minor=500
    )


def test_the_timer_runs_while_time_grows() -> None:
    """Live, not paused, more than before, and below the cap."""
    first = view.timer(sheet(1_000), session(), 1_000, None)
    assert first == messages.Timer(at_ms=1_000, total_ms=1_000, free_ms=0, cap_ms=60_000, running=True)
    assert view.timer(sheet(2_000), session(), 2_000, first).running
    assert not view.timer(sheet(1_000), session(), 2_000, first).running
    assert not view.timer(sheet(2_000), session(paused_ids=("p",)), 2_000, first).running
    assert not view.timer(sheet(2_000), session(Stage.CLOSED), 2_000, first).running
    assert not view.timer(sheet(70_000), session(), 70_000, first).running
    assert not view.timer(sheet(0), session(), 0, None).running


def test_the_state_shows_both_sides() -> None:
    """Names, presence, media and what each sends."""
    presence = Presence()
    presence.connect(Connection(ConnectionId("1"), C, ParticipantId("c"), 10))
    presence.join(ConnectionId("1"), 0)
    joined = presence.check(ConnectionId("1"))
    joined.microphone, joined.camera, joined.screen_stream_id = True, True, "s-1"
    shown = view.session_state(session(), presence, {C: "connected", T: "none"}, 4, None)
    customer, technician = shown.participants
    assert (customer.name, customer.joined, customer.media, customer.screen_stream_id) == (
        "Ada",
        True,
        "connected",
        "s-1",
    )
    assert (technician.name, technician.connected, technician.microphone) == ("Grace", False, False)
    assert (shown.state, shown.version, shown.generation, shown.result) == ("live", 3, 4, None)


def test_a_result_is_provisional_until_it_is_recorded() -> None:
    """The assessment at the close, with both lanes and the reason of every stretch."""
    closed = session(Stage.CLOSED, closed_at_ms=5_000)
    shown = view.result(sheet(5_000, (5_000, SessionClosed("api"))), closed, ())
    assert (shown.provisional, shown.outcome, shown.billed_s, shown.total_minor) == (
        True,
        "completed",
        5,
        4_000,
    )
    assert shown.customer_lane == shown.technician_lane == [(0, 5_000)]
    assert shown.segments == [messages.Segment(from_ms=0, to_ms=5_000, reason="counted")]
    assert shown.charges == [messages.ChargeLine(reason="package", amount_minor=4_000)]


def test_a_recorded_result_adds_up_what_is_in_force() -> None:
    """The newest measures, and the charges of every revision that needs no approval."""
    closed = session(Stage.CLOSED, closed_at_ms=5_000)
    usage = (record(1, 4_000), record(2, -500, billed_s=4), record(3, 900, needs_approval=True, billed_s=6))
    shown = view.result(sheet(5_000), closed, usage)
    assert (shown.provisional, shown.billed_s, shown.total_minor) == (False, 6, 3_500)
    assert [line.reason for line in shown.charges] == ["line-1", "line-2"]


def test_a_chat_line_is_shown_as_it_was_kept() -> None:
    """Number, time, role, text and the id of the page that sent it."""
    shown = view.chat_line(ChatLine(1, 5, C, "id", "Hello"))
    assert shown == messages.ChatLine(n=1, at_ms=5, role="customer", text="Hello", client_id="id", file=None)
