"""A session's live side, on the real service and the real relay."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from remote_assist.errors import Conflict, Gone
from remote_assist.ids import NodeId, SessionId
from remote_assist.media.facts import Fact, LegConnected, LegFailed, LegResumed, LegSilent
from remote_assist.sessions.events import FlowObserved, PresenceObserved
from remote_assist.signaling.live import LINK_GRACE_MS
from remote_assist.signaling.messages import Nothing
from remote_assist.signaling.rate import LOGGED_BURST
from remote_assist.signaling.room import INBOX_MAX, RESERVE, Asked, Heard, Room
from tests.kit.waiting import eventually
from tests.signaling.stage import ANSWER, OFFER, C, Page, Stage, T, outage


def shown(page: Page, role: str) -> dict[str, Any]:
    """Return how a role is shown in the newest state."""
    found: dict[str, Any] = next(one for one in page.state["participants"] if one["role"] == role)
    return found


async def test_a_closed_session_is_rated(staged: Stage) -> None:
    """Both sides say what they think, also from the lobby, and find their own words again."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    said = {"stars": 4, "solved": True, "comment": "Thank you"}
    assert await customer.refused("session.rate", **said) == "session_not_closed"
    await technician.do("session.close")
    late = await staged.connect(opened, C)
    kept = await late.do("session.rate", **said)
    assert kept == {"at_ms": staged.clock.now_ms(), **said}
    assert (await customer.do("session.sync"))["rating"] == kept
    assert (await technician.do("session.sync"))["rating"] is None
    assert await technician.refused("session.rate") == "rating_invalid"


async def test_the_lobby_sees_who_waits_and_what_it_costs(staged: Stage) -> None:
    """Before joining everything can be seen, and presence is live."""
    opened = await staged.office.open()
    customer = await staged.connect(opened, C)
    seen = await customer.do("session.sync")
    assert seen["you"] == {
        "role": "customer",
        "participant_id": opened.view.customer.participant_id,
        "connection_id": customer.id,
        "joined": False,
    }
    assert seen["state"]["state"] == "open"
    assert seen["state"]["price"]["price_minor"] == 4_000
    assert seen["timer"]["running"] is False
    assert seen["chat"] == []
    assert seen["server_now_ms"] == staged.clock.now_ms()
    technician = await staged.connect(opened, T)
    await technician.do("presence.report", visible=True)
    assert shown(customer, "technician")["connected"]
    assert shown(customer, "technician")["visible"]
    assert not shown(customer, "technician")["joined"]


async def test_nothing_is_said_to_who_has_not_asked(staged: Stage) -> None:
    """A connection hears nothing before its first sync or join, so that nothing comes before its welcome."""
    opened = await staged.office.open()
    silent = await staged.connect(opened, C)
    await (await staged.connect(opened, T)).join()
    assert staged.wire.said.get(silent.id, []) == []


async def test_the_second_join_begins_generation_one(staged: Stage) -> None:
    """The joiner has the plan in the answer, the other side hears ``splice.start``."""
    opened = await staged.office.open()
    customer, technician = await staged.connect(opened, C), await staged.connect(opened, T)
    first = await customer.join()
    assert first["plan"] is None
    second = await technician.join()
    assert second["plan"] == {"generation": 1, "polite": False, "offerer": True, "ice_servers": []}
    assert customer.heard("splice.start") == [
        {"generation": 1, "polite": True, "offerer": False, "ice_servers": []}
    ]
    assert technician.heard("splice.start") == []
    assert shown(technician, "customer")["media"] == "connecting"
    assert (await staged.log(opened.view.id))[-2:] == ["participant_joined", "participant_joined"]


