"""Usage records and receipts: inserted, never updated."""

from typing import Any

from sqlalchemy import Row, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.billing.tariff import Charge
from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.store.tables import receipts, usage_records


class UsageRepository:
    """Implements ``ports.Usage``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, record: UsageRecord, receipt: str) -> None:
        """Insert a record with its receipt."""
        await self._connection.execute(insert(usage_records), [_columns(record)])
        await self._connection.execute(insert(receipts), [{"usage_record_id": record.id, "token": receipt}])

    async def of_session(self, session_id: SessionId) -> list[UsageRecord]:
        """Return a session's records by revision."""
        query = select(usage_records).where(usage_records.c.session_id == session_id)
        found = await self._connection.execute(query.order_by(usage_records.c.revision))
        return [_record(row) for row in found]

    async def get(self, record_id: str) -> UsageRecord | None:
        """Return a record."""
        found = await self._connection.execute(select(usage_records).where(usage_records.c.id == record_id))
        row = found.one_or_none()
        return None if row is None else _record(row)

    async def page(
        self, partner_id: PartnerId | None, session_id: SessionId | None, after: str | None, limit: int
    ) -> list[UsageRecord]:
        """Return records in the order they were made, after the one with id ``after``."""
        table = usage_records.c
        query = select(usage_records).order_by(table.recorded_at_ms, table.id).limit(limit)
        if partner_id is not None:
            query = query.where(table.partner_id == partner_id)
        if session_id is not None:
            query = query.where(table.session_id == session_id)
        last = await self.get(after) if after is not None else None
        if last is not None:
            is_later = table.recorded_at_ms > last.recorded_at_ms
            is_same = and_(table.recorded_at_ms == last.recorded_at_ms, table.id > last.id)
            query = query.where(or_(is_later, is_same))
        found = await self._connection.execute(query)
        return [_record(row) for row in found]

    async def receipt(self, session_id: SessionId) -> str | None:
        """Return the receipt of the newest revision."""
        query = select(receipts.c.token).join(usage_records).where(usage_records.c.session_id == session_id)
        found = await self._connection.execute(query.order_by(usage_records.c.revision.desc()).limit(1))
        return found.scalar_one_or_none()


def _columns(record: UsageRecord) -> dict[str, Any]:
    columns = {name: getattr(record, name) for name in record.__slots__}
    charges = [{"reason": line.reason, "amount_minor": line.amount_minor} for line in record.charges]
    return {**columns, "charges": charges, "intervals": [list(one) for one in record.intervals]}


def _record(row: Row[Any]) -> UsageRecord:
    columns = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public accessor, for all its underscore
    columns["charges"] = tuple(Charge(**line) for line in columns["charges"])
    columns["intervals"] = tuple((from_ms, to_ms) for from_ms, to_ms in columns["intervals"])
    return UsageRecord(**columns)
