"""Identifiers. Rows get a UUIDv7, so that key order is creation order (RFC 9562 section 5.7)."""

from typing import NewType

from uuid_utils.compat import uuid7

SessionId = NewType("SessionId", str)
PartnerId = NewType("PartnerId", str)
ParticipantId = NewType("ParticipantId", str)
ConnectionId = NewType("ConnectionId", str)
"""One Socket.IO connection."""
NodeId = NewType("NodeId", str)


def new_id() -> str:
    """Return a fresh UUIDv7 in canonical text form."""
    return str(uuid7())
