"""What each event from a page does, one function per event. Who may send it is said in ``rules``.

A command that changes the log goes through the service and is followed by reading the session again, so that
the room never shows what is not written.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from remote_assist.errors import Conflict, Gone
from remote_assist.sessions.views import Opinion
from remote_assist.signaling import negotiation
from remote_assist.signaling.live import LINK_GRACE_MS, LiveSession
from remote_assist.signaling.messages import (
    ChatLine,
    ChatPost,
    Description,
    DeviceReport,
    FreshToken,
    Join,
    Joined,
    MediaReport,
    Message,
    Nothing,
    Pause,
    Rate,
    Rating,
    Renew,
    Replaced,
    ServerTime,
    Snapshot,
    Versioned,
)
from remote_assist.signaling.messages import Presence as PresenceReport
from remote_assist.signaling.presence import Connection
from remote_assist.signaling.view import chat_line, rating

TECHNICIAN_ENDED: Final = "technician_ended"


async def answer(live: LiveSession, connection: Connection, event: str, message: Message) -> Message:
    """Do what the event asks, and return its answer.

    Raises:
        Rejected: a rule said no.
        ProtocolViolation: the relay cannot use a description.
    """
    if event in _LOGGED and not live.logged.take(live.parts.clock.monotonic_s()):
        raise Conflict("rate_limited", "Too much coming and going; slow down.")
    return await _HANDLERS[event](live, connection, message)


async def _sync(live: LiveSession, connection: Connection, _message: Nothing) -> Snapshot:
    connection.is_synced = True
    return await live.snapshot(connection)


async def _join(live: LiveSession, connection: Connection, message: Join) -> Joined:
    await live.parts.service.join(
        live.session_id, connection.role, connection.participant_id, connection.connection_id
    )
    connection.is_synced = True
    replaced = live.presence.join(connection.connection_id, live.now_ms())
    if replaced is not None:
        await live.parts.wire.send([replaced.connection_id], "session.replaced", Replaced(reason="other_tab"))
    await live.reload()
    joined = negotiation.Joined(connection.role, message.tab_id, message.generation)
    plan = await live.splicing.take(joined)
    return Joined(snapshot=await live.snapshot(connection), plan=plan)


async def _admit(live: LiveSession, _connection: Connection, _message: Nothing) -> Versioned:
    return await _versioned(live, await live.parts.service.admit(live.session_id))


async def _leave(live: LiveSession, connection: Connection, _message: Nothing) -> Versioned:
    version = await live.parts.service.leave(
        live.session_id, connection.role, connection.participant_id, connection.connection_id
    )
    live.presence.leave(connection.connection_id)
    await live.splicing.take(negotiation.Left(connection.role))
    return await _versioned(live, version)


async def _close(live: LiveSession, _connection: Connection, _message: Nothing) -> Versioned:
    closed = await live.parts.service.close(live.session_id, TECHNICIAN_ENDED)
    return await _versioned(live, closed.version)


async def _rate(live: LiveSession, connection: Connection, message: Rate) -> Rating:
    opinion = Opinion(message.stars, message.solved, message.comment)
    return rating(await live.parts.service.rate(live.session_id, connection.role, opinion))


async def _report_presence(live: LiveSession, connection: Connection, message: PresenceReport) -> Nothing:
    live.presence.report(connection.connection_id, is_visible=message.visible, now_ms=live.now_ms())
    return Nothing()


async def _report_media(_live: LiveSession, connection: Connection, message: MediaReport) -> Nothing:
    connection.microphone = message.microphone
    connection.camera = message.camera
    connection.screen_stream_id = message.screen_stream_id
    return Nothing()


async def _report_device(_live: LiveSession, connection: Connection, message: DeviceReport) -> Nothing:
    connection.device = message
    return Nothing()


async def _describe(live: LiveSession, connection: Connection, message: Description) -> Nothing:
    await live.splicing.describe(connection.role, message)
    return Nothing()


async def _renew_splice(live: LiveSession, _connection: Connection, message: Renew) -> Nothing:
    await live.splicing.take(negotiation.RenewAsked(message.generation, live.now_ms()))
    return Nothing()


async def _chat(live: LiveSession, connection: Connection, message: ChatPost) -> ChatLine:
    kept = await live.parts.service.post_chat(
        live.session_id, connection.role, message.client_id, message.text, message.file_id
    )
    line = chat_line(kept)
    await live.send_all("chat.posted", line)
    return line


async def _pause(live: LiveSession, _connection: Connection, message: Pause) -> Versioned:
    return await _versioned(live, await live.parts.service.pause(live.session_id, message.pause_id))


async def _resume(live: LiveSession, _connection: Connection, message: Pause) -> Versioned:
    return await _versioned(live, await live.parts.service.resume(live.session_id, message.pause_id))


async def _read_clock(live: LiveSession, _connection: Connection, _message: Nothing) -> ServerTime:
    return ServerTime(now_ms=live.now_ms())


async def _renew_token(live: LiveSession, connection: Connection, _message: Nothing) -> FreshToken:
    if live.has_lapsed():
        raise Gone("link_ended", f"The link ended {LINK_GRACE_MS // 60_000} minutes after the session.")
    token, expires_at_ms = live.parts.signer.mint_join(
        live.session_id, connection.role.value, connection.participant_id, live.now_ms()
    )
    live.presence.renew(connection.connection_id, expires_at_ms)
    return FreshToken(token=token, expires_at_ms=expires_at_ms)


async def _versioned(live: LiveSession, version: int) -> Versioned:
    await live.reload()
    return Versioned(version=version)


_LOGGED: Final = frozenset(
    {"session.join", "session.leave", "session.rate", "billing.pause", "billing.resume"}
)
# Each function takes the payload type that the registry names for its event.
_HANDLERS: Final[Mapping[str, Callable[[LiveSession, Connection, Any], Awaitable[Message]]]] = {
    "session.sync": _sync,
    "session.join": _join,
    "session.admit": _admit,
    "session.leave": _leave,
    "session.close": _close,
    "session.rate": _rate,
    "presence.report": _report_presence,
    "media.report": _report_media,
    "device.report": _report_device,
    "description.send": _describe,
    "splice.renew": _renew_splice,
    "chat.post": _chat,
    "billing.pause": _pause,
    "billing.resume": _resume,
    "clock.read": _read_clock,
    "token.renew": _renew_token,
}
