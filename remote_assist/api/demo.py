"""Demo mode: a partner with terms for trying things out, and robots to try them with."""

import asyncio
import contextlib
import sys
from typing import Final

import structlog

from remote_assist.errors import Conflict
from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.events import MeteredTariff
from remote_assist.sessions.service import SessionService
from remote_assist.sessions.state import Stage
from remote_assist.sessions.views import OpenedSession, OpenSession, Person

ROBOTS_MAX: Final = 4
"""A robot draws, encodes and decodes video: about a third of a core each."""
ROBOT_LIFE_S: Final = 3_600.0
ROBOT_LEAVE_S: Final = 3.0
"""How long a robot may take to leave a closed session by itself."""
ROBOT_STOP_S: Final = 3.0
BOOKED_MS: Final = 1_800_000
TARIFF: Final = MeteredTariff(rate_minor_per_hour=6_000, currency="CHF")
TERMS: Final = {"free_ms": 0, "min_executed_ms": 5_000, "wait_ms": 120_000}
"""No free minute and five seconds' minimum, so that the first receipt is not empty."""
PATIENT_WAIT_MS: Final = 14_400_000
"""The session whose links are printed waits four hours for somebody to open them."""
log = structlog.get_logger(__name__)


class DemoDesk:
    """Opens sessions for whoever asks on this machine, and sends robots to them."""

    def __init__(self, sessions: SessionService) -> None:
        self._sessions = sessions
        self.partner_id = PartnerId("")
        """Set once the partner is sure to exist."""
        self._robots: dict[asyncio.subprocess.Process, asyncio.Task[None]] = {}
        self._changed: dict[SessionId, asyncio.Event] = {}

    async def open_session(self, wait_ms: int = TERMS["wait_ms"]) -> OpenedSession:
        """Open a session of the demo partner."""
        assert self.partner_id, "the partner is made before anybody is served"
        request = OpenSession(
            customer=Person("Carla Customer"),
            technician=Person("Toni Technician"),
            booked_ms=BOOKED_MS,
            tariff=TARIFF,
            terms={**TERMS, "wait_ms": wait_ms},
            metadata={"demo": True},
        )
        return await self._sessions.open_session(self.partner_id, request)

    async def start_robot(self, session_id: SessionId, technician_url: str) -> None:
        """Let a robot take the technician's side.

        Raises:
            Conflict: all robots are busy.
        """
        if len(self._robots) >= ROBOTS_MAX:
            raise Conflict("robots_busy", f"All {ROBOTS_MAX} robots are busy; end one of their sessions.")
        robot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "remote_assist", "demo-peer", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert robot.stdin is not None
        # On its standard input, so that the link's secret is in no process list.
        robot.stdin.write(technician_url.encode() + b"\n")
        robot.stdin.close()
        self._robots[robot] = asyncio.create_task(self._watch(robot, session_id))

    async def stop(self) -> None:
        """End all robots."""
        watchers = list(self._robots.values())
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    def wake(self, session_id: SessionId, _version: int) -> None:
        """Hear that a session has changed, from the wake-ups."""
        if session_id in self._changed:
            self._changed[session_id].set()

    async def _watch(self, robot: asyncio.subprocess.Process, session_id: SessionId) -> None:
        """Let the robot stay as long as its session, and not for ever."""
        self._changed[session_id] = asyncio.Event()
        leaving = asyncio.create_task(robot.wait())
        closing = asyncio.create_task(self._until_closed(session_id))
        try:
            await asyncio.wait({leaving, closing}, timeout=ROBOT_LIFE_S, return_when=asyncio.FIRST_COMPLETED)
            # It sees the close as pages do, and says goodbye.
            await asyncio.wait({leaving}, timeout=ROBOT_LEAVE_S)
            log.info("robot_left", session_id=session_id, code=robot.returncode)
        finally:
            closing.cancel()
            await _end(robot)
            await asyncio.gather(leaving, closing, return_exceptions=True)
            del self._changed[session_id], self._robots[robot]

    async def _until_closed(self, session_id: SessionId) -> None:
        while (await self._sessions.view(session_id)).state is not Stage.CLOSED:
            await self._changed[session_id].wait()
            self._changed[session_id].clear()


async def _end(robot: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        if robot.returncode is None:
            robot.terminate()
            try:
                await asyncio.wait_for(robot.wait(), ROBOT_STOP_S)
            except TimeoutError:
                robot.kill()
                await robot.wait()