async def test_descriptions_are_carried_through_the_relay(staged: Stage) -> None:
    """The far side gets the offer with the relay's transport in it, and the answer comes back."""
    customer, technician = await staged.both(await staged.office.open())
    await technician.do("description.send", generation=1, type="offer", sdp=OFFER)
    (delivered,) = customer.heard("description.deliver")
    assert (delivered["generation"], delivered["type"]) == (1, "offer")
    assert "a=ice-lite" in delivered["sdp"]
    assert f"127.0.0.1 {staged.relay.port} typ host" in delivered["sdp"]
    await customer.do("description.send", generation=1, type="answer", sdp=ANSWER)
    assert technician.heard("description.deliver")[0]["type"] == "answer"
    assert await customer.refused("description.send", generation=1, type="answer", sdp=ANSWER) == (
        "unexpected_answer"
    )
    assert await customer.refused("description.send", generation=7, type="offer", sdp=OFFER) == (
        "stale_generation"
    )


async def test_a_hostile_description_changes_nothing(staged: Stage) -> None:
    """The relay refuses it with a code, and the next good one passes."""
    customer, technician = await staged.both(await staged.office.open())
    code = await technician.refused("description.send", generation=1, type="offer", sdp="v=0\r\nm=\r\n")
    assert code
    assert customer.heard("description.deliver") == []
    await technician.do("description.send", generation=1, type="offer", sdp=OFFER)


async def test_admission_starts_the_billing(staged: Stage) -> None:
    """Only the technician, only once the customer has joined; again it changes nothing."""
    opened = await staged.office.open()
    technician = await staged.connect(opened, T)
    assert await technician.refused("session.admit") == "not_joined"
    await technician.join()
    assert await technician.refused("session.admit") == "customer_not_joined"
    customer = await staged.connect(opened, C)
    await customer.join()
    assert await customer.refused("session.admit") == "technician_only"
    first = await technician.do("session.admit")
    assert await technician.do("session.admit") == first
    assert customer.state["state"] == "live"
    assert customer.state["billing_started_at_ms"] == staged.clock.now_ms()


async def test_a_takeover_replaces_the_old_tab(staged: Stage) -> None:
    """The old tab hears of it and is refused from then on; the others build a new connection."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    second = await staged.connect(opened, C)
    joined = await second.join("another-tab")
    assert joined["plan"]["generation"] == 2
    assert customer.heard("session.replaced") == [{"reason": "other_tab"}]
    for event in ("session.sync", "clock.read", "session.leave", "session.join"):
        fields = {"tab_id": "tab-c"} if event == "session.join" else {}
        assert await customer.refused(event, **fields) == "replaced"
    assert [one["generation"] for one in technician.heard("splice.start")] == [2]
    before = len(staged.wire.said[customer.id])
    await second.do("presence.report", visible=True)
    assert len(staged.wire.said[customer.id]) == before
    await technician.do("session.close")
    assert customer.heard("session.state")[-1]["state"] == "closed", "the old tab is told of the end"


async def test_a_socket_that_comes_back_keeps_its_media(staged: Stage) -> None:
    """The same tab with its generation goes on, and is told again what it may have missed."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    await customer.drop()
    await technician.do("description.send", generation=1, type="offer", sdp=OFFER)
    assert not shown(technician, "customer")["joined"]
    again = await staged.connect(opened, C)
    joined = await again.join("tab-c", 1)
    assert joined["plan"] is None
    assert joined["snapshot"]["state"]["generation"] == 1
    assert [one["type"] for one in again.heard("description.deliver")] == ["offer"]
    assert (await staged.log(opened.view.id)).count("participant_left") == 1


