"""A robot that is told to stop twice still leaves nothing open."""

import asyncio

import pytest

from remote_assist.robot.closing import to_the_end


async def test_a_cancelled_closing_ends_first() -> None:
    """The cancellation arrives, after everything is closed."""
    has_begun, may_go_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def close() -> None:
        done.append("begun")
        has_begun.set()
        await may_go_on.wait()
        done.append("closed")

    task = asyncio.create_task(to_the_end(close()))
    await has_begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert done == ["begun"]
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["begun", "closed"]
