"""Freeze what a closed session came to, and end sessions that nobody attends.

The log is read and measured outside the write transaction; the write then makes sure that the log has not
grown meanwhile. So an hour's log never holds up the checkpoints of other sessions.
"""

from dataclasses import dataclass, replace
from typing import Final

from remote_assist.errors import Conflict, NotFound
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions import journal
from remote_assist.sessions.assessment import Assessment, assess
from remote_assist.sessions.attendance import follow_up
from remote_assist.sessions.billing.receipts import Attended, claims, usage_fields
from remote_assist.sessions.billing.usage import Basis, UsageRecord, freeze
from remote_assist.sessions.opening import PAGE_MAX
from remote_assist.sessions.ports import SessionRow, UnitOfWork
from remote_assist.sessions.settling import expiry_ms, expiry_reason, settlement_due_ms
from remote_assist.sessions.state import Close, Stage
from remote_assist.sessions.timing.sheet import TimeSheet
from remote_assist.sessions.usecase import UseCases
from remote_assist.sessions.views import Page

SETTLE_TRIES: Final = 5
"""Against evidence that arrives between reading the log and freezing it."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A closed session as it was read."""

    standing: journal.Standing
    sheet: TimeSheet
    records: list[UsageRecord]


class Settlement(UseCases):
    """Results, provisional and final."""

    async def assessment(self, session_id: SessionId, until_ms: int | None = None) -> Assessment:
        """Return what the session comes to at ``until_ms`` (now): provisional until a record stands."""
        async with self._store.reading() as work:
            await journal.find(work, session_id)
            log = await work.log.read(session_id)
        return assess(TimeSheet.from_log(log), self._clock.now_ms() if until_ms is None else until_ms)

    async def settle(self, session_id: SessionId) -> UsageRecord | None:
        """Freeze the result if all evidence is in, and return the newest record; None while it is not.

        Settling again changes nothing, unless the log has grown: then a revision follows.
        """
        for _ in range(SETTLE_TRIES):
            reading = await self._read_closed(session_id)
            if reading is None or self._clock.now_ms() < settlement_due_ms(reading.standing.row):
                return None
            row = reading.standing.row
            if row.settled_seq == row.last_seq:
                return reading.records[-1]
            async with self._store.writing() as work:
                now = await journal.lock(work, session_id)
                if now.row.last_seq == row.last_seq and now.row.settled_seq == row.settled_seq:
                    return await self._freeze(work, now, reading)
        raise Conflict("still_growing", "Evidence keeps arriving; the session is settled a little later.")

    async def work_off_settlement(self, session_id: SessionId) -> int | None:
        """Settle as a job; return when to come again, None if there is nothing left to do."""
        if await self.settle(session_id) is not None:
            return None
        async with self._store.reading() as work:
            standing = await journal.find(work, session_id)
        return settlement_due_ms(standing.row) if standing.state.stage is Stage.CLOSED else None

    async def work_off_expiry(self, session_id: SessionId) -> int | None:
        """Close a session whose waiting time is over; return when to look again, None if it is closed."""
        async with self._store.writing() as work:
            standing = await journal.lock(work, session_id)
            terms, now_ms = standing.state.terms, self._clock.now_ms()
            assert terms is not None
            if standing.state.stage is Stage.CLOSED:
                return None
            due_ms = expiry_ms(standing.row, terms)
            if now_ms < due_ms:
                return due_ms
            reason = expiry_reason(standing.row, terms)
            await follow_up(work, await journal.command(work, standing, Close(reason), now_ms))
            return None

    async def usage_record(self, record_id: str, partner_id: PartnerId | None = None) -> UsageRecord:
        """Return one record; NotFound for another partner's."""
        async with self._store.reading() as work:
            record = await work.usage.get(record_id)
        if record is None or partner_id not in (None, record.partner_id):
            raise NotFound("usage_record_not_found", "There is no such usage record.")
        return record

    async def usage_records(
        self,
        partner_id: PartnerId | None,
        session_id: SessionId | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[UsageRecord]:
        """Return records in the order of their making. The cursor is the id of the last one seen."""
        limit = min(max(limit, 1), PAGE_MAX)
        async with self._store.reading() as work:
            records = await work.usage.page(partner_id, session_id, cursor, limit + 1)
        return Page(tuple(records[:limit]), records[limit - 1].id if len(records) > limit else None)

    async def receipt(self, session_id: SessionId, partner_id: PartnerId | None = None) -> str:
        """Return the newest receipt (compact JWS); NotFound ``receipt_not_ready`` before settlement."""
        async with self._store.reading() as work:
            await journal.find(work, session_id, partner_id)
            token = await work.usage.receipt(session_id)
        if token is None:
            raise NotFound("receipt_not_ready", "The receipt is issued when the session has been settled.")
        return token

    async def _read_closed(self, session_id: SessionId) -> _Reading | None:
        async with self._store.reading() as work:
            standing = await journal.find(work, session_id)
            if standing.state.stage is not Stage.CLOSED:
                return None
            records = await work.usage.of_session(session_id)
            log = await work.log.read(session_id)
        return _Reading(standing, TimeSheet.from_log(log), records)

    async def _freeze(
        self, work: UnitOfWork, standing: journal.Standing, reading: _Reading
    ) -> UsageRecord | None:
        """Write record, receipt and notices; or only that the newest part of the log changes nothing."""
        row, now_ms = standing.row, self._clock.now_ms()
        closed_at_ms = row.closed_at_ms
        assert closed_at_ms is not None
        basis = Basis(row.id, row.partner_id, row.last_seq, now_ms)
        record = freeze(basis, assess(reading.sheet, closed_at_ms), reading.records)
        if record is not None:
            attended = Attended(
                row.customer.name,
                row.technician.name,
                row.created_at_ms,
                closed_at_ms,
                standing.state.close_reason,
            )
            receipt = self._signer.sign_receipt(claims(attended, reading.sheet, record))
            await work.usage.add(record, receipt)
            row = await journal.tell(work, row, _told(row, record), now_ms)
            work.wake(row.id, row.version)
        await work.sessions.put(replace(row, settled_seq=row.last_seq), row.version)
        return record or reading.records[-1]


def _told(row: SessionRow, record: UsageRecord) -> list[tuple[str, dict[str, object]]]:
    which = {"usage_record_id": record.id, "revision": record.revision, "metadata": dict(row.metadata)}
    how = {"corrects": record.corrects, "needs_approval": record.needs_approval}
    return [("usage.recorded", {**which, **how, **usage_fields(record)}), ("receipt.issued", which)]
