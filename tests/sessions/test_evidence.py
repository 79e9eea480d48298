"""Homes, evidence, and what a crash leaves behind."""

from pathlib import Path

import pytest

from remote_assist.errors import Conflict
from remote_assist.ids import NodeId, SessionId
from remote_assist.sessions.events import FaultRecorded, FlowObserved, Role, SessionClosed
from remote_assist.sessions.evidence import LEASE_MS
from tests.kit.clock import NOON_MS, ManualClock
from tests.kit.office import NODE, Office, office

OTHER = NodeId("node-2")


async def test_a_session_lives_on_one_node_while_its_lease_runs(desk: Office) -> None:
    """Another node is refused until the lease has ended; every move raises the epoch."""
    session_id = (await desk.open()).view.id
    home = await desk.sessions.take_home(session_id, NODE)
    assert (home.epoch, home.lease_until_ms) == (1, NOON_MS + LEASE_MS)
    assert (await desk.sessions.take_home(session_id, NODE)).epoch == 1
    desk.clock.advance(ms=LEASE_MS - 1)
    with pytest.raises(Conflict, match="lives_elsewhere"):
        await desk.sessions.take_home(session_id, OTHER)
    desk.clock.advance(ms=1)
    assert (await desk.sessions.take_home(session_id, OTHER)).epoch == 2


async def test_a_session_that_was_let_go_moves_at_once(desk: Office) -> None:
    """A node that says it has written everything need not be waited for."""
    session_id = (await desk.open()).view.id
    await desk.sessions.take_home(session_id, NODE)
    await desk.sessions.flush_done(session_id, OTHER)  # not its home: says nothing
    with pytest.raises(Conflict, match="lives_elsewhere"):
        await desk.sessions.take_home(session_id, OTHER)
    await desk.sessions.flush_done(session_id, NODE)
    assert (await desk.sessions.take_home(session_id, OTHER)).epoch == 2


async def test_evidence_renews_the_lease_of_its_home_only(desk: Office) -> None:
    """A former home that reports late does not keep the session."""
    session_id = await desk.go_live(await desk.open())
    await desk.talk(session_id, 5)
    await desk.talk(session_id, 5, node_id=OTHER)
    async with desk.store.reading() as work:
        row = await work.sessions.get(session_id)
    assert row is not None
    assert row.lease_until_ms == NOON_MS + 5_000 + LEASE_MS
    assert row.flow_until_ms == NOON_MS + 10_000
    await desk.sessions.renew_leases(NODE, [session_id, SessionId("nonsense")])
    await desk.sessions.renew_leases(NODE, [])
    async with desk.store.reading() as work:
        row = await work.sessions.get(session_id)
    assert row is not None
    assert row.lease_until_ms == NOON_MS + 10_000 + LEASE_MS


async def test_evidence_takes_no_version_and_one_unknown_session_hurts_no_other(desk: Office) -> None:
    """The batch of a node is written for every session that exists."""
    first = await desk.go_live(await desk.open())
    second = await desk.go_live(await desk.open())
    version = (await desk.sessions.view(first)).version
    flow = FlowObserved(Role.CUSTOMER, 1, 2)
    await desk.sessions.record_evidence(NODE, [(first, flow), (SessionId("nonsense"), flow), (second, flow)])
    await desk.sessions.record_evidence(NODE, [])
    for session_id in (first, second):
        log = await desk.sessions.full_log(session_id)
        assert (log[-1].event, log[-1].seq) == (flow, 5)
    assert (await desk.sessions.view(first)).version == version


