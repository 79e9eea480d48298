"""Notices, deliveries and the endpoints they go to."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Row, Select, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from remote_assist.ids import NodeId, PartnerId, new_id
from remote_assist.sessions.hooks.notices import Notice
from remote_assist.sessions.ports import DueDelivery
from remote_assist.sessions.views import Attempt, Delivery, Endpoint
from remote_assist.store.effects import Effects
from remote_assist.store.tables import deliveries, notices, webhook_endpoints

ATTEMPTS_KEPT: Final = 50
"""The retry table makes ten; the rest is room for deliveries that were sent again by hand."""


class OutboxRepository:
    """Implements ``ports.Outbox``."""

    def __init__(self, connection: AsyncConnection, effects: Effects) -> None:
        self._connection = connection
        self._effects = effects

    async def add(self, partner_id: PartnerId, outgoing: Sequence[Notice]) -> None:
        """Insert notices, with a delivery for every enabled endpoint that wants them."""
        endpoints = await EndpointRepository(self._connection).of_partner(partner_id)
        for notice in outgoing:
            notice_id = f"msg_{new_id()}"
            row = {"id": notice_id, "partner_id": partner_id, **asdict(notice)}
            await self._connection.execute(insert(notices), [row])
            rows = [
                _new_delivery(notice_id, notice, endpoint)
                for endpoint in endpoints
                if _wants(endpoint, notice)
            ]
            if rows:
                self._effects.is_due = True
                await self._connection.execute(insert(deliveries), rows)

    async def page(
        self, partner_id: PartnerId, endpoint_id: str | None, before: str | None, limit: int
    ) -> list[Delivery]:
        """Return deliveries, the newest first."""
        query = _with_notice().where(deliveries.c.partner_id == partner_id)
        if endpoint_id is not None:
            query = query.where(deliveries.c.endpoint_id == endpoint_id)
        if before is not None:
            query = query.where(deliveries.c.id < before)
        found = await self._connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit))
        return [_delivery(row) for row in found]

    async def get(self, partner_id: PartnerId, delivery_id: str) -> Delivery | None:
        """Return a delivery."""
        query = _with_notice().where(deliveries.c.partner_id == partner_id, deliveries.c.id == delivery_id)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _delivery(row)

    async def resend(self, delivery_id: str, now_ms: int) -> None:
        """Make a delivery due now, with all its tries again."""
        self._effects.is_due = True
        statement = update(deliveries).where(deliveries.c.id == delivery_id)
        await self._connection.execute(statement.values(state="pending", due_at_ms=now_ms, tries=0))

    async def claim(
        self, node_id: NodeId, now_ms: int, lease_until_ms: int, limit: int, skip_endpoints: Sequence[str]
    ) -> list[DueDelivery]:
        """Lease due deliveries: the oldest of each endpoint, so that one endpoint cannot crowd out others."""
        is_due = (
            deliveries.c.state == "pending",
            deliveries.c.due_at_ms <= now_ms,
            deliveries.c.leased_until_ms <= now_ms,
            deliveries.c.endpoint_id.not_in(skip_endpoints),
        )
        oldest = (
            select(func.min(deliveries.c.id)).where(*is_due).group_by(deliveries.c.endpoint_id).limit(limit)
        )
        query = select(deliveries.c.id).where(deliveries.c.id.in_(oldest), *is_due)
        ids = (await self._connection.execute(query.with_for_update(skip_locked=True))).scalars().all()
        if not ids:
            return []
        chosen = deliveries.c.id.in_(ids)
        await self._connection.execute(
            update(deliveries).where(chosen).values(leased_until_ms=lease_until_ms, leased_by=node_id)
        )
        full = (
            select(
                deliveries.c.id,
                deliveries.c.endpoint_id,
                deliveries.c.notice_id,
                webhook_endpoints.c.url,
                webhook_endpoints.c.secret,
                notices.c.body,
                deliveries.c.tries,
            )
            .join_from(deliveries, webhook_endpoints)
            .join(notices, notices.c.id == deliveries.c.notice_id)
            .where(chosen)
        )
        return [DueDelivery(*row) for row in await self._connection.execute(full)]

    async def record_attempt(
        self, delivery_id: str, attempt: Attempt, state: str, next_attempt_at_ms: int | None
    ) -> None:
        """Keep what became of a try and release the lease."""
        is_it = deliveries.c.id == delivery_id
        found = await self._connection.execute(select(deliveries.c.attempts).where(is_it).with_for_update())
        earlier = found.scalar_one_or_none()
        if earlier is None:
            return  # its endpoint has been deleted meanwhile
        await self._connection.execute(
            update(deliveries)
            .where(is_it)
            .values(
                state=state,
                due_at_ms=next_attempt_at_ms,
                tries=deliveries.c.tries + 1,
                attempts=[*earlier, asdict(attempt)][-ATTEMPTS_KEPT:],
                leased_until_ms=0,
                leased_by=None,
            )
        )

    async def next_due_ms(self, skip_endpoints: Sequence[str] = ()) -> int | None:
        """Return when the next delivery is due; one that is under way, when its lease ends."""
        waiting = (deliveries.c.state == "pending", deliveries.c.endpoint_id.not_in(skip_endpoints))
        later = case(
            (deliveries.c.leased_until_ms > deliveries.c.due_at_ms, deliveries.c.leased_until_ms),
            else_=deliveries.c.due_at_ms,
        )
        query = select(func.min(later)).where(*waiting)
        found = await self._connection.execute(query)
        due_ms: int | None = found.scalar_one_or_none()
        return due_ms


class EndpointRepository:
    """Implements ``ports.Endpoints``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, endpoint: Endpoint, secret: str) -> None:
        """Insert an endpoint."""
        await self._connection.execute(
            insert(webhook_endpoints), [{**_endpoint_columns(endpoint), "secret": secret}]
        )

    async def of_partner(self, partner_id: PartnerId) -> list[Endpoint]:
        """Return a partner's endpoints, oldest first."""
        query = select(webhook_endpoints).where(webhook_endpoints.c.partner_id == partner_id)
        found = await self._connection.execute(query.order_by(webhook_endpoints.c.id))
        return [_endpoint(row) for row in found]

    async def put(self, endpoint: Endpoint) -> None:
        """Update an endpoint."""
        statement = update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint.id)
        await self._connection.execute(statement.values(_endpoint_columns(endpoint)))

    async def disable(self, endpoint_id: str, reason: str) -> None:
        """Send nothing more to an endpoint and drop what is pending for it."""
        statement = update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint_id)
        await self._connection.execute(statement.values(enabled=False, disabled_reason=reason))
        pending = (deliveries.c.endpoint_id == endpoint_id, deliveries.c.state == "pending")
        await self._connection.execute(
            update(deliveries).where(*pending).values(state="dead", due_at_ms=None)
        )

    async def delete(self, endpoint_id: str) -> None:
        """Remove an endpoint with its deliveries."""
        await self._connection.execute(delete(deliveries).where(deliveries.c.endpoint_id == endpoint_id))
        await self._connection.execute(delete(webhook_endpoints).where(webhook_endpoints.c.id == endpoint_id))


