"""Evidence on its way to the database, merged and bounded. Pure.

Touching pieces of one role become one, so that an outage of an hour is a handful of rows; beyond
PIECES_MAX the oldest are dropped and counted, for losing time is better than losing the server.
"""

from collections.abc import Iterable
from typing import Final

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Evidence, Role

PIECES_MAX: Final = 20_000

_Key = tuple[SessionId, type[Evidence], Role]


class Spool:
    """Pieces in the order they began to wait."""

    def __init__(self) -> None:
        self._pieces: dict[_Key, list[Evidence]] = {}
        self.dropped = 0
        """Pieces lost to the bound since the start."""

    def __len__(self) -> int:
        return sum(len(pieces) for pieces in self._pieces.values())

    def add(self, evidence: Iterable[tuple[SessionId, Evidence]]) -> None:
        """Take pieces in; each begins no earlier than the one before it of its session and role."""
        for session_id, piece in evidence:
            waiting = self._pieces.setdefault((session_id, type(piece), piece.role), [])
            if waiting and waiting[-1].from_ms <= piece.from_ms <= waiting[-1].to_ms:
                last = waiting[-1]
                waiting[-1] = type(piece)(piece.role, last.from_ms, max(last.to_ms, piece.to_ms))
            else:
                waiting.append(piece)
        while len(self) > PIECES_MAX:
            self._drop_oldest()

    def batch(self) -> list[tuple[SessionId, Evidence]]:
        """Return everything that waits."""
        return [(key[0], piece) for key, pieces in self._pieces.items() for piece in pieces]

    def clear(self) -> None:
        """Forget everything that waited, because it is written."""
        self._pieces.clear()

    def _drop_oldest(self) -> None:
        key = next(iter(self._pieces))
        self._pieces[key].pop(0)
        self.dropped += 1
        if not self._pieces[key]:
            del self._pieces[key]
