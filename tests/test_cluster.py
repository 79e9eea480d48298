"""Wake-ups and doorbells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import asyncio as redis_asyncio

from remote_assist.cluster import CHANNEL, OUTGOING_MAX, Doorbell, LocalWakeups, RedisWakeups, parse_untrusted
from remote_assist.errors import ProtocolViolation
from remote_assist.ids import NodeId, SessionId
from tests.kit.redis import redis_server
from tests.kit.waiting import eventually

S1 = SessionId("s1")
Heard = list[tuple[SessionId, int]]


def listen(wakeups: LocalWakeups | RedisWakeups) -> Heard:
    heard: Heard = []
    wakeups.subscribe(lambda session_id, version: heard.append((session_id, version)))
    return heard


def test_a_wake_up_reaches_everybody_in_the_process_until_they_leave() -> None:
    """Leaving twice, or in the middle of a wake-up, is harmless."""
    wakeups = LocalWakeups()
    heard = listen(wakeups)
    once: Heard = []

    def hear_once(session_id: SessionId, version: int) -> None:
        once.append((session_id, version))
        leave()

    leave = wakeups.subscribe(hear_once)
    wakeups.publish(S1, 1)
    wakeups.publish(S1, 2)
    leave()
    assert heard == [(S1, 1), (S1, 2)]
    assert once == [(S1, 1)]


@asynccontextmanager
async def node(url: str, name: str) -> AsyncIterator[RedisWakeups]:
    wakeups = RedisWakeups(url, NodeId(name))
    await wakeups.start()
    try:
        yield wakeups
    finally:
        await wakeups.stop()


async def test_a_wake_up_reaches_the_other_nodes_once() -> None:
    """Through a real Redis; the node itself hears it at once and not a second time."""
    with redis_server() as url:
        async with node(url, "a") as first, node(url, "b") as second:
            heard_first, heard_second = listen(first), listen(second)
            await asyncio.gather(first.listening.wait(), second.listening.wait())
            first.publish(S1, 1)
            assert heard_first == [(S1, 1)]
            await eventually(lambda: heard_second, what="the other node's wake-up")
            second.publish(S1, 2)
            await eventually(lambda: len(heard_first) == 2, what="the answer")
            assert heard_first == heard_second == [(S1, 1), (S1, 2)]


async def test_nonsense_on_the_channel_is_passed_over() -> None:
    """Whatever can write to Redis cannot stop a node from hearing."""
    with redis_server() as url:
        async with node(url, "a") as wakeups:
            heard = listen(wakeups)
            await wakeups.listening.wait()
            async with redis_asyncio.from_url(url) as stranger:
                for message in ("nonsense", "{}", "x" * 100_000):
                    await stranger.publish(CHANNEL, message)
                await stranger.publish(CHANNEL, '{"node":"b","session":"s1","version":3}')
            await eventually(lambda: heard, what="the wake-up after the nonsense")
            assert heard == [(S1, 3)]


async def test_a_node_goes_on_without_redis_and_hears_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that was cut costs at most the wake-ups of that time."""
    monkeypatch.setattr("remote_assist.cluster.RECONNECT_S", 0.01)
    with redis_server() as url:
        async with node(url, "a") as first, node(url, "b") as second:
            heard = listen(second)
            await asyncio.gather(first.listening.wait(), second.listening.wait())
            async with redis_asyncio.from_url(url) as admin:
                await admin.client_kill_filter(_type="pubsub")

            def heard_again() -> bool:
                first.publish(S1, 2)
                return bool(heard)

            await eventually(heard_again, what="a wake-up after the cut")


async def test_publishing_never_waits_for_a_redis_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded, the process itself hears everything."""
    monkeypatch.setattr("remote_assist.cluster.RECONNECT_S", 0.01)
    async with node("redis://127.0.0.1:1/0", "a") as wakeups:
        heard = listen(wakeups)
        for version in range(OUTGOING_MAX + 10):
            wakeups.publish(S1, version)
        assert len(heard) == OUTGOING_MAX + 10
        waiting = wakeups._outgoing.qsize()
        await eventually(lambda: wakeups._outgoing.qsize() < waiting, what="a wake-up given up")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"node":1,"session":"s","version":1}', b"\xff", b"[" * 500, b"x" * 600],
    ids=repr,
)
def test_a_malformed_message_is_refused_by_name(data: bytes) -> None:
    """Too long, no JSON, nested, or without a member."""
    with pytest.raises(ProtocolViolation, match="invalid_wakeup"):
        parse_untrusted(data)


@given(st.binary(max_size=600))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    """Nothing else escapes the parser."""
    try:
        parse_untrusted(data)
    except ProtocolViolation as error:
        assert error.code == "invalid_wakeup"  # noqa: PT017 - whether it raises is open


async def test_a_doorbell_wakes_every_loop_also_before_it_waits() -> None:
    """A ring between two waits is not lost, and rings once."""
    doorbell = Doorbell()
    first, second = doorbell.listen(), doorbell.listen()
    doorbell.ring()
    await first.wait(60)
    await second.wait(60)
    await first.wait(0.001)  # returns by its timeout: the ring was used up
    waiting = asyncio.create_task(first.wait(60))
    first.ring()
    await waiting
