"""Two robots in one session, and what is certain about when media flowed between them.

The truth is kept as intervals of the test's own clock: ``sure`` is when both were connected after
admission, up to the moment the test broke it; ``possible`` ends when the breaking was over.
"""

import asyncio
import contextlib
from typing import Any, Final

from remote_assist.clock import Clock
from remote_assist.robot import Robot
from tests.kit.marketplace import Opened
from tests.kit.tracks import OpusSilence

ROLES: Final = ("customer", "technician")


class Pair:
    """The robots of one session, beside the truth about them."""

    def __init__(self, opened: Opened, clock: Clock) -> None:
        self.opened = opened
        self.started_ms = clock.now_ms()
        self.sure: list[tuple[int, int]] = []
        self.outages: list[tuple[int, int]] = []
        self.crashes = 0
        """Crashes that hit while media flowed."""
        self.robots: dict[str, Robot] = {}
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._connected: dict[str, int] = {}
        self._since_ms: int | None = None
        for role, url in zip(ROLES, (opened.customer_url, opened.technician_url), strict=True):
            robot = Robot(url, clock=clock, tracks=lambda: (OpusSilence(),), on_event=self._noting(role))
            self.robots[role] = robot
            self._tasks[role] = asyncio.create_task(robot.run())

    @property
    def is_flowing(self) -> bool:
        """Whether media certainly flows now."""
        return self._since_ms is not None

    @property
    def sure_ms(self) -> int:
        """How long media certainly flowed."""
        return sum(to_ms - from_ms for from_ms, to_ms in self.sure)

    def broken(self, *, by_crash: bool) -> None:
        """Note that media is certain only up to now."""
        if self._since_ms is None:
            return
        self.sure.append((self._since_ms, self._clock.now_ms()))
        self._since_ms = None
        self._connected.clear()
        self.crashes += by_crash

    async def dismiss(self, *roles: str) -> None:
        """Let robots go, as when a person closes the browser."""
        for role in roles:
            self._tasks[role].cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tasks[role]

    def _noting(self, role: str) -> Any:
        def note(name: str, details: dict[str, Any]) -> None:
            if name == "media":
                if details["state"] == "connected":
                    self._connected[role] = details["generation"]
                elif self._connected.get(role) == details["generation"]:
                    self.broken(by_crash=False)
            if name in {"media", "state"}:
                self._look()

        return note

    def _look(self) -> None:
        generations = {self._connected.get(role) for role in ROLES}
        is_admitted = self.robots["customer"].state.get("billing_started_at_ms") is not None
        if self._since_ms is None and is_admitted and len(generations) == 1 and None not in generations:
            self._since_ms = self._clock.now_ms()
