"""The robot itself: one actor that hears the server's events in order and answers them.

It holds no rule of the product. It does what a careful person with a browser would do, by the same protocol.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiortc import MediaStreamTrack

from remote_assist.clock import Clock, SystemClock
from remote_assist.errors import Gone, ProtocolViolation, Rejected
from remote_assist.ids import new_id
from remote_assist.robot.channel import DISCONNECTED, Channel, ConnectionLost
from remote_assist.robot.peer import Peer, Received
from remote_assist.robot.picture import Picture
from remote_assist.robot.small_talk import greeting, reply
from remote_assist.robot.tone import Tone

RETRY_FIRST_S: Final = 0.25
RETRY_MAX_S: Final = 8.0
RETRIES_MAX: Final = 100
"""About a quarter of an hour without the server; then the robot gives up."""
REPLIES_MAX: Final = 50
SIGN: Final = 10
"""The robot's sign in its picture code."""
LINK_ENDED: Final = "link_ended"
"""The code with which the server closes connections to a session that is long over."""
FAREWELL_S: Final = 5.0
"""Between the customer's leaving and the robot's ending the session: a page that reloads is back sooner."""
_FAREWELL: Final = "robot.farewell"
"""The inbox entry by which the robot remembers to look whether the customer came back."""
_MEDIA_STATE: Final = "media.state"
"""The inbox entry by which the connection's own state changes reach the actor."""

OnEvent = Callable[[str, dict[str, Any]], None]


