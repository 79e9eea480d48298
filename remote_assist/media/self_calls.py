"""Calls of one page to itself, through the relay, to check a network. They measure nothing that is billed.

Anybody may open one, so all of it is bounded: how many at once, how long, and by the caller how often.
"""

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from remote_assist.errors import Conflict, NotFound
from remote_assist.media.facts import LegName
from remote_assist.media.relay import Relay
from remote_assist.media.sdp import Kind

if TYPE_CHECKING:
    from remote_assist.media.splice import Splice

LIFE_S: Final = 30
"""Set-up may take 10 s, measuring takes 6 s; the rest is for slow phones."""
OPEN_MAX: Final = 8
"""At once; a tenth of what one core carries, so that checks never crowd out calls."""


class SelfCalls:
    """The test calls of a node."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._open: dict[str, tuple[Splice, asyncio.TimerHandle]] = {}

    def open(self) -> str:
        """Open a splice whose gate is open, and return its secret id.

        Raises:
            Conflict: as many as may be are open, or the relay is full.
        """
        if len(self._open) >= OPEN_MAX:
            raise Conflict("too_many_test_calls", "Too many connections are being tested; try again later.")
        call_id = secrets.token_urlsafe(16)
        splice = self._relay.open_splice(_splice_id(call_id), is_evidence=False)
        splice.open_gate()
        timer = asyncio.get_running_loop().call_later(LIFE_S, self.close, call_id)
        self._open[call_id] = (splice, timer)
        return call_id

    def carry(self, call_id: str, sender: LegName, kind: Kind, text: str) -> str:
        """Return a description of one leg as the other one is to hear it.

        Raises:
            NotFound: there is no such test call, or its time is over.
            ProtocolViolation: the relay cannot use the description.
        """
        if call_id not in self._open:
            raise NotFound("test_call_not_found", "There is no such test call, or its time is over.")
        splice, _ = self._open[call_id]
        return splice.carry(sender, kind, text)

    def close(self, call_id: str) -> None:
        """End a test call. Idempotent."""
        if call_id not in self._open:
            return
        _, timer = self._open.pop(call_id)
        timer.cancel()
        self._relay.close_splice(_splice_id(call_id))

    def stop(self) -> None:
        """End all of them."""
        for call_id in tuple(self._open):
            self.close(call_id)


def _splice_id(call_id: str) -> str:
    return f"test-call:{call_id}"
