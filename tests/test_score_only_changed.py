"""Laws of `fqtool score --only-changed`: it skips a date only while its inputs and its scores are those it wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.score.run import score_partitions
from fqtool.errors import InputError, Unreachable
from fqtool.registry.model import Registry, Source
from fqtool.scoring.inputs import SCORED, InputChanges
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, Value
from fqtool.table.column import Mode
from fqtool.table.ddl import Statement
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Outcome, Warehouse
from tests.bed.running import ROOT
from tests.commands import fqtool
from tests.scored_rows import REGISTRY, of_every_kind, store_in
from tests.unscored_store import END, NOW, past_registry, store

START = END - timedelta(days=3)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def warehouse(warehouse: Warehouse) -> Warehouse:
    """A dataset with four unscored dates."""
    store(warehouse, days=4, rows=4)
    return warehouse


def scored(warehouse: Warehouse, registry: Registry | None = None, **options: Any) -> list[date]:
    """Score what changed; return the scored dates."""
    options = {"as_of": NOW, "only_changed": True} | options
    return [of_date.day for of_date in score_partitions(registry or past_registry(), warehouse, START, END, **options)]


ALL = [START + timedelta(days=number) for number in range(4)]


def test_dates_whose_inputs_did_not_change_are_skipped_and_reported(warehouse: Warehouse) -> None:
    """The first run scores all dates. The second writes nothing: its time of scoring is in no row."""
    unchanged: list[date] = []
    assert scored(warehouse) == ALL
    assert scored(warehouse, as_of=LATER, on_unchanged=unchanged.append) == []
    assert unchanged == ALL
    assert times(warehouse) == {NOW}


def times(warehouse: Warehouse) -> set[Value]:
    """The times of scoring in the rows."""
    query = f"SELECT DISTINCT computed_at AS moment FROM store WHERE day BETWEEN DATE '{START}' AND DATE '{END}'"
    return {row["moment"] for row in warehouse.rows(Query(query))}


CHANGES = {
    "a value": "UPDATE store SET vector = [1.0, 2.0, 1.25] WHERE item = 'i1' AND {day}",
    "the order of values": "UPDATE store SET vector = [2.0, 1.0, 1.5] WHERE item = 'i1' AND {day}",
    "a label": """UPDATE store SET labels = '{{"0":"bad"}}' WHERE item = 'i1' AND {day}""",
    "labels to NULL": "UPDATE store SET labels = NULL WHERE item = 'i1' AND {day}",
    "a new row": "INSERT INTO store (item, day, vector) VALUES ('new', DATE '2026-02-05', [1.0, 2.0, 3.0])",
    "a deleted row": "DELETE FROM store WHERE item = 'i1' AND {day}",
    "labels exchanged between two rows": (
        "UPDATE store SET labels = CASE item WHEN 'i0' THEN '{\"0\":\"good\",\"1\":\"bad\",\"2\":\"good\"}' "
        "ELSE '{\"0\":\"good\",\"1\":\"good\",\"2\":\"good\"}' END WHERE item IN ('i0', 'i1') AND {day}"
    ).replace('{"', '{{"').replace('"}', '"}}'),
    "the time of scoring": "UPDATE store SET computed_at = TIMESTAMP '2026-02-01' WHERE item = 'i1' AND {day}",
    "the time of scoring to NULL": "UPDATE store SET computed_at = NULL WHERE item = 'i1' AND {day}",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_date_with_one_change_is_scored_again(warehouse: Warehouse, change: str) -> None:
    """One changed value, row or time of scoring makes its date, and no other, be scored. Then nothing is left."""
    scored(warehouse)
    day = date(2026, 2, 5)
    warehouse.run(Query(CHANGES[change].format(day=f"day = DATE '{day}'")))
    assert scored(warehouse, as_of=LATER) == [day]
    assert scored(warehouse, as_of=LATER) == []


def test_a_column_that_scoring_does_not_read_is_not_an_input(warehouse: Warehouse) -> None:
    """A change of a column of others leaves the dates unchanged."""
    scored(warehouse)
    warehouse.run(Query("UPDATE store SET made_at = NULL WHERE day = DATE '2026-02-05'"))
    assert scored(warehouse, as_of=LATER) == []


@pytest.mark.parametrize("change", ["weight", "version"])
def test_another_scoring_scores_every_date(warehouse: Warehouse, change: str) -> None:
    """An edited registry and another version of fqtool score all dates again."""
    scored(warehouse, tool="1")
    weights = (Source("good", 90, "good"), Source("bad", 40, "default", is_default=True))
    registry = past_registry() if change == "version" else replace(past_registry(), sources=weights)
    assert scored(warehouse, registry, as_of=LATER, tool="1" if change == "weight" else "2") == ALL


def test_a_date_that_another_command_scored_since_is_scored_again(warehouse: Warehouse) -> None:
    """After `score` of an older registry the inputs are the same, and the scores are not."""
    scored(warehouse)
    score_partitions(past_registry(), warehouse, END, END, as_of=LATER)
    assert scored(warehouse, as_of=LATER) == [END]


def test_a_dry_run_lists_the_changed_dates_and_creates_no_table(warehouse: Warehouse) -> None:
    """Nothing is written."""
    assert scored(warehouse, dry_run=True) == ALL
    assert warehouse.describe(SCORED) is None
    assert times(warehouse) == {None}


def test_a_store_without_the_time_of_scoring_is_refused(warehouse: Warehouse) -> None:
    """Without it a date that another registry scored since would look unchanged."""
    without = tuple(column for column in past_registry().columns if column.name != "computed_at")
    with pytest.raises(InputError, match="no column for it"):
        scored(warehouse, replace(past_registry(), columns=without))


class Interrupted(DuckDBWarehouse):
    """A database that loses its connection before the scored dates are recorded."""

    def run(self, work: Statement | Query, **how: Any) -> Outcome:
        """Fail at the INSERT into the table of scored dates."""
        if isinstance(work, Query) and work.sql.startswith(f"INSERT INTO `{SCORED}`"):
            raise Unreachable("The connection is lost.")
        return super().run(work, **how)


def test_a_run_that_ends_before_its_record_scores_the_dates_again() -> None:
    """The rows are scored and not recorded: the next run scores them once more."""
    with Interrupted(":memory:") as warehouse:
        store(warehouse, days=4, rows=4)
        with pytest.raises(Unreachable):
            scored(warehouse)
        assert times(warehouse) == {NOW}
        warehouse.__class__ = DuckDBWarehouse
        assert scored(warehouse, as_of=LATER) == ALL


def test_every_column_that_scoring_reads_is_in_the_fingerprint(tmp_path: Path) -> None:
    """In the repository's store, NULL in one row changes the fingerprint, and two rows that exchange their values."""
    changes, table = InputChanges(Scoring(REGISTRY), ""), REGISTRY.table.name
    read = [column for column in changes.columns if column.key not in REGISTRY.table.keys]
    assert len(read) > 5
    store_in(tmp_path, of_every_kind(90))
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        connection, query = warehouse.connection(), changes.query(END, END)
        before = warehouse.rows(query)
        for name, mode in ((column.name, column.mode) for column in read):
            found = connection.execute(f"SELECT DISTINCT ON ({name}) rowid FROM {table} WHERE {name} IS NOT NULL")
            (first,), (second,) = found.fetchmany(2)
            exchange = (
                f"UPDATE {table} AS t SET {name} = s.{name} FROM {table} AS s "
                f"WHERE t.rowid IN ({first}, {second}) AND s.rowid = {first} + {second} - t.rowid"
            )
            empty = f"UPDATE {table} SET {name} = NULL WHERE rowid = {first}"
            for statement in [exchange, *([] if mode is Mode.REQUIRED else [empty])]:
                connection.execute("BEGIN")
                connection.execute(statement)
                assert warehouse.rows(query) != before, statement
                connection.execute("ROLLBACK")
        assert warehouse.rows(query) == before


def test_the_command_prints_how_many_dates_are_unchanged(tmp_path: Path) -> None:
    """A second run scores no date and prints that; the option does not apply to a file."""
    target = store_in(tmp_path, of_every_kind(9))
    words = ("score", "--only-changed", "--start", str(END), "--target", target)
    first, second = fqtool(ROOT, *words), fqtool(ROOT, *words)
    assert "9 rows on 1 date scored" in first.stderr
    assert "0 dates unchanged" in first.stderr
    assert "0 rows on 0 dates scored" in second.stderr
    assert "1 date unchanged" in second.stderr
    assert fqtool(ROOT, "score", "--only-changed", "--input", "rows.ndjson").returncode == 2