async def test_the_outage_of_a_crash_is_ours(tmp_path: Path) -> None:
    """After a restart the time since the last evidence is a fault, and is not billed."""
    clock = ManualClock()
    async with office(tmp_path, clock) as before:
        session_id = await before.go_live(await before.open(bridge_ms=60_000, free_ms=0))
        await before.talk(session_id, 100)
    clock.advance(s=30)
    restarted = NodeId("node-1-again")
    async with office(tmp_path, clock) as after:
        assert await after.sessions.recover(restarted, sole_node=True) == 1
        gap = FaultRecorded(NOON_MS + 100_000, NOON_MS + 130_000, "restart")
        assert (await after.sessions.full_log(session_id))[-1].event == gap
        await after.sessions.take_home(session_id, restarted)
        await after.talk(session_id, 100, node_id=restarted)
        assessed = await after.sessions.assessment(session_id)
        assert assessed.measured.evidenced_ms == 200_000
        assert assessed.measured.bridged_ms == 0


async def test_a_second_crash_before_anybody_came_back_is_ours_too(tmp_path: Path) -> None:
    """An outage counts as ours even when the session had no home at the time."""
    clock = ManualClock()
    async with office(tmp_path, clock) as first:
        session_id = await first.go_live(await first.open(bridge_ms=60_000, free_ms=0))
        await first.talk(session_id, 100)
    clock.advance(s=3)
    async with office(tmp_path, clock) as second:
        assert await second.sessions.recover(NodeId("node-1-again"), sole_node=True) == 1
    clock.advance(s=30)
    third = NodeId("node-1-once-more")
    async with office(tmp_path, clock) as after:
        assert await after.sessions.recover(third, sole_node=True) == 1
        await after.sessions.take_home(session_id, third)
        await after.talk(session_id, 100, node_id=third)
        assessed = await after.sessions.assessment(session_id)
        assert assessed.measured.evidenced_ms == 200_000
        assert assessed.measured.bridged_ms == 0


async def test_a_session_that_died_unsettled_is_settled_after_the_restart(tmp_path: Path) -> None:
    """Nobody will write the missing evidence any more, so it is not waited for."""
    clock = ManualClock()
    async with office(tmp_path, clock) as before:
        session_id = await before.go_live(await before.open())
        await before.talk(session_id, 180)
        await before.sessions.close(session_id, "technician_ended")
        assert await before.sessions.settle(session_id) is None
    async with office(tmp_path, clock) as after:
        await after.sessions.recover(NodeId("node-1-again"), sole_node=True)
        log = await after.sessions.full_log(session_id)
        assert log[-1].event == SessionClosed("technician_ended")
        record = await after.sessions.settle(session_id)
        assert record is not None
        assert record.billed_s == 120


async def test_with_other_nodes_about_only_dead_leases_are_ended(desk: Office) -> None:
    """A node that starts does not take the sessions of those that live."""
    session_id = await desk.go_live(await desk.open())
    await desk.talk(session_id, 1)
    assert await desk.sessions.recover(OTHER, sole_node=False) == 0
    desk.clock.advance(ms=LEASE_MS + 1)
    assert await desk.sessions.recover(OTHER, sole_node=False) == 1


async def test_taking_a_live_session_from_a_dead_node_admits_the_gap(desk: Office) -> None:
    """The move is a fault up to now; a session without any evidence has no gap."""
    lived = await desk.go_live(await desk.open())
    waited = (await desk.open()).view.id
    await desk.sessions.take_home(waited, NODE)
    await desk.talk(lived, 1)
    desk.clock.advance(ms=LEASE_MS)
    for session_id in (lived, waited):
        await desk.sessions.take_home(session_id, OTHER)
    gap = FaultRecorded(NOON_MS + 1_000, NOON_MS + 1_000 + LEASE_MS, "restart")
    assert (await desk.sessions.full_log(lived))[-1].event == gap
    assert len(await desk.sessions.full_log(waited)) == 1


async def test_a_closed_session_has_no_home(desk: Office) -> None:
    """A room that only shows the end takes no lease."""
    session_id = await desk.go_live(await desk.open())
    await desk.sessions.close(session_id, "api")
    desk.clock.advance(ms=LEASE_MS)
    assert (await desk.sessions.take_home(session_id, OTHER)).epoch == 1
    assert (await desk.sessions.view(session_id)).home_node == NODE
