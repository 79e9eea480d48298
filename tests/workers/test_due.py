"""The loop over due jobs."""

import asyncio
from collections.abc import Mapping

import pytest

from remote_assist.ids import NodeId, SessionId
from remote_assist.sessions.billing.usage import record_id
from remote_assist.sessions.ports import JobKind
from remote_assist.sessions.state import Stage
from remote_assist.workers.due import DueWorker, Handler
from tests.kit.clock import NOON_MS
from tests.kit.office import NODE, Office
from tests.kit.waiting import eventually


def worker(
    desk: Office, handlers: Mapping[JobKind, Handler] | None = None, node_id: NodeId = NODE
) -> DueWorker:
    usual: Mapping[JobKind, Handler] = {
        "settle": desk.sessions.work_off_settlement,
        "expire": desk.sessions.work_off_expiry,
    }
    return DueWorker(desk.store, desk.clock, node_id, desk.doorbell, handlers or usual)


async def test_a_session_nobody_came_to_is_closed_and_settled_by_itself(desk: Office) -> None:
    """Expiry closes it in time, and the settlement follows in the same breath."""
    session_id = (await desk.open()).view.id
    due = worker(desk)
    assert await due.work_off() == 0
    desk.clock.advance(s=600)
    assert await due.work_off() == 2
    assert (await desk.sessions.view(session_id)).state is Stage.CLOSED
    records = await desk.sessions.usage_records(None, session_id)
    assert [record.outcome for record in records.items] == ["nobody_came"]
    assert await due.work_off() == 0


async def test_a_job_says_when_it_wants_to_run_again(desk: Office) -> None:
    """A call that goes on is looked at again when somebody may have been away long enough."""
    session_id = await desk.go_live(await desk.open())
    due = worker(desk)
    await desk.talk(session_id, 700)
    assert await due.work_off() == 1
    async with desk.store.reading() as work:
        assert await work.jobs.next_due_ms() == NOON_MS + 1_300_000


async def test_a_closed_call_is_settled_as_soon_as_its_evidence_is_written(desk: Office) -> None:
    """The running loop is woken by the flush; nobody has to wait for the poll."""
    session_id = await desk.go_live(await desk.open())
    await desk.talk(session_id, 600)
    due = worker(desk)
    await due.start()
    await desk.sessions.close(session_id, "technician_ended")
    await desk.sessions.flush_done(session_id, NODE)

    async def settled() -> bool:
        return bool((await desk.sessions.usage_records(None, session_id)).items)

    await eventually(settled, within_s=1.9, what="settlement within the poll's two seconds")
    await due.stop()
    assert (await desk.sessions.usage_record(record_id(session_id, 1))).outcome == "completed"


async def test_a_failing_job_is_retried_later_and_holds_up_no_other(desk: Office) -> None:
    """Each failure doubles the wait, up to a minute."""
    broken, sound = (await desk.open(wait_ms=0)).view.id, (await desk.open(wait_ms=0)).view.id
    done: list[SessionId] = []

    async def handler(session_id: SessionId) -> int | None:
        if session_id == broken:
            raise RuntimeError("broken")
        done.append(session_id)
        return None

    due = worker(desk, {"expire": handler})
    assert await due.work_off() == 2
    assert done == [sound]
    waits = []
    for _ in range(8):
        async with desk.store.reading() as work:
            next_due_ms = await work.jobs.next_due_ms()
        assert next_due_ms is not None
        waits.append((next_due_ms - desk.clock.now_ms()) // 1000)
        desk.clock.advance(s=waits[-1])
        assert await due.work_off() == 1
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_several_nodes_do_each_job_once(desk: Office) -> None:
    """Forty jobs, four workers, forty runs."""
    for _ in range(40):
        await desk.open(wait_ms=0)
    runs: list[SessionId] = []

    async def handler(session_id: SessionId) -> int | None:
        runs.append(session_id)
        return None

    workers = [worker(desk, {"expire": handler}, NodeId(f"node-{n}")) for n in range(4)]
    done = await asyncio.gather(*(one.work_off() for one in workers))
    assert sum(done) == len(runs) == len(set(runs)) == 40


async def test_the_loop_outlives_a_database_that_fails(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the outermost kind is logged, and the loop goes on."""
    failures: list[int] = []
    due = worker(desk)
    honest = due.work_off

    async def work_off() -> int:
        if not failures:
            failures.append(1)
            desk.doorbell.ring()
            raise OSError("disk")
        return await honest()

    monkeypatch.setattr(due, "work_off", work_off)
    session_id = (await desk.open(wait_ms=0)).view.id
    await due.start()

    async def closed() -> bool:
        return (await desk.sessions.view(session_id)).state is Stage.CLOSED

    await eventually(closed, what="the job after the failure")
    await due.stop()


async def test_stopping_what_never_started_is_nothing(desk: Office) -> None:
    """The stop order does not ask how far the start came."""
    await worker(desk).stop()
