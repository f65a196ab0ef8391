"""Laws of what a store costs: bytes are Google's, sums are sums, and the design's figures follow from its lines."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fqtool.migrations.plan import make_statement
from fqtool.quality.sizes import BASE, OTHER, SizeQuery
from fqtool.registry.model import Registry
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.duckdb_load import load
from tests.bed import zeta
from tests.stores import small_registry
from tests.test_diagnosis import DAY
from tests.test_statements_analysed import catalog

# A value of each type, and its bytes by Google's table of data type sizes.
WEIGHED: list[tuple[str, object, int]] = [
    ("INT64", 7, 8), ("FLOAT64", 0.5, 8), ("BOOL", False, 1), ("NUMERIC(5, 2)", Decimal("1.25"), 16),
    ("BIGNUMERIC", Decimal("1.5"), 32), ("DATE", DAY, 8), ("TIMESTAMP", datetime(2026, 2, 6, tzinfo=UTC), 8),
    ("STRING", "", 2), ("STRING", "é日🏀", 11),
    ("STRING(9)", "abc", 5), ("BYTES", b"\x00\xff", 4), ("ARRAY<FLOAT64>", [1.0, 2.0], 16), ("ARRAY<STRING>", [], 0),
    ("ARRAY<STRING>", ["é", "", "ab"], 10), ("ARRAY<BOOL>", [True, False, True], 3), ("ARRAY<BYTES>", [b"a", b""], 5),
    ("STRUCT<a INT64, b ARRAY<DATE>, c STRING>", {"a": 1, "b": [DAY, DAY], "c": None}, 24),
    ("STRUCT<a INT64, s STRUCT<x BOOL, y STRING>>", {"a": None, "s": {"x": True, "y": "é"}}, 5),
    ("ARRAY<STRUCT<a STRING, b ARRAY<STRING>>>", [{"a": "x", "b": ["y"]}, {"a": None, "b": []}], 6),
]  # fmt: skip


def weighing() -> tuple[Table, Registry]:
    """A table with a column for each of these values, and a registry that knows none of them but the date."""
    columns = [column(f"c{number}", kind) for number, (kind, _, _) in enumerate(WEIGHED)]
    return Table("store", (*columns, column("day", "DATE"))), small_registry()


def test_every_type_weighs_what_google_says_on_both_engines() -> None:
    """By Google's executor and by DuckDB: the value's bytes once in two rows, since the other row is all NULL."""
    table, small = weighing()
    query = SizeQuery(small, table)
    named = {f"c{number}": value for number, (_, value, _) in enumerate(WEIGHED)} | {"day": DAY}
    rows = [named, {"day": DAY}]
    sql = query.query(DAY, DAY)
    (theirs,) = zeta.evaluate(sql.sql, {"store": (catalog(table)["store"], rows)})
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(table),)))
        _insert(warehouse, table, named)
        load(warehouse, "store", [{"day": DAY}])
        (ours,) = warehouse.rows(sql)
    assert list(ours.values()) == list(theirs)
    sizes = query.read(ours)
    assert (sizes.rows, sizes.dates, sizes.first, sizes.last) == (2, 1, DAY, DAY)
    told = {one.name: one.bytes for one in sizes.columns}
    assert told == {f"c{n}": size for n, (_, _, size) in enumerate(WEIGHED)} | {"day": 16}
    assert set(sizes.sections) == {BASE, OTHER}


def _insert(warehouse: DuckDBWarehouse, table: Table, row: dict[str, Any]) -> None:
    """Insert a row through DuckDB's own binding, bytes and STRUCTs among its values."""
    places = ", ".join(f"${one.name}" for one in table.columns)
    warehouse.connection().execute(f"INSERT INTO store VALUES ({places})", row)
