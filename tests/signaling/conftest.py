"""Fixtures of the live side."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.signaling.sockets import Hall, hall
from tests.signaling.stage import Stage, stage


@pytest.fixture
async def staged(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage of its own for every test."""
    async with stage(tmp_path) as made:
        yield made


@pytest.fixture
async def opened_hall(tmp_path: Path) -> AsyncIterator[Hall]:
    """A real server of its own for every test."""
    async with hall(tmp_path) as made:
        yield made
