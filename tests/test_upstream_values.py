"""Real values beside the column that they are read from: check-drift --data with `upstream_tolerance`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fqtool.commands.check_drift.rules_data import check_data
from fqtool.commands.check_drift.run import audit_of
from fqtool.commands.check_drift.upstream_values import upstream_tables
from fqtool.errors import Refusal
from fqtool.findings.finding import Finding
from fqtool.lint.check import check_registry
from fqtool.registry.model import Feature, Processor, Registry
from fqtool.schema.build import desired_table
from fqtool.warehouse.protocol import Outcome
from tests.bed import zeta
from tests.test_statements_analysed import catalog
from tests.test_value_laws import FIRST, LAST, registry, right, stored

PRICE = Feature(0, "price", "one", processor="Prices", upstream_table="prices", upstream_column="eur")
COST = Feature(1, "cost", "one", upstream_table="costs", upstream_column="cost", upstream_tolerance=0.5)
MARGIN = Feature(2, "margin", "one")
PRICES = "CREATE TABLE prices AS SELECT item, day AS priced_on, CAST(price AS DECIMAL(9, 2)) AS eur FROM store;"
COSTS = "CREATE TABLE costs AS SELECT item, day, cost + 0.4 AS cost FROM store;"
ONE = f"item = 'i3' AND %s = DATE '{LAST}'"


def store(tolerance: float = 0.0) -> Registry:
    """A store whose prices and costs come from two tables, one with another name of the date."""
    made = registry(replace(PRICE, upstream_tolerance=tolerance), COST, MARGIN)
    return replace(made, processors=(Processor("Prices", table="sales.prices", date_column="priced_on", owner="team"),))


def findings(change: str = "", rows: list[dict[str, Any]] | None = None) -> list[Finding]:
    """What check-drift --data finds after a change of the tables."""
    made = store()
    with stored(rows or right(), made) as warehouse:
        warehouse.connection().execute(PRICES + COSTS + change)
        found = check_data(audit_of(made, warehouse, FIRST, LAST))
    return [one for one in found if one.rule in ("FQ715", "FQ716")]


def test_equal_values_have_no_finding() -> None:
    """Values within the tolerance, values that are missing, rows of other dates and twice the same row."""
    rows = right()
    rows[5] |= {"price": None}
    assert findings("UPDATE prices SET eur = 7 WHERE eur IS NULL", rows) == []
    assert findings("INSERT INTO prices SELECT * FROM prices") == []
    assert findings(f"INSERT INTO prices VALUES ('i3', DATE '{LAST}' + 1, -1)") == []


@pytest.mark.parametrize("value", ["eur + 0.01", "NULL"])
def test_a_value_that_differs_is_reported(value: str) -> None:
    """With the column, the numbers of rows and the owner; also a value where the source has none."""
    (found,) = findings(f"UPDATE prices SET eur = {value} WHERE {ONE % 'priced_on'}")
    assert (found.rule, found.subject, found.owner) == ("FQ715", "price", "team")
    assert found.message == "price differs from `prices.eur` in 1 of 450 rows."


def test_a_value_beyond_the_tolerance_is_reported() -> None:
    """And none within it."""
    (found,) = findings(f"UPDATE costs SET cost = cost + 0.2 WHERE {ONE % 'day'}")
    assert (found.rule, found.subject) == ("FQ715", "cost")


def test_a_row_without_a_source_is_reported() -> None:
    """It is not compared."""
    (found,) = findings(f"DELETE FROM prices WHERE {ONE % 'priced_on'}")
    assert (found.rule, found.message) == ("FQ716", "1 of 450 rows with a value of price have no row in `prices`.")


def test_a_table_that_cannot_be_read_is_reported_and_the_other_one_compared() -> None:
    """Without the table, and without its column."""
    for change in ("DROP TABLE prices;", "ALTER TABLE prices DROP eur;"):
        differs, unread = findings(change + f"UPDATE costs SET cost = 99 WHERE {ONE % 'day'}")
        assert (differs.rule, differs.subject, unread.rule) == ("FQ715", "cost", "FQ716")
        assert unread.message.startswith("No value was compared with `prices`: ")


def test_max_bytes_holds_for_the_sum_of_the_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that are announced are those of the rows and of both tables."""
    made, seen = store(), list[int]()
    with stored(right(), made) as warehouse:
        warehouse.connection().execute(PRICES + COSTS)
        monkeypatch.setattr(warehouse, "run", lambda *_, **__: Outcome(bytes_processed=5_000))
        audit_of(made, warehouse, FIRST, LAST, max_bytes=15_000, on_bytes=seen.append)
        with pytest.raises(Refusal, match="reads 15,000 bytes; --max-bytes allows 14,999 bytes"):
            audit_of(made, warehouse, FIRST, LAST, max_bytes=14_999)
    assert seen == [15_000]


def test_google_accepts_each_query() -> None:
    """With the table in its dataset, as the processor declares it."""
    made = store()
    tables = catalog(desired_table(made)) | {
        "sales.prices": {"item": "STRING", "priced_on": "DATE", "eur": "NUMERIC"},
        "costs": {"item": "STRING", "day": "DATE", "cost": "FLOAT64"},
    }
    first, second = upstream_tables(made, with_datasets=True)
    assert (first.name, first.date_column, second.name, second.date_column) == (
        "sales.prices",
        "priced_on",
        "costs",
        "day",
    )
    for one in (first, second):
        asked = one.query(FIRST, LAST)
        assert zeta.analyze(asked.sql, tables, dict(asked.parameters)) is None


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        (replace(PRICE, upstream_tolerance=1, upstream_column="a, b"), "without an `upstream_table` and one"),
        (replace(PRICE, upstream_tolerance=1, upstream_table=""), "without an `upstream_table` and one"),
        (Feature(0, "item", "one", upstream_tolerance=0, upstream_table="t", upstream_column="c"), "not numbers"),
    ],
)
def test_a_tolerance_needs_one_column_of_numbers(feature: Feature, words: str) -> None:
    """FQ173, with the place of the tolerance."""
    found = [one for one in check_registry(registry(feature, COST, MARGIN)) if one.rule == "FQ173"]
    assert len(found) == 1
    assert words in found[0].message
