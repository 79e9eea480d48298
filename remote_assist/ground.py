"""What a node stands on: its data folder with keys in it, listening sockets, database, signals, stdout.

Whatever is wrong here is told in one sentence that says what to do.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from remote_assist import telemetry
from remote_assist.settings import PREFIX, Settings
from remote_assist.store.database import Database
from remote_assist.tokens import TokenSigner, generate_key_pem, load_key_pem

PORT_MAX: Final = 65_535
BACKLOG: Final = 1_024


class StartError(Exception):
    """The server cannot start; one sentence says what to do."""


def listening_socket(host: str, port: int, setting: str) -> socket.socket:
    """Return a listening socket: the port is ours, and known, before anything else starts.

    Raises:
        StartError: the port is taken, or the address is not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)  # SO_REUSEADDR lets two programs bind a port, but only one listen
    except OSError as error:
        raise port_trouble(error, host, port, setting) from None
    return bound


def port_trouble(error: OSError, host: str, port: int, setting: str) -> StartError:
    """Return what to tell a person about a port that cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return StartError(
            f"Port {port} on {host} is in use by another program: stop it, or choose another port with "
            f"{PREFIX}{setting}={port + 1 if port < PORT_MAX else 0}."
        )
    return StartError(
        f"Port {port} on {host} cannot be used ({error.strerror or error}); set {PREFIX}{setting}."
    )


def make_folder(folder: Path) -> None:
    """Make the data folder, for its owner only.

    Raises:
        StartError: that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartError(
            f"The data folder {folder} cannot be made ({error.strerror}); set {PREFIX}DATA_DIR."
        ) from None


def claim_folder(folder: Path) -> int:
    """Make this process the only one that works on the data folder; return the claim, to be released.

    The claim ends with the process, however it ends.

    Raises:
        StartError: another server works on it.
    """
    claim = os.open(folder / "claim", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(claim)
        raise StartError(
            f"Another server works on the data folder {folder}; stop it, or set {PREFIX}DATA_DIR to another."
        ) from None
    return claim


def release_folder(claim: int) -> None:
    """Let another server work on the folder."""
    os.close(claim)


def signer(folder: Path, issuer: str) -> TokenSigner:
    """Return the signer with the keys kept in ``folder``, made at the first start."""
    join_key, receipt_key = (
        load_key_pem(kept(folder / name, generate_key_pem)) for name in ("join.pem", "receipt.pem")
    )
    return TokenSigner(join_key, receipt_key, issuer)


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the content of a file that only its owner may read, made now if it is not there.

    It appears under its name only once it is whole: a crash must not leave half a key.
    """
    try:
        path.parent.mkdir(exist_ok=True, mode=0o700)
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(fresh)
            fresh.unlink()
        return path.read_bytes()
    except OSError as error:
        raise StartError(f"{path} cannot be used ({error.strerror}); who owns the data folder?") from None


def database(settings: Settings) -> Database:
    """Return the database, not yet connected.

    Raises:
        StartError: its URL makes no sense, or its driver is not installed.
    """
    url = settings.effective_database_url()
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            # The driver opens files in a thread of its own, which cannot be told to stop when that fails.
            with contextlib.closing(sqlite3.connect(parsed.database)) as file:
                file.execute("PRAGMA schema_version")
        return Database(url)
    except (SQLAlchemyError, sqlite3.Error, ImportError) as error:
        raise database_trouble(error) from None


def database_trouble(error: Exception) -> StartError:
    """Say what is wrong without the URL, which may hold a password."""
    cause = getattr(error, "orig", None) or error
    shown = telemetry.redact(str(cause).splitlines()[0])
    return StartError(
        f"The database cannot be used ({type(cause).__name__}: {shown}); see {PREFIX}DATABASE_URL."
    )


def say(text: str) -> None:
    """Write to stdout in one write, so that a line is never seen in halves."""
    os.write(sys.stdout.fileno(), text.encode())


def signals() -> asyncio.Event:
    """Return what is set by the first SIGTERM or SIGINT; the second ends the process at once."""
    is_told = asyncio.Event()

    def hear(number: int) -> None:
        if is_told.is_set():
            os._exit(128 + number)
        is_told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, hear, number)
    return is_told
