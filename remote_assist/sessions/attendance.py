"""What people do in a session: join, leave, admit, pause, talk, and end it."""

from typing import Final

from remote_assist.errors import Conflict, NotFound
from remote_assist.ids import ParticipantId, PartnerId, SessionId
from remote_assist.sessions import journal
from remote_assist.sessions.events import Role
from remote_assist.sessions.ports import UnitOfWork
from remote_assist.sessions.settling import settlement_due_ms
from remote_assist.sessions.state import (
    Admit,
    Close,
    Command,
    Join,
    Leave,
    Pause,
    RecordFault,
    Resume,
    Stage,
)
from remote_assist.sessions.usecase import UseCases
from remote_assist.sessions.views import ChatLine, SessionView

TRIES: Final = 3
"""For a command that lost a race for the version. Under row locks none ever does; other stores may."""
CHAT_LINES_MAX: Final = 5_000
CHAT_LINES_SHOWN: Final = 500


class Attendance(UseCases):
    """Commands. Each returns the version that the session reached."""

    async def join(
        self, session_id: SessionId, role: Role, participant_id: ParticipantId, connection_id: str
    ) -> int:
        """Take part; the newest connection of a role wins."""
        return await self._carry_out(session_id, Join(role, participant_id, connection_id))

    async def leave(
        self, session_id: SessionId, role: Role, participant_id: ParticipantId, connection_id: str
    ) -> int:
        """Give the role up; a connection that no longer has it changes nothing."""
        return await self._carry_out(session_id, Leave(role, participant_id, connection_id))

    async def admit(self, session_id: SessionId) -> int:
        """Start the billing; idempotent. Conflict ``customer_not_joined`` if nobody agreed to the price."""
        return await self._carry_out(session_id, Admit())

    async def pause(self, session_id: SessionId, pause_id: str) -> int:
        """Stand the billable time still; idempotent."""
        return await self._carry_out(session_id, Pause(pause_id))

    async def resume(self, session_id: SessionId, pause_id: str) -> int:
        """End a pause; idempotent."""
        return await self._carry_out(session_id, Resume(pause_id))

    async def record_fault(self, session_id: SessionId, from_ms: int, to_ms: int, cause: str) -> int:
        """Admit a failure of ours, also after the close: then it becomes a credit."""
        return await self._carry_out(session_id, RecordFault(from_ms, to_ms, cause))

    async def close(
        self, session_id: SessionId, reason: str, partner_id: PartnerId | None = None
    ) -> SessionView:
        """End the session; idempotent. Settlement follows when all evidence is in."""
        standing = await self._try(session_id, Close(reason), partner_id)
        return journal.view_of(standing)

    async def post_chat(
        self, session_id: SessionId, role: Role, client_id: str, text: str, file_id: str | None = None
    ) -> ChatLine:
        """Keep a chat line; the same ``client_id`` again returns the line that was kept.

        Raises:
            Conflict: ``session_closed``, or ``chat_full``.
            NotFound: ``file_not_found`` among those that this role has kept.
        """
        async with self._store.writing() as work:
            standing = await journal.lock(work, session_id)
            kept = await work.chats.find(session_id, role, client_id)
            if kept is not None:
                return kept
            if standing.state.stage is Stage.CLOSED:
                raise Conflict("session_closed", "The session has ended.")
            count = await work.chats.count(session_id)
            if count >= CHAT_LINES_MAX:
                raise Conflict("chat_full", "This session's chat is full.")
            file = None if file_id is None else await work.files.get(session_id, file_id)
            if file_id is not None and (file is None or file.role is not role):
                raise NotFound("file_not_found", "There is no such file in this session.")
            line = ChatLine(count + 1, self._clock.now_ms(), role, client_id, text, file)
            await work.chats.add(session_id, line)
            return line

    async def chat(self, session_id: SessionId) -> list[ChatLine]:
        """Return the newest chat lines, in order."""
        async with self._store.reading() as work:
            return await work.chats.newest(session_id, CHAT_LINES_SHOWN)

    async def _carry_out(self, session_id: SessionId, order: Command) -> int:
        return (await self._try(session_id, order, None)).row.version

    async def _try(
        self, session_id: SessionId, order: Command, partner_id: PartnerId | None
    ) -> journal.Standing:
        for _ in range(TRIES - 1):
            try:
                return await self._once(session_id, order, partner_id)
            except Conflict as error:
                if error.code != "version_conflict":
                    raise
        return await self._once(session_id, order, partner_id)

    async def _once(
        self, session_id: SessionId, order: Command, partner_id: PartnerId | None
    ) -> journal.Standing:
        async with self._store.writing() as work:
            before = await journal.lock(work, session_id, partner_id)
            after = await journal.command(work, before, order, self._clock.now_ms())
            if after is not before:
                await follow_up(work, after)
            return after


async def follow_up(work: UnitOfWork, standing: journal.Standing) -> None:
    """Queue what a change leads to: a closed session is settled, and no longer expires."""
    if standing.state.stage is Stage.CLOSED:
        await work.jobs.drop("expire", standing.row.id)
        await work.jobs.queue("settle", standing.row.id, settlement_due_ms(standing.row))
