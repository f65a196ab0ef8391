"""Laws of what a store costs: bytes are Google's, sums are sums, and the design's figures follow from its lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fqtool.commands.cost.costs import Cost, Storage, left_out, scan_price, storage, worked_out
from fqtool.commands.cost.run import cost_of
from fqtool.commands.cost.text import document
from fqtool.errors import Refusal
from fqtool.migrations.plan import make_statement
from fqtool.monitoring.sizes import BASE, OTHER, SizeQuery
from fqtool.registry.model import Registry, TableSpec
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.column import Kind, Mode, Type
from fqtool.table.ddl import Statement
from fqtool.table.model import State, Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Outcome
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.machine import patient
from tests.stores import small_registry
from tests.test_diagnosis import DAY, registry, scored, store
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


def test_every_type_weighs_what_google_documents_on_both_engines() -> None:
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


def measured(days: int = 1, rows: int = 20) -> Cost:
    """What so many scored rows a day weigh."""
    with DuckDBWarehouse(":memory:") as warehouse:
        first = DAY - timedelta(days=days - 1)
        store(warehouse, Season(registry(), first, days, rows_per_day=rows).rows())
        return cost_of(registry(), warehouse, first, DAY)


def lenient() -> Table:
    """The repository's table, but any column may be NULL and is so unless something is put there."""
    table = desired_table(registry())
    loose = {Mode.REQUIRED: Mode.NULLABLE}
    return table.with_columns(replace(one, default=None, mode=loose.get(one.mode, one.mode)) for one in table.columns)


def test_both_engines_weigh_the_store_alike() -> None:
    """Scored rows of the repository's store, some of them without any value: the same bytes in every column."""
    table = lenient()
    rows = [*scored(Season(registry(), DAY, 1, rows_per_day=8).rows()), {"player_lookup": "é", "game_date": DAY}]
    query = SizeQuery(registry()).query(DAY, DAY)
    assert zeta.analyze(query.sql, catalog(table)) is None
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(table),)))
        load(warehouse, table.name, rows)
        (ours,) = warehouse.rows(query)
        standing = warehouse.rows(Query(f"SELECT * FROM {table.name} WHERE game_date = DATE '{DAY}'"))
    (theirs,) = zeta.evaluate(query.sql, {table.name: (catalog(table)[table.name], standing)})
    assert list(ours.values()) == list(theirs)


def test_bytes_by_column_make_the_sections_and_the_row() -> None:
    """The columns of a section sum to it, the sections to the row, and the row times its rows to the bytes of all."""
    found = measured()
    sections = dict.fromkeys(one.section for one in found.columns)
    assert sum(found.of_section(one) for one in sections) == pytest.approx(found.per_row)
    assert found.per_row * found.sizes.rows == pytest.approx(sum(one.bytes for one in found.sizes.columns))
    assert {one.name for one in found.columns} == {one.name for one in desired_table(registry()).columns}


def test_a_row_of_nothing_weighs_nothing() -> None:
    """NULL costs nothing: of a row with its keys alone, only they have bytes."""
    with DuckDBWarehouse(":memory:") as warehouse:
        table = lenient()
        warehouse.run(make_statement(State(), (CreateTable(table),)))
        load(warehouse, table.name, [{"player_lookup": "abc", "game_date": DAY}])
        found = cost_of(registry(), warehouse, DAY, DAY)
    assert {one.name: one.per_row for one in found.columns if one.per_row} == {"player_lookup": 5, "game_date": 8}
    assert found.scored == 0


