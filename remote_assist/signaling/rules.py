"""Who may send which event, as a table that can be printed. Pure; the service has the last word.

Replaced connections are turned away before this table is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remote_assist.errors import Conflict, Forbidden
from remote_assist.sessions.events import Role


@dataclass(frozen=True, slots=True)
class Rule:
    """What an event asks of its sender and of the session."""

    roles: frozenset[Role] = frozenset(Role)
    needs_join: bool = True
    is_open_after_close: bool = False


_ANYBODY: Final = Rule(needs_join=False, is_open_after_close=True)
_JOINED: Final = Rule()
_TECHNICIAN: Final = Rule(roles=frozenset({Role.TECHNICIAN}))

RULES: Final[Mapping[str, Rule]] = {
    "session.sync": _ANYBODY,
    "session.join": Rule(needs_join=False),
    "session.admit": _TECHNICIAN,
    "session.leave": _JOINED,
    # Closing is idempotent, so that a repeated hang-up is no error.
    "session.close": Rule(roles=frozenset({Role.TECHNICIAN}), is_open_after_close=True),
    # Refused by the service until the session is closed.
    "session.rate": _ANYBODY,
    "presence.report": _ANYBODY,
    "media.report": _JOINED,
    # From the lobby too: the technician sees who waits with what before letting anybody in.
    "device.report": Rule(needs_join=False),
    "description.send": _JOINED,
    "splice.renew": _JOINED,
    "chat.post": _JOINED,
    "billing.pause": _JOINED,
    "billing.resume": _JOINED,
    "clock.read": _ANYBODY,
    "token.renew": _ANYBODY,
}


def check(event: str, role: Role, *, is_joined: bool, is_closed: bool) -> None:
    """Let the event pass, or refuse it.

    Raises:
        Forbidden: ``technician_only``.
        Conflict: ``session_closed`` or ``not_joined``.
    """
    rule = RULES[event]
    if role not in rule.roles:
        raise Forbidden("technician_only", "Only the technician may do this.")
    if is_closed and not rule.is_open_after_close:
        raise Conflict("session_closed", "The session has ended.")
    if rule.needs_join and not is_joined:
        raise Conflict("not_joined", "Join first.")


def table() -> str:
    """Return the rules as text: one line per event."""
    return "\n".join(
        f"{event:<17} {'technician' if len(rule.roles) == 1 else 'both':<11} "
        f"{'joined' if rule.needs_join else 'lobby or joined':<16} "
        f"{'also when closed' if rule.is_open_after_close else 'until closed'}"
        for event, rule in RULES.items()
    )
