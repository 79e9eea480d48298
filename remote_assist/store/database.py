"""Connections and transactions. SQLite durable at every commit, or any database that SQLAlchemy speaks.

On SQLite the driver's own BEGIN is switched off: it is deferred, and a reader that turns writer then fails
with "database is locked". Writers go through a pool of one connection and wait there for each other in
order, instead of polling for the file's lock.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

READERS: Final = 4
BUSY_TIMEOUT_MS: Final = 5_000
"""How long a write waits for another process, such as ``migrate`` or a backup."""
POOL_TIMEOUT_S: Final = 30
MIGRATION_LOCK: Final = 7_236_401
"""Any fixed number: nodes that start together migrate one after the other."""

_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "temp_store=MEMORY",
)


class Database:
    """Hands out transactions."""

    def __init__(self, url: str) -> None:
        if make_url(url).get_backend_name() == "sqlite":
            self._reads = _sqlite_engine(url, READERS, "BEGIN")
            self._writes = _sqlite_engine(url, 1, "BEGIN IMMEDIATE")
        else:
            # Every command locks its session's row before it decides, so READ COMMITTED is enough.
            self._reads = self._writes = create_async_engine(url, pool_size=10, pool_pre_ping=True)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that only reads."""
        async with self._reads.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that commits when the block ends and rolls back when it raises."""
        async with self._writes.begin() as connection:
            yield connection

    async def migrate(self) -> None:
        """Bring the tables up to this version of the program."""
        async with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            await connection.run_sync(_upgrade)

    async def check(self) -> None:
        """Make sure that a row could be written where the next start will find it.

        Raises:
            SQLAlchemyError: nothing can be written.
            FileNotFoundError: the embedded database's file was removed while it was in use.
        """
        async with self._writes.connect() as connection:
            name = "remote_assist_check"
            await connection.execute(text(f"CREATE TABLE {name} (id INTEGER)"))
            await connection.rollback()
        path = self._writes.url.database
        if (
            self._writes.dialect.name == "sqlite"
            and path
            and not await asyncio.to_thread(os.path.exists, path)
        ):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    async def close(self) -> None:
        """Close all connections."""
        await self._writes.dispose()
        await self._reads.dispose()


def migration_config() -> Config:
    """Return where alembic finds the revisions."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _sqlite_engine(url: str, connections: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, pool_timeout=POOL_TIMEOUT_S, pool_recycle=-1
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(driver: Any, _record: Any) -> None:
        driver.isolation_level = None
        cursor = driver.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
