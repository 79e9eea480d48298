"""Open sessions and find them again: by id, by list, by link."""

import hashlib
import secrets
from dataclasses import fields
from typing import Final

from remote_assist.errors import Gone, Invalid, NotFound
from remote_assist.ids import ParticipantId, PartnerId, SessionId, new_id
from remote_assist.sessions import journal
from remote_assist.sessions.events import FixedTariff, MeteredTariff, Recorded, Role, Tariff, Terms
from remote_assist.sessions.ports import SessionRow
from remote_assist.sessions.state import Open, State, fold
from remote_assist.sessions.usecase import UseCases
from remote_assist.sessions.views import (
    LinkHolder,
    OpenedSession,
    OpenSession,
    Page,
    Participant,
    Person,
    SessionView,
)

LINK_LIFE_AFTER_CLOSE_MS: Final = 900_000
LINK_SECRET_BYTES: Final = 16
LINK_SECRET_MAX: Final = 64
"""Characters; ours have 22."""
PAGE_MAX: Final = 200
LOG_PAGE_MAX: Final = 10_000
DURATION_MAX_MS: Final = 7 * 86_400_000
"""For every term that is a duration: a week is beyond any session, and keeps sums far from overflow."""
AMOUNT_MAX_MINOR: Final = 10**12
DEFAULT_TARIFF: Final = MeteredTariff(rate_minor_per_hour=0, currency="CHF")
"""Without a tariff the time is measured and nothing is owed: a price nobody agreed to would be a lie."""

_OVERRIDES: Final = frozenset(field.name for field in fields(Terms)) - {
    "scheduled_start_ms",
    "booked_ms",
    "tariff",
}


class Opening(UseCases):
    """How sessions begin and are found."""

    async def open_session(self, partner_id: PartnerId, request: OpenSession) -> OpenedSession:
        """Open a session with its two links; Invalid if its terms make no sense."""
        now_ms = self._clock.now_ms()
        terms = terms_for(request, now_ms)
        row = SessionRow(
            id=SessionId(new_id()),
            partner_id=partner_id,
            customer=_participant(request.customer),
            technician=_participant(request.technician),
            recording=request.recording,
            metadata=request.metadata,
            created_at_ms=now_ms,
        )
        links = {role: secrets.token_urlsafe(LINK_SECRET_BYTES) for role in Role}
        async with self._store.writing() as work:
            standing = await journal.command(work, journal.Standing(row, State()), Open(terms), now_ms)
            for role, secret in links.items():
                await work.links.add(hash_of(secret), row.id, role)
            await work.jobs.queue("expire", row.id, terms.scheduled_start_ms + terms.wait_ms)
        return OpenedSession(journal.view_of(standing), links[Role.CUSTOMER], links[Role.TECHNICIAN])

    async def view(self, session_id: SessionId, partner_id: PartnerId | None = None) -> SessionView:
        """Return a session; NotFound for another partner's."""
        async with self._store.reading() as work:
            return journal.view_of(await journal.find(work, session_id, partner_id))

    async def list_sessions(
        self, partner_id: PartnerId, cursor: str | None = None, limit: int = 50
    ) -> Page[SessionView]:
        """Return sessions, the newest first. The cursor is the id of the last one seen."""
        limit = min(max(limit, 1), PAGE_MAX)
        before = None if cursor is None else SessionId(cursor)
        async with self._store.reading() as work:
            rows = await work.sessions.page(partner_id, before, limit + 1)
            decisions = await work.log.decisions([row.id for row in rows])
        views = tuple(journal.view_of(journal.Standing(row, fold(decisions[row.id]))) for row in rows[:limit])
        return Page(views, views[-1].id if len(rows) > limit else None)

    async def log(self, session_id: SessionId, after_seq: int = 0, limit: int = 1000) -> list[Recorded]:
        """Return events in order of ``seq``."""
        limit = min(max(limit, 1), LOG_PAGE_MAX)
        async with self._store.reading() as work:
            return await work.log.read(session_id, after_seq, limit)

    async def full_log(self, session_id: SessionId) -> list[Recorded]:
        """Return all events in order of ``seq``, for a room or a settlement to fold."""
        async with self._store.reading() as work:
            return await work.log.read(session_id)

    async def find_link(self, secret: str) -> LinkHolder:
        """Return whom a link stands for.

        Raises:
            NotFound: ``link_not_found``.
            Gone: ``link_expired``, 15 minutes after the session closed.
        """
        if len(secret) > LINK_SECRET_MAX:
            raise NotFound("link_not_found", "There is no such link.")
        async with self._store.reading() as work:
            found = await work.links.find(hash_of(secret))
            row = await work.sessions.get(found[0]) if found else None
        if found is None or row is None:
            raise NotFound("link_not_found", "There is no such link.")
        closed_at_ms, now_ms = row.closed_at_ms, self._clock.now_ms()
        if closed_at_ms is not None and now_ms >= closed_at_ms + LINK_LIFE_AFTER_CLOSE_MS:
            raise Gone("link_expired", "The session has ended and its links no longer work.")
        role = found[1]
        person = row.customer if role is Role.CUSTOMER else row.technician
        return LinkHolder(row.id, role, person.participant_id, person.name, person.locale)


def terms_for(request: OpenSession, now_ms: int) -> Terms:
    """Return the snapshot of the terms: what the request names, defaults for the rest.

    Raises:
        Invalid: a name is unknown, or a value out of range.
    """
    unknown = sorted(set(request.terms) - _OVERRIDES)
    if unknown:
        raise Invalid("invalid_terms", f"There is no term named {unknown[0][:40]!r}.")
    tariff = request.tariff or DEFAULT_TARIFF
    start_ms = now_ms if request.scheduled_start_ms is None else request.scheduled_start_ms
    if not 0 < request.booked_ms <= DURATION_MAX_MS or not 0 <= start_ms <= 2**53:
        raise Invalid("invalid_terms", "The booked time or the scheduled start is out of range.")
    for name, value in [*request.terms.items(), *_amounts(tariff)]:
        highest = 100 if name == "bridge_pct" else AMOUNT_MAX_MINOR if "_minor" in name else DURATION_MAX_MS
        if not 0 <= value <= highest:
            raise Invalid("invalid_terms", f"{name} must lie between 0 and {highest}.")
    if len(tariff.currency) != 3 or not (tariff.currency.isascii() and tariff.currency.isupper()):  # noqa: PLR2004 - ISO 4217
        raise Invalid("invalid_terms", "The currency must be a code of three capital letters (ISO 4217).")
    return Terms(scheduled_start_ms=start_ms, booked_ms=request.booked_ms, tariff=tariff, **request.terms)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret. It is random with 128 bits or more, so no salt is needed."""
    # A guess may be any text that JSON can hold, lone surrogates included.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _amounts(tariff: Tariff) -> list[tuple[str, int]]:
    if isinstance(tariff, FixedTariff):
        return [("price_minor", tariff.price_minor)]
    return [
        ("rate_minor_per_hour", tariff.rate_minor_per_hour),
        ("minimum_minor", tariff.minimum_minor),
    ]


def _participant(person: Person) -> Participant:
    return Participant(ParticipantId(new_id()), person.name, person.email, person.locale)
