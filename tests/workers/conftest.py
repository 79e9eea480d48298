"""Fixtures of the workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.office import Office, office


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    """A fresh office."""
    async with office(tmp_path) as opened:
        yield opened
