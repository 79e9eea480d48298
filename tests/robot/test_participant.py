"""The robot as a task: it ends when it is told to, whatever it is doing."""

import asyncio
import socket

import pytest

from remote_assist.robot import Robot


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_a_robot_ends_when_cancelled(steps: int) -> None:
    """A cancellation at any step of an attempt ends the robot, with nothing left open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    events: list[str] = []
    robot = Robot(f"http://127.0.0.1:{port}/j#secret", on_event=lambda name, _details: events.append(name))
    task = asyncio.create_task(robot.run())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events[-1:] == (["ended"] if steps else [])
    assert robot.media == "none"


async def test_a_swallowed_cancellation_is_heeded() -> None:
    """A library that loses the cancellation does not keep the robot alive."""
    swallowed = asyncio.Event()
    events: list[str] = []

    def note(name: str, _details: object) -> None:
        events.append(name)

    robot = Robot("http://127.0.0.1:1/j#secret", on_event=note)

    async def library() -> None:
        """Lose a cancellation as wait_for may, then fail as a lost connection does."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()

    async def take_part() -> None:
        await library()
        await robot.run()

    task = asyncio.create_task(take_part())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert swallowed.is_set()
    assert events == ["retry", "ended"]
