"""Files that participants show each other in the chat: content behind a port, a row that says what it is."""

from typing import Final, Protocol

from remote_assist.clock import Clock
from remote_assist.errors import Conflict, NotFound
from remote_assist.ids import SessionId, new_id
from remote_assist.sessions import journal
from remote_assist.sessions.events import Role
from remote_assist.sessions.opening import LINK_LIFE_AFTER_CLOSE_MS
from remote_assist.sessions.ports import Store, UnitOfWork
from remote_assist.sessions.sniffing import kind_untrusted, safe_name
from remote_assist.sessions.state import Stage
from remote_assist.sessions.views import KeptFile

FILES_MAX: Final = 100
"""Of one session, and their bytes together:"""
SESSION_BYTES_MAX: Final = 200 * 1024 * 1024


class Blobs(Protocol):
    """Bytes by key. ``store.blobs`` keeps them in a folder."""

    async def put(self, key: str, content: bytes) -> None:
        """Keep bytes that are on the disk when this returns."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the bytes."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the bytes, if there are any."""
        ...


class FileService:
    """Keep and give back files."""

    def __init__(self, store: Store, clock: Clock, blobs: Blobs) -> None:
        self._store = store
        self._clock = clock
        self._blobs = blobs

    async def keep(self, session_id: SessionId, role: Role, name: str, content: bytes) -> KeptFile:
        """Keep a file of somebody who takes part; it shows once it is posted to the chat.

        Raises:
            Invalid: empty, too large, or of a type that is not taken.
            Conflict: ``session_closed``, ``not_joined`` or ``files_full``.
        """
        kind = kind_untrusted(content)
        file = KeptFile(
            new_id(), role, safe_name(name, kind), kind.media_type, len(content), self._clock.now_ms()
        )
        async with self._store.reading() as work:
            await _check(work, await journal.find(work, session_id), file)
        await self._blobs.put(file.id, content)
        try:
            async with self._store.writing() as work:
                await _check(work, await journal.lock(work, session_id), file)
                await work.files.add(session_id, file)
        except Exception:
            await self._blobs.delete(file.id)
            raise
        return file

    async def content(self, session_id: SessionId, file_id: str) -> tuple[KeptFile, bytes]:
        """Return a file of the session, for as long as its links work.

        Raises:
            NotFound: ``file_not_found``.
        """
        async with self._store.reading() as work:
            row = (await journal.find(work, session_id)).row
            file = await work.files.get(session_id, file_id)
        has_ended = (
            row.closed_at_ms is not None
            and self._clock.now_ms() >= row.closed_at_ms + LINK_LIFE_AFTER_CLOSE_MS
        )
        content = None if file is None or has_ended else await self._blobs.get(file.id)
        if file is None or content is None:
            raise NotFound("file_not_found", "There is no such file in this session.")
        return file, content


async def _check(work: UnitOfWork, standing: journal.Standing, file: KeptFile) -> None:
    state = standing.state
    if state.stage is Stage.CLOSED:
        raise Conflict("session_closed", "The session has ended.")
    if file.role not in state.connections:
        raise Conflict("not_joined", "Join first.")
    count, total = await work.files.sum(standing.row.id)
    if count >= FILES_MAX or total + file.size > SESSION_BYTES_MAX:
        raise Conflict("files_full", "This session holds as many files as it may.")
