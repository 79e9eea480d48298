"""From observations to evidence, once a second."""

import asyncio
import contextlib
from pathlib import Path

from remote_assist.ids import SessionId
from remote_assist.media.facts import FlowFact
from remote_assist.sessions.events import Event, FaultRecorded, FlowObserved, PresenceObserved
from remote_assist.signaling.checkpoint import Checkpoint
from remote_assist.signaling.splicing import flow_of
from tests.kit.office import NODE
from tests.kit.waiting import eventually
from tests.signaling.stage import C, Stage, T, outage


async def events(staged: Stage, session_id: SessionId) -> list[Event]:
    """Return the log without times and numbers."""
    return [one.event for one in await staged.office.sessions.log(session_id)]


def test_a_flow_belongs_to_the_role_of_its_leg() -> None:
    """Leg a is the customer's, leg b the technician's, and the generation does not matter."""
    assert flow_of(FlowFact("s-1:3", "a", 5, 9)) == ("s-1", FlowObserved(C, 5, 9))
    assert flow_of(FlowFact("s-1:12", "b", 5, 9)) == ("s-1", FlowObserved(T, 5, 9))


async def test_evidence_of_all_sessions_is_one_transaction(staged: Stage) -> None:
    """Two sessions' presence is written together."""
    first, second = await staged.office.open(), await staged.office.open()
    for opened in (first, second):
        page = await staged.connect(opened, C)
        await page.do("presence.report", visible=True)
    started_ms = staged.clock.now_ms()
    await staged.tick(ms=5_000)
    for opened in (first, second):
        assert (await events(staged, opened.view.id))[-1] == PresenceObserved(
            C, started_ms, started_ms + 5_000
        )


async def test_evidence_waits_for_the_database(staged: Stage, tmp_path: Path) -> None:
    """During an outage pieces wait, merged; afterwards they are written, and nothing is lost."""
    opened = await staged.office.open()
    page = await staged.connect(opened, C)
    await page.do("presence.report", visible=True)
    started_ms = staged.clock.now_ms()
    with outage(tmp_path):
        for _ in range(3):
            staged.clock.advance(ms=5_000)
            try:
                await staged.checkpoint.write(staged.parts, staged.rooms)
            except staged.parts.outages:
                assert staged.checkpoint.waiting == 1
    await staged.checkpoint.write(staged.parts, staged.rooms)
    assert (await events(staged, opened.view.id))[-1] == PresenceObserved(C, started_ms, started_ms + 15_000)
    assert (staged.checkpoint.waiting, staged.checkpoint.dropped) == (0, 0)


async def test_a_closed_session_is_flushed_after_its_last_evidence(staged: Stage) -> None:
    """The presence of its last seconds is in the log before settlement may begin."""
    opened = await staged.office.open()
    _customer, technician = await staged.both(opened)
    await technician.do("presence.report", visible=True)
    started_ms = staged.clock.now_ms()
    staged.clock.advance(ms=700)
    await technician.do("session.close")
    assert await staged.office.sessions.settle(opened.view.id) is None
    await staged.checkpoint.write(staged.parts, staged.rooms)
    assert PresenceObserved(T, started_ms, started_ms + 700) in await events(staged, opened.view.id)
    assert await staged.office.sessions.settle(opened.view.id) is not None


async def test_pages_left_open_after_the_end_leave_no_evidence(staged: Stage) -> None:
    """The log of a closed session does not grow, however long somebody looks at the receipt."""
    opened = await staged.office.open()
    _customer, technician = await staged.both(opened)
    await technician.do("presence.report", visible=True)
    await technician.do("session.close")
    await staged.tick(ms=1_000)
    before = await events(staged, opened.view.id)
    for _ in range(4):
        await staged.tick(ms=5_000)
    assert await events(staged, opened.view.id) == before


async def test_a_flush_waits_for_the_database_too(staged: Stage, tmp_path: Path) -> None:
    """A session closed just before an outage is flushed after it."""
    opened = await staged.office.open()
    _customer, technician = await staged.both(opened)
    await technician.do("session.close")
    with outage(tmp_path), contextlib.suppress(*staged.parts.outages):
        await staged.checkpoint.write(staged.parts, staged.rooms)
    assert await staged.office.sessions.settle(opened.view.id) is None
    await staged.checkpoint.write(staged.parts, staged.rooms)
    assert await staged.office.sessions.settle(opened.view.id) is not None


async def test_quiet_sessions_keep_their_home(staged: Stage) -> None:
    """Leases are renewed without evidence, so that no other node takes a waiting session."""
    opened = await staged.office.open()
    await staged.connect(opened, C)
    for _ in range(30):
        await staged.tick(ms=1_000)
    view = await staged.office.sessions.view(opened.view.id)
    assert view.home_node == NODE
    home = await staged.office.sessions.take_home(opened.view.id, NODE)
    assert home.epoch == view.epoch


async def test_a_stall_is_our_fault_in_live_sessions_only(staged: Stage) -> None:
    """Time in which the whole process stood still is nobody's to pay."""
    live, waiting = await staged.office.open(), await staged.office.open()
    _customer, technician = await staged.both(live)
    await technician.do("session.admit")
    await staged.both(waiting)
    await staged.checkpoint.admit_stall(staged.parts, staged.rooms, 1_000, 4_000)
    assert (await events(staged, live.view.id))[-1] == FaultRecorded(1_000, 4_000, "stalled")
    assert "fault_recorded" not in await staged.log(waiting.view.id)


async def test_the_loop_notices_that_it_stood_still(staged: Stage) -> None:
    """A tick that comes more than two seconds late is a stall."""
    opened = await staged.office.open()
    _customer, technician = await staged.both(opened)
    await technician.do("session.admit")
    checkpoint = Checkpoint()
    task = asyncio.create_task(checkpoint.run(staged.parts, staged.rooms))
    await asyncio.sleep(0)
    now_ms = staged.clock.advance(ms=4_500)  # while the loop believes to sleep for one second
    checkpoint.finish(opened.view.id, [])
    try:
        faults = await eventually(
            lambda: found(staged, opened.view.id), what="the fault of a stall in the log"
        )
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert faults == [FaultRecorded(now_ms - 3_500, now_ms, "stalled")]


async def found(staged: Stage, session_id: SessionId) -> list[Event]:
    """Return the faults in the log."""
    return [one for one in await events(staged, session_id) if isinstance(one, FaultRecorded)]


async def test_the_loop_goes_on_after_an_outage(staged: Stage, tmp_path: Path) -> None:
    """What could not be written in one pass is written in a later one."""
    opened = await staged.office.open()
    page = await staged.connect(opened, C)
    await page.do("presence.report", visible=True)
    staged.clock.advance(ms=1_000)
    await page.do("presence.report", visible=False)
    checkpoint = staged.checkpoint
    with outage(tmp_path):
        task = asyncio.create_task(checkpoint.run(staged.parts, staged.rooms))
        checkpoint._hurry.set()
        await eventually(lambda: checkpoint.waiting, what="a piece in the spool")
    checkpoint._hurry.set()
    try:
        await eventually(lambda: not checkpoint.waiting, what="an empty spool")
        await eventually(lambda: written(staged, opened.view.id), what="the piece in the log")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def written(staged: Stage, session_id: SessionId) -> bool:
    """Say whether presence is in the log."""
    return "presence_observed" in await staged.log(session_id)
