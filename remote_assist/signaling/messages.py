"""Every message between a participant's page and the server, in one registry.

The registry is the protocol: the AsyncAPI document, the TypeScript types and the checks at run time
are made from it (docs/protocol.md). Names of events are ``noun.verb``. Every event from a page is
answered by an acknowledgement ``{"ok": true, "data": ...}`` or ``{"ok": false, "error": {...}}``.
Instants are UTC milliseconds of the server's clock.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from remote_assist.errors import ProtocolViolation

CHAT_TEXT_MAX: Final = 2_000
SDP_MAX: Final = 65_536
ID_MAX: Final = 64
COMMENT_MAX: Final = 1_000

_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Control characters other than tab and line feed."""

RoleName = Literal["customer", "technician"]
MediaState = Literal["none", "connecting", "connected", "silent"]
ShortId = Annotated[str, Field(min_length=1, max_length=ID_MAX, pattern=r"^[A-Za-z0-9_.:-]+$")]
Generation = Annotated[int, Field(ge=0, le=2**31 - 1)]
Interval = tuple[int, int]
"""Half-open ``[from_ms, to_ms)``."""


class Message(BaseModel):
    """Strict and closed: unknown fields and lax conversions are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Nothing(Message):
    """No fields."""


# --- what a page sends -----------------------------------------------------------------------------


class Join(Message):
    """Take part. The newest join of a role wins; the older connection is told ``session.replaced``.

    ``tab_id`` is made once per tab. ``generation`` is that of the RTCPeerConnection the tab still has,
    or null: a tab that comes back on a new socket with its connection alive keeps its media.
    """

    tab_id: ShortId
    generation: Generation | None = None


class Presence(Message):
    """Whether the page is visible to its person."""

    visible: bool


class MediaReport(Message):
    """What this participant sends, for the other page to show; the server does not rely on it.

    ``screen_stream_id`` is the MediaStream id of a shared screen as the far page will see it.
    """

    microphone: bool
    camera: bool
    screen_stream_id: Annotated[str, Field(max_length=128)] | None = None


class DeviceReport(Message):
    """What this participant's machine and network are like, so that the other side can help; no identifiers.

    ``system`` and ``browser`` are names such as "Android 15". ``quality`` is the page's own verdict on its
    connection, null before there was any media.
    """

    kind: Literal["phone", "tablet", "computer"]
    system: Annotated[str, Field(max_length=40)]
    browser: Annotated[str, Field(max_length=40)]
    network: Literal["wifi", "cellular", "wired", "unknown"]
    quality: Literal["good", "fair", "poor"] | None = None


class Description(Message):
    """An offer or answer of one splice generation (RFC 8829); candidates are not used."""

    generation: Generation
    type: Literal["offer", "answer"]
    sdp: Annotated[str, Field(min_length=1, max_length=SDP_MAX)]


class Renew(Message):
    """Ask for a fresh splice generation because this one's media failed."""

    generation: Generation


def _readable(text: str) -> str:
    if not text.strip() or _UNREADABLE.search(text):
        raise ValueError("must not be blank or hold control characters")
    return text


class ChatPost(Message):
    """A chat line, with or without a file kept before. ``client_id`` makes a repeated post count once."""

    client_id: ShortId
    text: Annotated[str, Field(min_length=1, max_length=CHAT_TEXT_MAX), AfterValidator(_readable)]
    file_id: ShortId | None = None


class Rate(Message):
    """What this participant thinks of the session, in place of what was said before; not all empty."""

    stars: Annotated[int, Field(ge=1, le=5)] | None = None
    solved: bool | None = None
    comment: Annotated[str, Field(max_length=COMMENT_MAX)] = ""


class Pause(Message):
    """Start or end a pause of the billable time."""

    pause_id: ShortId


# --- what the server says --------------------------------------------------------------------------


class ParticipantView(Message):
    """One side as the other may see it."""

    role: RoleName
    name: str
    connected: bool
    visible: bool
    joined: bool
    media: MediaState
    microphone: bool
    camera: bool
    screen_stream_id: str | None
    device: DeviceReport | None


class Price(Message):
    """What it costs, in minor units of ``currency``."""

    kind: Literal["fixed", "metered"]
    currency: str
    price_minor: int | None = None
    rate_minor_per_hour: int | None = None
    minimum_minor: int | None = None


class ChargeLine(Message):
    """One line of the bill."""

    reason: str
    amount_minor: int


class Segment(Message):
    """A stretch of the session and why it counts or not."""

    from_ms: int
    to_ms: int
    reason: Literal[
        "counted",
        "bridged",
        "bridge_not_allowed",
        "customer_silent",
        "technician_silent",
        "both_silent",
        "paused",
        "fault",
        "before_start",
        "beyond_booked",
    ]


class Result(Message):
    """The outcome and the bill, provisional until all evidence is in."""

    provisional: bool
    outcome: str
    billed_s: int
    evidenced_ms: int
    bridged_ms: int
    paused_ms: int
    fault_ms: int
    total_ms: int
    free_ms: int
    customer_lane: list[Interval]
    technician_lane: list[Interval]
    segments: list[Segment]
    charges: list[ChargeLine]
    total_minor: int
    currency: str


class SessionState(Message):
    """The whole state of a session for its participants; newer ``version`` replaces older.

    ``version`` counts the log's events other than evidence. The same version may come again with
    other volatile facts (presence, media); the last one to arrive is right.
    """

    session_id: str
    version: int
    state: Literal["open", "live", "closed"]
    participants: list[ParticipantView]
    generation: Generation
    scheduled_start_ms: int
    booked_ms: int
    free_ms: int
    price: Price
    billing_started_at_ms: int | None
    paused_ids: list[str]
    closed_at_ms: int | None
    close_reason: str | None
    result: Result | None


