"""Laws of scoring neighbouring dates by one statement: the rows are those of one statement a date; all or none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.backfill.journal import ATTEMPTS, Event
from fqtool.commands.backfill.partition_runner import Observer
from fqtool.commands.backfill.run import Options, fill, verify
from fqtool.commands.score.run import score_partitions
from fqtool.errors import StatementFailed
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import ColumnSpec, Inputs, Registry, Source, UnknownSource
from fqtool.schema.build import desired_table
from fqtool.scoring import merge
from fqtool.scoring.merge import Span, neighbours
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.ddl import Statement
from fqtool.table.model import State
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Outcome, Warehouse
from tests.backfill_stores import events, put, rows_of, unhurried
from tests.bed.running import ROOT
from tests.dated_stores import Layout
from tests.dated_stores import put as put_dated
from tests.machine import patient
from tests.scored_rows import REGISTRY, of_every_kind, store_in
from tests.stores import COLUMNS, small_registry
from tests.unscored_store import DAYS, END, NOW, START, filled, past_registry, store

RUNS, SEED, LIMIT = 24, 22, 400.0
LAST = [END - timedelta(days=back) for back in range(12)]
"""The dates with rows of a store of twelve dates, the newest first."""


class Recording(DuckDBWarehouse):
    """A database that records the statements that score dates."""

    def __init__(self, path: str = ":memory:") -> None:
        super().__init__(path)
        self.merges: list[str] = []

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Record a statement and run it."""
        self.merges += [work.sql] if work.sql.startswith("MERGE `") and "fqtool_ledger" not in work.sql else []
        return super().run(work, **how)


def differing(warehouse: Recording, registry: Registry, days: tuple[date, date], patch: pytest.MonkeyPatch) -> int:
    """Score the dates together, then each alone; return how many rows the two do not have in common."""
    table = registry.table.name
    connection = warehouse.connection()
    connection.execute(f"CREATE TABLE before AS FROM {table}")
    score_partitions(registry, warehouse, *days, as_of=NOW)
    assert len(warehouse.merges) == 1
    connection.execute(f"CREATE TABLE together AS FROM {table}")
    connection.execute(f"DELETE FROM {table}")
    connection.execute(f"INSERT INTO {table} FROM before")
    patch.setattr(merge, "_MOST_DATES", 1)
    score_partitions(registry, warehouse, *days, as_of=NOW)
    either = f"(FROM together EXCEPT ALL FROM {table}) UNION ALL (FROM {table} EXCEPT ALL FROM together)"
    ((count,),) = connection.execute(f"SELECT COUNT(*) FROM ({either})").fetchall()
    return int(count)


def test_keys_without_the_date_identify_a_row_of_a_date(tmp_path: Path) -> None:
    """A table partitioned by a date outside its keys has the same key on each date, each row with its own scores."""
    registry = small_registry()
    registry = replace(registry, table=replace(registry.table, keys=("item",)))
    days = [date(2026, 2, 4), date(2026, 2, 5)]
    with Recording(str(tmp_path / "store.duckdb")) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        labels = ("good", "bad")
        values = [
            f"('one', DATE '{day}', [1.0, 2.0, 3.0], '{json.dumps(dict.fromkeys('012', label))}')"
            for day, label in zip(days, labels, strict=True)
        ]
        warehouse.run(Query(f"INSERT INTO store (item, day, vector, labels) VALUES {', '.join(values)}"))
        score_partitions(registry, warehouse, days[0], days[1], as_of=NOW)
        (statement,) = warehouse.merges
        scored = warehouse.connection().execute("SELECT day, tier FROM store ORDER BY day").fetchall()
    assert "t.`day` = s.`day`" in statement
    assert scored == [(days[0], "gold"), (days[1], "poor")]


def test_the_dates_of_the_repository_are_scored_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column of rows of every kind is equal, scored by one statement and by four."""
    first = date(2026, 2, 1)
    rows = [
        row | {"game_date": first + timedelta(days=number % 4), "player_lookup": f"p{number}"}
        for number, row in enumerate(of_every_kind(1200))
    ]
    with closing(Recording(store_in(tmp_path, rows).removeprefix("duckdb:///"))) as warehouse:
        assert differing(warehouse, REGISTRY, (first, first + timedelta(days=3)), monkeypatch) == 0
        assert len(warehouse.merges) == 1 + 4


@pytest.mark.parametrize(
    "layout",
    [Layout("DATE", ""), Layout("DATE", "MONTH"), Layout("TIMESTAMP", "HOUR"), Layout("DATETIME", "DAY")],
    ids=str,
)
def test_rows_dated_in_any_way_are_scored_alike(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The date of a row may be that of a time."""
    with closing(Recording()) as warehouse:
        put_dated(warehouse, layout, layout.rows())
        assert differing(warehouse, layout.registry, (date(2026, 1, 1), date(2026, 3, 1)), monkeypatch) == 0
        assert len(warehouse.merges) == 1 + 7


