"""Who may describe what, and when a splice begins anew."""

from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.errors import Conflict
from remote_assist.sessions.events import Role
from remote_assist.signaling.negotiation import (
    AHEAD_MAX,
    DESCRIPTIONS,
    RENEWAL_WINDOW_MS,
    RENEWALS_MAX,
    Carry,
    CloseSplice,
    Described,
    DescriptionType,
    Effect,
    Ended,
    Input,
    Joined,
    Left,
    MediaFailed,
    Negotiation,
    OpenSplice,
    Phase,
    Redeliver,
    Refusal,
    RenewAsked,
    SocketLost,
    Step,
    Ticked,
    step,
    table,
)

C, T = Role.CUSTOMER, Role.TECHNICIAN
CUSTOMER_JOINS = Joined(C, "tab-c", None)
TECHNICIAN_JOINS = Joined(T, "tab-t", None)


def run(*inputs: Input, state: Negotiation | None = None) -> Step:
    """Return the last state and all effects."""
    current, effects = state or Negotiation(), ()
    for one in inputs:
        current, more = step(current, one)
        effects += cast("tuple[()]", more)
    return Step(current, effects)


def both() -> Negotiation:
    return run(CUSTOMER_JOINS, TECHNICIAN_JOINS).state


def refused(state: Negotiation, happened: Input) -> str:
    with pytest.raises(Conflict) as caught:
        step(state, happened)
    return caught.value.code


def test_the_first_generation_begins_when_both_have_joined() -> None:
    """One side alone waits; the second to join opens generation 1."""
    assert run(CUSTOMER_JOINS).effects == ()
    state, effects = run(CUSTOMER_JOINS, TECHNICIAN_JOINS)
    assert effects == (OpenSplice(1),)
    assert (state.generation, state.phase) == (1, Phase.IDLE)


def test_offer_and_answer_are_carried() -> None:
    """The technician's offer and the customer's answer make the generation stable."""
    state, effects = run(Described(T, 1, "offer"), Described(C, 1, "answer"), state=both())
    assert effects == (Carry(T), Carry(C))
    assert state.phase is Phase.STABLE


def test_the_impolite_offer_wins() -> None:
    """The technician's offer overtakes the customer's; the other way round it is glare."""
    customer_offers = step(both(), Described(C, 1, "offer")).state
    assert step(customer_offers, Described(T, 1, "offer")).state.phase is Phase.TECHNICIAN_OFFER
    technician_offers = step(both(), Described(T, 1, "offer")).state
    assert refused(technician_offers, Described(C, 1, "offer")) == "glare"


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.APART])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_every_row_of_the_table_holds(phase: Phase, role: Role, kind: DescriptionType) -> None:
    """The table has a row for every phase, role and type, and ``step`` does what the row says."""
    state = replace(both(), phase=phase)
    verdict = DESCRIPTIONS[phase, role, kind]
    if isinstance(verdict, Refusal):
        assert refused(state, Described(role, 1, kind)) == verdict.code
    else:
        assert step(state, Described(role, 1, kind)) == Step(replace(state, phase=verdict), (Carry(role),))


def test_an_answer_needs_the_far_sides_offer() -> None:
    """Nobody can answer nothing, or themselves."""
    assert refused(both(), Described(C, 1, "answer")) == "unexpected_answer"
    offered = step(both(), Described(T, 1, "offer")).state
    assert refused(offered, Described(T, 1, "answer")) == "unexpected_answer"


def test_other_generations_are_refused() -> None:
    """A description or a renewal of another generation changes nothing."""
    for generation in (0, 2):
        assert refused(both(), Described(T, generation, "offer")) == "stale_generation"
        assert refused(both(), RenewAsked(generation, 0)) == "stale_generation"


def test_nothing_is_carried_while_apart() -> None:
    """Without a splice there is nothing to describe or renew."""
    apart = run(Left(C), state=both()).state
    assert refused(apart, Described(T, 1, "offer")) == "no_splice"
    assert refused(apart, RenewAsked(1, 0)) == "no_splice"


def test_a_socket_that_comes_back_keeps_its_media() -> None:
    """The same tab with its connection alive goes on, and hears again what it may have missed."""
    lost = step(both(), SocketLost(C))
    assert lost.effects == ()
    state, effects = step(lost.state, Joined(C, "tab-c", 1))
    assert effects == (Redeliver(C),)
    assert state == both()


@pytest.mark.parametrize(
    "join", [Joined(C, "tab-c", None), Joined(C, "tab-c", 0), Joined(C, "other", 1), Joined(C, "other", None)]
)
def test_a_fresh_join_begins_a_new_generation(join: Joined) -> None:
    """A reload, a takeover or a lost connection closes the splice and opens the next."""
    assert step(both(), join).effects == (CloseSplice(1), OpenSplice(2))


def test_a_fresh_join_waits_for_the_other_sides_socket() -> None:
    """While the other side's socket is away the new tab waits, and then both begin anew."""
    state, effects = run(SocketLost(T), Joined(C, "new", None), state=both())
    assert effects == (CloseSplice(1),)
    assert step(state, Joined(T, "tab-t", 1)).effects == (OpenSplice(2),)


