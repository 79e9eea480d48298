"""Carry out what ``negotiation`` decides: the live splice of one session, and the state of its legs.

The one place where a role meets a leg: customer is leg a, technician is leg b, and a splice is called
``<session>:<generation>``. It must never decide by itself who may describe what.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from remote_assist.errors import Conflict
from remote_assist.ids import SessionId
from remote_assist.media.facts import Fact, FlowFact, LegConnected, LegFailed, LegName, LegResumed, LegSilent
from remote_assist.media.relay import Relay
from remote_assist.sessions.events import FlowObserved, Role
from remote_assist.signaling import negotiation
from remote_assist.signaling.messages import Description, IceServer, MediaState, Message, SplicePlan
from remote_assist.signaling.negotiation import (
    Carry,
    CloseSplice,
    Negotiation,
    OpenSplice,
    Phase,
    Redeliver,
)

if TYPE_CHECKING:
    from remote_assist.media.splice import Splice

LEGS: Final[dict[Role, LegName]] = {Role.CUSTOMER: "a", Role.TECHNICIAN: "b"}
ROLES: Final[dict[LegName, Role]] = {"a": Role.CUSTOMER, "b": Role.TECHNICIAN}
RESUME_MAX_MS: Final = 50_000
"""After a longer silence the browsers' packet counters may no longer agree (RFC 3711 section 3.3.1)."""

Send = Callable[[Role, str, Message], Awaitable[None]]
"""Send an event to the connection that holds the role; nothing happens if there is none."""
IceServers = Callable[[str, str], Sequence[IceServer]]
"""Return the TURN servers for a session id and a role."""
_log = structlog.get_logger(__name__)


class Splicing:
    """The splices of one session, one at a time."""

    def __init__(
        self, session_id: SessionId, relay: Relay, send: Send, ice_servers: IceServers, generation: int
    ) -> None:
        self._session_id = session_id
        self._relay = relay
        self._send = send
        self._ice_servers = ice_servers
        self._state = Negotiation(generation=generation)
        self._splice: Splice | None = None
        self._is_admitted = False
        self._newest: dict[Role, Description] = {}
        self.media: dict[Role, MediaState] = dict.fromkeys(Role, "none")

    @property
    def generation(self) -> int:
        """The newest generation used."""
        return self._state.generation

    async def take(self, happened: negotiation.Input) -> SplicePlan | None:
        """Let ``negotiation`` judge an input, and carry out what follows.

        Returns:
            The plan for the role that joined, which is not sent to it, if a generation began.

        Raises:
            Conflict: negotiation refused it.
        """
        assert not isinstance(happened, negotiation.Described)
        state, effects = negotiation.step(self._state, happened)
        self._state = state
        joiner = happened.role if isinstance(happened, negotiation.Joined) else None
        plan = None
        for effect in effects:
            match effect:
                case OpenSplice():
                    if not self._open():
                        continue
                    for role in Role:
                        if role is joiner:
                            plan = self._plan(role)
                        else:
                            await self._send(role, "splice.start", self._plan(role))
                case CloseSplice(generation=generation):
                    self._close(generation)
                case Redeliver(role=role) if role in self._newest:
                    await self._send(role, "description.deliver", self._newest[role])
        return plan

    async def describe(self, sender: Role, sent: Description) -> None:
        """Carry a description to the far side.

        Raises:
            Conflict: negotiation refused it.
            ProtocolViolation: the relay cannot use it; negotiation stays as it was.
        """
        happened = negotiation.Described(sender, sent.generation, sent.type)
        state, effects = negotiation.step(self._state, happened)
        assert effects == (Carry(sender),)
        assert self._splice is not None
        sdp = self._splice.carry(LEGS[sender], sent.type, sent.sdp)
        self._state = state
        far = _far(sender)
        # What the sender was last told is answered or overtaken by what it says now.
        self._newest.pop(sender, None)
        # The relay's lines are longer than those they replace, so the limit of arrival does not hold.
        self._newest[far] = Description.model_construct(generation=sent.generation, type=sent.type, sdp=sdp)
        await self._send(far, "description.deliver", self._newest[far])

    def admit(self) -> None:
        """Let media flow, in this generation and every later one."""
        self._is_admitted = True
        if self._splice is not None:
            self._splice.open_gate()

    async def hear(self, fact: Fact, now_ms: int) -> None:
        """Take in what the relay observed; facts of older splices say nothing any more."""
        if fact.splice_id != self._splice_id() or self._splice is None:
            return
        role = ROLES[fact.leg]
        match fact:
            case LegConnected():
                self.media[role] = "connected"
            case LegSilent():
                self.media[role] = "silent"
            case LegResumed(silent_ms=silent_ms):
                self.media[role] = "connected"
                if silent_ms > RESUME_MAX_MS:
                    await self.take(negotiation.MediaFailed(self.generation, now_ms))
            case LegFailed(reason="closed_by_participant"):
                # A page that closes its connection comes back with a join, if it comes back.
                self.media[role] = "none"
            case LegFailed():
                self.media[role] = "none"
                await self.take(negotiation.MediaFailed(self.generation, now_ms))

    def close(self) -> None:
        """Close the splice whatever the state, when the room itself ends."""
        if self._splice is not None:
            self._close(self.generation)

    def _open(self) -> bool:
        """Open a splice, or stay apart for now if the relay has no room; ticks try again."""
        try:
            self._splice = self._relay.open_splice(self._splice_id())
        except Conflict as refusal:
            _log.warning("splice_refused", session_id=self._session_id, code=refusal.code)
            self._state = replace(self._state, phase=Phase.APART)
            return False
        self.media = dict.fromkeys(Role, "connecting")
        if self._is_admitted:
            self._splice.open_gate()
        return True

    def _close(self, generation: int) -> None:
        self._relay.close_splice(f"{self._session_id}:{generation}")
        self._splice = None
        self._newest.clear()
        self.media = dict.fromkeys(Role, "none")

    def _plan(self, role: Role) -> SplicePlan:
        return SplicePlan(
            generation=self.generation,
            polite=role is Role.CUSTOMER,
            offerer=role is Role.TECHNICIAN,
            ice_servers=list(self._ice_servers(self._session_id, role.value)),
        )

    def _splice_id(self) -> str:
        return f"{self._session_id}:{self.generation}"


def flow_of(fact: FlowFact) -> tuple[SessionId, FlowObserved]:
    """Return whose evidence a flow is."""
    session_id = session_of(fact.splice_id)
    return session_id, FlowObserved(ROLES[fact.leg], fact.from_ms, fact.to_ms)


def session_of(splice_id: str) -> SessionId:
    """Return the session that a splice belongs to."""
    return SessionId(splice_id.rpartition(":")[0])


def _far(role: Role) -> Role:
    return Role.TECHNICIAN if role is Role.CUSTOMER else Role.CUSTOMER
