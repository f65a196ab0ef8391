"""Laws of filling past partitions: each is scored once, nothing is lost, and what cannot be filled is reported."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from fqtool.commands.backfill.journal import Event
from fqtool.commands.backfill.plan import PartitionState, Task, partition_states, state_counts
from fqtool.commands.backfill.run import Options, months_of, plan_backfill, verify
from fqtool.commands.backfill.text import print_plan
from fqtool.commands.migrate.lease import Lease, prepare_ledger
from fqtool.commands.score.run import score_partitions
from fqtool.errors import Busy, InputError, NotThere
from fqtool.schema.build import desired_table
from fqtool.scoring.merge import partitions_between
from fqtool.sql import Query
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.backfill_stores import done_days, events, planned, put, rows_of
from tests.bed import zeta
from tests.stores import small_registry
from tests.unscored_store import DAYS, END, NOW, START, filled, past_registry


def test_all_is_scored_as_scoring_would(place: Warehouse) -> None:
    """A backfill writes what `score` writes of each date, newest first, and every row with sources has a score."""
    result = filled(place, now=NOW)
    assert done_days(result) == [str(END - timedelta(days=n)) for n in range(12)]
    assert result.verification.findings == ()
    made = rows_of(place)
    score_partitions(past_registry(), place, START, END, as_of=NOW)
    assert rows_of(place) == made
    assert all((row["score"] is None) == (row["labels"] is None) for row in made)
    assert {row["computed_at"] for row in made if row["labels"]} == {NOW}


def test_a_second_run_has_nothing_to_do(place: Warehouse) -> None:
    """A done date is left alone: no statement, no event but those of the run; with redo, all is done once more."""
    filled(place)
    before = events(place)
    assert filled(place).partitions == ()
    assert [one.event for one in events(place)[len(before) :]] == [Event.OPENED, Event.CLOSED]
    assert len(filled(place, resume=False).partitions) == 12


def test_every_date_has_its_task(small: Warehouse) -> None:
    """Empty, without sources, with repeated keys, done: each is reported, and none of them is scored."""
    first = END - timedelta(days=11)
    bare, twice = first - timedelta(days=1), END - timedelta(days=3)
    put(small, "a", bare, None)
    put(small, "i0", twice)
    tasks = planned(small).tasks
    assert tasks[bare] is Task.WITHOUT_SOURCES
    assert tasks[twice] is Task.REPEATED
    assert [day for day, task in tasks.items() if task is Task.EMPTY] == [
        START + timedelta(days=n) for n in range(DAYS - 13)
    ]
    result = filled(small)
    assert [one.rule for one in result.verification.findings] == ["FQ662", "FQ665"]
    assert planned(small).rows(Task.DONE) == sum(one.rows for one in result.verification.states if one.day != twice)
    assert all(row["score"] is None for row in rows_of(small) if row["day"] in (bare, twice))


def test_dates_without_sources_are_done_until_they_have_some(small: Warehouse) -> None:
    """A backfill records them as done without a statement, once; with sources they are scored."""
    bare = START
    put(small, "a", bare, None)
    assert str(bare) not in done_days(filled(small))
    assert bare in planned(small).dates(Task.DONE)
    recorded = [entry for entry in events(small) if entry.day == str(bare)]
    assert [(entry.event, entry.rows, entry.without_sources, entry.bytes) for entry in recorded] == [("done", 1, 1, 0)]
    filled(small)
    assert [entry for entry in events(small) if entry.day == str(bare)] == recorded
    small.run(Query(f"UPDATE store SET labels = '{{\"0\": \"good\"}}' WHERE day = DATE '{bare}'"))
    assert planned(small).to_do == (bare,)
    assert done_days(filled(small)) == [str(bare)]


def test_the_plan_does_not_claim_that_rows_are_unchanged(small: Warehouse) -> None:
    """Labels that change after scoring leave a date done; the plan names the number of rows alone."""
    filled(small)
    small.run(Query(f"UPDATE store SET labels = '{{\"0\": \"bad\"}}' WHERE day = DATE '{END}' AND labels IS NOT NULL"))
    plan, estimate = plan_backfill(past_registry(), small, Options(START, END), NOW)
    text = io.StringIO()
    print_plan(plan, estimate, small.url, text)
    assert END in plan.dates(Task.DONE)
    assert "as it left" not in text.getvalue()
    assert "--no-resume scores them again" in " ".join(text.getvalue().split())


def test_rows_that_come_later_are_to_do(small: Warehouse) -> None:
    """A partition that is no longer as the backfill left it is done again, and it alone."""
    filled(small)
    put(small, "late", END)
    assert [one.rule for one in verify(past_registry(), small, START, END).findings] == ["FQ662", "FQ666"]
    assert planned(small).to_do == (END,)
    assert done_days(filled(small)) == [str(END)]
    assert verify(past_registry(), small, START, END).findings == ()


def test_deleted_rows_are_reported(small: Warehouse) -> None:
    """Fewer rows than the journal has is an error with both numbers."""
    filled(small)
    small.run(Query(f"DELETE FROM store WHERE day = DATE '{END}' AND item = 'i0'"))
    (found,) = verify(past_registry(), small, START, END).findings
    assert (found.rule, found.message) == ("FQ661", f"{END} had 4 rows when it was scored and has 3 rows now.")


def test_rows_without_sources_lose_a_score(small: Warehouse) -> None:
    """A score that nothing supports is reported, and the backfill clears it."""
    small.run(Query(f"UPDATE store SET score = 99 WHERE day = DATE '{END}' AND labels IS NULL"))
    assert [one.rule for one in verify(past_registry(), small, END, END).findings] == ["FQ662", "FQ664"]
    assert filled(small).verification.findings == ()


def test_only_stale_leaves_the_current_version_alone(small: Warehouse) -> None:
    """Dates scored by other means count as current by the version in their rows; others are done."""
    score_partitions(past_registry(), small, END - timedelta(days=4), END, as_of=NOW)
    small.run(Query(f"UPDATE store SET version = 'v0' WHERE day = DATE '{END}'"))
    plan = planned(small, only_stale=True)
    assert plan.dates(Task.CURRENT) == tuple(END - timedelta(days=n) for n in (4, 3, 2, 1))
    assert plan.to_do[0] == END
    assert len(planned(small).to_do) == 12


def test_a_changed_registry_is_another_scoring(small: Warehouse) -> None:
    """What was done under other weights is not done."""
    filled(small)
    registry = past_registry()
    other = replace(registry, sources=(replace(registry.sources[0], weight=90), registry.sources[1]))
    plan, _ = plan_backfill(other, small, Options(START, END), NOW)
    assert len(plan.to_do) == 12


def test_two_at_work_do_not_meet(place: Warehouse) -> None:
    """A backfill waits for no migrator and no other backfill: it is refused with the holder's name and work."""
    prepare_ledger(place)
    for work in ("migrating", "backfilling"):
        lease = Lease(place, "store", "first@host:1", work, "fqtool")
        with lease.held(), pytest.raises(Busy, match=f"first@host:1 is {work}"):
            filled(place)
    assert len(filled(place).partitions) == 12
    lease._take()
    assert filled(place, take_lease=True).partitions == ()


