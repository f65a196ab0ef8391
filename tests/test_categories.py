"""Categorical and boolean features: their statistics, and the types that exports give them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from fqtool.commands.demo.run import LAST
from fqtool.commands.explain.run import explain_row
from fqtool.commands.export.dictionary import dictionary
from fqtool.commands.export.feast import feast
from fqtool.monitoring.categories import CategoryQuery, CategoryStats
from fqtool.schema.build import desired_table
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.example_stores import STORES
from tests.in_process import fqtool
from tests.test_exports import feast_columns
from tests.test_statements_analysed import catalog

STORE = STORES["named columns"]
REGISTRY = STORE.registry
FIRST = LAST - timedelta(days=2)
# meter, day, tariff, has_solar
ROWS = [
    ("a", FIRST, "day", True), ("b", FIRST, "night", False), ("c", FIRST, None, None),
    ("a", LAST, "day", True), ("b", LAST, "day", True), ("c", LAST, "solar", False), ("d", LAST, None, None),
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder with a migrated and scored table of the rows."""
    STORE.copied(tmp_path)
    assert fqtool(tmp_path, "migrate").code == 0
    with DuckDBWarehouse(str(tmp_path / ".fqtool" / "local.duckdb")) as warehouse:
        warehouse.connection().executemany(
            "INSERT INTO meter_features (meter_id, day, tariff, has_solar) VALUES (?, ?, ?, ?)", ROWS
        )
    assert fqtool(tmp_path, "score", "--start", str(FIRST), "--end", str(LAST)).code == 0
    return tmp_path


def stats(folder: Path, start: date, end: date) -> tuple[CategoryStats, ...]:
    """The statistics of the table in a folder."""
    asked = CategoryQuery(REGISTRY)
    with DuckDBWarehouse(str(folder / ".fqtool" / "local.duckdb")) as warehouse:
        return asked.read(warehouse.rows(asked.query(start, end)))


def test_categories_are_counted_and_compared_with_earlier_dates(store: Path) -> None:
    """Distinct values, top shares, unseen categories and the share of TRUE; NULL does not count."""
    tariff, solar = stats(store, FIRST, LAST)
    assert (tariff.feature.name, tariff.rows, tariff.distinct, tariff.earlier_distinct) == ("tariff", 3, 2, 2)
    assert [(one.category, round(one.last, 2), one.earlier) for one in tariff.top] == [
        ("day", 0.67, 0.5), ("solar", 0.33, 0.0),
    ]  # fmt: skip
    assert tariff.unseen == (("solar", 1),)
    (true,) = solar.top
    assert (true.category, round(true.last, 2), true.earlier, solar.unseen) == ("TRUE", 0.67, 0.5, ())


def test_google_accepts_the_query() -> None:
    """It is GoogleSQL over the columns of the table."""
    query = CategoryQuery(REGISTRY).query(FIRST, LAST)
    assert zeta.analyze(query.sql, catalog(desired_table(REGISTRY))) is None


def test_without_earlier_dates_nothing_is_unseen(store: Path) -> None:
    """On the first date every category is new, so none is listed, and no earlier share exists."""
    tariff, _ = stats(store, FIRST, FIRST)
    assert (tariff.unseen, {one.earlier for one in tariff.top}) == ((), {None})


def test_the_report_shows_categories(store: Path) -> None:
    """A section with the features; a store without such features has none."""
    page = store / "report.html"
    assert fqtool(store, "report", "--start", str(FIRST), "--end", str(LAST), "--out", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    assert "day 67% (50%), solar 33% (0%)" in text
    assert "solar in 1 row" in text
    assert "TRUE 67% (50%)" in text
    assert CategoryQuery(STORES["JSON values by name"].registry).features == ()


def test_explain_reports_an_unseen_category(store: Path) -> None:
    """The row with the new tariff has it among what is unusual; a row with a known one does not."""
    with DuckDBWarehouse(str(store / ".fqtool" / "local.duckdb")) as warehouse:
        unusual = [explain_row(REGISTRY, warehouse, {"meter_id": one}, LAST).features[7].unusual for one in ("c", "a")]
    assert unusual == [("category not in the 14 days before",), ()]


def test_exports_have_the_true_types() -> None:
    """Feast has a type per feature, and converts decimals; the dictionary names type and kind."""
    columns = feast_columns(feast(REGISTRY), "VALUES")
    assert {name: told for name, (_, told, _) in columns.items()} == {
        "consumption_kwh": "Float64", "peak_kw": "Float64", "night_share": "Float64", "reading_count": "Int64",
        "consumption_mean_7d_kwh": "Float64", "temperature_c": "Float64", "wind_speed_ms": "Float64",
        "tariff": "String", "has_solar": "Bool",
    }  # fmt: skip
    assert columns["wind_speed_ms"][0] == "CAST(wind_speed_ms AS FLOAT64)"
    (sheet,) = [one for one in dictionary(REGISTRY) if one.title == "Features"]
    types = {row.cells[1][0].text: [part.text for part in row.cells[2]] for row in sheet.rows}
    assert (types["tariff"], types["has_solar"]) == (["STRING", "categorical"], ["BOOL"])
    assert types["reading_count"] == ["INT64"]