async def test_leaving_ends_the_splice_and_not_the_session(staged: Stage) -> None:
    """The customer hangs up, may come back, and then a new generation begins."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    await customer.do("session.leave")
    assert shown(technician, "customer") == {
        "role": "customer",
        "name": "Ada",
        "connected": True,
        "visible": False,
        "joined": False,
        "media": "none",
        "microphone": False,
        "camera": False,
        "screen_stream_id": None,
        "device": None,
    }
    assert (await customer.join("tab-c", 1))["plan"]["generation"] == 2


async def test_media_reports_are_shown(staged: Stage) -> None:
    """The far page knows which stream is the screen."""
    customer, technician = await staged.both(await staged.office.open())
    await customer.do("media.report", microphone=True, camera=False, screen_stream_id="s-1")
    seen = shown(technician, "customer")
    assert (seen["microphone"], seen["camera"], seen["screen_stream_id"]) == (True, False, "s-1")


async def test_a_device_is_shown_from_the_lobby_on(staged: Stage) -> None:
    """The technician sees what the customer has before anybody has joined."""
    opened = await staged.office.open()
    customer, technician = await staged.connect(opened, C), await staged.connect(opened, T)
    await technician.do("session.sync")
    device = {"kind": "phone", "system": "Android 15", "browser": "Firefox 153", "network": "cellular"}
    await customer.do("device.report", **device)
    assert shown(technician, "customer")["device"] == {**device, "quality": None}


async def test_facts_are_shown_and_failures_renew(staged: Stage) -> None:
    """What the relay observes becomes the state of media; a failed leg begins a new generation."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    splice_id = f"{opened.view.id}:1"
    expected: list[tuple[Fact, str]] = [
        (LegConnected(splice_id, "a"), "connected"),
        (LegSilent(splice_id, "a"), "silent"),
        (LegResumed(splice_id, "a", 2_500), "connected"),
        (LegFailed(splice_id, "a", "closed_by_participant"), "none"),
    ]
    for fact, media in expected:
        staged.rooms.hear(fact)
        await technician.do("clock.read")
        assert shown(technician, "customer")["media"] == media
    staged.rooms.hear(LegFailed(splice_id, "b", "handshake_timeout"))
    staged.rooms.hear(LegFailed(splice_id, "a", "handshake_timeout"))  # of the splice that is gone
    await technician.do("clock.read")
    assert [one["generation"] for one in customer.heard("splice.start")] == [1, 2]
    staged.rooms.hear(LegResumed(f"{opened.view.id}:2", "b", 70_000))
    await technician.do("clock.read")
    assert technician.state["generation"] == 3


async def test_a_page_may_ask_for_a_new_generation(staged: Stage) -> None:
    """Of the current one, a bounded number of times."""
    customer, technician = await staged.both(await staged.office.open())
    await customer.do("splice.renew", generation=1)
    assert await customer.refused("splice.renew", generation=1) == "stale_generation"
    for generation in range(2, 6):
        await customer.do("splice.renew", generation=generation)
    assert await technician.refused("splice.renew", generation=6) == "too_many_renewals"


async def test_chat_reaches_everybody_once(staged: Stage) -> None:
    """A repeated post is the same line; whoever comes later reads it in the snapshot."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    line = await customer.do("chat.post", client_id="1", text="It blinks.")
    assert await customer.do("chat.post", client_id="1", text="It blinks.") == line
    assert technician.heard("chat.posted")[0] == line
    assert (await technician.do("session.sync"))["chat"] == [line]


async def test_the_timer_counts_what_was_heard_but_not_yet_written(staged: Stage) -> None:
    """Once a second while live, from the same function as the bill; it stands still in a pause."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    await staged.tick(customer, 1_000)
    assert customer.heard("session.timer") == []
    await technician.do("session.admit")
    for _ in range(3):
        now_ms = staged.clock.now_ms()
        pieces = [(opened.view.id, FlowObserved(role, now_ms, now_ms + 1_000)) for role in (C, T)]
        staged.rooms.add_evidence(pieces, now_ms + 1_000)
        await staged.tick(customer, 1_000)
    assert [one["total_ms"] for one in customer.heard("session.timer")] == [1_000, 2_000, 3_000]
    assert all(one["running"] for one in customer.heard("session.timer"))
    assert customer.heard("session.timer")[0]["cap_ms"] == 1_800_000
    await customer.do("billing.pause", pause_id="p1")
    assert technician.state["paused_ids"] == ["p1"]
    await staged.tick(customer, 1_000)
    assert customer.heard("session.timer")[-1]["running"] is False
    await technician.do("billing.resume", pause_id="p1")
    assert customer.state["paused_ids"] == []
    assert await customer.refused("billing.resume", pause_id="p2") == "no_such_pause"
    assert await customer.refused("billing.pause", pause_id="p1") == "pause_id_used"


