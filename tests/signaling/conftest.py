"""Fixtures of the live side."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.signaling.stage import Stage, stage


@pytest.fixture
async def staged(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage of its own for every test."""
    async with stage(tmp_path) as made:
        yield made
