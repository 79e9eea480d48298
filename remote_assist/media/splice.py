"""Two legs joined: descriptions are carried across, and RTP flows once the gate is open (ADR 0001)."""

import asyncio
from collections.abc import Callable

from remote_assist.errors import ProtocolViolation
from remote_assist.media import sdp
from remote_assist.media.facts import Fact, FlowFact, LegName
from remote_assist.media.leg import Leg, Surroundings


class Splice:
    """Made by ``Relay.open_splice``: two fresh legs, each with its own certificate, gate closed."""

    def __init__(self, splice_id: str, port: Surroundings, on_fact: Callable[[Fact], None]) -> None:
        self.splice_id = splice_id
        self._a = Leg(splice_id, "a", port, on_fact)
        self._b = Leg(splice_id, "b", port, on_fact)
        self._a.join(self._b)
        self._b.join(self._a)
        self._is_closed = False

    def carry(self, sender: LegName, kind: sdp.Kind, text: str) -> str:
        """Take the sender's transport from its description and return the description for the far side.

        Raises:
            ProtocolViolation: the description makes no sense or cannot be carried, or the splice is
                closed. The splice is as it was before.
        """
        if self._is_closed:
            raise ProtocolViolation("splice_closed", "This splice generation has ended.")
        near, far = (self._a, self._b) if sender == "a" else (self._b, self._a)
        description = sdp.parse_untrusted(text, kind)
        near.hear(description, kind)
        # Either side sends with the numbers the other one named, so both learn all of them.
        near.incoming.video_payloads |= description.video_payloads
        far.incoming.video_payloads |= description.video_payloads
        return description.with_transport(far.speak(kind))

    def open_gate(self) -> None:
        """Let RTP flow, with a key frame request each way. Idempotent."""
        if not self._is_closed:
            self._a.open_gate()
            self._b.open_gate()

    def sweep(self, now_ms: int) -> None:
        """Let both legs notice what did not happen."""
        self._a.sweep(now_ms)
        self._b.sweep(now_ms)

    def collect_flows(self) -> list[FlowFact]:
        """Return the evidence since the last call."""
        return [
            FlowFact(self.splice_id, leg.name, from_ms, to_ms)
            for leg in (self._a, self._b)
            for from_ms, to_ms in leg.incoming.meter.collect()
        ]

    def close(self) -> tuple[asyncio.Future[None], ...]:
        """Close both legs and return the tasks that are about to end."""
        self._is_closed = True
        return (*self._a.close(), *self._b.close())
