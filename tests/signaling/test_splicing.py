"""The live splice of a session, on the real relay."""

from remote_assist.media.facts import LegFailed
from remote_assist.signaling.splicing import session_of
from tests.signaling.stage import Stage


def test_a_splice_names_its_session() -> None:
    """Everything before the last colon."""
    assert session_of("0192-ab:17") == "0192-ab"


def has_open_gate(staged: Stage, splice_id: str) -> bool:
    """Media has no word for it, since nobody but a test asks."""
    splice = staged.relay._splices[splice_id]
    return splice._a._is_gate_open and splice._b._is_gate_open


async def test_the_gate_is_open_after_admission_in_every_generation(staged: Stage) -> None:
    """Closed before; and a later generation does not ask again."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    assert not has_open_gate(staged, f"{opened.view.id}:1")
    await technician.do("session.admit")
    assert has_open_gate(staged, f"{opened.view.id}:1")
    await customer.do("splice.renew", generation=1)
    assert list(staged.relay._splices) == [f"{opened.view.id}:2"]
    assert has_open_gate(staged, f"{opened.view.id}:2")


async def test_a_full_relay_is_tried_again(staged: Stage) -> None:
    """The join counts; the two wait apart, and a tick begins the next generation."""
    opened = await staged.office.open()
    staged.relay.open_splice(f"{opened.view.id}:1")  # the relay refuses a second one of this name
    customer, technician = await staged.both(opened)
    assert customer.heard("splice.start") == technician.heard("splice.start") == []
    assert await technician.refused("splice.renew", generation=1) == "no_splice"
    await staged.tick(customer, 1_000)
    assert [one["generation"] for one in customer.heard("splice.start")] == [2]
    assert [one["generation"] for one in technician.heard("splice.start")] == [2]


async def test_a_side_without_a_socket_waits_for_its_plan(staged: Stage) -> None:
    """A leg that fails while its page is away begins anew when the page is back."""
    opened = await staged.office.open()
    customer, technician = await staged.both(opened)
    await customer.drop()
    staged.rooms.hear(LegFailed(f"{opened.view.id}:1", "a", "handshake_timeout"))
    await technician.do("clock.read")
    assert staged.relay._splices == {}
    again = await staged.connect(opened, customer.role)
    assert (await again.join("tab-c", 1))["plan"]["generation"] == 2
