"""What a room knows of its session: the view, and its log folded into a time sheet, kept up to date.

Reads through the service only. The evidence of this node is added before it is written, so that the timer
shows every second that was heard; taking it in again from the log changes nothing.
"""

from typing import TYPE_CHECKING, Final

from remote_assist.ids import SessionId
from remote_assist.sessions.events import Evidence, Recorded
from remote_assist.sessions.service import SessionService
from remote_assist.sessions.state import Stage
from remote_assist.sessions.timing.sheet import TimeSheet
from remote_assist.sessions.views import SessionView

if TYPE_CHECKING:
    from remote_assist.sessions.billing.usage import UsageRecord

LOG_PAGE: Final = 1_000


class Record:
    """A session as its room has read it."""

    def __init__(self, session_id: SessionId, service: SessionService) -> None:
        self._session_id = session_id
        self._service = service
        self._last_seq = 0
        self._view: SessionView | None = None
        self.sheet = TimeSheet()
        self.usage: tuple[UsageRecord, ...] = ()
        """The frozen usage records, by revision; empty until the session is settled."""

    @property
    def view(self) -> SessionView:
        """The session as last read."""
        assert self._view is not None
        return self._view

    @property
    def is_live(self) -> bool:
        """Whether billing has started and the session is not closed."""
        return self.view.state is Stage.LIVE

    @property
    def is_closed(self) -> bool:
        """Whether the session has ended."""
        return self.view.state is Stage.CLOSED

    async def read(self) -> None:
        """Read the session, and what is new in its log."""
        view = await self._service.view(self._session_id)
        while True:
            page = await self._service.log(self._session_id, self._last_seq, LOG_PAGE)
            for recorded in page:
                self.sheet.add(recorded)
                self._last_seq = max(self._last_seq, recorded.seq)
            if len(page) < LOG_PAGE:
                break
        if view.state is Stage.CLOSED:
            records = await self._service.usage_records(None, self._session_id)
            self.usage = tuple(sorted(records.items, key=lambda record: record.revision))
        self._view = view

    async def refresh(self) -> bool:
        """Read again if the session has moved on; say whether it has."""
        view = await self._service.view(self._session_id)
        is_same = (view.version, view.epoch) == (self.view.version, self.view.epoch)
        if is_same and not self.is_closed:
            return False  # of a closed session a wake-up may mean that it was settled
        await self.read()
        return True

    def add(self, evidence: Evidence, at_ms: int) -> None:
        """Take in evidence of this node that is not written yet."""
        self.sheet.add(Recorded(0, at_ms, evidence))
