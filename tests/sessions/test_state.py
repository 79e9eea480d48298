"""The state table: complete, printable, and harmless to repeat."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import Conflict, NotFound, Rejected
from remote_assist.sessions.events import (
    BillingStarted,
    Decision,
    ExtensionAccepted,
    FaultRecorded,
    FlowObserved,
    MeteredTariff,
    ParticipantJoined,
    ParticipantLeft,
    Paused,
    Recorded,
    Resumed,
    Role,
    SessionClosed,
    SessionOpened,
    Terms,
)
from remote_assist.sessions.state import (
    RULES,
    Admit,
    Close,
    Command,
    Join,
    Leave,
    Open,
    Pause,
    RecordFault,
    Resume,
    Stage,
    State,
    decide,
    evolve,
    fold,
    table,
)

TERMS = Terms(scheduled_start_ms=0, booked_ms=1_800_000, tariff=MeteredTariff(6_000, "CHF"))
JOIN = Join(Role.CUSTOMER, "ada", "c1")


def after(*commands: Command) -> State:
    """The state after these commands, one a second."""
    state = State()
    for place, command in enumerate((Open(TERMS), *commands)):
        for event in decide(state, command):
            state = evolve(state, Recorded(state.version + 1, place * 1000, event))
    return state


def test_every_stage_has_a_rule_for_every_command() -> None:
    """No pair of stage and command is missing, and none is left over."""
    assert set(RULES) == set(product(Stage, get_args(Command)))


def test_the_table_can_be_printed() -> None:
    """Each rule is one line that says stage, command and what follows."""
    lines = table().splitlines()
    assert len(lines) == len(RULES)
    assert "open    Admit        billing_started; the customer never joined: customer_not_joined" in lines


@pytest.mark.parametrize("command", [JOIN, Admit(), Pause("p"), Resume("p"), Close("api")])
def test_nothing_can_be_done_before_the_opening(command: Command) -> None:
    """A session that was never opened does not exist."""
    with pytest.raises(NotFound, match="session_not_found"):
        decide(State(), command)


def test_a_session_is_opened_once() -> None:
    """The log begins with the terms, and with nothing else."""
    assert decide(State(), Open(TERMS)) == (SessionOpened(TERMS),)
    with pytest.raises(Conflict, match="session_exists"):
        decide(after(), Open(TERMS))


def test_the_newest_connection_of_a_role_wins() -> None:
    """A second join puts the first connection out, in the log too; the same again is nothing."""
    state = after(JOIN)
    assert decide(state, JOIN) == ()
    assert decide(state, Join(Role.CUSTOMER, "ada", "c2")) == (
        ParticipantLeft(Role.CUSTOMER, "ada", "c1"),
        ParticipantJoined(Role.CUSTOMER, "ada", "c2"),
    )


def test_only_the_current_connection_can_leave() -> None:
    """The end of a connection that was replaced changes nothing."""
    state = after(JOIN, Join(Role.CUSTOMER, "ada", "c2"))
    assert decide(state, Leave(Role.CUSTOMER, "ada", "c1")) == ()
    assert decide(state, Leave(Role.CUSTOMER, "ada", "c2")) == (ParticipantLeft(Role.CUSTOMER, "ada", "c2"),)
    assert decide(state, Leave(Role.TECHNICIAN, "grace", "t1")) == ()


def test_billing_starts_when_the_customer_has_joined_and_only_once() -> None:
    """Nobody is billed who has not seen the price; admitting twice is one start."""
    with pytest.raises(Conflict, match="customer_not_joined"):
        decide(after(Join(Role.TECHNICIAN, "grace", "t1")), Admit())
    assert decide(after(JOIN), Admit()) == (BillingStarted(),)
    assert decide(after(JOIN, Leave(Role.CUSTOMER, "ada", "c1")), Admit()) == (BillingStarted(),)
    live = after(JOIN, Admit())
    assert live.stage is Stage.LIVE
    assert live.billing_started_at_ms == 2000
    assert decide(live, Admit()) == ()


def test_a_pause_runs_from_its_start_to_its_end() -> None:
    """A pause begins once, ends once, and its id is used up."""
    live = after(JOIN, Admit())
    paused = after(JOIN, Admit(), Pause("p1"))
    resumed = after(JOIN, Admit(), Pause("p1"), Pause("p2"), Resume("p1"))
    assert decide(live, Pause("p1")) == (Paused("p1"),)
    assert decide(paused, Pause("p1")) == ()
    assert decide(paused, Resume("p1")) == (Resumed("p1"),)
    assert resumed.paused_ids == ("p2",)
    assert decide(resumed, Resume("p1")) == ()
    with pytest.raises(Conflict, match="pause_id_used"):
        decide(resumed, Pause("p1"))
    with pytest.raises(Conflict, match="no_such_pause"):
        decide(resumed, Resume("p3"))
    both_paused = after(JOIN, Admit(), Pause("p1"), Pause("p2"))
    assert decide(both_paused, Pause("p2")) == ()
    with pytest.raises(Conflict, match="too_many_pauses"):
        decide(both_paused, Pause("p3"))


@pytest.mark.parametrize("command", [Pause("p"), Resume("p")])
def test_there_is_no_pause_before_the_billing(command: Command) -> None:
    """Time that does not count cannot be paused."""
    with pytest.raises(Conflict, match="session_not_live"):
        decide(after(JOIN), command)


def test_a_closed_session_stays_as_it_is() -> None:
    """After the close only faults of ours are still taken, and repeated commands do no harm."""
    closed = after(JOIN, Admit(), Pause("p1"), Close("technician_ended"))
    assert closed.stage is Stage.CLOSED
    assert (closed.closed_at_ms, closed.close_reason) == (4000, "technician_ended")
    for harmless in (Close("api"), Leave(Role.CUSTOMER, "ada", "c1"), Resume("p1")):
        assert decide(closed, harmless) == ()
    for refused in (JOIN, Admit(), Pause("p2")):
        with pytest.raises(Conflict, match="session_closed"):
            decide(closed, refused)
    assert decide(closed, RecordFault(1, 2, "restart")) == (FaultRecorded(1, 2, "restart"),)


def test_a_session_can_be_closed_before_anybody_came() -> None:
    """An open session closes too."""
    assert decide(after(), Close("api")) == (SessionClosed("api"),)
    assert decide(after(), RecordFault(1, 2, "restart")) == (FaultRecorded(1, 2, "restart"),)


def test_evidence_leaves_the_state_alone_and_other_events_count() -> None:
    """The version counts the events that are not evidence."""
    events: list[Decision | FlowObserved] = [
        SessionOpened(TERMS),
        FlowObserved(Role.CUSTOMER, 0, 1),
        FaultRecorded(1, 2, "x"),
        ExtensionAccepted("e1", 60_000, 500),
    ]
    state = fold(Recorded(seq, seq, event) for seq, event in enumerate(events, start=1))
    assert state == State(stage=Stage.OPEN, version=3, terms=TERMS)


ids = st.sampled_from(["a", "b"])
roles = st.sampled_from(Role)
commands = st.one_of(
    st.builds(Join, roles, ids, ids),
    st.builds(Leave, roles, ids, ids),
    st.builds(Admit),
    st.builds(Pause, ids),
    st.builds(Resume, ids),
    st.builds(RecordFault, st.just(1), st.just(2), st.just("stall")),
    st.builds(Close, ids),
)


@given(st.lists(commands, max_size=30))
def test_any_order_of_commands_is_answered_and_repeating_one_adds_nothing(orders: list[Command]) -> None:
    """Each command decides or is refused by name; the same command again never has a second effect."""
    state = after()
    for order in orders:
        try:
            events = decide(state, order)
        except Rejected:
            continue
        for event in events:
            state = evolve(state, Recorded(state.version + 1, 0, event))
        if not isinstance(order, RecordFault):
            assert decide(state, order) == ()