async def test_the_technician_closes_and_everybody_reads_the_result(staged: Stage) -> None:
    """Provisional at once, final after the flush and the settlement."""
    opened = await staged.office.open(min_executed_ms=1_000, free_ms=0)
    customer, technician = await staged.both(opened)
    await technician.do("session.admit")
    await staged.office.talk(opened.view.id, 60)
    assert await customer.refused("session.close") == "technician_only"
    await technician.do("session.close")
    result = customer.state["result"]
    assert customer.state["close_reason"] == "technician_ended"
    assert (result["provisional"], result["billed_s"], result["total_minor"]) == (True, 60, 4_000)
    assert result["segments"][0]["reason"] == "counted"
    assert (
        result["customer_lane"]
        == result["technician_lane"]
        == [[staged.clock.now_ms() - 60_000, staged.clock.now_ms()]]
    )
    assert customer.heard("session.timer")[-1]["running"] is False
    assert await customer.refused("session.join", tab_id="t") == "session_closed"
    assert await technician.refused("chat.post", client_id="9", text="x") == "session_closed"
    await technician.do("session.close")
    await staged.tick(customer)
    assert await staged.office.sessions.settle(opened.view.id) is not None
    staged.rooms.wake(opened.view.id, 0)
    await customer.do("clock.read")
    assert customer.state["result"]["provisional"] is False
    assert customer.state["result"]["billed_s"] == 60
    assert customer.state["result"]["charges"] == [{"reason": "package", "amount_minor": 4_000}]


async def test_a_close_by_the_api_ends_the_call_at_once(staged: Stage) -> None:
    """The wake-up alone closes the splice and shows the end."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    await technician.do("session.admit")
    await staged.office.sessions.close(opened.view.id, "api", staged.office.partner_id)
    await customer.do("clock.read")
    assert customer.state["state"] == technician.state["state"] == "closed"
    assert customer.state["close_reason"] == "api"
    assert shown(customer, "technician")["media"] == "none"
    with pytest.raises(KeyError):
        staged.relay._splices[f"{opened.view.id}:1"]


async def test_a_lost_wakeup_is_made_good(staged: Stage) -> None:
    """A room looks by itself every ten ticks."""
    opened = await staged.office.open()
    customer = await staged.connect(opened, C)
    await customer.do("session.sync")
    staged.office.wakeups._callbacks.clear()
    await staged.office.sessions.close(opened.view.id, "api")
    for _ in range(10):
        await staged.tick(customer, 1_000)
    assert customer.state["state"] == "closed"


async def test_presence_becomes_evidence_before_billing_too(staged: Stage) -> None:
    """Somebody waiting in the lobby with the page open is present."""
    opened = await staged.office.open()
    customer = await staged.connect(opened, C)
    started_ms = staged.clock.now_ms()
    await customer.do("presence.report", visible=True)
    for _ in range(6):
        await staged.tick(customer, 1_000)
    await customer.do("presence.report", visible=False)
    await staged.tick(customer, 1_000)
    written = [one.event for one in await staged.office.sessions.log(opened.view.id)][1:]
    assert written == [
        PresenceObserved(C, started_ms, started_ms + 5_000),
        PresenceObserved(C, started_ms + 5_000, started_ms + 6_000),
    ]


async def test_tokens_run_out_unless_renewed(staged: Stage) -> None:
    """A connection without a fresh token is closed, and counts as gone."""
    opened = await staged.office.open()
    customer, technician = await staged.connect(opened, C, 5_000), await staged.connect(opened, T, 5_000)
    await technician.join()
    fresh = await technician.do("token.renew")
    assert staged.office.signer.verify_join(fresh["token"], staged.clock.now_ms()).role == "technician"
    await staged.tick(technician, 5_000)
    assert staged.wire.closed == {customer.id: "token_expired"}
    assert not shown(technician, "customer")["connected"]


async def test_the_result_can_be_read_until_the_link_ends(staged: Stage) -> None:
    """Fifteen minutes after the close connections are closed, and none is let in."""
    opened = await staged.office.open()
    await staged.office.sessions.close(opened.view.id, "api")
    late = await staged.connect(opened, C, LINK_GRACE_MS * 2)
    assert (await late.do("session.sync"))["state"]["result"]["outcome"]
    staged.clock.advance(ms=LINK_GRACE_MS)
    assert await late.refused("token.renew") == "link_ended"
    staged.rooms.tick()
    with pytest.raises(Gone, match="link_ended"):
        await staged.connect(opened, C)
    assert staged.wire.closed == {late.id: "link_ended"}


async def test_a_room_ends_after_the_close_when_all_have_left(staged: Stage) -> None:
    """And not before."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    await technician.do("session.close")
    await customer.drop()
    await technician.do("clock.read")
    assert len(staged.rooms) == 1
    room = staged.rooms._rooms[opened.view.id]
    (task,) = staged.rooms._tasks
    await technician.drop()
    await task
    assert len(staged.rooms) == 0
    assert not room.offer(Asked(technician.id, "clock.read", Nothing(), asyncio.Future()))
    assert await technician.refused("clock.read") == "not_connected"


