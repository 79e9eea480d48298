"""What the repositories promise beyond what the use cases show."""

from dataclasses import replace

import pytest
from sqlalchemy import insert

from remote_assist.errors import Conflict
from remote_assist.ids import NodeId
from remote_assist.sessions.events import (
    BillingStarted,
    Event,
    ExtensionAccepted,
    FaultRecorded,
    FlowObserved,
    MeteredTariff,
    ParticipantJoined,
    ParticipantLeft,
    Paused,
    PresenceObserved,
    Recorded,
    Resumed,
    Role,
    SessionClosed,
)
from remote_assist.sessions.ports import Entry
from remote_assist.store.tables import session_events
from tests.kit.clock import NOON_MS
from tests.kit.office import NODE, Office

EVERY_EVENT: list[Event] = [
    ParticipantJoined(Role.CUSTOMER, "ada", "c1"),
    ParticipantLeft(Role.CUSTOMER, "ada", "c1"),
    PresenceObserved(Role.TECHNICIAN, 1, 2),
    FlowObserved(Role.CUSTOMER, 1, 2),
    BillingStarted(),
    Paused("p1"),
    Resumed("p1"),
    FaultRecorded(1, 2, "stall"),
    ExtensionAccepted("e1", 900_000, 1_000),
    SessionClosed("api"),
]


async def test_every_event_is_read_back_as_it_was_written(desk: Office) -> None:
    """The log loses nothing, whatever the type."""
    opened = await desk.open(MeteredTariff(6_000, "CHF", 500))
    session_id = opened.view.id
    entries = [Entry(session_id, n, n, n, event) for n, event in enumerate(EVERY_EVENT, start=2)]
    async with desk.store.writing() as work:
        await work.log.append(entries)
        await work.log.append([])
    log = await desk.sessions.full_log(session_id)
    assert log[1:] == [Recorded(entry.seq, entry.at_ms, entry.event) for entry in entries]


async def test_an_event_of_a_later_version_is_kept_and_passed_over(desk: Office) -> None:
    """A newer node may have written what this one does not know."""
    session_id = (await desk.open()).view.id
    row = {"session_id": session_id, "seq": 2, "version": None, "at_ms": 5, "type": "moon_seen", "fields": {}}
    async with desk.database.writing() as connection:
        await connection.execute(insert(session_events), [row])
    assert [recorded.seq for recorded in await desk.sessions.full_log(session_id)] == [1]


@pytest.mark.parametrize(
    ("after_seq", "limit", "seqs"), [(0, None, 8), (0, 3, 3), (2, 5, 5), (5, 99, 3), (0, 8, 8)]
)
async def test_a_long_log_is_read_in_pages_without_a_seam(
    desk: Office, monkeypatch: pytest.MonkeyPatch, after_seq: int, limit: int | None, seqs: int
) -> None:
    """However the pages fall, each event comes once and in order."""
    monkeypatch.setattr("remote_assist.store.repositories.log.PAGE", 2)
    session_id = (await desk.open()).view.id
    flow = FlowObserved(Role.CUSTOMER, 1, 2)
    await desk.sessions.record_evidence(NODE, [(session_id, flow)] * 7)
    async with desk.store.reading() as work:
        log = await work.log.read(session_id, after_seq, limit)
    assert [recorded.seq for recorded in log] == list(range(after_seq + 1, after_seq + 1 + seqs))


async def test_a_write_for_an_old_version_is_refused(desk: Office) -> None:
    """Whoever decided on a state that is no longer true has to look again."""
    session_id = (await desk.open()).view.id
    async with desk.store.reading() as work:
        row = await work.sessions.get(session_id)
    assert row is not None
    with pytest.raises(Conflict, match="version_conflict"):
        async with desk.store.writing() as work:
            await work.sessions.put(replace(row, version=2), expected_version=7)


async def test_a_checkpoint_of_two_hundred_rows_is_one_transaction(desk: Office) -> None:
    """However many sessions a node has, their evidence costs one wait for the disk."""
    ids = [(await desk.open()).view.id for _ in range(20)]
    batch = [(one, FlowObserved(role, n, n + 1)) for one in ids for role in Role for n in range(5)]
    statements: list[str] = []
    async with desk.database.writing() as connection:
        driver = await connection.get_raw_connection()
        sqlite = driver.driver_connection
        assert sqlite is not None
        await sqlite.set_trace_callback(statements.append)
    await desk.sessions.record_evidence(NODE, batch)
    async with desk.database.writing() as connection:
        await sqlite.set_trace_callback(None)
    begins = [one for one in statements if one.startswith("BEGIN")]
    assert len(begins) == 2, "one for the checkpoint, one for the end of this trace"
    assert len(await desk.sessions.full_log(ids[0])) == 11


async def test_a_job_is_leased_once_and_again_when_the_lease_ends(desk: Office) -> None:
    """Two nodes never hold the same job; a dead node's job is free again."""
    session_id = (await desk.open(wait_ms=0)).view.id
    async with desk.store.writing() as work:
        (job,) = await work.jobs.claim(NODE, NOON_MS, NOON_MS + 1_000, 10)
        assert (job.kind, job.session_id, job.attempts) == ("expire", session_id, 1)
        other = NodeId("node-2")
        assert await work.jobs.claim(other, NOON_MS + 999, NOON_MS + 2_000, 10) == []
        assert await work.jobs.next_due_ms() == NOON_MS + 1_000
        (again,) = await work.jobs.claim(other, NOON_MS + 1_000, NOON_MS + 2_000, 10)
        assert again.attempts == 2


async def test_a_job_that_is_queued_while_it_runs_is_done_again(desk: Office) -> None:
    """The news that came meanwhile is not lost when the old run finishes."""
    session_id = (await desk.open(wait_ms=0)).view.id
    async with desk.store.writing() as work:
        (job,) = await work.jobs.claim(NODE, NOON_MS, NOON_MS + 60_000, 10)
        await work.jobs.queue("expire", session_id, NOON_MS + 5)
        await work.jobs.finish(job, None)
        (again,) = await work.jobs.claim(NODE, NOON_MS, NOON_MS + 60_000, 10)
        await work.jobs.finish(again, NOON_MS + 500)
        assert await work.jobs.next_due_ms() == NOON_MS + 500
        (last,) = await work.jobs.claim(NODE, NOON_MS + 500, NOON_MS + 60_000, 10)
        await work.jobs.finish(last, None)
        assert await work.jobs.next_due_ms() is None
