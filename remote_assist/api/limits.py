"""A limit on guesses per address, in memory: it protects the database, 128 bits protect the links."""

import ipaddress
from collections import OrderedDict
from typing import Final

from aiohttp import web

ADDRESSES_MAX: Final = 10_000
"""Remembered at once; the one heard of longest ago is forgotten first."""


class GuessLimit:
    """Allow ``burst`` wrong guesses an address, one more each ``refill_s``."""

    def __init__(self, burst: int, refill_s: float) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def retry_after_s(self, address: str, now_s: float) -> int:
        """Return 0 if the address may guess, else the seconds to wait."""
        spent = self._current(address, now_s)
        return 0 if spent <= self._burst - 1 else int((spent - self._burst + 1) * self._refill_s) + 1

    def count(self, address: str, now_s: float) -> None:
        """Note a wrong guess."""
        self._spent[address] = (self._current(address, now_s) + 1, now_s)
        self._spent.move_to_end(address)
        while len(self._spent) > ADDRESSES_MAX:
            self._spent.popitem(last=False)

    def _current(self, address: str, now_s: float) -> float:
        spent, at_s = self._spent.get(address, (0.0, now_s))
        return max(0.0, spent - (now_s - at_s) / self._refill_s)


def address_of(request: web.Request) -> str:
    """Return who asks. A proxy on this machine or network may say for whom (the last hop it names)."""
    peer = request.remote or "unknown"
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        if forwarded and ipaddress.ip_address(peer).is_private:
            return str(ipaddress.ip_address(forwarded))
    except ValueError:
        return peer
    return peer
