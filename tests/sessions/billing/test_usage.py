"""Usage records: whole at first, differences afterwards."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from remote_assist.ids import PartnerId, SessionId
from remote_assist.sessions.assessment import Assessment, assess
from remote_assist.sessions.billing.tariff import Charge
from remote_assist.sessions.billing.usage import CREDIT, Basis, UsageRecord, freeze, record_id
from remote_assist.sessions.events import (
    BillingStarted,
    FlowObserved,
    MeteredTariff,
    Recorded,
    Role,
    SessionClosed,
    SessionOpened,
    Terms,
)
from remote_assist.sessions.timing.sheet import TimeSheet

BASIS = Basis(SessionId("s1"), PartnerId("p1"), 7, 5_000_000)
TERMS = Terms(0, 3_600_000, MeteredTariff(3_600, "CHF"), free_ms=0)


def spoken(seconds: int) -> Assessment:
    """What a talk of so many seconds comes to, at one minor unit a second."""
    sheet = TimeSheet.from_log(
        [
            Recorded(1, 0, SessionOpened(TERMS)),
            Recorded(2, 0, BillingStarted()),
            *(Recorded(3, 0, FlowObserved(role, 0, seconds * 1000)) for role in Role),
            Recorded(4, 3_000_000, SessionClosed("api")),
        ]
    )
    return assess(sheet, 3_000_000)


def follow(*seconds: int) -> list[UsageRecord]:
    """The records of a session whose evidence grew or shrank like this."""
    records: list[UsageRecord] = []
    for one in seconds:
        record = freeze(BASIS, spoken(one), records)
        if record is not None:
            records.append(record)
    return records


def test_the_first_record_holds_the_whole_bill() -> None:
    """Its measures are the assessment's."""
    (record,) = follow(600)
    assert record.id == record_id(BASIS.session_id, 1)
    assert (record.revision, record.corrects, record.needs_approval) == (1, None, False)
    assert (record.billed_s, record.total_minor, record.currency) == (600, 600, "CHF")
    assert record.charges == (Charge("metered_time", 600),)
    assert (record.log_seq, record.recorded_at_ms) == (7, 5_000_000)


def test_the_same_again_is_no_record() -> None:
    """What says nothing new is not written."""
    assert len(follow(600, 600, 600)) == 1


def test_less_is_a_credit_and_more_waits_for_a_person() -> None:
    """The charges of a revision are the difference to what is in effect."""
    first, credit, debit = follow(600, 500, 700)
    assert credit.charges == (Charge(CREDIT, -100),)
    assert (credit.needs_approval, credit.corrects) == (False, first.id)
    assert debit.total_minor == 200
    assert (debit.needs_approval, debit.corrects) == (True, credit.id)
    assert debit.charges == (Charge("metered_time", 100), Charge(CREDIT, 100))


def test_a_debit_that_is_no_longer_due_is_taken_back() -> None:
    """A record that was waiting is followed by one that asks for nothing."""
    _, debit, withdrawal = follow(600, 700, 600)
    assert debit.needs_approval
    assert (withdrawal.charges, withdrawal.total_minor, withdrawal.needs_approval) == ((), 0, False)


def test_other_measures_at_the_same_price_are_news() -> None:
    """The record of time is corrected even when no money moves."""
    assessed = spoken(600)
    later = replace(assessed, measured=replace(assessed.measured, fault_ms=5))
    first = freeze(BASIS, assessed, [])
    assert first is not None
    second = freeze(BASIS, later, [first])
    assert second is not None
    assert (second.charges, second.fault_ms) == ((), 5)


def test_another_price_at_the_same_measures_is_news() -> None:
    """Money alone makes a revision as well."""
    assessed = spoken(600)
    first = freeze(BASIS, assessed, [])
    assert first is not None
    cheaper = replace(assessed, charges=(Charge("metered_time", 599),), total_minor=599)
    second = freeze(BASIS, cheaper, [first])
    assert second is not None
    assert second.charges == (Charge(CREDIT, -1),)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=8))
def test_what_is_in_effect_never_exceeds_what_was_measured_last(seconds: list[int]) -> None:
    """The records in effect sum to the newest bill, or to less while a debit waits."""
    records = follow(*seconds)
    effective = sum(record.total_minor for record in records if not record.needs_approval)
    newest = spoken(seconds[-1]).total_minor
    waiting = records[-1].total_minor if records[-1].needs_approval else 0
    assert effective + waiting == newest
    assert effective <= newest
    assert [record.revision for record in records] == list(range(1, len(records) + 1))
    assert all(record.total_minor == sum(line.amount_minor for line in record.charges) for record in records)


def test_an_id_depends_on_session_and_revision_alone() -> None:
    """Whoever settles, the id is the same; another session or revision has another."""
    ids = {record_id(SessionId(name), revision) for name in ("s1", "s2") for revision in (1, 2)}
    assert len(ids) == 4
    assert record_id(SessionId("s1"), 1) in ids