class Timer(Message):
    """Billable time at the server's instant ``at_ms``.

    While ``running`` a page may count on from ``at_ms`` up to ``cap_ms``, for at most two seconds.
    """

    at_ms: int
    total_ms: int
    free_ms: int
    cap_ms: int
    running: bool


class ChatFile(Message):
    """A file to fetch at ``/api/v1/sessions/{session_id}/files/{id}``; its type is by content."""

    id: str
    name: str
    media_type: str
    size: int


class ChatLine(Message):
    """A chat line as it was kept; ``n`` counts from 1 within the session."""

    n: int
    at_ms: int
    role: RoleName
    text: str
    client_id: str
    file: ChatFile | None


class Rating(Message):
    """A rating as it was kept."""

    at_ms: int
    stars: int | None
    solved: bool | None
    comment: str


class IceServer(Message):
    """An entry for RTCConfiguration.iceServers."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class SplicePlan(Message):
    """Build an RTCPeerConnection for this generation, dropping an older one.

    The ``offerer`` adds its tracks at once and offers; the other adds them after the first offer.
    ``polite`` as in perfect negotiation (W3C webrtc-pc, section 10.7).
    """

    generation: Generation
    polite: bool
    offerer: bool
    ice_servers: list[IceServer]


class You(Message):
    """Who this connection is."""

    role: RoleName
    participant_id: str
    connection_id: str
    joined: bool


class Snapshot(Message):
    """Everything a page needs to draw itself from nothing. ``rating`` is this participant's own."""

    you: You
    state: SessionState
    timer: Timer
    chat: list[ChatLine]
    rating: Rating | None
    server_now_ms: int


class Joined(Message):
    """The answer to a join. ``plan`` is null when the splice waits for the other side or goes on."""

    snapshot: Snapshot
    plan: SplicePlan | None


class Versioned(Message):
    """The version the session reached by this command."""

    version: int


class ServerTime(Message):
    """The server's clock."""

    now_ms: int


class FreshToken(Message):
    """A renewed join token."""

    token: str
    expires_at_ms: int


class Replaced(Message):
    """This role was joined from another tab or device."""

    reason: Literal["other_tab"]


class Failure(Message):
    """Why an event was refused. ``code`` is stable, ``detail`` is a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class FromPage:
    """An event a page may send."""

    name: str
    payload: type[Message]
    answer: type[Message]
    doc: str


@dataclass(frozen=True, slots=True)
class ToPage:
    """An event the server may send."""

    name: str
    payload: type[Message]
    doc: str


FROM_PAGE: Final[Mapping[str, FromPage]] = {
    event.name: event
    for event in (
        FromPage("session.sync", Nothing, Snapshot, "Ask for everything; allowed before joining."),
        FromPage("session.join", Join, Joined, "Take part; the customer has seen the price."),
        FromPage("session.admit", Nothing, Versioned, "Technician: let the customer in; billing starts."),
        FromPage("session.leave", Nothing, Versioned, "Hang up without ending the session."),
        FromPage("session.close", Nothing, Versioned, "Technician: end the session."),
        FromPage("session.rate", Rate, Rating, "Rate the session, once it is closed."),
        FromPage("presence.report", Presence, Nothing, "Say whether the page is visible."),
        FromPage("media.report", MediaReport, Nothing, "Say what this side sends."),
        FromPage("device.report", DeviceReport, Nothing, "Say what machine and network this side has."),
        FromPage("description.send", Description, Nothing, "Send an offer or answer to the far side."),
        FromPage("splice.renew", Renew, Nothing, "Start a fresh generation after media failed."),
        FromPage("chat.post", ChatPost, ChatLine, "Say something."),
        FromPage("billing.pause", Pause, Versioned, "Pause the billable time."),
        FromPage("billing.resume", Pause, Versioned, "End a pause."),
        FromPage("clock.read", Nothing, ServerTime, "Read the server's clock, to learn the offset."),
        FromPage("token.renew", Nothing, FreshToken, "Get a fresh token before this one expires."),
    )
}

TO_PAGE: Final[Mapping[str, ToPage]] = {
    event.name: event
    for event in (
        ToPage("session.state", SessionState, "The state changed."),
        ToPage("session.timer", Timer, "Billable time, once a second while live."),
        ToPage("session.replaced", Replaced, "Another tab took over; stop sending."),
        ToPage("splice.start", SplicePlan, "Build a connection for this generation."),
        ToPage("description.deliver", Description, "The far side's offer or answer."),
        ToPage("chat.posted", ChatLine, "Somebody said something."),
        ToPage("connection.closing", Failure, "The server closes this connection; the code says why."),
    )
}


def parse_untrusted(name: str, payload: object) -> Message:
    """Return the typed payload of event ``name``.

    Raises:
        ProtocolViolation: the event is unknown, or its payload does not fit.
    """
    event = FROM_PAGE.get(name)
    if event is None:
        raise ProtocolViolation("unknown_event", "There is no such event.")
    try:
        return event.payload.model_validate({} if payload is None else payload)
    except ValidationError as error:
        raise ProtocolViolation("invalid_payload", _describe(error)) from None


def _describe(error: ValidationError) -> str:
    """Name the fields that did not fit, never their content."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:80] or "payload"
    return f"{where}: {first['msg']}"


def failure(code: str, detail: str) -> dict[str, Any]:
    """Return the acknowledgement of a refused event."""
    return {"ok": False, "error": {"code": code, "detail": detail}}


def success(answer: Message) -> dict[str, Any]:
    """Return the acknowledgement of an accepted event."""
    return {"ok": True, "data": answer.model_dump(mode="json")}
