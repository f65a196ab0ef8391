"""Laws of the feature language: what an expression over the features of a row gives, by Google and by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from fqtool.migrations.plan import make_statement
from fqtool.registry.alerts_and_models import Each, ViewColumn, ViewSpec
from fqtool.registry.model import ColumnSpec, Registry
from fqtool.schema.build import desired_table
from fqtool.schema.views import view_query
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, ident, literal
from fqtool.table.changes import CreateTable
from fqtool.table.model import DATASET, State
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.zeta import evaluate
from tests.stores import COLUMNS, small_registry

ROWS = {"well": '{"0":"good","1":"good","2":"good"}', "mixed": '{"0":"good","1":"bad"}', "unlabelled": None}
# An expression, its type, and what it gives for a row with good labels, for one with two bad ones, for one with none.
EXPECTED = [
    ("COUNT_FEATURES(UPPER(source) = 'DEFAULT')", "INT64", 0, 2, None),
    ("COUNT_FEATURES(IFNULL(is_default, TRUE))", "INT64", 0, 2, None),
    ("COUNT_FEATURES(value > 1)", "INT64", 2, 2, 2),
    ("CASE COUNT_FEATURES(is_default) WHEN 0 THEN 'none' WHEN 2 THEN 'two' END", "STRING", "none", "two", None),
    ("CASE WHEN ANY_FEATURE(is_default) THEN 1 ELSE 0 END", "INT64", 0, 1, 0),
    ("FEATURE_MAP(is_default OR quality < 50)", "STRING", *(
        f'{{"0":{one},"1":{two},"2":{two}}}' for one, two in (("false", "false"), ("false", "true"), ("null", "null"))
    )),
    ("FEATURE_MAP(source LIKE 'd%', index > 1)", "STRING", '{"2":false}', '{"2":true}', '{"2":null}'),
    ("AVG_OVER_FEATURES(quality, index < 2)", "FLOAT64", 100.0, 70.0, None),
    ("ARRAY_LENGTH(FEATURE_LIST(name, is_default))", "INT64", 0, 2, 0),
    ("ALL_FEATURES(quality = 100)", "BOOL", True, False, None),
    ("COUNT_FEATURES(IF(index = 0, TRUE, is_default))", "INT64", 1, 3, None),
    ("ANY_FEATURE(IF(name = 'f1', is_default, FALSE))", "BOOL", False, True, None),
    ("ROUND(AVG_OVER_FEATURES(quality), -2)", "FLOAT64", 100.0, 100.0, None),
]  # fmt: skip


def registry_with(text: str, kind: str, features: int = 3) -> Registry:
    """The small store with one more column."""
    return small_registry(features, columns=(*COLUMNS, ColumnSpec("result", kind, "legacy", "The result", text)))


@pytest.fixture(scope="module")
def warehouse() -> Iterator[DuckDBWarehouse]:
    """The small store with a row of each kind."""
    with DuckDBWarehouse(":memory:") as loaded:
        loaded.run(make_statement(State(), (CreateTable(desired_table(small_registry())),)))
        values = ", ".join(
            f"('{name}', DATE '2026-02-06', [1.0, 2.0, 3.0], {literal(labels)})" for name, labels in ROWS.items()
        )
        loaded.run(Query(f"INSERT INTO store (item, day, vector, labels) VALUES {values}"))
        yield loaded


@pytest.mark.parametrize(("text", "kind", "well", "mixed", "unlabelled"), EXPECTED, ids=[one[0] for one in EXPECTED])
def test_an_expression_gives(
    warehouse: DuckDBWarehouse, text: str, kind: str, well: Any, mixed: Any, unlabelled: Any
) -> None:
    """The value given, on both: unknown where a row has no labels and the labels decide."""
    expected = {"well": well, "mixed": mixed, "unlabelled": unlabelled}
    registry = registry_with(text, kind)
    assert {row["item"]: row["result"] for row in warehouse.rows(Query(Scoring(registry).select("store")))} == expected
    assert by_google(registry) == expected


@pytest.mark.parametrize("features", [64, 65, 200])
def test_no_feature_is_lost_in_a_long_chain(warehouse: DuckDBWarehouse, features: int) -> None:
    """Sums and conditions over more features than one chain holds take each of them once."""
    for text, kind, mixed in (
        ("COUNT_FEATURES(is_default)", "INT64", features - 1),
        ("AVG_OVER_FEATURES(index)", "FLOAT64", (features - 1) / 2),
        (f"ANY_FEATURE(index = {features - 1} AND is_default)", "BOOL", True),
        (f"ALL_FEATURES(index < {features - 1} OR source = 'good')", "BOOL", False),
    ):
        sql = Scoring(registry_with(text, kind, features)).select("store", "item = 'mixed'")
        assert [row["result"] for row in warehouse.rows(Query(sql))] == [mixed], text


@pytest.mark.parametrize("rows_per", [None, Each.FEATURE])
def test_a_view_holds_the_rows_that_its_where_lets_pass(warehouse: DuckDBWarehouse, rows_per: Each | None) -> None:
    """A row a feature or a row a row; without WHERE, all."""
    column = ViewColumn("result", "'{name}'" if rows_per else "UPPER(item)")
    times = 3 if rows_per else 1
    for where, items in (("", [*ROWS]), ("labels IS NOT NULL", ["well", "mixed"])):
        spec = ViewSpec("v_some", (column,), "Some", rows_per, ("item",), where)
        registry = small_registry(views=(spec,))
        sql = view_query(registry, spec, desired_table(registry)).replace(f"{ident(DATASET)}.", "")
        found = [row["item"] for row in warehouse.rows(Query(sql))]
        assert sorted(found) == sorted(items * times)


def by_google(registry: Registry) -> dict[str, Any]:
    """What Google's reference implementation makes of the same rows."""
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in desired_table(small_registry()).columns}
    rows = [
        {"item": name, "day": date(2026, 2, 6), "vector": [1.0, 2.0, 3.0], "labels": text}
        for name, text in ROWS.items()
    ]
    query = f"SELECT item, result FROM ({Scoring(registry).select('store')})"
    return dict(evaluate(query, {"store": (types, rows)}, {}))
