"""What participants are shown: the session's view, presence, media and assessment, as messages. Pure."""

from collections.abc import Mapping
from typing import Final, Literal

from remote_assist.sessions.assessment import Assessment, assess
from remote_assist.sessions.billing.usage import UsageRecord
from remote_assist.sessions.events import FixedTariff, Role, Tariff
from remote_assist.sessions.state import Stage
from remote_assist.sessions.timing.billable import measure
from remote_assist.sessions.timing.explain import explain, lanes
from remote_assist.sessions.timing.sheet import TimeSheet
from remote_assist.sessions.views import ChatLine as KeptChatLine
from remote_assist.sessions.views import Rating as KeptRating
from remote_assist.sessions.views import SessionView
from remote_assist.signaling import messages
from remote_assist.signaling.messages import MediaState, ParticipantView, Price, Result, SessionState, Timer
from remote_assist.signaling.presence import Presence

_STATES: Final[Mapping[Stage, Literal["open", "live", "closed"]]] = {
    Stage.OPEN: "open",
    Stage.LIVE: "live",
    Stage.CLOSED: "closed",
}


def session_state(
    view: SessionView,
    presence: Presence,
    media: Mapping[Role, MediaState],
    generation: int,
    result: Result | None,
) -> SessionState:
    """Return the whole state of a session for its participants."""
    return SessionState(
        session_id=view.id,
        version=view.version,
        state=_STATES[view.state],
        participants=[_participant(view, presence, media, role) for role in Role],
        generation=generation,
        scheduled_start_ms=view.terms.scheduled_start_ms,
        booked_ms=view.terms.booked_ms,
        free_ms=view.terms.free_ms,
        price=price(view.terms.tariff),
        billing_started_at_ms=view.billing_started_at_ms,
        paused_ids=list(view.paused_ids),
        closed_at_ms=view.closed_at_ms,
        close_reason=view.close_reason,
        result=result,
    )


def timer(sheet: TimeSheet, view: SessionView, at_ms: int, before: Timer | None) -> Timer:
    """Return billable time at ``at_ms``. It runs if it has grown since ``before`` and is still to grow."""
    measured = measure(sheet, at_ms)
    has_grown = before is None or measured.total_ms > before.total_ms
    return Timer(
        at_ms=at_ms,
        total_ms=measured.total_ms,
        free_ms=view.terms.free_ms,
        cap_ms=measured.cap_ms,
        running=(
            view.state is Stage.LIVE
            and not view.paused_ids
            and has_grown
            and 0 < measured.total_ms < measured.cap_ms
        ),
    )


def result(sheet: TimeSheet, view: SessionView, usage: tuple[UsageRecord, ...]) -> Result:
    """Return the bill of a closed session: provisional until there is a usage record."""
    assert view.closed_at_ms is not None
    assessed = assess(sheet, view.closed_at_ms)
    evidence = lanes(sheet)
    shown = {
        "free_ms": view.terms.free_ms,
        "customer_lane": list(evidence.customer),
        "technician_lane": list(evidence.technician),
        "segments": [
            messages.Segment(from_ms=one.from_ms, to_ms=one.to_ms, reason=one.reason.value)
            for one in explain(sheet, view.closed_at_ms)
        ],
    }
    return Result.model_validate({**shown, **(_frozen(usage) if usage else _provisional(assessed))})


def price(tariff: Tariff) -> Price:
    """Return what the customer is told about the price."""
    if isinstance(tariff, FixedTariff):
        return Price(kind="fixed", currency=tariff.currency, price_minor=tariff.price_minor)
    return Price(
        kind="metered",
        currency=tariff.currency,
        rate_minor_per_hour=tariff.rate_minor_per_hour,
        minimum_minor=tariff.minimum_minor,
    )


def chat_line(kept: KeptChatLine) -> messages.ChatLine:
    """Return a kept chat line as a message."""
    file = None
    if kept.file is not None:
        shown = kept.file
        file = messages.ChatFile(id=shown.id, name=shown.name, media_type=shown.media_type, size=shown.size)
    return messages.ChatLine(
        n=kept.n,
        at_ms=kept.at_ms,
        role=kept.role.value,
        text=kept.text,
        client_id=kept.client_id,
        file=file,
    )


def rating(kept: KeptRating) -> messages.Rating:
    """Return a kept rating as a message."""
    opinion = kept.opinion
    return messages.Rating(
        at_ms=kept.at_ms, stars=opinion.stars, solved=opinion.is_solved, comment=opinion.comment
    )


def _participant(
    view: SessionView, presence: Presence, media: Mapping[Role, MediaState], role: Role
) -> ParticipantView:
    joined = presence.joined(role)
    return ParticipantView(
        role=role.value,
        name=view.participant(role).name,
        connected=presence.is_connected(role),
        visible=presence.is_visible(role),
        joined=joined is not None,
        media=media[role],
        microphone=joined is not None and joined.microphone,
        camera=joined is not None and joined.camera,
        screen_stream_id=joined.screen_stream_id if joined else None,
        device=presence.device(role),
    )


def _provisional(assessed: Assessment) -> dict[str, object]:
    measured = assessed.measured
    return {
        "provisional": True,
        "outcome": assessed.outcome.value,
        "billed_s": measured.billed_s,
        "evidenced_ms": measured.evidenced_ms,
        "bridged_ms": measured.bridged_ms,
        "paused_ms": measured.paused_ms,
        "fault_ms": measured.fault_ms,
        "total_ms": measured.total_ms,
        "charges": [{"reason": one.reason, "amount_minor": one.amount_minor} for one in assessed.charges],
        "total_minor": assessed.total_minor,
        "currency": assessed.currency,
    }


def _frozen(usage: tuple[UsageRecord, ...]) -> dict[str, object]:
    """Return the newest measures, and as charges those of every revision that is in force."""
    newest = usage[-1]
    in_force = [record for record in usage if not record.needs_approval]
    return {
        "provisional": False,
        "outcome": newest.outcome,
        "billed_s": newest.billed_s,
        "evidenced_ms": newest.evidenced_ms,
        "bridged_ms": newest.bridged_ms,
        "paused_ms": newest.paused_ms,
        "fault_ms": newest.fault_ms,
        "total_ms": newest.total_ms,
        "charges": [
            {"reason": line.reason, "amount_minor": line.amount_minor}
            for record in in_force
            for line in record.charges
        ],
        "total_minor": sum(record.total_minor for record in in_force),
        "currency": newest.currency,
    }
