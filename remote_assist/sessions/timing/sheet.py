"""A session's log, folded into what billing needs. Order and duplication change nothing.

The sheet keeps merged sets and earliest or latest instants only, so it stays small while a session runs
and a room may ask it for the price every second. It must never look at ``seq``, at the order in which
events arrive, or at who joined and left. Source: docs/billing.md, "The log".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, assert_never

from remote_assist.sessions.events import (
    BillingStarted,
    Decision,
    ExtensionAccepted,
    FaultRecorded,
    FlowObserved,
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
from remote_assist.sessions.timing.intervals import Intervals, IntervalSet, normalise


@dataclass(frozen=True, slots=True)
class Grant:
    """More time that the customer accepted: the one event that counts of its ``extension_id``."""

    extension_id: str
    at_ms: int
    extra_ms: int
    """Never negative: an accepted negative amount counts 0."""
    price_minor: int


class TimeSheet:
    """What a log says about time, so far."""

    def __init__(self) -> None:
        self.billing_started_ms: int | None = None
        """The earliest; None as long as nobody was admitted."""
        self.closed_ms: int | None = None
        """The earliest; None while the session is open."""
        self._latest_ms: int | None = None
        self._opened: tuple[int, str, Terms] | None = None
        self._flows = {role: IntervalSet() for role in Role}
        self._presences = {role: IntervalSet() for role in Role}
        self._faults = IntervalSet()
        self._paused: dict[str, int] = {}
        self._resumed: dict[str, int] = {}
        self._grants: dict[str, Grant] = {}

    @classmethod
    def from_log(cls, log: Iterable[Recorded]) -> Self:
        """Fold a whole log."""
        sheet = cls()
        for recorded in log:
            sheet.add(recorded)
        return sheet

    def add(self, recorded: Recorded) -> None:
        """Take one event in."""
        self._reach(recorded.at_ms)
        match recorded.event:
            case FlowObserved(role=role, from_ms=from_ms, to_ms=to_ms):
                self._unite(self._flows[role], from_ms, to_ms)
            case PresenceObserved(role=role, from_ms=from_ms, to_ms=to_ms):
                self._unite(self._presences[role], from_ms, to_ms)
            case FaultRecorded(from_ms=from_ms, to_ms=to_ms):
                self._unite(self._faults, from_ms, to_ms)
            case decision:
                self._decide(recorded.at_ms, decision)

    def _unite(self, spans: IntervalSet, from_ms: int, to_ms: int) -> None:
        if from_ms < to_ms:
            self._reach(to_ms)
            spans.add(from_ms, to_ms)

    def _reach(self, instant_ms: int) -> None:
        if self._latest_ms is None or instant_ms > self._latest_ms:
            self._latest_ms = instant_ms

    def _decide(self, at_ms: int, event: Decision) -> None:
        match event:
            case SessionOpened(terms=terms):
                # A log has one. Should it have more: the earliest, and of equal times the same one in any
                # order. Terms are never compared themselves, as equal texts are equal terms.
                opened = (at_ms, repr(terms), terms)
                self._opened = opened if self._opened is None else min(self._opened, opened)
            case BillingStarted():
                self.billing_started_ms = _earliest(self.billing_started_ms, at_ms)
            case SessionClosed():
                self.closed_ms = _earliest(self.closed_ms, at_ms)
            case Paused(pause_id=pause_id):
                self._paused[pause_id] = _earliest(self._paused.get(pause_id), at_ms)
            case Resumed(pause_id=pause_id):
                self._resumed[pause_id] = _latest(self._resumed.get(pause_id), at_ms)
            case ExtensionAccepted():
                self._grant(at_ms, event)
            case ParticipantJoined() | ParticipantLeft() | FaultRecorded():
                pass  # who joined and left is shown, never billed; faults are intervals, taken in above
            case _:  # pragma: no cover - the type checker proves that nothing is left
                assert_never(event)

    def _grant(self, at_ms: int, event: ExtensionAccepted) -> None:
        """Keep the later event of an id; of equal times the smaller amount, then the smaller price."""
        grant = Grant(event.extension_id, at_ms, max(0, event.extra_ms), event.price_minor)
        kept = self._grants.get(event.extension_id)
        if kept is None or _rank(grant) > _rank(kept):
            self._grants[event.extension_id] = grant

    @property
    def terms(self) -> Terms:
        """The agreed terms. A log without ``session_opened`` has none and cannot be measured."""
        assert self._opened is not None
        return self._opened[2]

    @property
    def has_terms(self) -> bool:
        """Whether the opening of the session has been taken in."""
        return self._opened is not None

    @property
    def latest_ms(self) -> int:
        """The latest instant: any event's ``at``, and the end of any interval that is not empty.

        A start in the future is a plan and no instant of the log; an unknown type never gets here.
        """
        assert self._latest_ms is not None
        return self._latest_ms

    def end_ms(self, until_ms: int) -> int:
        """Return ``t1``: the earliest close, or ``until_ms`` while the session is open."""
        return until_ms if self.closed_ms is None else self.closed_ms

    def flow(self, role: Role) -> Intervals:
        """Return the union of a role's evidence."""
        return self._flows[role].intervals()

    def presence(self, role: Role) -> Intervals:
        """Return the union of what a role was seen to attend, without its evidence."""
        return self._presences[role].intervals()

    @property
    def faults(self) -> Intervals:
        """The union of the failures the server admitted."""
        return self._faults.intervals()

    def pauses(self, end_ms: int) -> Intervals:
        """Return the union of pauses; one that was not resumed lasts to ``end_ms``."""
        spans = []
        for pause_id, from_ms in self._paused.items():
            to_ms = self._resumed.get(pause_id)
            spans.append((from_ms, end_ms if to_ms is None or to_ms < from_ms else to_ms))
        return normalise(spans)

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The extensions, one per id, in order of consent."""
        return tuple(sorted(self._grants.values(), key=lambda grant: (grant.at_ms, grant.extension_id)))


def _earliest(known_ms: int | None, at_ms: int) -> int:
    return at_ms if known_ms is None else min(known_ms, at_ms)


def _latest(known_ms: int | None, at_ms: int) -> int:
    return at_ms if known_ms is None else max(known_ms, at_ms)


def _rank(grant: Grant) -> tuple[int, int, int]:
    return (grant.at_ms, -grant.extra_ms, -grant.price_minor)
