"""Who may describe what, and when a splice begins anew: a pure machine, one step per input.

Each splice generation goes through perfect negotiation (W3C webrtc-pc, section 10.7) with the server as
referee: the technician's page is impolite and its offer wins, the customer's is polite and rolls back.
``step`` returns the new state and the effects that the room carries out in order; it never waits,
sends or reads a clock. A refusal is an exception and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Literal, NamedTuple, assert_never

from remote_assist.errors import Conflict
from remote_assist.sessions.events import Role

RENEWALS_MAX: Final = 5
RENEWAL_WINDOW_MS: Final = 60_000
"""At most RENEWALS_MAX fresh generations within the window because media failed; then the room waits."""

AHEAD_MAX: Final = 1_000
"""How far ahead of this room a page may be: an earlier room of the same tenure may have gone so far."""

DescriptionType = Literal["offer", "answer"]
BOTH: Final = frozenset(Role)


class Phase(StrEnum):
    """Where a generation is. ``APART``: no splice is open."""

    APART = "apart"
    IDLE = "idle"
    STABLE = "stable"
    CUSTOMER_OFFER = "customer_offer"
    TECHNICIAN_OFFER = "technician_offer"


@dataclass(frozen=True, slots=True)
class Negotiation:
    """The state. ``generation`` is the newest one used; ``tabs`` had the role when they last joined."""

    generation: int = 0
    phase: Phase = Phase.APART
    joined: frozenset[Role] = frozenset()
    tabs: Mapping[Role, str] = field(default_factory=dict)
    renewed_at_ms: tuple[int, ...] = ()


# --- inputs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Joined:
    """A tab took a role. ``generation`` is that of the connection it still has."""

    role: Role
    tab_id: str
    generation: int | None


@dataclass(frozen=True, slots=True)
class SocketLost:
    """The role's socket is gone; its media may well go on."""

    role: Role


@dataclass(frozen=True, slots=True)
class Left:
    """The role gave up taking part, and its connection with it."""

    role: Role


@dataclass(frozen=True, slots=True)
class Described:
    """A page sent an offer or an answer."""

    role: Role
    generation: int
    type: DescriptionType


@dataclass(frozen=True, slots=True)
class RenewAsked:
    """A page says that this generation's media failed."""

    generation: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """The relay says that this generation's media failed."""

    generation: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time went by."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is closed."""


Input = Joined | SocketLost | Left | Described | RenewAsked | MediaFailed | Ticked | Ended


# --- effects ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenSplice:
    """Open a splice for this generation, and tell both sides to build a connection."""

    generation: int


@dataclass(frozen=True, slots=True)
class CloseSplice:
    """Close this generation's splice."""

    generation: int


@dataclass(frozen=True, slots=True)
class Carry:
    """Carry the sender's description through the splice and deliver it to the far side."""

    sender: Role


@dataclass(frozen=True, slots=True)
class Redeliver:
    """Deliver the newest description for this role again; its socket was away."""

    role: Role


Effect = OpenSplice | CloseSplice | Carry | Redeliver


class Step(NamedTuple):
    """The state after an input, and what is to be done about it, in order."""

    state: Negotiation
    effects: tuple[Effect, ...] = ()


def step(state: Negotiation, happened: Input) -> Step:
    """Return what follows from ``happened``.

    Raises:
        Conflict: ``stale_generation``, ``no_splice``, ``glare``, ``unexpected_answer`` or
            ``too_many_renewals``; the state stays as it was.
    """
    match happened:
        case Joined():
            return _join(state, happened)
        case SocketLost(role=role):
            return Step(replace(state, joined=state.joined - {role}))
        case Left(role=role):
            return _part(replace(state, joined=state.joined - {role}))
        case Described():
            return _describe(state, happened)
        case RenewAsked():
            return _renew_asked(state, happened)
        case MediaFailed():
            return _fail(state, happened)
        case Ticked(at_ms=at_ms):
            return _tick(state, at_ms)
        case Ended():
            return _part(replace(state, joined=frozenset()))
        case _:  # pragma: no cover - mypy proves that there is no other input
            assert_never(happened)


def _join(state: Negotiation, join: Joined) -> Step:
    is_same_tab = state.tabs.get(join.role) == join.tab_id
    now = replace(state, joined=state.joined | {join.role}, tabs={**state.tabs, join.role: join.tab_id})
    if is_same_tab and join.generation == state.generation and state.phase is not Phase.APART:
        return Step(now, (Redeliver(join.role),))
    apart = _part(now)
    named = join.generation or 0
    if state.generation < named <= state.generation + AHEAD_MAX:
        # A room before this one began it; the pages only follow numbers that rise.
        apart = Step(replace(apart.state, generation=named), apart.effects)
    if now.joined != BOTH:
        return apart
    begun = _begin(apart.state)
    return Step(begun.state, apart.effects + begun.effects)


