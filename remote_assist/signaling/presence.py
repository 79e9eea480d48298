"""Who is connected to a session, who takes part, and when somebody was there with the page visible.

Pure bookkeeping with times handed in. Presence decides no-shows, never billable time. A connection is in
the lobby until it joins; the newest join of a role wins, and the one before it is replaced for good.
"""

from dataclasses import dataclass
from typing import Final

from remote_assist.errors import Conflict
from remote_assist.ids import ConnectionId, ParticipantId
from remote_assist.sessions.events import PresenceObserved, Role
from remote_assist.signaling.messages import DeviceReport

CONNECTIONS_MAX: Final = 8
"""Per role. A page that reloads on a bad line leaves dead sockets behind until their ping times out."""
PIECE_MS: Final = 5_000
"""Evidence of presence is written in pieces of about this length; a crash loses at most one."""


@dataclass(slots=True)
class Connection:
    """One connection of a role: in the lobby, joined, or replaced."""

    connection_id: ConnectionId
    role: Role
    participant_id: ParticipantId
    expires_at_ms: int
    is_synced: bool = False
    is_joined: bool = False
    is_replaced: bool = False
    is_visible: bool = False
    microphone: bool = False
    camera: bool = False
    screen_stream_id: str | None = None
    device: DeviceReport | None = None


class Presence:
    """The connections of one session."""

    def __init__(self) -> None:
        self._connections: dict[ConnectionId, Connection] = {}
        self._visible_since_ms: dict[Role, int] = {}
        self._pieces: list[PresenceObserved] = []

    def __len__(self) -> int:
        return len(self._connections)

    def all(self) -> list[Connection]:
        """Return the connections in the order they came."""
        return list(self._connections.values())

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """Return the connection, if it is (still) known."""
        return self._connections.get(connection_id)

    def joined(self, role: Role) -> Connection | None:
        """Return the connection that holds the role."""
        return next((one for one in self._connections.values() if one.role is role and one.is_joined), None)

    def is_connected(self, role: Role) -> bool:
        """Say whether anybody of this role is connected, in the lobby or joined."""
        return any(one.role is role and not one.is_replaced for one in self._connections.values())

    def is_visible(self, role: Role) -> bool:
        """Say whether this role has a visible page."""
        return any(
            one.role is role and one.is_visible and not one.is_replaced for one in self._connections.values()
        )

    def device(self, role: Role) -> DeviceReport | None:
        """Return what the machine of the role said of itself: the joined one, else the newest."""
        if (joined := self.joined(role)) is not None:
            return joined.device
        said = (one.device for one in reversed(self._connections.values()) if one.role is role)
        return next((device for device in said if device is not None), None)

    def connect(self, connection: Connection) -> Connection | None:
        """Admit a connection to the lobby; return the one that must make room for it, if any."""
        same_role = [one for one in self._connections.values() if one.role is connection.role]
        self._connections[connection.connection_id] = connection
        if len(same_role) < CONNECTIONS_MAX:
            return None
        return next(one for one in same_role if not one.is_joined)

    def disconnect(self, connection_id: ConnectionId, now_ms: int) -> Connection | None:
        """Forget a connection and return it; None if it was not known."""
        gone = self._connections.pop(connection_id, None)
        if gone is not None:
            self._measure(gone.role, now_ms)
        return gone

    def join(self, connection_id: ConnectionId, now_ms: int) -> Connection | None:
        """Give the connection its role; return the one it replaces, if any."""
        newest = self._connections[connection_id]
        before = self.joined(newest.role)
        newest.is_joined = True
        if before is None or before is newest:
            return None
        before.is_joined, before.is_replaced = False, True
        self._measure(newest.role, now_ms)
        return before

    def leave(self, connection_id: ConnectionId) -> None:
        """Send the connection back to the lobby."""
        connection = self._connections[connection_id]
        connection.is_joined = connection.microphone = connection.camera = False
        connection.screen_stream_id = None

    def report(self, connection_id: ConnectionId, *, is_visible: bool, now_ms: int) -> None:
        """Note whether the page is visible."""
        connection = self._connections[connection_id]
        connection.is_visible = is_visible
        self._measure(connection.role, now_ms)

    def renew(self, connection_id: ConnectionId, expires_at_ms: int) -> None:
        """Note that the connection has a fresh token."""
        self._connections[connection_id].expires_at_ms = expires_at_ms

    def expired(self, now_ms: int) -> list[Connection]:
        """Return the connections whose token ran out."""
        return [one for one in self._connections.values() if one.expires_at_ms <= now_ms]

    def check(self, connection_id: ConnectionId) -> Connection:
        """Return the connection if it may still speak.

        Raises:
            Conflict: ``replaced`` by a newer one, or ``not_connected`` any more.
        """
        connection = self._connections.get(connection_id)
        if connection is None:
            raise Conflict("not_connected", "This connection has ended.")
        if connection.is_replaced:
            raise Conflict("replaced", "Another tab or device took over.")
        return connection

    def take_evidence(self, now_ms: int, *, is_final: bool = False) -> list[PresenceObserved]:
        """Return the pieces of presence that are complete, or with ``is_final`` all of them."""
        for role, since_ms in list(self._visible_since_ms.items()):
            if is_final or now_ms - since_ms >= PIECE_MS:
                self._cut(role, since_ms, now_ms)
                self._visible_since_ms[role] = now_ms
        pieces, self._pieces = self._pieces, []
        return pieces

    def _measure(self, role: Role, now_ms: int) -> None:
        """Begin or end the role's visible stretch, as its connections now are."""
        since_ms = self._visible_since_ms.get(role)
        if self.is_visible(role):
            self._visible_since_ms.setdefault(role, now_ms)
        elif since_ms is not None:
            del self._visible_since_ms[role]
            self._cut(role, since_ms, now_ms)

    def _cut(self, role: Role, from_ms: int, to_ms: int) -> None:
        if to_ms > from_ms:
            self._pieces.append(PresenceObserved(role, from_ms, to_ms))