async def test_a_failed_room_fails_alone_and_comes_back(staged: Stage) -> None:
    """Its connections are closed with a code; another session hears nothing; a new room reads the log."""
    opened, other = await staged.office.open(), await staged.office.open()
    customer, _technician = await staged.both(opened)
    bystander, _ = await staged.both(other)
    room = staged.rooms._rooms[opened.view.id]
    assert room._live is not None
    room._live.splicing._splice = None  # a broken invariant of ours
    answer = await customer.ask("description.send", generation=1, type="offer", sdp=OFFER)
    assert answer["error"]["code"] == "room_failed"
    assert staged.wire.closed[customer.id] == "room_failed"
    assert bystander.id not in staged.wire.closed
    await bystander.do("clock.read")
    again = await staged.connect(opened, C)
    joined = await again.join("tab-c", 1)
    assert joined["snapshot"]["state"]["version"] > 2


async def test_an_overflow_closes_the_offender(staged: Stage) -> None:
    """Commands beyond the inbox are refused; what must not be lost still has its place."""
    opened = await staged.office.open()
    customer = await staged.connect(opened, C)
    room: Room = staged.rooms._rooms[opened.view.id]
    loop = asyncio.get_running_loop()
    waiting = [Asked(customer.id, "clock.read", Nothing(), loop.create_future()) for _ in range(INBOX_MAX)]
    assert [room.offer(one) for one in waiting] == [True] * INBOX_MAX
    assert (await customer.ask("clock.read"))["error"]["code"] == "overloaded"
    assert staged.wire.closed == {customer.id: "overloaded"}
    staged.rooms.disconnect(opened.view.id, customer.id)
    answers = await asyncio.gather(*(one.reply for one in waiting))
    assert all(one["ok"] for one in answers)


async def test_what_must_not_be_lost_ends_the_room_when_it_is(staged: Stage) -> None:
    """Beyond the reserve a fact cannot be kept: the room fails, and a fresh one reads the log."""
    opened = await staged.office.open()
    customer = await staged.connect(opened, C)
    room = staged.rooms._rooms[opened.view.id]
    fact = Heard(LegConnected(f"{opened.view.id}:1", "a"))
    assert [room.offer(fact) for _ in range(INBOX_MAX + RESERVE)] == [True] * (INBOX_MAX + RESERVE)
    assert not room.offer(fact)
    await eventually(lambda: staged.wire.closed, what="the end of the room")
    assert staged.wire.closed == {customer.id: "room_failed"}
    await (await staged.connect(opened, C)).do("session.sync")


