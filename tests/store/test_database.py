"""Connections, transactions and migrations."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from remote_assist.store.database import Database
from remote_assist.store.tables import metadata
from tests.kit.office import NODE, Office


async def test_the_migrations_lead_to_the_tables_of_the_program(desk: Office) -> None:
    """Nothing is in one and not in the other."""

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with desk.database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing(desk: Office) -> None:
    """Every start migrates."""
    opened = await desk.open()
    await desk.database.migrate()
    assert (await desk.sessions.view(opened.view.id)).id == opened.view.id


async def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    """Over an existing file, the second waits for the first and finds everything done."""
    sqlite3.connect(tmp_path / "new.db").executescript("PRAGMA journal_mode=WAL").connection.close()
    databases = [Database(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}") for _ in range(2)]
    await asyncio.gather(*(database.migrate() for database in databases))
    for database in databases:
        await database.close()


async def test_a_commit_is_on_the_disk(desk: Office) -> None:
    """WAL with full synchronisation, foreign keys checked."""
    async with desk.database.writing() as connection:
        found = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 5000]


async def test_a_writer_holds_the_lock_from_its_first_moment(desk: Office, tmp_path: Path) -> None:
    """So it cannot find the database locked half-way through."""
    async with desk.database.writing():
        other = sqlite3.connect(tmp_path / "office.db", timeout=0, isolation_level=None)
        try:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()


async def test_a_failed_transaction_leaves_nothing_and_wakes_nobody(desk: Office) -> None:
    """Events, jobs and wake-ups go together or not at all."""
    opened = await desk.open()
    before = list(desk.woken)

    async def break_off() -> None:
        async with desk.store.writing() as work:
            await work.jobs.queue("settle", opened.view.id, 0)
            work.wake(opened.view.id, 99)
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await break_off()
    async with desk.store.writing() as work:
        assert await work.jobs.claim(NODE, desk.clock.now_ms(), desk.clock.now_ms() + 1, 10) == []
    assert desk.woken == before


async def test_a_reader_sees_one_moment(desk: Office) -> None:
    """What is committed meanwhile does not show in a view that has begun."""
    opened = await desk.open()
    async with desk.store.reading() as work:
        first = await work.sessions.get(opened.view.id)
        await desk.sessions.close(opened.view.id, "api")
        assert await work.sessions.get(opened.view.id) == first
    assert first is not None
    assert first.closed_at_ms is None


async def test_a_database_whose_file_is_gone_is_noticed(tmp_path: Path) -> None:
    """What is written to a removed file would be lost at the next start, so the check fails."""
    path = tmp_path / "kept.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    try:
        await database.migrate()
        await database.check()
        path.unlink()
        with pytest.raises(FileNotFoundError):
            await database.check()
    finally:
        await database.close()


async def test_a_database_that_cannot_be_written_is_noticed(tmp_path: Path) -> None:
    """Taking the write lock is not enough: the check tries a write, and leaves nothing behind."""
    path = tmp_path / "kept.db"
    first = Database(f"sqlite+aiosqlite:///{path}")
    await first.migrate()
    await first.check()
    await first.close()
    read_only = Database(f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true")
    try:
        with pytest.raises(OperationalError, match="readonly"):
            await read_only.check()
    finally:
        await read_only.close()
