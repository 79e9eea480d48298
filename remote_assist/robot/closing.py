"""Closing that a cancellation does not cut in halves."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_the_end(closing: Coroutine[Any, Any, None]) -> None:
    """Run ``closing``, which must be bounded, to its end; a cancellation meanwhile takes effect after it.

    Cut off half-way, sockets would stay open that nobody knows any more.
    """
    task = asyncio.create_task(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
