"""Laws of a backfill that fails or is stopped halfway: what was done stays, and the next run does the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fqtool.commands.backfill.journal import ATTEMPTS, Event
from fqtool.commands.backfill.partition_runner import Observer
from fqtool.commands.backfill.plan import Task
from fqtool.commands.backfill.run import verify
from fqtool.errors import QuotaSpent, StatementFailed, Unreachable
from fqtool.sql import Query
from fqtool.warehouse.protocol import Warehouse
from tests.backfill_stores import Failing, clock_at, done_days, events, planned, put, rows_of, unhurried
from tests.unscored_store import END, NOW, START, filled, past_registry


def test_a_failing_partition_is_set_aside_and_the_rest_goes_on(small: Warehouse) -> None:
    """Three attempts, then an error with the warehouse's words; twice failed is done at the third; then it restarts."""
    thrice, twice = END - timedelta(days=2), END - timedelta(days=7)
    streaming = StatementFailed("It would affect rows in the streaming buffer.")
    failing = Failing(Failing(small, [thrice], ATTEMPTS, streaming), [twice], 2, streaming)
    result = filled(failing, observer=Observer(configure=unhurried))
    assert len(done_days(result)) == 11
    (told, wrong) = result.verification.findings
    assert (told.rule, wrong.rule) == ("FQ662", "FQ663")
    assert wrong.message == (
        f"{thrice} failed 3 times and was set aside: It would affect rows in the streaming buffer."
    )
    assert planned(small).dates(Task.SET_ASIDE) == (thrice,)
    assert filled(small).partitions == ()
    assert done_days(filled(small, retry_failed=True)) == [str(thrice)]
    assert verify(past_registry(), small, START, END).findings == ()
    attempts = {one.day: one.attempt for one in events(small) if one.event == Event.DONE}
    # The neighbours of a date that fails are scored by the second attempt, which is for each date alone.
    assert (attempts[str(twice)], attempts[str(END)], attempts[str(END - timedelta(days=11))]) == (3, 2, 1)


def test_an_unreachable_warehouse_stops_a_run_and_the_next_continues(small: Warehouse) -> None:
    """An unreachable warehouse ends the run; the next continues under the same job ids and time of scoring."""
    gone = Failing(small, [END - timedelta(days=6)], 1, Unreachable("No answer."))
    with pytest.raises(Unreachable):
        filled(gone, now=NOW)
    begun = [one for one in events(small) if one.event == Event.STARTED]
    filled(small, now=NOW + timedelta(hours=3))
    assert {row["computed_at"] for row in rows_of(small) if row["labels"]} == {NOW}
    jobs = {one.day: one.job for one in events(small) if one.event == Event.DONE}
    assert all(jobs[one.day] == one.job for one in begun)
    assert len({one.run for one in events(small)}) == 1


def test_a_spent_quota_ends_a_run_and_costs_one_attempt(small: Warehouse) -> None:
    """What was refused counts as one failed attempt of its dates, for its job id is used; the rest is not tried."""
    spent = END - timedelta(days=6)
    with pytest.raises(QuotaSpent):
        filled(Failing(small, [spent], 1, QuotaSpent("A quota is used up.")))
    failed = [one.day for one in events(small) if one.event == Event.FAILED]
    assert failed == [str(END - timedelta(days=back)) for back in range(5, 10)]
    assert planned(small).dates(Task.SET_ASIDE) == ()
    filled(small)
    assert {one.day: one.attempt for one in events(small) if one.event == Event.DONE}[str(spent)] == 2
    assert verify(past_registry(), small, START, END).findings == ()


def test_a_score_whose_sources_were_cleared_is_done_again(small: Warehouse) -> None:
    """What FQ664 names for backfill is backfilled: the score becomes NULL, and no finding is left."""
    filled(small)
    small.run(Query(f"UPDATE store SET labels = NULL WHERE day = DATE '{END}' AND item = 'i0'"))
    assert [one.rule for one in verify(past_registry(), small, START, END).findings] == ["FQ664"]
    assert done_days(filled(small)) == [str(END)]
    assert verify(past_registry(), small, START, END).findings == ()


def test_a_run_of_yesterday_is_not_gone_on_with(small: Warehouse) -> None:
    """Rows must not be given a time of scoring from before they were written."""
    with pytest.raises(Unreachable):
        filled(
            Failing(small, [START, END], 1, Unreachable("No answer.")),
            now=NOW,
            observer=Observer(configure=clock_at(NOW)),
        )
    later = NOW + timedelta(days=2)
    filled(small, now=later, observer=Observer(configure=clock_at(later)))
    assert {row["computed_at"] for row in rows_of(small) if row["labels"] and row["day"] == END} == {later}


def test_what_comes_after_is_later_by_everyclock_at(small: Warehouse) -> None:
    """A machine whose clock is slow goes on with another's run: its events are the last, so all is done once."""
    fast, slow = NOW + timedelta(hours=3), NOW - timedelta(hours=3)
    with pytest.raises(Unreachable):
        filled(
            Failing(small, [START, END], 1, Unreachable("No answer.")),
            now=NOW,
            observer=Observer(configure=clock_at(fast)),
        )
    filled(small, now=slow, observer=Observer(configure=clock_at(slow)))
    assert planned(small).to_do == ()
    times = [one.at for one in events(small)]
    assert len(set(times)) == len(times)


def test_a_stopped_run_ends_at_a_partition(small: Warehouse) -> None:
    """Asked to stop, it ends what is running, reports how far it came, and continues when it is run again."""
    seen: list[str] = []
    observer = Observer(on_partition=lambda one: seen.append(one.entry.day), stopping=lambda: len(seen) >= 3)
    first = filled(small, observer=observer, batch_days=3)
    assert (first.stopped, len(first.partitions)) == (True, 3)
    second = filled(small)
    assert (second.stopped, len(second.partitions)) == (False, 9)


def test_a_second_ctrl_c_leaves_the_statement_to_the_next_run(small: Warehouse) -> None:
    """Whoever interrupts is not kept by a statement that the server is still at; the next run sends it again."""
    with pytest.raises(KeyboardInterrupt):
        filled(Failing(small, [END - timedelta(days=6)], 1, KeyboardInterrupt()), now=NOW)
    begun = {one.day: one.job for one in events(small) if one.event == Event.STARTED}
    assert len(done_days(filled(small, now=NOW + timedelta(hours=1)))) == 7
    done = {one.day: one.job for one in events(small) if one.event == Event.DONE}
    assert {day: done[day] for day in begun} == begun


def test_phases_end_where_verification_fails(small: Warehouse) -> None:
    """7 days, 30, all: a phase that is not clean is the last."""
    spans = []
    observer = Observer(on_phase=lambda plan, _: spans.append((plan.start, len(plan.to_do))))
    filled(small, observer=observer, phased=True, start=START - timedelta(days=9))
    assert spans == [(END - timedelta(days=6), 7), (START, 5), (START - timedelta(days=9), 0)]
    put(small, "i0", END)
    spans.clear()
    assert [one.rule for one in filled(small, observer=observer, phased=True).verification.findings] == [
        "FQ662",
        "FQ665",
        "FQ666",
    ]
    assert len(spans) == 1