def test_wrong_words_are_reported(small: Warehouse) -> None:
    """Dates the wrong way round, a table that is not there, a store without dates or without a score."""
    with pytest.raises(InputError, match="must not be earlier"):
        filled(small, start=END, end=START)
    with open_target("duckdb:///:memory:") as empty, pytest.raises(NotThere, match="no table store"):
        filled(empty)
    with pytest.raises(InputError, match="needs prices"):
        filled(small, max_cost=1.0)
    bare = small_registry()
    with pytest.raises(InputError, match="no `partition_by`"):
        partitions_between(replace(bare, table=replace(bare.table, partition_by=None, keys=("item",))), START, END, {})
    with pytest.raises(InputError, match="no column that is NULL only in rows without scores"):
        state_counts(replace(bare, columns=bare.columns[-1:]))


def test_google_s_executor_counts_the_same(small: Warehouse) -> None:
    """The answer over partitions is equal on Google's reference implementation."""
    put(small, "i0", END)
    small.run(Query(f"UPDATE store SET score = 99, version = 'v0' WHERE day = DATE '{END}' AND labels IS NULL"))
    registry = past_registry()
    ours = partition_states(registry, small, START, END)
    types = {column.name: column.sql_type.replace(" NOT NULL", "") for column in desired_table(registry).columns}
    query = partitions_between(registry, START, END, state_counts(registry))
    theirs = zeta.evaluate(query.sql, {"store": (types, rows_of(small))})
    assert tuple(PartitionState(*row) for row in theirs) == ours
    assert ours[-1] == PartitionState(END, 5, 4, 4, 4, 1, 1)


def test_months_add_up(small: Warehouse) -> None:
    """Rows, scored rows and rows without sources of the months are those of the table."""
    filled(small)
    months = months_of(verify(past_registry(), small, START, END).states)
    rows = rows_of(small)
    assert set(months) == {"2026-01", "2026-02"}
    assert sum(one[1] for one in months.values()) == len(rows)
    assert sum(one[2] for one in months.values()) == sum(row["score"] is not None for row in rows)
    assert sum(one[3] for one in months.values()) == sum(row["labels"] is None for row in rows)