def _describe(state: Negotiation, sent: Described) -> Step:
    _refuse_stale(state, sent.generation)
    verdict = DESCRIPTIONS[state.phase, sent.role, sent.type]
    if isinstance(verdict, Refusal):
        raise Conflict(verdict.code, verdict.detail)
    return Step(replace(state, phase=verdict), (Carry(sent.role),))


def _renew_asked(state: Negotiation, asked: RenewAsked) -> Step:
    _refuse_stale(state, asked.generation)
    if not _may_renew(state, asked.at_ms):
        raise Conflict("too_many_renewals", "Media failed too often; wait a moment.")
    return _renew(state, asked.at_ms)


def _fail(state: Negotiation, failed: MediaFailed) -> Step:
    if state.phase is Phase.APART or failed.generation != state.generation:
        return Step(state)
    return _renew(state, failed.at_ms) if _may_renew(state, failed.at_ms) else _part(state)


def _tick(state: Negotiation, at_ms: int) -> Step:
    """Begin anew if both sides wait: the renewals were used up, or the relay was full."""
    waits = state.phase is Phase.APART and state.joined == BOTH
    return _renew(state, at_ms) if waits and _may_renew(state, at_ms) else Step(state)


def _renew(state: Negotiation, at_ms: int) -> Step:
    apart = _part(state)
    if state.joined != BOTH:
        return apart
    begun = _begin(apart.state)
    recent = tuple(one for one in state.renewed_at_ms if at_ms - one < RENEWAL_WINDOW_MS)
    return Step(replace(begun.state, renewed_at_ms=(*recent, at_ms)), apart.effects + begun.effects)


def _may_renew(state: Negotiation, at_ms: int) -> bool:
    return sum(at_ms - one < RENEWAL_WINDOW_MS for one in state.renewed_at_ms) < RENEWALS_MAX


def _begin(state: Negotiation) -> Step:
    generation = state.generation + 1
    return Step(replace(state, generation=generation, phase=Phase.IDLE), (OpenSplice(generation),))


def _part(state: Negotiation) -> Step:
    if state.phase is Phase.APART:
        return Step(state)
    return Step(replace(state, phase=Phase.APART), (CloseSplice(state.generation),))


def _refuse_stale(state: Negotiation, generation: int) -> None:
    if generation != state.generation:
        raise Conflict("stale_generation", "A newer connection has begun.")
    if state.phase is Phase.APART:
        raise Conflict("no_splice", "The two sides are not spliced at the moment.")


# --- the table --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a description is dropped."""

    code: str
    detail: str


_GLARE: Final = Refusal("glare", "The far side's offer is on its way and wins; answer that.")
_UNASKED: Final = Refusal("unexpected_answer", "There is no offer to answer.")

DESCRIPTIONS: Final[Mapping[tuple[Phase, Role, DescriptionType], Phase | Refusal]] = {
    (Phase.IDLE, Role.CUSTOMER, "offer"): Phase.CUSTOMER_OFFER,
    (Phase.IDLE, Role.CUSTOMER, "answer"): _UNASKED,
    (Phase.IDLE, Role.TECHNICIAN, "offer"): Phase.TECHNICIAN_OFFER,
    (Phase.IDLE, Role.TECHNICIAN, "answer"): _UNASKED,
    (Phase.STABLE, Role.CUSTOMER, "offer"): Phase.CUSTOMER_OFFER,
    (Phase.STABLE, Role.CUSTOMER, "answer"): _UNASKED,
    (Phase.STABLE, Role.TECHNICIAN, "offer"): Phase.TECHNICIAN_OFFER,
    (Phase.STABLE, Role.TECHNICIAN, "answer"): _UNASKED,
    # An offer sent again replaces the one that waits: its page came back before it was answered.
    (Phase.CUSTOMER_OFFER, Role.CUSTOMER, "offer"): Phase.CUSTOMER_OFFER,
    (Phase.CUSTOMER_OFFER, Role.CUSTOMER, "answer"): _UNASKED,
    (Phase.CUSTOMER_OFFER, Role.TECHNICIAN, "offer"): Phase.TECHNICIAN_OFFER,
    (Phase.CUSTOMER_OFFER, Role.TECHNICIAN, "answer"): Phase.STABLE,
    (Phase.TECHNICIAN_OFFER, Role.CUSTOMER, "offer"): _GLARE,
    (Phase.TECHNICIAN_OFFER, Role.CUSTOMER, "answer"): Phase.STABLE,
    (Phase.TECHNICIAN_OFFER, Role.TECHNICIAN, "offer"): Phase.TECHNICIAN_OFFER,
    (Phase.TECHNICIAN_OFFER, Role.TECHNICIAN, "answer"): _UNASKED,
}
"""What becomes of a description that names the current generation; stale ones never get here."""


def table() -> str:
    """Return the table as text: one line per phase, role and type."""
    return "\n".join(
        f"{phase:<17} {role:<11} {kind:<7} {verdict if isinstance(verdict, Phase) else verdict.code}"
        for (phase, role, kind), verdict in DESCRIPTIONS.items()
    )
