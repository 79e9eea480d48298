"""Bytes in a folder, one file each, never served by path: a key is an id of ours."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

_KEY: Final = re.compile(r"[0-9a-f-]{36}", re.ASCII)


class FolderBlobs:
    """Implements ``files.Blobs``. Work on the disk happens in threads, so that no packet waits for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, content: bytes) -> None:
        """Keep bytes that are on the disk when this returns."""
        await asyncio.to_thread(_write, self._path(key), content)

    async def get(self, key: str) -> bytes | None:
        """Return the bytes."""
        return await asyncio.to_thread(_read, self._path(key))

    async def delete(self, key: str) -> None:
        """Forget the bytes, if there are any."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def _path(self, key: str) -> Path:
        assert _KEY.fullmatch(key), "a key is a UUID of ours"
        return self._folder / key[-2:] / key


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