class Robot:
    """A participant. ``run`` takes part until the session is closed; cancelling it leaves cleanly."""

    def __init__(
        self,
        url: str,
        *,
        on_event: OnEvent | None = None,
        clock: Clock | None = None,
        tracks: Callable[[], Sequence[MediaStreamTrack]] | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._tell = on_event or (lambda _name, _details: None)
        self._tracks = tracks or self._own_tracks
        self._channel = Channel(url)
        self._url = url
        self._tab_id = new_id()
        self._attempt = 0
        self._renew_at_s = 0.0
        self._replies = 0
        self._greeted = False
        self._admitted = False
        self._ended = False
        self._peer: Peer | None = None
        self.role = ""
        self.locale = "en"
        self.state: dict[str, Any] = {}
        self.timer: dict[str, Any] = {}
        self.received = Received()

    @property
    def media(self) -> str:
        """The state of the current connection, as in RTCPeerConnection.connectionState, or "none"."""
        return self._peer.state if self._peer else "none"

    @property
    def generation(self) -> int | None:
        """The splice generation of the current connection."""
        return self._peer.generation if self._peer else None

    async def run(self) -> None:
        """Take part until the session is closed, somebody takes over, or the server stays away.

        Raises:
            NotFound: nobody knows the link.
            ConnectionLost: the server stayed away for RETRIES_MAX attempts.
        """
        try:
            while not self._ended:
                try:
                    await self._take_part()
                except Gone:
                    self._ended = True
                except (ConnectionLost, Rejected) as error:
                    # A refusal of the join itself (a server that is just draining) is worth a retry too.
                    if self._attempt >= RETRIES_MAX or getattr(error, "code", "") == "link_unknown":
                        raise
                    self._tell("retry", {"attempt": self._attempt})
                finally:
                    await self._channel.close()
                _heed_cancellation()
                if not self._ended:
                    await asyncio.sleep(min(RETRY_MAX_S, RETRY_FIRST_S * 2**self._attempt))
                    self._attempt += 1
        finally:
            try:
                await self._drop_peer()
            finally:
                await self._channel.close()
                self._tell("ended", {})

    async def call(self, event: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send any event as this participant (for tests and probes); see ``Channel.call``."""
        return await self._channel.call(event, payload)

    def say_on_data_channel(self, message: str) -> bool:
        """Send through the data channel; false when there is none yet."""
        return self._peer is not None and self._peer.say(message)

    async def _take_part(self) -> None:
        """Connect, join, and handle events until the connection is lost or the session is closed."""
        self._channel = Channel(self._url)
        holder = await self._channel.open()
        self.role = holder["role"]
        self.locale = holder.get("locale") or "en"
        self._renew_at_s = self._half_life_s(holder["expires_at_ms"])
        await self._channel.call("session.sync")
        await self._channel.call("presence.report", {"visible": True})
        alive = self._peer is not None and self._peer.state in {"connecting", "connected"}
        joined = await self._channel.call(
            "session.join", {"tab_id": self._tab_id, "generation": self.generation if alive else None}
        )
        self._attempt = 0
        self._tell("joined", {"role": self.role})
        await self._channel.call(
            "media.report", {"microphone": True, "camera": True, "screen_stream_id": None}
        )
        if joined["plan"] is not None:
            await self._start_splice(joined["plan"])
        elif alive and self._peer is not None and self._peer.pending_offer is not None:
            # The server may never have had it.
            await self._describe("offer", self._peer.pending_offer)
        await self._take_state(joined["snapshot"]["state"])
        await self._listen()

    async def _listen(self) -> None:
        while not self._ended:
            _heed_cancellation()
            try:
                async with asyncio.timeout_at(self._renew_at_s):
                    event, payload = await self._channel.inbox.get()
            except TimeoutError:
                fresh = await self._channel.call("token.renew")
                self._renew_at_s = self._half_life_s(fresh["expires_at_ms"])
                continue
            if event == DISCONNECTED:
                self._tell("disconnected", {})
                raise ConnectionLost("the server closed the connection")
            await self._handle(event, payload)

    async def _handle(self, event: str, payload: Any) -> None:
        match event:
            case "session.state":
                await self._take_state(payload)
            case "session.timer":
                self.timer = payload
            case "connection.closing" if payload["code"] == LINK_ENDED:
                self._ended = True
            case "session.replaced":
                self._tell("replaced", {})
                self._ended = True
            case "splice.start":
                await self._start_splice(payload)
            case "description.deliver":
                await self._take_description(payload)
            case "chat.posted":
                await self._take_chat(payload)
            case "robot.farewell":
                await self._end_if_left()
            case "media.state" if payload["state"] == "failed" and payload["generation"] == self.generation:
                await self._try("splice.renew", {"generation": payload["generation"]})

    async def _take_state(self, state: dict[str, Any]) -> None:
        self.state = state
        self._tell("state", {"state": state["state"], "version": state["version"]})
        if state["state"] == "closed":
            self._ended = True
            return
        far = next((view for view in state["participants"] if view["role"] != self.role), None)
        if far is None or not far["joined"]:
            if self._admitted and far is not None and far["connected"]:
                asyncio.get_running_loop().call_later(FAREWELL_S, self._remember, _FAREWELL, {})
            return
        if self.role == "technician" and state["billing_started_at_ms"] is None and not self._admitted:
            self._admitted = await self._try("session.admit")
            self._tell("admitted", {"accepted": self._admitted})
        if not self._greeted:
            self._greeted = True
            await self._say(greeting(self.locale))

    async def _end_if_left(self) -> None:
        """End a session that the customer has hung up and not come back to, so that the receipt is there."""
        if not any(view["joined"] for view in self.state["participants"] if view["role"] != self.role):
            await self._try("session.close")

    async def _start_splice(self, plan: dict[str, Any]) -> None:
        """Build a connection for the plan's generation, unless this one is as new."""
        generation = plan["generation"]
        if self.generation is not None and generation <= self.generation:
            return
        await self._drop_peer()
        self._peer = Peer(
            generation=generation,
            ice_servers=plan["ice_servers"],
            tracks=self._tracks(),
            received=self.received,
            clock=self._clock,
            on_state=self._media_changed,
        )
        if plan["offerer"]:
            await self._describe("offer", await self._peer.offer())

    async def _take_description(self, description: dict[str, Any]) -> None:
        peer = self._peer
        if peer is None or description["generation"] != peer.generation:
            return
        try:
            if description["type"] == "answer":
                await peer.accept(description["sdp"])
            elif peer.pending_offer is None:  # the server lets only the impolite side's offer win
                await self._describe("answer", await peer.answer(description["sdp"]))
        except ProtocolViolation as error:  # a fresh generation may bring a better one
            self._tell("description_refused", {"code": error.code, "detail": error.detail})
            await self._try("splice.renew", {"generation": peer.generation})

    async def _describe(self, kind: str, sdp: str) -> None:
        if self._peer is not None:
            await self._try(
                "description.send", {"generation": self._peer.generation, "type": kind, "sdp": sdp}
            )

    async def _take_chat(self, line: dict[str, Any]) -> None:
        if line["role"] == self.role:
            return
        self._tell("chat", {"text": line["text"]})
        if self._replies < REPLIES_MAX:
            self._replies += 1
            await self._say(reply(line["text"], self.locale, self.received.frames))

    async def _say(self, text: str) -> None:
        await self._try("chat.post", {"client_id": new_id(), "text": text})

    async def _try(self, event: str, payload: dict[str, Any] | None = None) -> bool:
        """Send an event that the server may refuse: states pass each other on the way."""
        try:
            await self._channel.call(event, payload)
        except ConnectionLost:
            raise
        except Rejected as refusal:
            self._tell("refused", {"event": event, "code": refusal.code})
            return False
        return True

    def _media_changed(self, generation: int, state: str) -> None:
        self._tell("media", {"generation": generation, "state": state})
        self._remember(_MEDIA_STATE, {"generation": generation, "state": state})

    def _remember(self, name: str, details: dict[str, Any]) -> None:
        """Put an entry of the robot's own into the inbox; a full one means a newer connection will come."""
        with contextlib.suppress(asyncio.QueueFull):
            self._channel.inbox.put_nowait((name, details))

    async def _drop_peer(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.close()

    def _own_tracks(self) -> Sequence[MediaStreamTrack]:
        return (Tone(), Picture(self._clock, SIGN))

    def _half_life_s(self, expires_at_ms: int) -> float:
        """Return when, by the loop's clock, half of a token's life is over; never at once."""
        life_s = max(10.0, (expires_at_ms - self._clock.now_ms()) / 1_000)
        return asyncio.get_running_loop().time() + life_s / 2


def _heed_cancellation() -> None:
    """Raise a cancellation that a library has swallowed.

    ``asyncio.wait_for`` loses one that arrives together with a result, until Python 3.12, and the socket
    library uses it; the robot would go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
