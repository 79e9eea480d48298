"""All splices of a node behind one UDP port. The facade of ``media``; facts come up, commands go down."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remote_assist.errors import Conflict
from remote_assist.media.facts import Fact, FlowFact
from remote_assist.media.port import UdpPort
from remote_assist.media.splice import Splice

SWEEP_S: Final = 0.25
MAX_SPLICES: Final = 500
"""Ten times what one core carries; the bound is for memory."""


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """Where to listen and what to tell participants."""

    host: str | None = None
    """None or "": all IPv4 addresses."""
    port: int = 10_000
    """0: any."""
    public_addresses: Sequence[str] = ()
    """Empty: every address of the machine, loopback included."""
    max_splices: int = MAX_SPLICES


class Relay:
    """Start it, open splices, collect flows once a second, stop it.

    ``on_fact`` is called from the loop, synchronously, and must return at once.
    """

    def __init__(
        self, config: RelayConfig, now_ms: Callable[[], int], on_fact: Callable[[Fact], None]
    ) -> None:
        self._config = config
        self._on_fact = on_fact
        self._port = UdpPort(now_ms)
        self._splices: dict[str, Splice] = {}
        self._closed_flows: list[FlowFact] = []
        self._without_evidence: set[str] = set()
        self._ending: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """The bound UDP port."""
        return self._port.number

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses participants are told, the preferred one first."""
        return tuple(address for address, _ in self._port.candidates)

    @property
    def counters(self) -> Mapping[str, int]:
        """Totals since the start, by name, for metrics."""
        return {**self._port.counters, "splices": len(self._splices)}

    async def start(self) -> None:
        """Bind the port.

        Raises:
            OSError: the address cannot be bound.
        """
        self._port.open(self._config.host, self._config.port, self._config.public_addresses)
        self._sweep()

    async def stop(self) -> None:
        """Close every splice and the port. Flows may still be collected afterwards."""
        for splice_id in tuple(self._splices):
            self.close_splice(splice_id)
        if self._timer is not None:
            self._timer.cancel()
        self._port.close()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def open_splice(self, splice_id: str, *, is_evidence: bool = True) -> Splice:
        """Return a new splice: two fresh legs with certificates of their own, gate closed.

        Of one without evidence neither facts nor flows are told to anybody.

        Raises:
            Conflict: the id is in use, or the node carries as many splices as it may.
        """
        if splice_id in self._splices:
            raise Conflict("splice_exists", "There is a splice of this name.")
        if len(self._splices) >= self._config.max_splices:
            raise Conflict("relay_full", "This node carries as many calls as it may.")
        if not is_evidence:
            self._without_evidence.add(splice_id)
        on_fact = self._on_fact if is_evidence else _tell_nobody
        splice = self._splices[splice_id] = Splice(splice_id, self._port, on_fact)
        return splice

    def close_splice(self, splice_id: str) -> None:
        """End a splice and forget its addresses. Idempotent. Its last flows are still collected."""
        splice = self._splices.pop(splice_id, None)
        if splice is None:
            return
        self._closed_flows += self._evidence_of(splice)
        self._without_evidence.discard(splice_id)
        for task in splice.close():
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def collect_flows(self) -> list[FlowFact]:
        """Return all evidence since the last call. Intervals of one flow touch across calls."""
        flows, self._closed_flows = self._closed_flows, []
        for splice in self._splices.values():
            flows += self._evidence_of(splice)
        return flows

    def _evidence_of(self, splice: Splice) -> list[FlowFact]:
        flows = splice.collect_flows()
        return [] if splice.splice_id in self._without_evidence else flows

    def _sweep(self) -> None:
        # Armed first, so that whoever breaks in ``on_fact`` does not end the sweeping of all splices.
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        now_ms = self._port.now_ms()
        for splice in tuple(self._splices.values()):
            splice.sweep(now_ms)


def _tell_nobody(_fact: Fact) -> None:
    """Hear a fact that concerns no session."""
