"""api/demo.py: robots are real processes, few, and gone with the server."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from remote_assist.api.banner import text
from remote_assist.api.demo import ROBOTS_MAX
from tests.api.conftest import Api, serving
from tests.kit.waiting import eventually


def robots() -> int:
    """Count the robot processes that this process has started."""
    return sum(1 for line in _command_lines() if b"demo-peer" in line)


def _command_lines() -> Iterator[bytes]:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # threads and processes may end while they are listed
            for child in (thread / "children").read_text().split():
                with contextlib.suppress(OSError):
                    yield Path(f"/proc/{child}/cmdline").read_bytes()


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Api]:
    async with serving(tmp_path, is_demo=True) as one:
        yield one


async def test_robots_are_few_and_leave_with_their_session(demo: Api) -> None:
    """Each asked-for robot is a process without the link in its command line; the one too many is refused."""
    opened = []
    for _ in range(ROBOTS_MAX):
        reply = await demo.ask("POST", "/api/v1/demo/sessions", {"with": "robot"}, key=None)
        assert reply.status == 201
        opened.append(reply.json)
    assert robots() == ROBOTS_MAX
    secrets = [one["technician_url"].split("#")[1].encode() for one in opened]
    assert not [line for line in _command_lines() if any(secret in line for secret in secrets)]
    refused = await demo.ask("POST", "/api/v1/demo/sessions", {"with": "robot"}, key=None)
    assert (refused.status, refused.code) == (409, "robots_busy")
    for one in opened:
        closed = await demo.ask(
            "POST", f"/api/v1/sessions/{one['session_id']}/close", key=demo.server.demo_key
        )
        assert closed.status == 200
    await eventually(lambda: robots() == 0, within_s=40, what="every robot leaves a closed session")


async def test_robots_end_with_the_server(tmp_path: Path) -> None:
    """No process is left behind."""
    async with serving(tmp_path, is_demo=True) as demo:
        await demo.ask("POST", "/api/v1/demo/sessions", {"with": "robot"}, key=None)
        assert robots() == 1
    assert robots() == 0


def test_banner_names_everything_to_try() -> None:
    """With a phone's link there is a QR code."""
    parts = {
        "first_screen": "http://127.0.0.1:8080",
        "customer_url": "http://127.0.0.1:8080/j#c",
        "technician_url": "http://127.0.0.1:8080/j#t",
        "api_key": "ra_demo_x",
    }
    without = text(**parts, phone_url=None)
    assert all(part in without for part in parts.values())
    assert "█" not in without
    phone = text(**parts, phone_url="https://192.0.2.1:8443/j#c")
    assert "https://192.0.2.1:8443/j#c" in phone
    assert "█" in phone
