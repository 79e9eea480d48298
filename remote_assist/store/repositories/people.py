"""Who comes in and what they say: links, chat lines, partners and their idempotent requests."""

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.events import Role
from remote_assist.sessions.views import ChatLine, KeptFile, Partner, StoredReply
from remote_assist.store.tables import api_keys, chat_lines, files, idempotency_keys, links, partners

_LINES = select(
    chat_lines, files.c.name, files.c.media_type, files.c.size, files.c.at_ms.label("kept_at_ms")
).join_from(chat_lines, files, files.c.id == chat_lines.c.file_id, isouter=True)


class LinkRepository:
    """Implements ``ports.Links``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, secret_hash: str, session_id: SessionId, role: Role) -> None:
        """Insert a link."""
        row = {"secret_hash": secret_hash, "session_id": session_id, "role": role.value}
        await self._connection.execute(insert(links), [row])

    async def find(self, secret_hash: str) -> tuple[SessionId, Role] | None:
        """Return what a link opens."""
        found = await self._connection.execute(select(links).where(links.c.secret_hash == secret_hash))
        row = found.one_or_none()
        return None if row is None else (SessionId(row.session_id), Role(row.role))


class ChatRepository:
    """Implements ``ports.Chats``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, session_id: SessionId, role: Role, client_id: str) -> ChatLine | None:
        """Return the line that was posted with this id."""
        query = _LINES.where(
            chat_lines.c.session_id == session_id,
            chat_lines.c.role == role.value,
            chat_lines.c.client_id == client_id,
        )
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _chat_line(row)

    async def count(self, session_id: SessionId) -> int:
        """Return how many lines there are."""
        query = select(func.count()).select_from(chat_lines).where(chat_lines.c.session_id == session_id)
        return (await self._connection.execute(query)).scalar_one()

    async def add(self, session_id: SessionId, line: ChatLine) -> None:
        """Insert a line."""
        row = {
            "session_id": session_id,
            "n": line.n,
            "at_ms": line.at_ms,
            "role": line.role.value,
            "client_id": line.client_id,
            "text": line.text,
            "file_id": None if line.file is None else line.file.id,
        }
        await self._connection.execute(insert(chat_lines), [row])

    async def newest(self, session_id: SessionId, limit: int) -> list[ChatLine]:
        """Return the newest lines, in order."""
        query = _LINES.where(chat_lines.c.session_id == session_id)
        found = await self._connection.execute(query.order_by(chat_lines.c.n.desc()).limit(limit))
        return [_chat_line(row) for row in reversed(found.all())]


class PartnerRepository:
    """Implements ``ports.Partners``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def by_name(self, name: str) -> Partner | None:
        """Return a partner."""
        found = await self._connection.execute(select(partners).where(partners.c.name == name))
        return _partner(found.one_or_none())

    async def by_key(self, key_hash: str) -> Partner | None:
        """Return whose key it is."""
        query = select(partners).join(api_keys).where(api_keys.c.key_hash == key_hash)
        return _partner((await self._connection.execute(query)).one_or_none())

    async def add(self, partner: Partner, now_ms: int) -> None:
        """Insert a partner."""
        row = {"id": partner.id, "name": partner.name, "created_at_ms": now_ms}
        await self._connection.execute(insert(partners), [row])

    async def add_key(self, partner_id: PartnerId, key_hash: str, prefix: str, now_ms: int) -> None:
        """Insert a key."""
        row = {"key_hash": key_hash, "partner_id": partner_id, "prefix": prefix, "created_at_ms": now_ms}
        await self._connection.execute(insert(api_keys), [row])


class RequestRepository:
    """Implements ``ports.Requests``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, partner_id: PartnerId, key: str) -> tuple[str, int, StoredReply | None] | None:
        """Return request hash, when it began, and the reply if there is one."""
        query = select(idempotency_keys).where(*_is(partner_id, key)).with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        reply = None if row.status is None else StoredReply(row.status, row.body)
        return row.request_hash, row.began_at_ms, reply

    async def begin(self, partner_id: PartnerId, key: str, request_hash: str, now_ms: int) -> None:
        """Insert a key."""
        row = {"partner_id": partner_id, "key": key, "request_hash": request_hash, "began_at_ms": now_ms}
        await self._connection.execute(insert(idempotency_keys), [row])

    async def finish(self, partner_id: PartnerId, key: str, reply: StoredReply) -> None:
        """Keep the reply."""
        statement = update(idempotency_keys).where(*_is(partner_id, key))
        await self._connection.execute(statement.values(status=reply.status, body=reply.body))

    async def forget(self, partner_id: PartnerId, key: str) -> None:
        """Delete a key."""
        await self._connection.execute(delete(idempotency_keys).where(*_is(partner_id, key)))

    async def purge(self, before_ms: int) -> None:
        """Delete keys that began earlier."""
        await self._connection.execute(
            delete(idempotency_keys).where(idempotency_keys.c.began_at_ms < before_ms)
        )


def _is(partner_id: PartnerId, key: str) -> tuple[Any, Any]:
    return (idempotency_keys.c.partner_id == partner_id, idempotency_keys.c.key == key)


def _chat_line(row: Row[Any]) -> ChatLine:
    role = Role(row.role)
    file = None
    if row.name is not None:
        file = KeptFile(row.file_id, role, row.name, row.media_type, row.size, row.kept_at_ms)
    return ChatLine(row.n, row.at_ms, role, row.client_id, row.text, file)


def _partner(row: Row[Any] | None) -> Partner | None:
    return None if row is None else Partner(row.id, row.name)