def _wants(endpoint: Endpoint, notice: Notice) -> bool:
    return endpoint.enabled and (endpoint.event_types is None or notice.type in endpoint.event_types)


def _new_delivery(notice_id: str, notice: Notice, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": new_id(),
        "notice_id": notice_id,
        "endpoint_id": endpoint.id,
        "partner_id": endpoint.partner_id,
        "state": "pending",
        "created_at_ms": notice.at_ms,
        "due_at_ms": notice.at_ms,
        "tries": 0,
        "attempts": [],
        "leased_until_ms": 0,
        "leased_by": None,
    }


def _with_notice() -> Select[Any]:
    columns = (notices.c.session_id, notices.c.type, notices.c.sequence, notices.c.body)
    return select(deliveries, *columns).join(notices, notices.c.id == deliveries.c.notice_id)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        notice_id=row.notice_id,
        session_id=row.session_id,
        type=row.type,
        sequence=row.sequence,
        state=row.state,
        created_at_ms=row.created_at_ms,
        next_attempt_at_ms=row.due_at_ms if row.state == "pending" else None,
        attempts=tuple(Attempt(**one) for one in row.attempts),
        body=row.body,
    )


def _endpoint_columns(endpoint: Endpoint) -> dict[str, Any]:
    types = None if endpoint.event_types is None else list(endpoint.event_types)
    return {**asdict(endpoint), "event_types": types}


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        id=row.id,
        partner_id=row.partner_id,
        url=row.url,
        event_types=None if row.event_types is None else tuple(row.event_types),
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        created_at_ms=row.created_at_ms,
    )