async def test_coming_and_going_is_bounded(staged: Stage) -> None:
    """A log is kept for ever, so nobody may fill it."""
    opened = await staged.office.open()
    customer = await staged.connect(opened, C)
    answers = []
    for _ in range(40):
        answers += [await customer.ask("session.join", tab_id="t"), await customer.ask("session.leave")]
    assert sum(one["ok"] for one in answers) == LOGGED_BURST
    assert answers[-1]["error"]["code"] in {"rate_limited", "not_joined"}
    staged.clock.advance(s=2)
    await customer.join()


async def test_a_session_that_moved_sends_its_people_after_it(staged: Stage) -> None:
    """Once another node is the home, this room ends and its connections are told to come again."""
    opened = await staged.office.open()
    customer, _technician = await staged.both(opened)
    staged.clock.advance(s=11)
    await staged.office.sessions.take_home(opened.view.id, NodeId("node-2"))
    staged.rooms.wake(opened.view.id, 0)
    await eventually(lambda: not len(staged.rooms), what="the end of the room")
    assert staged.wire.closed[customer.id] == "lives_elsewhere"


async def test_too_many_connections_of_a_role_push_out_the_oldest(staged: Stage) -> None:
    """Whoever reloads often is never locked out."""
    opened = await staged.office.open()
    pages = [await staged.connect(opened, C) for _ in range(9)]
    await pages[-1].do("clock.read")
    assert staged.wire.closed == {pages[0].id: "too_many_connections"}


async def test_an_unknown_session_has_no_room(staged: Stage) -> None:
    """A good token of a session that is gone is turned away, and leaves nothing behind."""
    opened = await staged.office.open()
    page = await staged.connect(opened, C)
    with pytest.raises(Conflict, match="session_not_found"):
        await staged.rooms.connect(SessionId("nobody"), page.connection)
    assert len(staged.rooms) == 1


async def test_a_session_of_another_node_is_turned_away(staged: Stage) -> None:
    """While its lease runs."""
    opened = await staged.office.open()
    await staged.office.sessions.take_home(opened.view.id, NodeId("node-2"))
    with pytest.raises(Conflict, match="lives_elsewhere"):
        await staged.connect(opened, C)


async def test_a_stopping_server_sends_everybody_away(staged: Stage) -> None:
    """Joined connections are logged as left, and nobody new is let in."""
    opened = await staged.office.open()
    customer, _technician = await staged.both(opened)
    await staged.rooms.stop()
    assert staged.wire.closed[customer.id] == "server_stopping"
    assert (await staged.log(opened.view.id)).count("participant_left") == 2
    with pytest.raises(Conflict, match="server_stopping"):
        await staged.connect(opened, C)


async def test_an_outage_of_the_database_is_answered(staged: Stage, tmp_path: Path) -> None:
    """Commands are refused with ``unavailable``; the room goes on, and works again afterwards."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    with outage(tmp_path):
        assert await technician.refused("session.admit") == "unavailable"
        assert await customer.refused("session.sync") == "unavailable"
        await customer.drop()
        await staged.rooms_tick(technician)
    await technician.do("session.admit")
    assert technician.state["state"] == "live"
    assert not staged.wire.closed


async def test_a_room_cannot_begin_without_the_database(staged: Stage, tmp_path: Path) -> None:
    """Whoever connects during an outage is told to try again, and may."""
    opened = await staged.office.open()
    with outage(tmp_path), pytest.raises(Conflict, match="unavailable"):
        await staged.connect(opened, C)
    await staged.connect(opened, C)
