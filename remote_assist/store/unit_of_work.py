"""One transaction with all repositories, and the store that hands them out.

Wake-ups and the doorbell go out only after the commit: whoever they wake finds what they speak of.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.cluster import Doorbell, Wakeups
from remote_assist.ids import SessionId
from remote_assist.store.database import Database
from remote_assist.store.effects import Effects
from remote_assist.store.repositories.files import FileRepository
from remote_assist.store.repositories.jobs import JobRepository
from remote_assist.store.repositories.log import LogRepository
from remote_assist.store.repositories.outbox import EndpointRepository, OutboxRepository
from remote_assist.store.repositories.people import (
    ChatRepository,
    LinkRepository,
    PartnerRepository,
    RequestRepository,
)
from remote_assist.store.repositories.ratings import RatingRepository
from remote_assist.store.repositories.sessions import SessionRepository
from remote_assist.store.repositories.usage import UsageRepository


class SqlUnitOfWork:
    """Implements ``ports.UnitOfWork``."""

    def __init__(self, connection: AsyncConnection, effects: Effects) -> None:
        self._effects = effects
        self.sessions = SessionRepository(connection)
        self.log = LogRepository(connection)
        self.links = LinkRepository(connection)
        self.chats = ChatRepository(connection)
        self.files = FileRepository(connection)
        self.ratings = RatingRepository(connection)
        self.usage = UsageRepository(connection)
        self.outbox = OutboxRepository(connection, effects)
        self.endpoints = EndpointRepository(connection)
        self.jobs = JobRepository(connection, effects)
        self.partners = PartnerRepository(connection)
        self.requests = RequestRepository(connection)

    def wake(self, session_id: SessionId, version: int) -> None:
        """Publish a wake-up once this is committed."""
        self._effects.wakeups[session_id] = version


class SqlStore:
    """Implements ``ports.Store`` on a database."""

    def __init__(self, database: Database, wakeups: Wakeups, doorbell: Doorbell) -> None:
        self._database = database
        self._wakeups = wakeups
        self._doorbell = doorbell

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlUnitOfWork]:
        """Begin a consistent view of the data."""
        async with self._database.reading() as connection:
            yield SqlUnitOfWork(connection, Effects())

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SqlUnitOfWork]:
        """Begin a transaction that commits on exit, and rolls back when an exception leaves it."""
        effects = Effects()
        async with self._database.writing() as connection:
            yield SqlUnitOfWork(connection, effects)
        for session_id, version in effects.wakeups.items():
            self._wakeups.publish(session_id, version)
        if effects.is_due:
            self._doorbell.ring()
