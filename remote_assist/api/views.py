"""From the words of HTTP to those of the domain, and back."""

from typing import Any

from remote_assist.api.schemas import (
    FixedTariffIn,
    MeteredTariffIn,
    OpenedSessionOut,
    OpenSessionIn,
    PersonOut,
    RatingOut,
    SessionOut,
    TechnicianRef,
    TermsOut,
    instant_from_ms,
    instant_to_ms,
)
from remote_assist.api.schemas_billing import (
    AttemptOut,
    ChargeOut,
    DeliveryOut,
    EndpointOut,
    UsageRecordOut,
)
from remote_assist.errors import Invalid
from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.sessions.events import FixedTariff, MeteredTariff, Recorded, Tariff, Terms
from remote_assist.sessions.log import to_record
from remote_assist.sessions.views import (
    Delivery,
    Endpoint,
    OpenedSession,
    OpenSession,
    Participant,
    Person,
    Rating,
    SessionView,
)

MINUTE_MS = 60_000
_BESIDE = frozenset({"scheduled_start_ms", "booked_ms", "tariff"})
"""Terms that also have a field of their own in a request."""


def open_session_from(body: OpenSessionIn) -> OpenSession:
    """Return the request to open a session.

    Raises:
        Invalid: the technician is named by an id that nobody has.
    """
    if isinstance(body.technician, TechnicianRef):
        raise Invalid("unknown_technician", "No technician with this id is registered; give a name instead.")
    given = body.terms.model_dump(exclude_none=True, exclude=set(_BESIDE)) if body.terms else {}
    start_ms = instant_to_ms(body.scheduled_start) if body.scheduled_start else None
    booked_ms, tariff = body.booked_minutes * MINUTE_MS, body.tariff
    if body.terms:
        start_ms = body.terms.scheduled_start_ms or start_ms
        booked_ms = body.terms.booked_ms or booked_ms
        tariff = body.terms.tariff or tariff
    return OpenSession(
        customer=Person(body.customer.name, body.customer.email, body.customer.locale),
        technician=Person(body.technician.name, body.technician.email, body.technician.locale),
        booked_ms=booked_ms,
        scheduled_start_ms=start_ms,
        tariff=_tariff_from(tariff),
        terms=given,
        recording=body.recording,
        metadata=dict(body.metadata),
    )


def _tariff_from(tariff: FixedTariffIn | MeteredTariffIn | None) -> Tariff | None:
    match tariff:
        case FixedTariffIn():
            return FixedTariff(tariff.price_minor, tariff.currency)
        case MeteredTariffIn():
            return MeteredTariff(tariff.rate_minor_per_hour, tariff.currency, tariff.minimum_minor)
        case None:
            return None


def link(public_url: str, secret: str) -> str:
    """Return the link of a secret. The fragment is never sent to a server by opening it."""
    return f"{public_url}/j#{secret}"


def opened_session_out(opened: OpenedSession, public_url: str) -> OpenedSessionOut:
    """Return a new session with its links."""
    return OpenedSessionOut(
        **session_out(opened.view).model_dump(),
        customer_url=link(public_url, opened.customer_secret),
        technician_url=link(public_url, opened.technician_secret),
    )


def session_out(view: SessionView) -> SessionOut:
    """Return a session as its partner sees it."""
    return SessionOut.model_validate(
        {
            "id": view.id,
            "state": view.state.value,
            "version": view.version,
            "customer": _person_out(view.customer),
            "technician": _person_out(view.technician),
            "booked_minutes": view.terms.booked_ms // MINUTE_MS,
            "scheduled_start": instant_from_ms(view.terms.scheduled_start_ms),
            "terms": _terms_out(view.terms),
            "recording": view.recording,
            "metadata": dict(view.metadata),
            "created_at": instant_from_ms(view.created_at_ms),
            "closed_at": None if view.closed_at_ms is None else instant_from_ms(view.closed_at_ms),
            "close_reason": view.close_reason,
        }
    )


def _person_out(participant: Participant) -> PersonOut:
    return PersonOut(
        participant_id=participant.participant_id,
        name=participant.name,
        email=participant.email,
        locale=participant.locale,
    )


def _terms_out(terms: Terms) -> TermsOut:
    return TermsOut(
        scheduled_start_ms=terms.scheduled_start_ms,
        booked_ms=terms.booked_ms,
        early_ms=terms.early_ms,
        bridge_ms=terms.bridge_ms,
        bridge_pct=terms.bridge_pct,
        free_ms=terms.free_ms,
        wait_ms=terms.wait_ms,
        min_executed_ms=terms.min_executed_ms,
        no_show_fee_minor=terms.no_show_fee_minor,
        late_cancellation_fee_minor=terms.late_cancellation_fee_minor,
        tariff=_tariff_out(terms.tariff),
    )


def _tariff_out(tariff: Tariff) -> dict[str, Any]:
    match tariff:
        case FixedTariff():
            return {"kind": tariff.kind, "price_minor": tariff.price_minor, "currency": tariff.currency}
        case MeteredTariff():
            return {
                "kind": tariff.kind,
                "rate_minor_per_hour": tariff.rate_minor_per_hour,
                "minimum_minor": tariff.minimum_minor,
                "currency": tariff.currency,
            }


def rating_out(rating: Rating) -> RatingOut:
    """Return a rating as the session's partner sees it."""
    return RatingOut(
        role=rating.role.value,
        stars=rating.opinion.stars,
        solved=rating.opinion.is_solved,
        comment=rating.opinion.comment,
        rated_at=instant_from_ms(rating.at_ms),
    )


def record_out(recorded: Recorded) -> dict[str, Any]:
    """Return an event as a line of the log."""
    return to_record(recorded)


def usage_record_out(record: UsageRecord) -> UsageRecordOut:
    """Return a usage record."""
    return UsageRecordOut(
        id=record.id,
        session_id=record.session_id,
        revision=record.revision,
        outcome=record.outcome,
        billed_s=record.billed_s,
        evidenced_ms=record.evidenced_ms,
        bridged_ms=record.bridged_ms,
        paused_ms=record.paused_ms,
        fault_ms=record.fault_ms,
        served_ms=record.served_ms,
        total_ms=record.total_ms,
        intervals=list(record.intervals),
        charges=[ChargeOut(reason=one.reason, amount_minor=one.amount_minor) for one in record.charges],
        total_minor=record.total_minor,
        currency=record.currency,
        needs_approval=record.needs_approval,
        corrects=record.corrects,
        recorded_at=instant_from_ms(record.recorded_at_ms),
    )


def endpoint_out(endpoint: Endpoint) -> EndpointOut:
    """Return a webhook endpoint, without its secret."""
    return EndpointOut(
        id=endpoint.id,
        url=endpoint.url,
        event_types=None if endpoint.event_types is None else list(endpoint.event_types),
        enabled=endpoint.enabled,
        disabled_reason=endpoint.disabled_reason,
        created_at=instant_from_ms(endpoint.created_at_ms),
    )


def delivery_out(delivery: Delivery) -> DeliveryOut:
    """Return a delivery with its attempts."""
    next_ms = delivery.next_attempt_at_ms
    return DeliveryOut(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        notice_id=delivery.notice_id,
        session_id=delivery.session_id,
        type=delivery.type,
        sequence=delivery.sequence,
        state=delivery.state,
        created_at=instant_from_ms(delivery.created_at_ms),
        next_attempt_at=None if next_ms is None else instant_from_ms(next_ms),
        attempts=[
            AttemptOut(at=instant_from_ms(one.at_ms), status=one.status, error=one.error)
            for one in delivery.attempts
        ],
    )
