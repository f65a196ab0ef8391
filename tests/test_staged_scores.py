"""Laws of scoring many dates by one query: the rows are those of one query a date, and a date is written whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.backfill.journal import Event
from fqtool.commands.backfill.partition_runner import Observer
from fqtool.commands.backfill.run import verify
from fqtool.commands.score import staged_scores
from fqtool.commands.score.run import score_partitions
from fqtool.commands.score.staged_scores import STAGED, StagedScores
from fqtool.errors import StatementFailed
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import ColumnSpec, Inputs, Registry, Source, UnknownSource
from fqtool.schema.build import desired_table
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


class Recording(DuckDBWarehouse):
    """A database that records its statements, and may be made to keep no scores."""

    def __init__(self, path: str = ":memory:") -> None:
        super().__init__(path)
        self.statements: list[str] = []
        self.kept: list[str] = []

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Record a statement and run it."""
        self.statements.append(work.sql)
        return super().run(work, **how)

    def stage(self, name: str, query: Query) -> None:
        """Record a query and keep its rows."""
        self.kept.append(query.sql)
        super().stage(name, query)

    @property
    def merges(self) -> list[str]:
        """The statements that score a date."""
        return [sql for sql in self.statements if sql.startswith("MERGE ")]


def differing(warehouse: DuckDBWarehouse, registry: Registry, days: tuple[date, date]) -> int:
    """Score the dates together, then each alone; return how many rows the two do not have in common."""
    table = registry.table.name
    connection = warehouse.connection()
    connection.execute(f"CREATE TABLE before AS FROM {table}")
    score_partitions(registry, warehouse, *days, as_of=NOW)
    connection.execute(f"CREATE TABLE together AS FROM {table}")
    connection.execute(f"DELETE FROM {table}")
    connection.execute(f"INSERT INTO {table} FROM before")
    warehouse.staging = None
    score_partitions(registry, warehouse, *days, as_of=NOW)
    either = f"(FROM together EXCEPT ALL FROM {table}) UNION ALL (FROM {table} EXCEPT ALL FROM together)"
    ((count,),) = connection.execute(f"SELECT COUNT(*) FROM ({either})").fetchall()
    return int(count)


def test_the_dates_of_the_repository_are_scored_alike(tmp_path: Path) -> None:
    """Every column of rows of every kind is equal, and each query was used."""
    first = date(2026, 2, 1)
    rows = [
        row | {"game_date": first + timedelta(days=number % 4), "player_lookup": f"p{number}"}
        for number, row in enumerate(of_every_kind(1200))
    ]
    with closing(Recording(store_in(tmp_path, rows).removeprefix("duckdb:///"))) as warehouse:
        assert differing(warehouse, REGISTRY, (first, first + timedelta(days=3))) == 0
        assert (len(warehouse.kept), len(warehouse.merges)) == (1, 8)
        assert [STAGED in sql for sql in warehouse.merges] == [True] * 4 + [False] * 4


@pytest.mark.parametrize(
    "layout",
    [Layout("DATE", ""), Layout("DATE", "MONTH"), Layout("TIMESTAMP", "HOUR"), Layout("DATETIME", "DAY")],
    ids=str,
)
def test_rows_dated_in_any_way_are_scored_alike(layout: Layout) -> None:
    """The date of a row may be that of a time."""
    with closing(Recording()) as warehouse:
        put_dated(warehouse, layout, layout.rows())
        assert differing(warehouse, layout.registry, (date(2026, 1, 1), date(2026, 3, 1))) == 0
        assert (len(warehouse.kept), len(warehouse.merges)) == (1, 14)


def test_a_store_without_labels_takes_the_same_path() -> None:
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
        assert differing(warehouse, registry, (START, END)) == 0
        assert len(warehouse.kept) == 1


def test_each_date_is_one_statement_of_its_own() -> None:
    """Twelve dates are computed by one query and written by twelve statements, each with its own date."""
    with closing(Recording()) as warehouse:
        store(warehouse, 12, 4)
        score_partitions(past_registry(), warehouse, START, END, as_of=NOW)
        assert len(warehouse.kept) == 1
        assert len(warehouse.merges) == 12
        for sql, back in zip(warehouse.merges, range(11, -1, -1), strict=True):
            assert [one for one in every_date() if f"'{one}'" in sql] == [END - timedelta(days=back)]


def every_date() -> list[date]:
    """The dates that a store may have."""
    return [END - timedelta(days=back) for back in range(DAYS)]


@pytest.fixture
def asked() -> Iterator[Recording]:
    """A store of twelve dates with four to six rows each."""
    with closing(Recording()) as warehouse:
        store(warehouse, 12, 4)
        yield warehouse


def written(warehouse: Recording, days: Sequence[date], rows: dict[date, int]) -> list[int]:
    """Score those dates; return how many rows each kept table had."""
    scores, sizes = StagedScores(Scoring(past_registry()), warehouse, NOW, days, rows), list[int]()
    for day in days:
        before, merge = len(warehouse.kept), scores.merge(day)
        if len(warehouse.kept) > before:
            ((count,),) = warehouse.connection().execute(f"SELECT COUNT(*) FROM {STAGED}").fetchall()
            sizes.append(count)
        warehouse.run(merge)
    return sizes


