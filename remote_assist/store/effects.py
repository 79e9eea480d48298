"""What a transaction sets off once it is committed."""

from dataclasses import dataclass, field

from remote_assist.ids import SessionId


@dataclass(slots=True)
class Effects:
    """Collected while the transaction runs, and dropped with it if it fails."""

    wakeups: dict[SessionId, int] = field(default_factory=dict)
    is_due: bool = False
    """A job or delivery was written that may be due."""