def test_twice_the_rows_cost_twice() -> None:
    """Bytes and storage of a year follow its rows; every date again is the same number of scans of twice the bytes."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=10).rows())
        one, two = (cost_of(registry(), warehouse, DAY, DAY, rows_per_year=rows).year for rows in (30_000.0, 60_000.0))
    assert one is not None
    assert two is not None
    assert two.bytes == 2 * one.bytes
    assert one.storage is not None
    assert two.storage == Storage(*(2 * value for value in astuple(one.storage)))


def test_the_parts_of_a_year_are_those_of_its_months() -> None:
    """Active and long-term prices agree with a loop over the days of each partition."""
    pricing = registry().pricing
    assert pricing is not None
    gib, months = 2**30, 12 / 365
    found = storage(gib, pricing)
    rates = [pricing.active_storage_per_gib_month] * 90 + [pricing.long_term_storage_per_gib_month] * 275
    assert found.active == pytest.approx(12 * pricing.active_storage_per_gib_month)
    assert found.long_term == pytest.approx(sum(rates) * months)
    filling = sum(sum(rates[: 365 - day]) for day in range(365)) / 365 * months
    assert found.first == pytest.approx(filling, rel=0.01)
    assert found.first < found.long_term < found.active


def test_a_scan_is_billed_for_the_minimum_at_least() -> None:
    """Fewer bytes cost what the minimum costs; a TiB costs its list price."""
    pricing = registry().pricing
    assert pricing is not None
    assert scan_price(1, pricing) == scan_price(pricing.minimum_bytes_per_query, pricing) > 0
    assert scan_price(2**40, pricing) == pricing.scan_per_tib


def test_the_designs_figures_follow_from_its_lines() -> None:
    """4,246 B, 0.84 MB a day, 307 MB and 0.07 a year are worked out from the registry's lines and prices."""
    size = registry().expected_size
    assert size is not None
    told = worked_out(size, registry().pricing)
    assert (told.per_row, told.rounded) == (4246, 4200)
    assert (round(told.day / 1e6, 2), round(told.year / 1e6)) == (0.84, 307)
    assert told.price_per_gb is not None
    assert told.price is not None
    assert (round(told.price_per_gb, 3), round(told.price, 2)) == (0.074, 0.07)
    doubled = replace(size, lines=tuple(replace(one, bytes=2 * one.bytes) for one in size.lines))
    assert worked_out(doubled, registry().pricing).year == pytest.approx(2 * told.year, rel=0.02)
    assert worked_out(replace(size, rounded_to=0), None).year == 4246 * 200 * 365


def test_each_line_is_beside_its_own_columns() -> None:
    """The lines are about all managed columns, once each; what they leave out begins with the base columns."""
    found = measured()
    assert sum(one.columns for one in found.beside) == sum(one.section != BASE for one in found.columns)
    beside = sum(one.per_row or 0 for one in found.beside)
    base, *rest = left_out(found)
    assert base.figure == pytest.approx(found.per_row - beside)
    told = "\n".join(one.what for one in rest)
    for words in (
        "become long-term",
        "BigQuery prices a GiB",
        "a scan of the whole year",
        "billed at least 10,485,760",
        "10 GiB of free storage",
        "1 TiB of free scans",
    ):
        assert words in told


def test_a_table_that_lacks_columns_reports_what_they_will_weigh() -> None:
    """Before is what exists, after that and what is added; a column that is to widen weighs by its new type."""
    table = desired_table(registry())
    narrow = replace(table, columns=tuple(
        replace(one, type=Type(Kind.INT64)) if one.name == "feature_quality_score" else one
        for one in table.columns if not one.name.endswith("_json")
    ))  # fmt: skip
    rows = list(scored(Season(registry(), DAY, 1, rows_per_day=10).rows()))
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(narrow),)))
        load(warehouse, table.name, ({**row, "feature_quality_score": 90} for row in rows))
        found = cost_of(registry(), warehouse, DAY, DAY)
    change = found.change
    assert change.before == pytest.approx(found.per_row)
    assert len(change.adds) == len(table.columns) - len(narrow.columns)
    assert (change.widens, change.widened) == (("feature_quality_score",), 8)
    assert 1_000 < change.added == pytest.approx(change.after - change.before - 8)
    assert [one.line.what for one in found.beside if one.estimated] == ["JSON details"]


