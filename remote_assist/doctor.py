"""Say whether a server could run here, and what to do where not. Changes nothing that it does not undo."""

import contextlib
import socket
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from remote_assist.settings import PREFIX, Settings, SettingsError, read

STATIC_FOLDER: Final = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what is fine, or a sentence how to mend it."""

    is_fine: bool
    text: str


def examine(environment: Mapping[str, str]) -> list[Finding]:
    """Look at everything that a start needs."""
    try:
        settings = read(environment)
    except SettingsError as error:
        return [Finding(is_fine=False, text=problem) for problem in error.problems]
    return [Finding(is_fine=True, text="The settings make sense."), *_look(settings)]


def _look(settings: Settings) -> Iterator[Finding]:
    yield _data_folder(settings.data_dir)
    yield _port("HTTP", settings.http_host, settings.http_port, "HTTP_PORT", socket.SOCK_STREAM)
    yield _port("media", settings.media_host, settings.media_port, "MEDIA_PORT", socket.SOCK_DGRAM)
    yield _database(settings)
    yield _pages()


def _data_folder(folder: Path) -> Finding:
    existing = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Finding(is_fine=True, text=f"The data folder {folder} can be written.")
    except OSError as error:
        text = f"The data folder {folder} cannot be written ({error.strerror}); set {PREFIX}DATA_DIR."
        return Finding(is_fine=False, text=text)


def _port(name: str, host: str, port: int, setting: str, kind: socket.SocketKind) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = (
                f"The {name} port {port} on {host} cannot be bound ({error.strerror}); set {PREFIX}{setting}."
            )
            return Finding(is_fine=False, text=text)
    return Finding(is_fine=True, text=f"The {name} port {port or 'of any number'} on {host} is free.")


def _database(settings: Settings) -> Finding:
    """Take the write lock of an embedded database and give it back; a server's is tried at its start."""
    url = settings.effective_database_url()
    if not url.startswith("sqlite"):
        return Finding(is_fine=True, text="The database is a server's; `remote-assist migrate` tries it.")
    path = Path(url.split("///", 1)[1])
    if not path.exists():
        return Finding(is_fine=True, text="The database will be made at the first start.")
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE remote_assist_check (id INTEGER)")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        return Finding(is_fine=False, text=f"The database {path} cannot be written: {error}.")
    return Finding(is_fine=True, text="The database can be written.")


def _pages() -> Finding:
    missing = [name for name in ("index.html", "j.html") if not (STATIC_FOLDER / name).exists()]
    if missing:
        return Finding(is_fine=False, text="The web pages are not built; run: make web")
    return Finding(is_fine=True, text="The web pages are built.")
