"""The built web pages, served from memory: no path of a request ever reaches the file system."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from remote_assist.api.problems import ApiProblem

FILE_MAX_BYTES: Final = 8 * 1024 * 1024
"""Larger files do not belong in a bundle and are not served."""
_COMPRESS_FROM_BYTES: Final = 1_024
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".mp3": "audio/mpeg",
}
_TEXTS: Final = frozenset({".html", ".js", ".mjs", ".css", ".json", ".map", ".svg", ".webmanifest", ".txt"})


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    compressed: bytes | None
    etag: str
    content_type: str
    charset: str | None


class StaticFiles:
    """The files under one folder, by their relative name, as they were when the server started."""

    def __init__(self, folder: Path) -> None:
        self._paths = {
            path.relative_to(folder).as_posix(): path
            for path in (folder.rglob("*") if folder.is_dir() else ())
            if path.is_file() and path.suffix in _TYPES and path.stat().st_size <= FILE_MAX_BYTES
        }
        self._read: dict[str, _File] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def names(self) -> list[str]:
        """Return the relative names of all files."""
        return sorted(self._paths)

    def respond(self, request: web.Request, name: str) -> web.Response:
        """Return the file, its gzip form where the browser takes it, or 304 where it has it.

        Raises:
            ApiProblem: 404, there is no such file.
        """
        if name not in self._paths:
            raise ApiProblem(404, "not_found", "There is nothing at this path.")
        file = self._read.get(name) or self._load(name)
        headers = {"ETag": file.etag, "Cache-Control": _cache_control(name), "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        body = file.body
        if file.compressed and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = file.compressed
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, content_type=file.content_type, charset=file.charset, headers=headers)

    def _load(self, name: str) -> _File:
        path = self._paths[name]
        body = path.read_bytes()
        is_text = path.suffix in _TEXTS
        file = _File(
            body=body,
            compressed=gzip.compress(body, 6) if is_text and len(body) >= _COMPRESS_FROM_BYTES else None,
            etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            content_type=_TYPES[path.suffix],
            charset="utf-8" if is_text else None,
        )
        self._read[name] = file
        return file


def _cache_control(name: str) -> str:
    """Hashed assets never change under their name; pages are asked for anew."""
    return _IMMUTABLE if name.startswith("assets/") else "no-cache"
