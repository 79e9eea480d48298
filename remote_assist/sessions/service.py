"""Every use case of a session in one place. Async and world-free: the world comes in through ports.

All methods raise ``errors.Rejected`` subclasses when a rule says no. ``partner_id`` None means that the
asker is the server itself or a participant whose token has been checked.
"""

from collections.abc import Sequence

from remote_assist.ids import NodeId, ParticipantId, PartnerId, SessionId
from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.sessions.events import Evidence, Recorded, Role
from remote_assist.sessions.views import (
    ChatLine,
    Home,
    LinkHolder,
    OpenedSession,
    OpenSession,
    Page,
    SessionView,
)


class SessionService:
    """Open, attend, measure, close and settle sessions."""

    # --- opening
    async def open_session(self, partner_id: PartnerId, request: OpenSession) -> OpenedSession:
        """Open a session; Invalid if its terms make no sense."""
        raise NotImplementedError

    async def view(self, session_id: SessionId, partner_id: PartnerId | None = None) -> SessionView:
        """Return a session; NotFound for another partner's."""
        raise NotImplementedError

    async def list_sessions(
        self, partner_id: PartnerId, cursor: str | None = None, limit: int = 50
    ) -> Page[SessionView]:
        """Return sessions, the newest first."""
        raise NotImplementedError

    async def log(self, session_id: SessionId, after_seq: int = 0, limit: int = 1000) -> list[Recorded]:
        """Return events in order of ``seq``."""
        raise NotImplementedError

    async def find_link(self, secret: str) -> LinkHolder:
        """Return whom a link stands for; NotFound, or Gone 15 minutes after the close."""
        raise NotImplementedError

    # --- attendance: each returns the version reached
    async def join(
        self, session_id: SessionId, role: Role, participant_id: ParticipantId, connection_id: str
    ) -> int:
        """Take part."""
        raise NotImplementedError

    async def leave(
        self, session_id: SessionId, role: Role, participant_id: ParticipantId, connection_id: str
    ) -> int:
        """Give the role up; a connection that no longer has it changes nothing."""
        raise NotImplementedError

    async def admit(self, session_id: SessionId) -> int:
        """Start the billing; idempotent."""
        raise NotImplementedError

    async def pause(self, session_id: SessionId, pause_id: str) -> int:
        """Stand the billable time still."""
        raise NotImplementedError

    async def resume(self, session_id: SessionId, pause_id: str) -> int:
        """End a pause."""
        raise NotImplementedError

    async def record_fault(self, session_id: SessionId, from_ms: int, to_ms: int, cause: str) -> int:
        """Admit a failure of ours."""
        raise NotImplementedError

    async def close(
        self, session_id: SessionId, reason: str, partner_id: PartnerId | None = None
    ) -> SessionView:
        """End the session; idempotent."""
        raise NotImplementedError

    # --- evidence and homes
    async def take_home(self, session_id: SessionId, node_id: NodeId) -> Home:
        """Let the session live on this node; Conflict ``lives_elsewhere`` while another node's lease runs."""
        raise NotImplementedError

    async def record_evidence(self, node_id: NodeId, batch: Sequence[tuple[SessionId, Evidence]]) -> None:
        """Write the evidence of all sessions of a node in one transaction, and renew their leases."""
        raise NotImplementedError

    async def renew_leases(self, node_id: NodeId, session_ids: Sequence[SessionId]) -> None:
        """Renew leases of sessions that gave no evidence this second."""
        raise NotImplementedError

    async def flush_done(self, session_id: SessionId, node_id: NodeId) -> None:
        """Say that the last evidence of a closed session is written; settlement is due now."""
        raise NotImplementedError

    async def recover(self, node_id: NodeId, *, sole_node: bool) -> int:
        """At start, admit the outage to sessions whose home is dead; return how many there were."""
        raise NotImplementedError

    # --- chat
    async def post_chat(self, session_id: SessionId, role: Role, client_id: str, text: str) -> ChatLine:
        """Keep a chat line; the same ``client_id`` again returns the line that was kept."""
        raise NotImplementedError

    async def chat(self, session_id: SessionId) -> list[ChatLine]:
        """Return the newest 500 chat lines, in order."""
        raise NotImplementedError

    # --- settlement
    async def settle(self, session_id: SessionId) -> UsageRecord | None:
        """Freeze the result if all evidence is in; None while it is not."""
        raise NotImplementedError

    async def usage_record(self, record_id: str, partner_id: PartnerId | None = None) -> UsageRecord:
        """Return one record."""
        raise NotImplementedError

    async def usage_records(
        self,
        partner_id: PartnerId | None,
        session_id: SessionId | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[UsageRecord]:
        """Return records in the order of their making."""
        raise NotImplementedError

    async def receipt(self, session_id: SessionId, partner_id: PartnerId | None = None) -> str:
        """Return the newest receipt (compact JWS); NotFound ``receipt_not_ready`` before settlement."""
        raise NotImplementedError
