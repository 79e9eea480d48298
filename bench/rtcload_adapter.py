"""An adapter that lets rtcload put our relay alone under load (``adapters/`` of rtcload names the contract).

The relay runs in a process of its own, pinned to one core. Descriptions go to it and come back as lines
of JSON on its standard streams. ``bench/relay.py`` puts a copy of this file among rtcload's adapters.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from remote_assist.clock import SystemClock
from remote_assist.media.relay import Relay, RelayConfig

ME: Final = str(Path(__file__).resolve())
"""This file, wherever it was copied to: it is also the program of the relay's process."""


class Server:
    """What rtcload drives."""

    def __init__(self, opts: dict[str, Any]) -> None:
        self._opts = opts
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self, cpu: int) -> list[int]:
        """Start the relay on one core and return its process id."""
        self._process = await asyncio.create_subprocess_exec(
            *("taskset", "-c", str(cpu), sys.executable, ME),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert await self._ask(["ready"]) == "ready"
        return [self._process.pid]

    async def create_call(self, i: int, make_endpoint: Callable[[], Any]) -> tuple[Any, Any]:
        """Join two endpoints by one splice."""
        first, second = make_endpoint(), make_endpoint()
        offer = await self._ask([str(i), "a", "offer", await first.offer()])
        answer = await second.answer(offer)
        first.set_answer(await self._ask([str(i), "b", "answer", answer]))
        return first, second

    async def stop(self) -> None:
        """End the relay's process."""
        assert self._process is not None
        self._process.terminate()
        await self._process.wait()

    async def _ask(self, words: list[str]) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            return str(json.loads(await self._process.stdout.readline()))


async def serve() -> None:
    """Be the relay: answer each line on standard input with one on standard output."""
    relay = Relay(RelayConfig(host="127.0.0.1", port=0), SystemClock().now_ms, lambda _: None)
    await relay.start()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    splices: dict[str, Any] = {}
    while line := await reader.readline():
        words = json.loads(line)
        answer = words[0]
        if len(words) > 1:
            name, sender, kind, sdp = words
            if name not in splices:
                splices[name] = relay.open_splice(name)
                splices[name].open_gate()
            answer = splices[name].carry(sender, kind, sdp)
        print(json.dumps(answer), flush=True)  # an answer is far smaller than the pipe
    await relay.stop()


if __name__ == "__main__":
    asyncio.run(serve())
