"""What the relay observed, for whoever joins media and sessions. Plain values; nothing here acts."""

from dataclasses import dataclass
from typing import Literal

LegName = Literal["a", "b"]
FailureReason = Literal["handshake_failed", "handshake_timeout", "closed_by_participant"]


@dataclass(frozen=True, slots=True)
class LegConnected:
    """ICE found a path and the DTLS handshake ended with the announced certificate."""

    splice_id: str
    leg: LegName


@dataclass(frozen=True, slots=True)
class LegSilent:
    """Nothing authentic (STUN, DTLS, SRTP or SRTCP) came from a connected leg for two seconds."""

    splice_id: str
    leg: LegName


@dataclass(frozen=True, slots=True)
class LegResumed:
    """A silent leg was heard again, ``silent_ms`` after it had been heard last.

    After about a minute without media the SRTP packet counters of the two browsers may no longer
    agree (RFC 3711 section 3.3.1), so a fresh generation is the sure way on from there.
    """

    splice_id: str
    leg: LegName
    silent_ms: int


@dataclass(frozen=True, slots=True)
class LegFailed:
    """A leg cannot go on; only a fresh splice can. The far leg is not touched by it."""

    splice_id: str
    leg: LegName
    reason: FailureReason


Fact = LegConnected | LegSilent | LegResumed | LegFailed


@dataclass(frozen=True, slots=True)
class FlowFact:
    """Authenticated SRTP packets arrived from a leg throughout the half-open ``[from_ms, to_ms)``."""

    splice_id: str
    leg: LegName
    from_ms: int
    to_ms: int
