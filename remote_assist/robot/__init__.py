"""The demo and test participant: a real one, made with aiortc and av, behind the same protocol as a page.

It serves the first call after an installation, tests, and probes. Nothing else imports it but the
composition root and the command line; it imports nothing of the server.
"""

import asyncio
import contextlib
import json
import signal
import sys
from typing import Any

from remote_assist.errors import Rejected
from remote_assist.robot.channel import ConnectionLost
from remote_assist.robot.participant import OnEvent, Robot

__all__ = ["OnEvent", "Robot", "main", "run"]


async def run(url: str, *, on_event: OnEvent | None = None) -> None:
    """Take part in the session of a link until it is closed; cancelling it leaves cleanly."""
    await Robot(url, on_event=on_event).run()


def main(url: str) -> int:
    """Run from the command line until the session ends or a signal comes; one JSON line per event."""

    def show(name: str, details: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps({"event": name, **details}) + "\n")
        sys.stdout.flush()

    async def until_signalled() -> None:
        task = asyncio.create_task(run(url, on_event=show))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(until_signalled())
    except (Rejected, ConnectionLost) as error:
        sys.stderr.write(f"The robot cannot take part: {getattr(error, 'detail', error)}\n")
        return 1
    return 0