def test_a_store_without_labels_takes_the_same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a label follows from the value, and the date is not a key."""
    registry = past_registry()
    registry = replace(
        registry,
        table=replace(registry.table, keys=("item",)),
        inputs=Inputs("", "vector[SAFE_OFFSET({index})]", ""),
        sources=(Source("present", 100, "good"), Source("missing", 40, "default", is_default=True)),
        unknown_source=UnknownSource(40, "default", "missing"),
    )
    with closing(Recording()) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        values = [f"('i{n}', DATE '{END - timedelta(days=n % 5)}', [1.0, {n}.0][:{n % 3}])" for n in range(40)]
        warehouse.connection().execute(f"INSERT INTO store (item, day, vector) VALUES {', '.join(values)}")
        assert differing(warehouse, registry, (START, END), monkeypatch) == 0


def of_sizes(days: Sequence[date], rows: dict[date, int]) -> list[int]:
    """The number of dates of each statement."""
    return [len(group) for group in neighbours(days, rows)]


def test_dates_that_are_not_scored_are_in_no_statement() -> None:
    """A date with rows between two others ends a statement, in either order; a date without rows does not."""
    rows = dict.fromkeys(LAST, 1)
    asked = [LAST[back] for back in (0, 1, 2, 5, 6, 8)]
    assert list(neighbours(asked, rows)) == [(LAST[0], LAST[1], LAST[2]), (LAST[5], LAST[6]), (LAST[8],)]
    assert list(neighbours(asked[::-1], rows)) == [(LAST[8],), (LAST[6], LAST[5]), (LAST[2], LAST[1], LAST[0])]
    del rows[LAST[1]]
    assert list(neighbours([LAST[2], LAST[0]], rows)) == [(LAST[2], LAST[0])]
    assert list(neighbours([], rows)) == []


def test_a_statement_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the span, and BigQuery changes so many partitions; a larger date is scored alone."""
    rows = {day: 4 + number % 3 for number, day in enumerate(LAST)}
    monkeypatch.setattr(merge, "_MOST_ROWS", 11)
    assert of_sizes(LAST, rows) == [2] * 6
    monkeypatch.setattr(merge, "_MOST_ROWS", 1)
    assert of_sizes(LAST, rows) == [1] * 12
    monkeypatch.setattr(merge, "_MOST_ROWS", 1_000)
    monkeypatch.setattr(merge, "_MOST_DATES", 5)
    assert of_sizes(LAST, rows) == [5, 5, 2]


def test_the_statement_names_its_dates_as_literals() -> None:
    """BigQuery then reads and changes no other partition; one date is an equality."""
    scoring = Scoring(past_registry())
    assert Span(scoring, START, END).merge(NOW).sql.count(f"`day` BETWEEN DATE '{START}' AND DATE '{END}'") == 2
    assert Span(scoring, END, END).merge(NOW).sql.count(f"`day` = DATE '{END}'") == 2


def unreadable() -> Registry:
    """A registry with a column that fails for a label that is not a number."""
    wrong = ColumnSpec("number", "INT64", "aggregate", "A number", "CAST(JSON_VALUE(labels, '$.\"9\"') AS INT64)")
    return replace(past_registry(), columns=(*past_registry().columns, wrong))


def with_an_unreadable_date(warehouse: Warehouse) -> list[date]:
    """Create a store of three dates, of which the second cannot be scored."""
    warehouse.run(make_statement(State(), (CreateTable(desired_table(unreadable())),)))
    days = LAST[2::-1]
    for day, number in zip(days, "1x3", strict=True):
        put(warehouse, "i", day, f'{{"9":"{number}"}}')
    return days


def numbers(warehouse: Warehouse) -> list[object]:
    """The stored number of each date."""
    return [row["number"] for row in warehouse.rows(Query("SELECT number FROM store ORDER BY day"))]