def test_leaving_closes_the_splice() -> None:
    """Whoever hangs up takes the connection down; the next join begins anew."""
    state, effects = step(both(), Left(T))
    assert effects == (CloseSplice(1),)
    assert step(state, Joined(T, "tab-t", 1)).effects == (OpenSplice(2),)


def test_numbers_follow_a_page_that_is_ahead() -> None:
    """After a failed room the next generation is above what the pages name, within reason."""
    assert run(Joined(C, "c", 7), TECHNICIAN_JOINS).effects == (OpenSplice(8),)
    assert run(Joined(C, "c", AHEAD_MAX), TECHNICIAN_JOINS).effects == (OpenSplice(AHEAD_MAX + 1),)
    assert run(Joined(C, "c", AHEAD_MAX + 1), TECHNICIAN_JOINS).effects == (OpenSplice(1),)


def test_failed_media_begins_a_new_generation() -> None:
    """Whether the relay or a page says so."""
    assert step(both(), MediaFailed(1, 0)).effects == (CloseSplice(1), OpenSplice(2))
    assert step(both(), RenewAsked(1, 0)).effects == (CloseSplice(1), OpenSplice(2))


def test_failures_of_older_splices_mean_nothing() -> None:
    """A late fact neither harms the next generation nor opens one while apart."""
    second = step(both(), MediaFailed(1, 0)).state
    assert step(second, MediaFailed(1, 5)) == Step(second)
    apart = step(both(), Left(C)).state
    assert step(apart, MediaFailed(1, 5)) == Step(apart)


def test_failed_media_waits_for_a_lost_socket() -> None:
    """There is nobody to tell of a new generation, so the splice is closed until the socket is back."""
    lost = step(both(), SocketLost(C)).state
    assert step(lost, MediaFailed(1, 0)).effects == (CloseSplice(1),)


def test_renewals_are_bounded_and_come_back() -> None:
    """After RENEWALS_MAX failures the room waits until the window has passed, then tries by itself."""
    state = both()
    for n in range(RENEWALS_MAX):
        state = step(state, MediaFailed(state.generation, n)).state
    assert refused(state, RenewAsked(state.generation, RENEWALS_MAX)) == "too_many_renewals"
    apart, effects = step(state, MediaFailed(state.generation, RENEWALS_MAX))
    assert effects == (CloseSplice(RENEWALS_MAX + 1),)
    assert step(apart, Ticked(RENEWAL_WINDOW_MS - 1)) == Step(apart)
    later = step(apart, Ticked(RENEWAL_WINDOW_MS))
    assert later.effects == (OpenSplice(RENEWALS_MAX + 2),)
    assert len(later.state.renewed_at_ms) == RENEWALS_MAX


def test_a_tick_opens_nothing_for_one_side() -> None:
    """Time alone brings nobody together."""
    alone = run(CUSTOMER_JOINS).state
    assert step(alone, Ticked(10**9)) == Step(alone)
    assert step(both(), Ticked(10**9)) == Step(both())


def test_the_end_closes_everything() -> None:
    """After the session's end there is no splice and nobody is joined."""
    state, effects = step(both(), Ended())
    assert effects == (CloseSplice(1),)
    assert (state.phase, state.joined) == (Phase.APART, frozenset())


def test_the_table_can_be_printed() -> None:
    """One line for each of the sixteen rows."""
    lines = table().splitlines()
    assert len(lines) == len(DESCRIPTIONS) == 16
    assert "technician_offer  customer    offer   glare" in lines


roles = st.sampled_from(Role)
generations = st.integers(0, 6)
inputs = st.one_of(
    st.builds(Joined, roles, st.sampled_from(["a", "b"]), st.none() | generations),
    st.builds(SocketLost, roles),
    st.builds(Left, roles),
    st.builds(Described, roles, generations, st.sampled_from(["offer", "answer"])),
    st.builds(RenewAsked, generations, st.integers(0, 100)),
    st.builds(MediaFailed, generations, st.integers(0, 100)),
    st.builds(Ticked, st.integers(0, 100)),
    st.just(Ended()),
)


@given(st.lists(inputs, max_size=60))
def test_at_most_one_splice_is_open_and_numbers_only_rise(happened: list[Input]) -> None:
    """In any order of inputs: open and close alternate, generations rise, and phases match the splice."""
    state = Negotiation()
    open_generation: int | None = None
    newest = 0
    for one in happened:
        try:
            state, effects = step(state, one)
        except Conflict:
            continue
        for effect in effects:
            open_generation, newest = follow(effect, open_generation, newest)
        assert (open_generation is None) == (state.phase is Phase.APART)
        assert open_generation in {None, state.generation}


def follow(effect: Effect, open_generation: int | None, newest: int) -> tuple[int | None, int]:
    if isinstance(effect, OpenSplice):
        assert open_generation is None
        assert effect.generation > newest
        return effect.generation, effect.generation
    if isinstance(effect, CloseSplice):
        assert open_generation == effect.generation
        return None, newest
    assert open_generation is not None
    return open_generation, newest
