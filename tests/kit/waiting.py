"""Waiting for the real world: a bounded poll, because other processes cannot be stepped."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final

POLL_S: Final = 0.02
STRETCH: Final = float(os.environ.get("TEST_STRETCH", "1"))
"""Every timeout is a multiple of this; a slow machine sets it above 1."""


async def eventually(claim: Callable[[], Any], *, within_s: float = 10, what: str = "the claim") -> Any:
    """Return the first truthy value of ``claim``; fail loudly when there is none in time."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_s * STRETCH
    while True:
        outcome = claim()
        value = await outcome if isinstance(outcome, Awaitable) else outcome
        if value:
            return value
        if loop.time() > deadline_s:
            raise AssertionError(
                f"{what} did not come true within {within_s * STRETCH:.0f} s; last: {value!r}"
            )
        await asyncio.sleep(POLL_S)