def test_dates_that_are_not_scored_are_not_computed(asked: Recording) -> None:
    """A date between two others that is done ends a kept table, in either direction; a date without rows does not."""
    rows = {END - timedelta(days=back): 4 + back % 3 for back in range(12)}
    newest_first = [END - timedelta(days=back) for back in (0, 1, 2, 5, 6, 8)]
    assert written(asked, newest_first, rows) == [4 + 5 + 6, 6 + 4]
    assert [STAGED in sql for sql in asked.merges] == [True] * 5 + [False]
    asked.connection().execute(f"DELETE FROM store WHERE day = DATE '{END - timedelta(days=1)}'")
    del rows[END - timedelta(days=1)]
    assert written(asked, [END - timedelta(days=2), END], rows) == [6 + 4]


def test_a_kept_table_has_a_limit(asked: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the span; a date above the limit is a query of its own."""
    monkeypatch.setattr(staged_scores, "_MOST_ROWS", 11)
    rows = {END - timedelta(days=back): 4 + back % 3 for back in range(12)}
    assert written(asked, sorted(rows), rows) == [6 + 5, 4 + 6, 5 + 4, 6 + 5, 4 + 6, 5 + 4]
    monkeypatch.setattr(staged_scores, "_MOST_ROWS", 1)
    assert written(asked, sorted(rows), rows) == []


def test_a_date_that_cannot_be_scored_does_not_stop_the_others() -> None:
    """A query over all dates fails; then each date is scored alone, and only its own statement fails."""
    wrong = ColumnSpec("number", "INT64", "aggregate", "A number", "CAST(JSON_VALUE(labels, '$.\"9\"') AS INT64)")
    registry = replace(past_registry(), columns=(*past_registry().columns, wrong))
    days = [END - timedelta(days=back) for back in (2, 1, 0)]
    with closing(Recording()) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        for day, text in zip(days, ('{"9":"1"}', '{"9":"x"}', '{"9":"3"}'), strict=True):
            put(warehouse, "i", day, text)
        scores = StagedScores(Scoring(registry), warehouse, NOW, days, dict.fromkeys(days, 1))
        warehouse.run(scores.merge(days[0]))
        with pytest.raises(StatementFailed):
            warehouse.run(scores.merge(days[1]))
        warehouse.run(scores.merge(days[2]))
        assert [row["number"] for row in warehouse.rows(Query("SELECT number FROM store ORDER BY day"))] == [1, None, 3]


def test_a_second_attempt_computes_the_date_again(asked: Recording) -> None:
    """A row that a thread of this process adds after the query is found, and scored by the second attempt."""
    late = END - timedelta(days=3)

    def add(step: str) -> None:
        if step == f"{END} run":
            put(asked, "late", late)

    result = filled(asked, observer=Observer(on_step=add, configure=unhurried))
    assert {one.entry.day for one in result.partitions if one.entry.attempt == 2} == {str(late)}
    failed = [one for one in events(asked) if one.event == Event.FAILED]
    assert [(one.day, one.error) for one in failed] == [
        (str(late), "1 rows with sources have no score: another writer changes it.")
    ]
    assert verify(past_registry(), asked, START, END).findings == ()
    assert all(row["score"] is not None for row in rows_of(asked) if row["labels"])


def test_an_upstream_column_is_not_written() -> None:
    """Only the columns that fqtool computes are in the statement, kept or not."""
    registry = small_registry()
    scores = StagedScores(Scoring(registry), Recording(), NOW, [], {})
    sets = scores.merge(END).sql.split("UPDATE SET")[1]
    assert [one.name for one in COLUMNS if one.name in sets and one.owner == "upstream"] == []
    assert "labels" not in sets


def test_kill_9_leaves_whole_dates(tmp_path: Path) -> None:
    """`score` killed at any moment: a date has all its scores or none, and the next run completes the rows."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unscored_store", "die-scoring", str(tmp_path), str(SEED), str(RUNS)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=patient(LIMIT), check=True,
    )  # fmt: skip
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == RUNS
    assert sum(any(one["killed"]) for one in rounds) > RUNS // 2
    counts = [count for one in rounds for count in one["dates"].values()]
    assert all(scored in (0, rows) for scored, rows in counts)
    assert any(scored for scored, _ in counts)
    assert any(not scored for scored, _ in counts)
    whole = stored(tmp_path / "whole.duckdb")
    assert all(one["code"] == 0 and stored(Path(one["file"])) == whole for one in rounds)


def stored(path: Path) -> list[dict[str, Any]]:
    """All rows of a file."""
    with closing(DuckDBWarehouse(str(path))) as warehouse:
        return rows_of(warehouse)


def test_another_target_keeps_nothing() -> None:
    """Where others may write in between, the statement of a date reads the rows itself."""
    warehouse: Warehouse = Recording()
    warehouse.staging = None
    days = [END - timedelta(days=1), END]
    scores = StagedScores(Scoring(past_registry()), warehouse, NOW, days, dict.fromkeys(days, 1))
    assert not any(STAGED in scores.merge(day).sql for day in days)
