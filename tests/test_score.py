"""Laws of scoring the rows of a table, on both warehouses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from fqtool.commands.score.run import ScoredPartition, score_partitions
from fqtool.errors import InputError, NotThere, OtherColumns, Refusal, StatementFailed
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import ColumnSpec, Registry
from fqtool.schema.build import base_table, desired_table
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, Value
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.stores import small_registry

DAY = date(2026, 2, 6)
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)


def filled(warehouse: Warehouse, registry: Registry, rows: dict[str, dict[str, str] | None], day: date = DAY) -> None:
    """Create the store unless it exists, and put rows in: item -> labels, None for unknown sources."""
    if warehouse.describe("store") is None:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
    for item, labels in rows.items():
        warehouse.run(
            Query(
                "INSERT INTO store (item, day, vector, labels) VALUES (@item, @day, @vector, @labels)",
                (
                    ("item", item),
                    ("day", day),
                    ("vector", (1.0, 2.0, 3.0)),
                    ("labels", None if labels is None else json.dumps(labels)),
                ),
            )
        )


def scores(warehouse: Warehouse, *names: str) -> dict[Value, tuple[Value, ...]]:
    """The stored columns of the day's rows, by item."""
    listed = ", ".join(names)
    rows = warehouse.rows(Query(f"SELECT item, {listed} FROM store WHERE day = DATE '{DAY}' ORDER BY item"))
    return {row["item"]: tuple(row[name] for name in names) for row in rows}


def scored(warehouse: Warehouse, **options: object) -> tuple[ScoredPartition, ...]:
    """Score the day."""
    return score_partitions(small_registry(), warehouse, DAY, DAY, **{"as_of": NOW} | options)  # type: ignore[arg-type]


GOOD = {"0": "good", "1": "good", "2": "good"}


def test_scores_follow_from_labels(warehouse: Warehouse) -> None:
    """Weights are averaged, defaults counted; a row without sources gets NULL and is reported, never guessed."""
    registry = small_registry()
    filled(warehouse, registry, {"a": GOOD, "b": GOOD | {"1": "bad"}, "c": None, "d": {}, "e": GOOD | {"0": "strange"}})
    (done,) = scored(warehouse)
    assert (done.rows, done.without_sources) == (5, 1)
    assert scores(warehouse, "score", "tier", "defaults", "feature_1_quality") == {
        "a": (Decimal(100), "gold", 0, 100.0),
        "b": (Decimal(80), "poor", 1, 40.0),
        "c": (None, None, None, None),
        "d": (Decimal(40), "poor", 3, 40.0),
        "e": (Decimal(80), "poor", 1, 100.0),
    }


def test_a_value_that_does_not_fit_its_column_is_reported_with_its_row() -> None:
    """The column, its type and the keys of the row, beside the words of the warehouse."""
    registry = small_registry()
    large = ColumnSpec("large", "NUMERIC(3, 1)", "aggregate", expr="vector[SAFE_OFFSET(2)] * 100")
    registry = replace(registry, columns=(*registry.columns, large))
    with open_target("duckdb:///:memory:") as warehouse:
        filled(warehouse, registry, {"a": GOOD})
        with pytest.raises(
            StatementFailed, match=r"`large` does not fit NUMERIC\(3, 1\) in the row item = a, day = 20"
        ):
            score_partitions(registry, warehouse, DAY, DAY, as_of=NOW)


def test_scoring_twice_is_scoring_once(warehouse: Warehouse) -> None:
    """With the same as_of a rerun leaves every column as it was; columns of others are never touched."""
    filled(warehouse, small_registry(), {"a": GOOD, "b": None})
    scored(warehouse)
    names = [one.name for one in desired_table(small_registry()).columns if one.name not in ("item", "day")]
    before = scores(warehouse, *names)
    scored(warehouse)
    assert scores(warehouse, *names) == before
    assert json.loads(str(scores(warehouse, "labels")["a"][0])) == GOOD


def test_only_the_dates_asked_for_are_scored(warehouse: Warehouse) -> None:
    """Rows of other dates stay unscored; dates without rows are passed over."""
    filled(warehouse, small_registry(), {"a": GOOD})
    filled(warehouse, small_registry(), {"a": GOOD}, date(2026, 2, 8))
    done = score_partitions(small_registry(), warehouse, date(2026, 2, 7), date(2026, 2, 9), as_of=NOW)
    assert [one.day for one in done] == [date(2026, 2, 8)]
    assert scores(warehouse, "score")["a"] == (None,)


