"""The state of a session and which commands it accepts, as a table that can be printed.

``decide`` turns a command into events or refuses it, ``evolve`` folds an event into the state.
Pure: no clock, no store. A command that has already had its effect decides nothing, so that
retries are harmless; a pair that is missing from the table is a bug of ours.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from remote_assist.errors import Conflict, NotFound, Rejected
from remote_assist.sessions.events import (
    BillingStarted,
    Decision,
    Evidence,
    FaultRecorded,
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

PAUSES_MAX: Final = 2
"""Open at once: one for each side. More would only be to forget one and never bill again."""


class Stage(StrEnum):
    """Where a session is in its life. ``NEW`` is before its log begins."""

    NEW = "new"
    OPEN = "open"
    LIVE = "live"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class State:
    """What the decisions of a log add up to. Evidence does not touch it."""

    stage: Stage = Stage.NEW
    version: int = 0
    terms: Terms | None = None
    customer_has_joined: bool = False
    connections: Mapping[Role, str] = field(default_factory=dict)
    paused_ids: tuple[str, ...] = ()
    resumed_ids: frozenset[str] = frozenset()
    billing_started_at_ms: int | None = None
    closed_at_ms: int | None = None
    close_reason: str | None = None


# --- commands ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Begin the log with these terms."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Join:
    """A connection takes a role; the newest wins."""

    role: Role
    participant_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Leave:
    """A connection gives its role up."""

    role: Role
    participant_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Admit:
    """The technician lets the customer in, and the billing starts."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stand the billable time still."""

    pause_id: str


@dataclass(frozen=True, slots=True)
class Resume:
    """End a pause."""

    pause_id: str


@dataclass(frozen=True, slots=True)
class RecordFault:
    """Admit a failure of ours. Accepted at any time: it can only lower the bill."""

    from_ms: int
    to_ms: int
    cause: str


@dataclass(frozen=True, slots=True)
class Close:
    """End the session."""

    reason: str


Command = Open | Join | Leave | Admit | Pause | Resume | RecordFault | Close
Decide = Callable[[State, Any], tuple[Decision, ...]]


class Rule(NamedTuple):
    """What a stage does with a command: a phrase for the printed table, and the function."""

    says: str
    decide: Decide


def decide(state: State, command: Command) -> tuple[Decision, ...]:
    """Return the events that ``command`` causes, none if it has already had its effect.

    Raises:
        Rejected: the table refuses the command in this state.
    """
    return RULES[state.stage, type(command)].decide(state, command)


def fold(log: Iterable[Recorded]) -> State:
    """Return the state after the events of ``log``, which is in order of ``seq``."""
    state = State()
    for recorded in log:
        state = evolve(state, recorded)
    return state


def evolve(state: State, recorded: Recorded) -> State:
    """Return the state after one more event."""
    event = recorded.event
    if isinstance(event, Evidence):
        return state
    after = replace(state, version=state.version + 1)
    match event:
        case SessionOpened(terms=terms):
            return replace(after, stage=Stage.OPEN, terms=terms)
        case ParticipantJoined(role=role, connection_id=connection_id):
            return replace(
                after,
                customer_has_joined=state.customer_has_joined or role is Role.CUSTOMER,
                connections={**state.connections, role: connection_id},
            )
        case ParticipantLeft(role=role):
            rest = {other: one for other, one in state.connections.items() if other is not role}
            return replace(after, connections=rest)
        case BillingStarted():
            return replace(after, stage=Stage.LIVE, billing_started_at_ms=recorded.at_ms)
        case Paused(pause_id=pause_id):
            return replace(after, paused_ids=(*state.paused_ids, pause_id))
        case Resumed(pause_id=pause_id):
            rest_ids = tuple(one for one in state.paused_ids if one != pause_id)
            return replace(after, paused_ids=rest_ids, resumed_ids=state.resumed_ids | {pause_id})
        case SessionClosed(reason=reason):
            return replace(after, stage=Stage.CLOSED, closed_at_ms=recorded.at_ms, close_reason=reason)
        case _:
            return after


def table() -> str:
    """Return the rules as text: one line per stage and command."""
    width = max(len(command.__name__) for _, command in RULES)
    return "\n".join(
        f"{stage.value:<7} {command.__name__:<{width}}  {rule.says}"
        for (stage, command), rule in RULES.items()
    )


# --- rules ------------------------------------------------------------------------------------------


def _open(_state: State, command: Open) -> tuple[Decision, ...]:
    return (SessionOpened(command.terms),)


def _join(state: State, command: Join) -> tuple[Decision, ...]:
    current = state.connections.get(command.role)
    if current == command.connection_id:
        return ()
    joined = ParticipantJoined(command.role, command.participant_id, command.connection_id)
    if current is None:
        return (joined,)
    return (ParticipantLeft(command.role, command.participant_id, current), joined)


