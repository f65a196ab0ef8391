"""Laws of the plan of a backfill: what there is to do, in which order, at what price."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.backfill.journal import ATTEMPTS, TABLE, Entry, Event, Journal, append
from fqtool.commands.backfill.plan import CostEstimate, PartitionState, Task, batches, phases, plan_of, state_counts
from fqtool.registry.alerts_and_models import Pricing
from fqtool.schema.build import desired_table
from fqtool.scoring.merge import partitions_between
from tests.bed import zeta
from tests.test_statements_analysed import catalog
from tests.unscored_store import END, NOW, START, past_registry

DATES = st.integers(0, 400).map(lambda n: date(2025, 1, 1) + timedelta(days=n))


@given(DATES, DATES, st.integers(1, 40))
def test_phases_grow_to_the_whole_and_batches_cut_it(one: date, other: date, size: int) -> None:
    """Every phase ends at the end and holds the one before it; batches hold each date once, in order."""
    start, end = sorted((one, other))
    spans = list(phases(start, end))
    assert spans[-1] == (start, end)
    assert all(a[1] == b[1] == end and b[0] <= a[0] for a, b in pairwise(spans))
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    assert [day for some in batches(days, size) for day in some] == days


def test_the_last_day_of_the_calendar_is_a_day() -> None:
    """A span may end where dates end."""
    assert list(plan_of(date(9999, 12, 30), date.max, (), Journal((), "s")).tasks) == [date(9999, 12, 30), date.max]


EVENTS = st.lists(st.tuples(st.sampled_from(list(Event)[2:]), st.integers(0, 5), st.sampled_from("ab")), max_size=40)


@given(EVENTS)
def test_every_date_has_one_task_whatever_the_journal(told: list[tuple[Event, int, str]]) -> None:
    """A plan names every date of its span; what failed three times in a row since it was done is not tried again."""
    day = date(2026, 1, 1)
    entries = tuple(
        Entry(
            run, event, str(day + timedelta(days=n)), 1, "j", "s", "rest", "t", 5, 0, 5, 0, 0, "me", "tool", f"{at:03}"
        )
        for at, (event, n, run) in enumerate(told)
    )
    journal = Journal(entries, "s")
    states = [PartitionState(day + timedelta(days=n), 5, 5, 0, 0, 0, 0) for n in range(6)]
    plan = plan_of(day, day + timedelta(days=7), states, journal)
    assert len(plan.tasks) == 8
    for at, task in plan.tasks.items():
        mine = [one.event for one in entries if one.day == str(at)]
        failed = 0
        for event in mine:
            failed = failed + 1 if event == Event.FAILED else 0 if event in (Event.DONE, Event.RETRIED) else failed
        if at > day + timedelta(days=5):
            assert task is Task.EMPTY
        elif mine and mine[-1] == Event.DONE:
            assert task is Task.DONE
        else:
            assert task is (Task.SET_ASIDE if failed >= ATTEMPTS else Task.DO)


def test_the_price_has_its_minimum() -> None:
    """No statement is billed below the list's minimum; the price follows from what is billed."""
    pricing = Pricing(NOW.date(), scan_per_tib=6.25, minimum_bytes_per_query=10 * 2**20)
    bill = CostEstimate((2**20, *[100] * 98, 30 * 2**20), pricing, pricing.minimum_bytes_per_query)
    assert bill.billed == (99 * 10 + 30) * 2**20
    assert bill.price == pytest.approx(1020 / 2**20 * 6.25)
    assert CostEstimate((1, 2)).billed == 3
    assert CostEstimate((1, 2)).price is None


def test_google_s_analyser_accepts_question_and_journal() -> None:
    """The question over partitions, and an event written to the journal."""
    registry = past_registry()
    asked = partitions_between(registry, START, END, state_counts(registry))
    assert zeta.analyze(asked.sql, catalog(desired_table(registry))) is None
    event = Entry("r", "done", "2026-02-06", 1, "j", "s", "rest", "t", 1, 0, 1, 2, 3, "me", "tool", "now")
    assert zeta.analyze(append([event, event]).sql, catalog(TABLE)) is None