def test_duplicate_keys_are_refused_with_examples(warehouse: Warehouse) -> None:
    """Two rows of one key: which is scored would be chance, so neither is, and the key is named."""
    filled(warehouse, small_registry(), {"a": GOOD, "b": GOOD})
    filled(warehouse, small_registry(), {"b": GOOD})
    before, later = DAY - timedelta(days=1), DAY + timedelta(days=1)
    filled(warehouse, small_registry(), {"c": GOOD}, before)
    for _ in range(2):
        filled(warehouse, small_registry(), {"d": GOOD}, later)
    with pytest.raises(
        Refusal, match=r"^Nothing was scored: .*item=b, day=2026-02-06 \(2 rows\), and 1 more"
    ) as caught:
        score_partitions(small_registry(), warehouse, before, later, as_of=NOW)
    assert str(caught.value.remedy).endswith("then run: fqtool score --start 2026-02-05 --end 2026-02-07")
    assert scores(warehouse, "score")["a"] == (None,)


def test_a_dry_run_writes_nothing(warehouse: Warehouse) -> None:
    """With dry_run the rows are counted and stay as they are."""
    filled(warehouse, small_registry(), {"a": GOOD})
    (done,) = scored(warehouse, dry_run=True)
    assert (done.rows, done.changed) == (1, None)
    assert scores(warehouse, "score")["a"] == (None,)


def test_a_table_that_was_not_migrated_is_reported(warehouse: Warehouse) -> None:
    """An absent table, and one without the managed columns, end in a sentence with the remedy."""
    with pytest.raises(NotThere, match="no table store"):
        scored(warehouse)
    warehouse.run(make_statement(State(), (CreateTable(base_table(small_registry())),)))
    with pytest.raises(OtherColumns, match="lacks the columns tier, alerts, defaults and 3 more") as caught:
        scored(warehouse)
    assert str(caught.value.remedy) == "fqtool migrate"


def test_reversed_dates_are_reported(warehouse: Warehouse) -> None:
    """The end before the start is wrong input, not an empty result."""
    with pytest.raises(InputError, match="must not be earlier"):
        score_partitions(small_registry(), warehouse, date(2026, 2, 7), DAY, as_of=NOW)


def test_the_command_scores_the_incident(tmp_path: Path) -> None:
    """A stored row whose 5-8 are default: quality 40, source default, red, through the command line."""
    import shutil

    from tests.bed.running import ROOT
    from tests.test_cli import fqtool

    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    assert fqtool(tmp_path, "migrate").returncode == 0
    labels = {str(n): "phase4" for n in range(37)} | {str(n): "default" for n in range(5, 9)}
    with open_target(f"duckdb:///{tmp_path}/.fqtool/local.duckdb") as opened:
        opened.run(
            Query(
                "INSERT INTO ml_feature_store_v2 (player_lookup, game_date, game_id, feature_count, feature_version, "
                "data_source, created_at, features, feature_sources) VALUES ('x', DATE '2026-02-06', 'g', 37, 'v', "
                "'d', TIMESTAMP '2026-02-06 00:00:00+00', @vector, @labels)",
                (("vector", tuple(float(n) for n in range(37))), ("labels", json.dumps(labels))),
            )
        )
    done = fqtool(tmp_path, "score", "--start", "2026-02-06", "--as-of", "2026-02-07T12:00:00Z")
    assert done.returncode == 0, done.stderr
    assert "1 row on 1 date scored" in done.stderr
    with open_target(f"duckdb:///{tmp_path}/.fqtool/local.duckdb") as opened:
        (row,) = opened.rows(Query("SELECT * FROM ml_feature_store_v2 WHERE game_date = DATE '2026-02-06'"))
        (ready,) = opened.rows(
            Query("SELECT is_quality_ready FROM v_feature_quality_derived WHERE game_date = DATE '2026-02-06'")
        )
    assert [row[f"feature_{n}_quality"] for n in (4, 5, 6, 7, 8, 9)] == [100.0, 40.0, 40.0, 40.0, 40.0, 100.0]
    assert row["feature_5_source"] == "default"
    assert row["quality_alert_level"] == "red"
    assert ready["is_quality_ready"] is False


def test_sql_longer_than_bigquery_takes_is_refused_with_the_number() -> None:
    """Hundreds of features are one statement; where the text passes BigQuery's limit, both numbers are reported."""
    assert Scoring(small_registry(300)).select("t")
    with pytest.raises(Refusal, match=r"6,000 features needs [\d,]+ characters of SQL; BigQuery accepts 1,024,000"):
        Scoring(small_registry(6_000)).select("t")