def _leave(state: State, command: Leave) -> tuple[Decision, ...]:
    if state.connections.get(command.role) != command.connection_id:
        return ()
    return (ParticipantLeft(command.role, command.participant_id, command.connection_id),)


def _admit(state: State, _command: Admit) -> tuple[Decision, ...]:
    if not state.customer_has_joined:
        raise Conflict("customer_not_joined", "The customer has not joined yet.")
    return (BillingStarted(),)


def _pause(state: State, command: Pause) -> tuple[Decision, ...]:
    if command.pause_id in state.paused_ids:
        return ()
    if command.pause_id in state.resumed_ids:
        raise Conflict("pause_id_used", "This pause has ended; a new pause needs a new id.")
    if len(state.paused_ids) >= PAUSES_MAX:
        raise Conflict("too_many_pauses", "The session is paused already; end a pause first.")
    return (Paused(command.pause_id),)


def _resume(state: State, command: Resume) -> tuple[Decision, ...]:
    if command.pause_id in state.resumed_ids:
        return ()
    if command.pause_id not in state.paused_ids:
        raise Conflict("no_such_pause", "There is no such pause.")
    return (Resumed(command.pause_id),)


def _fault(_state: State, command: RecordFault) -> tuple[Decision, ...]:
    return (FaultRecorded(command.from_ms, command.to_ms, command.cause),)


def _close(_state: State, command: Close) -> tuple[Decision, ...]:
    return (SessionClosed(command.reason),)


def _nothing(_state: State, _command: Command) -> tuple[Decision, ...]:
    return ()


def _refusal(error: type[Rejected], code: str, detail: str) -> Rule:
    def refuse(_state: State, _command: Command) -> tuple[Decision, ...]:
        raise error(code, detail)

    return Rule(f"refused: {code}", refuse)


_MISSING: Final = _refusal(NotFound, "session_not_found", "There is no such session.")
_EXISTS: Final = _refusal(Conflict, "session_exists", "This session has been opened already.")
_CLOSED: Final = _refusal(Conflict, "session_closed", "The session has ended.")
_NOT_LIVE: Final = _refusal(Conflict, "session_not_live", "The billing has not started yet.")
_IDLE: Final = Rule("nothing", _nothing)
_JOIN: Final = Rule("participant_joined; an older connection: participant_left before", _join)
_LEAVE: Final = Rule("participant_left; not the current connection: nothing", _leave)
_FAULT: Final = Rule("fault_recorded", _fault)
_CLOSE: Final = Rule("session_closed", _close)

RULES: Final[Mapping[tuple[Stage, type], Rule]] = {
    (Stage.NEW, Open): Rule("session_opened", _open),
    (Stage.NEW, Join): _MISSING,
    (Stage.NEW, Leave): _MISSING,
    (Stage.NEW, Admit): _MISSING,
    (Stage.NEW, Pause): _MISSING,
    (Stage.NEW, Resume): _MISSING,
    (Stage.NEW, RecordFault): _MISSING,
    (Stage.NEW, Close): _MISSING,
    (Stage.OPEN, Open): _EXISTS,
    (Stage.OPEN, Join): _JOIN,
    (Stage.OPEN, Leave): _LEAVE,
    (Stage.OPEN, Admit): Rule("billing_started; the customer never joined: customer_not_joined", _admit),
    (Stage.OPEN, Pause): _NOT_LIVE,
    (Stage.OPEN, Resume): _NOT_LIVE,
    (Stage.OPEN, RecordFault): _FAULT,
    (Stage.OPEN, Close): _CLOSE,
    (Stage.LIVE, Open): _EXISTS,
    (Stage.LIVE, Join): _JOIN,
    (Stage.LIVE, Leave): _LEAVE,
    (Stage.LIVE, Admit): _IDLE,
    (Stage.LIVE, Pause): Rule("paused; already: nothing; or pause_id_used, too_many_pauses", _pause),
    (Stage.LIVE, Resume): Rule("resumed; already: nothing; never paused: no_such_pause", _resume),
    (Stage.LIVE, RecordFault): _FAULT,
    (Stage.LIVE, Close): _CLOSE,
    (Stage.CLOSED, Open): _EXISTS,
    (Stage.CLOSED, Join): _CLOSED,
    (Stage.CLOSED, Leave): _IDLE,
    (Stage.CLOSED, Admit): _CLOSED,
    (Stage.CLOSED, Pause): _CLOSED,
    (Stage.CLOSED, Resume): _IDLE,
    (Stage.CLOSED, RecordFault): _FAULT,
    (Stage.CLOSED, Close): _IDLE,
}