def test_any_registry_can_be_asked() -> None:
    """Without prices, expectation or partitions: bytes are reported, and what is not known is not."""
    found = cost_of(small_registry(), None, DAY, DAY)
    assert found.per_row > 0
    assert (found.year, found.expected, left_out(found)) == (None, None, ())
    whole = small_registry(table=TableSpec("store", ("item",)))
    query = SizeQuery(whole).query(DAY, DAY)
    assert "WHERE" not in query.sql
    assert zeta.analyze(query.sql, catalog(desired_table(whole))) is None
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(whole)),)))
        load(warehouse, "store", [{"item": "a", "day": DAY}])
        undated = cost_of(whole, warehouse, DAY, DAY)
    assert (undated.sizes.rows, undated.why_estimated, undated.year) == (1, "", None)
    known = cost_of(small_registry(), None, DAY, DAY, rows_per_year=1_000).year
    assert known is not None
    assert (known.bytes, known.storage) == (1_000 * found.per_row, None)


def run(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run the command on the repository's registry."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "cost", "-r", str(ROOT / "feature_registry.yaml"), *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True, text=True, check=False, timeout=patient(60),
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_command_distinguishes_measured_from_estimated(tmp_path: Path) -> None:
    """A table is measured and the dates are named; an absent one, or dates without rows, are reported and estimated."""
    target = f"duckdb:///{tmp_path}/store.duckdb"
    code, told, _ = run(tmp_path, "--target", target)
    assert code == 0
    assert f"There is no table {registry().table.name} in {target}" in told
    assert "estimated from 200 synthetic rows" in told
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=20).rows())
    code, told, _ = run(tmp_path, "--target", target, "--start", str(DAY), "--end", str(DAY))
    assert code == 0
    assert told.startswith(f"{registry().table.name} in {target}: 20 rows on {DAY};")
    assert "= 0.84 MB per day, x 365 days = 307 MB per year, USD 0.074 per year." in told
    assert "No pending migration changes the size of a row." in told
    code, told, _ = run(tmp_path, "--target", target, "--end", "2020-01-01")
    assert code == 0
    assert "has no rows from 2019-12-19 to 2020-01-01." in told


def test_the_json_is_as_its_schema_declares(tmp_path: Path) -> None:
    """Its columns sum to the row; the schema allows nothing that is not described."""
    code, out, error = run(tmp_path, "--offline", "--format", "json")
    assert (code, error) == (0, "")
    told = json.loads(out)
    schema = json.loads((ROOT / "fqtool/commands/cost/cost.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(told, schema)
    assert told["estimated"] is True
    assert sum(one["bytes_per_row"] for one in told["columns"]) == pytest.approx(told["bytes_per_row"])
    assert sum(one["expected"] for one in told["expected"]["lines"]) == told["expected"]["bytes_per_row"] == 4246
    jsonschema.validate(document(cost_of(small_registry(), None, DAY, DAY), ""), schema)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--start", "2026-02-07", "--end", "2026-02-06"),
            "--end 2026-02-06 must not be earlier than --start 2026-02-07.",
        ),
        (("--start", "soon"), "'soon' is not a date."),
        (("--offline", "--start", "2026-02-07"), "--offline reads no table"),
        (("--offline", "--rows-per-year", "0"), "--rows-per-year must be a number above 0."),
        (("--offline", "--rows-per-year", "nan"), "--rows-per-year must be a number above 0."),
    ],
)
def test_wrong_input_is_reported(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    """Exit 2 with one sentence, and nothing on stdout."""
    code, out, error = run(tmp_path, *words)
    assert (code, out) == (2, "")
    assert sentence in error


class Priced(DuckDBWarehouse):
    """A warehouse that reports what a query would read."""

    def run(self, work: Statement | Query, **options: Any) -> Outcome:
        """Report 5,000 bytes for a dry run."""
        done = super().run(work, **options)
        return replace(done, bytes_processed=5_000) if options.get("dry_run") else done


def test_a_scan_that_is_too_large_is_refused_before_it_runs() -> None:
    """The bytes are reported first; more than are allowed is a refusal."""
    told: list[int] = []
    with Priced(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=2).rows())
        with pytest.raises(Refusal, match="5,000 bytes; --max-bytes allows 4,999"):
            cost_of(registry(), warehouse, DAY, DAY, max_bytes=4_999, on_bytes=told.append)
        assert cost_of(registry(), warehouse, DAY, DAY, max_bytes=5_000, on_bytes=told.append).sizes.rows == 2
    assert told == [5_000, 5_000]
