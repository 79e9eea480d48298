"""Connect, join, describe, admit, pause, leave, disconnect, in any order from both roles, against a model.

The room, the service, SQLite and the relay are real; the model is a few dozen lines that know the rules.
"""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from remote_assist.media.facts import LegConnected, LegFailed, LegName, LegSilent
from remote_assist.sessions.events import Role
from remote_assist.sessions.state import PAUSES_MAX
from tests.signaling.stage import ANSWER, OFFER, C, Page, Stage, T, stage

RUNS: Final = int(os.environ.get("MODEL_RUNS", "15"))
PAGES_MAX: Final = 6
Result = TypeVar("Result")


class Lobby:
    """Runs a stage and its event loop for a machine, which is not async."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._context = stage(folder)
        self.stage: Stage = self.run(self._context.__aenter__())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run until done."""
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        """Take the stage down."""
        self.run(self._context.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture
def lobby(tmp_path: Path) -> Iterator[Lobby]:
    """One stage for all runs; each run has its own session."""
    made = Lobby(tmp_path)
    yield made
    made.close()


class Machine(RuleBasedStateMachine):
    """One session. ``holder`` is the connection that has a role, by the rules."""

    lobby: ClassVar[Lobby]

    def __init__(self) -> None:
        super().__init__()
        self.stage = self.lobby.stage
        self.run = self.lobby.run
        self.opened = self.run(self.stage.office.open())
        self.pages: list[Page] = []
        self.replaced: set[str] = set()
        self.holder: dict[Role, Page | None] = dict.fromkeys(Role)
        self.customer_was_here = False
        self.state = "open"
        self.paused: set[str] = set()
        self.resumed: set[str] = set()
        self.generation = 0
        self.version = 1

    def teardown(self) -> None:
        """Close the session and let everybody go, so that its room ends."""
        self.run(self.stage.office.sessions.close(self.opened.view.id, "api"))
        for page in self.pages:
            self.run(page.drop())
        self.run(self.stage.checkpoint.write(self.stage.parts, self.stage.rooms))

    def expect(self, page: Page, event: str, allowed: str, **fields: Any) -> bool:
        """Send an event; the answer must be what the model allows: codes apart by blanks, or ``ok``."""
        answer = self.run(page.ask(event, **fields))
        code = "ok" if answer["ok"] else answer["error"]["code"]
        if page.id in self.replaced:
            allowed = "replaced"
        assert code in allowed.split(), (event, page.role, code, allowed)
        return code == "ok"

    def gate(self, page: Page, *, is_technicians: bool = False) -> str | None:
        """Return the code of what stops a command of the joined, if anything does."""
        if is_technicians and page.role is C:
            return "technician_only"
        if self.state == "closed":
            return "session_closed"
        return None if self.holder[page.role] is page else "not_joined"

    # --- rules

    @precondition(lambda self: len(self.pages) < PAGES_MAX)
    @rule(role=st.sampled_from(Role))
    def connect(self, role: Role) -> None:
        self.pages.append(self.run(self.stage.connect(self.opened, role)))

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), tab=st.sampled_from("ab"), is_alive=st.booleans())
    def join(self, data: st.DataObject, tab: str, *, is_alive: bool) -> None:
        page = data.draw(st.sampled_from(self.pages))
        generation = self.generation if is_alive else None
        allowed = "session_closed" if self.state == "closed" else "ok"
        if self.expect(page, "session.join", allowed, tab_id=tab, generation=generation):
            before = self.holder[page.role]
            if before is not None and before is not page:
                self.replaced.add(before.id)
            self.holder[page.role] = page
            self.customer_was_here |= page.role is C

    @precondition(lambda self: self.pages)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        page = data.draw(st.sampled_from(self.pages))
        self.run(page.drop())
        self.pages.remove(page)
        if self.holder[page.role] is page:
            self.holder[page.role] = None

    @precondition(lambda self: self.pages)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        page = data.draw(st.sampled_from(self.pages))
        if self.expect(page, "session.leave", self.gate(page) or "ok"):
            self.holder[page.role] = None

    @precondition(lambda self: self.pages)
    @rule(data=st.data())
    def admit(self, data: st.DataObject) -> None:
        page = data.draw(st.sampled_from(self.pages))
        refusal = self.gate(page, is_technicians=True)
        if refusal is None and not self.customer_was_here:
            refusal = "customer_not_joined"
        if self.expect(page, "session.admit", refusal or "ok"):
            self.state = "live"

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), pause_id=st.sampled_from("xyz"))
    def pause(self, data: st.DataObject, pause_id: str) -> None:
        page = data.draw(st.sampled_from(self.pages))
        refusal = self.gate(page)
        if refusal is None and self.state == "open":
            refusal = "session_not_live"
        if refusal is None and pause_id in self.resumed:
            refusal = "pause_id_used"
        if refusal is None and pause_id not in self.paused and len(self.paused) >= PAUSES_MAX:
            refusal = "too_many_pauses"
        if self.expect(page, "billing.pause", refusal or "ok", pause_id=pause_id):
            self.paused.add(pause_id)

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), pause_id=st.sampled_from("xyz"))
    def resume(self, data: st.DataObject, pause_id: str) -> None:
        page = data.draw(st.sampled_from(self.pages))
        refusal = self.gate(page)
        if refusal is None and self.state == "open":
            refusal = "session_not_live"
        if refusal is None and pause_id not in self.paused | self.resumed:
            refusal = "no_such_pause"
        if self.expect(page, "billing.resume", refusal or "ok", pause_id=pause_id):
            self.paused.discard(pause_id)
            self.resumed.add(pause_id)

    @precondition(lambda self: self.pages)
    @rule(data=st.data(), kind=st.sampled_from(["offer", "answer"]), back=st.integers(0, 1))
    def describe(self, data: st.DataObject, kind: str, back: int) -> None:
        page = data.draw(st.sampled_from(self.pages))
        generation = max(0, self.generation - back)
        judged = "ok glare unexpected_answer stale_generation no_splice"
        sdp = OFFER if kind == "offer" else ANSWER
        self.expect(
            page,
            "description.send",
            self.gate(page) or judged,
            generation=generation,
            type=kind,
            sdp=sdp,
        )

    @precondition(lambda self: self.pages)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        page = data.draw(st.sampled_from(self.pages))
        judged = "ok stale_generation no_splice too_many_renewals"
        self.expect(page, "splice.renew", self.gate(page) or judged, generation=self.generation)

    @rule(leg=st.sampled_from("ab"), what=st.sampled_from([LegConnected, LegSilent, LegFailed]))
    def observe(self, leg: LegName, what: type) -> None:
        splice_id = f"{self.opened.view.id}:{self.generation}"
        reason = ("handshake_timeout",) if what is LegFailed else ()
        self.stage.rooms.hear(what(splice_id, leg, *reason))

    @rule(ms=st.integers(0, 30_000))
    def tick(self, ms: int) -> None:
        """Less than a token's life in all, so that nobody expires."""
        if self.stage.clock.now_ms() + ms < self.opened.view.created_at_ms + 590_000:
            self.run(self.stage.tick(ms=ms))

    @precondition(lambda self: self.state != "closed")
    @rule(data=st.data(), by_api=st.booleans(), really=st.integers(0, 3))
    def close(self, data: st.DataObject, *, by_api: bool, really: int) -> None:
        """Not too often, or nothing else would be seen."""
        if really != 0:
            return
        if by_api or not self.pages:
            self.run(self.stage.office.sessions.close(self.opened.view.id, "api"))
            self.state = "closed"
            return
        page = data.draw(st.sampled_from(self.pages))
        if self.expect(page, "session.close", self.gate(page, is_technicians=True) or "ok"):
            self.state = "closed"

    # --- invariants

    @invariant()
    def everybody_sees_the_truth(self) -> None:
        page = next((one for one in self.pages if one.id not in self.replaced), None)
        if page is None:
            return
        state = self.run(page.do("session.sync"))["state"]
        kept = self.run(self.stage.office.sessions.view(self.opened.view.id))
        assert (state["state"], state["version"]) == (self.state, kept.version)
        assert state["version"] >= self.version
        assert set(state["paused_ids"]) == self.paused
        for shown in state["participants"]:
            holder = self.holder[Role(shown["role"])]
            assert shown["joined"] == (holder is not None)
            assert shown["connected"] == any(
                one.role == shown["role"] and one.id not in self.replaced for one in self.pages
            )
        assert state["generation"] >= self.generation
        self.version, self.generation = state["version"], state["generation"]
        kept_connections = {C: kept.customer_connection, T: kept.technician_connection}
        splices = [name for name in self.stage.relay._splices if name.startswith(self.opened.view.id)]
        if self.state == "closed":
            assert splices == []
        else:
            assert kept_connections == {role: one and one.id for role, one in self.holder.items()}
            assert splices in ([], [f"{self.opened.view.id}:{self.generation}"])

    @invariant()
    def nobody_is_thrown_out(self) -> None:
        assert not self.stage.wire.closed


def test_any_order_of_events_keeps_room_and_log_together(lobby: Lobby) -> None:
    """Whatever both sides do, the room, the log and the relay agree with the rules."""
    Machine.lobby = lobby
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