def test_score_ends_at_the_date_that_cannot_be_scored() -> None:
    """The statement over all dates fails; then each date has its own, up to the one that fails."""
    with closing(Recording()) as warehouse:
        days, scored = with_an_unreadable_date(warehouse), list[date]()
        with pytest.raises(StatementFailed):
            score_partitions(
                unreadable(), warehouse, START, END, as_of=NOW, on_scored=lambda one: scored.append(one.day)
            )
        assert (scored, numbers(warehouse)) == (days[:1], [1, None, None])
        assert len(warehouse.merges) == 3


def test_a_date_that_cannot_be_scored_does_not_stop_a_backfill() -> None:
    """Each date of the failed statement is tried alone: the others are done, and the cause is named for this one."""
    with closing(Recording()) as warehouse:
        days = with_an_unreadable_date(warehouse)
        observer = Observer(configure=unhurried)
        result = fill(unreadable(), warehouse, Options(START, END), tool="test", now=NOW, observer=observer)
        assert [found.rule for found in result.verification.findings] == ["FQ662", "FQ663"]
        assert numbers(warehouse) == [1, None, 3]
        ended = {one.day: (one.event, one.attempt) for one in events(warehouse) if one.day}
        assert ended == {
            str(days[0]): (Event.DONE, 2), str(days[1]): (Event.FAILED, ATTEMPTS), str(days[2]): (Event.DONE, 2)
        }  # fmt: skip


def test_a_second_attempt_computes_the_date_alone() -> None:
    """A row that a thread of this process adds after the statement is found, and scored by the second attempt."""
    late, added = LAST[3], list[date]()

    def add(step: str) -> None:
        if step == "verify" and not added:
            added.append(late)
            put(asked, "late", late)

    with closing(Recording()) as asked:
        store(asked, 12, 4)
        result = filled(asked, observer=Observer(on_step=add, configure=unhurried))
        assert {one.entry.day for one in result.partitions if one.entry.attempt == 2} == {str(late)}
        failed = [(one.day, one.error) for one in events(asked) if one.event == Event.FAILED]
        assert failed == [(str(late), "1 rows with sources have no score: another writer changes it.")]
        assert verify(past_registry(), asked, START, END).findings == ()
        assert all(row["score"] is not None for row in rows_of(asked) if row["labels"])


def test_the_journal_has_the_job_of_the_statement_for_each_of_its_dates() -> None:
    """Twelve dates in batches of five: three statements, and each date its share of the rows they changed."""
    with closing(Recording()) as warehouse:
        store(warehouse, 12, 4)
        filled(warehouse)
        done = [one for one in events(warehouse) if one.event == Event.DONE]
        assert len(warehouse.merges) == len({one.job for one in done}) == 3
        assert [one.changed for one in done] == [one.rows for one in done]
        started = {one.day: one.job for one in events(warehouse) if one.event == Event.STARTED}
        assert started == {one.day: one.job for one in done}


def test_an_upstream_column_is_not_written() -> None:
    """Only the columns that fqtool computes are in the statement."""
    sets = Span(Scoring(small_registry()), START, END).merge(NOW).sql.split("UPDATE SET")[1]
    assert [one.name for one in COLUMNS if one.name in sets and one.owner == "upstream"] == []
    assert "labels" not in sets


def test_kill_9_leaves_whole_statements(tmp_path: Path) -> None:
    """`score` killed at any moment: four dates of a statement have all scores or none; the next run completes them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unscored_store", "die-scoring", str(tmp_path), str(SEED), str(RUNS)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=patient(LIMIT), check=True,
    )  # fmt: skip
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == RUNS
    assert sum(any(one["killed"]) for one in rounds) > RUNS // 2
    scored = []
    for one in rounds:
        of_date = [one["dates"][str(START + timedelta(days=number))] for number in range(DAYS)]
        for first in range(0, DAYS, 4):
            whole = {count == rows for count, rows in of_date[first : first + 4]}
            assert len(whole) == 1
            assert all(count in (0, rows) for count, rows in of_date[first : first + 4])
            scored += whole
    assert set(scored) == {True, False}
    whole_file = stored(tmp_path / "whole.duckdb")
    assert all(one["code"] == 0 and stored(Path(one["file"])) == whole_file for one in rounds)


def stored(path: Path) -> list[dict[str, Any]]:
    """All rows of a file."""
    with closing(DuckDBWarehouse(str(path))) as warehouse:
        return rows_of(warehouse)
