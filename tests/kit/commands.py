"""The console script, run as a person runs it."""

import asyncio
import sys


async def command(*arguments: str) -> str:
    """Run ``remote-assist`` and return its standard output; a failure shows what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "remote_assist",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, f"{arguments[0]}: {out.decode()}{err.decode()}"
    return out.decode()
