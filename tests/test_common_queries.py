"""Laws of the queries of docs/example-store/common-queries.md: Google and both engines take them and answer alike."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from fqtool.schema.build import desired_state, desired_table
from fqtool.sql import Query, ident
from fqtool.table.model import DATASET
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.test_diagnosis import DAY, registry
from tests.test_generated_queries import alike, rows, stored
from tests.test_statements_analysed import catalog

__all__ = ["stored"]
PAGE = (ROOT / "docs" / "example-store" / "common-queries.md").read_text()
QUERIES = dict(zip(re.findall(r"^## (.*)\n(?:(?!^## )[\s\S])*?```sql", PAGE, re.MULTILINE),
                   re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL), strict=True))  # fmt: skip
# Every row of these three dates is scored, and no row is without a player.
EMPTY = {"Rows that were never scored"}


def with_views(sql: str) -> str:
    """The query with each view's own text in its place, as BigQuery reads a view."""
    for view in desired_state(registry()).views:
        text = view.text.replace(f"{ident(DATASET)}.", "")
        sql = re.sub(rf"\b{view.name}\b", lambda _, text=text: f"(\n{text}\n)", sql)  # type: ignore[misc]
    return sql


def asked(sql: str) -> Query:
    """The query with values for its parameters; the player is one whose processor did not run."""
    values: dict[str, Any] = {"date": DAY, "start": DAY - timedelta(days=2), "player": rows()[-3]["player_lookup"]}
    return Query(with_views(sql), tuple((name, value) for name, value in values.items() if f"@{name}" in sql))


def test_the_page_is_read_whole() -> None:
    """Law: each ```sql block of the page is a query of these tests."""
    assert len(QUERIES) == PAGE.count("```sql") >= 10


@pytest.mark.parametrize("title", QUERIES)
def test_each_is_one_scan_of_named_columns_and_dates(title: str) -> None:
    """Law: Google accepts it against table and views; it scans once, filters dates, and takes no star."""
    query = asked(QUERIES[title])
    assert zeta.analyze(query.sql, catalog(desired_table(registry())), dict(query.parameters)) is None
    assert len(re.findall(rf"\b{registry().table.name}\b", query.sql)) == 1
    assert "game_date" in QUERIES[title].partition("WHERE")[2]
    assert "*" not in QUERIES[title].replace("COUNT(*)", "")


@pytest.mark.parametrize("title", QUERIES)
def test_both_engines_answer_alike(title: str, stored: DuckDBWarehouse) -> None:
    """Law: DuckDB and Google's reference implementation give the same rows in the same order, and there are some."""
    query, table = asked(QUERIES[title]), desired_table(registry())
    ours = stored.rows(query)
    assert bool(ours) == (title not in EMPTY)
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}
    theirs = zeta.evaluate(query.sql, {table.name: (types, list(rows()))}, dict(query.parameters))
    assert alike([dict(zip(ours[0], row, strict=True)) for row in theirs]) == alike(ours) if ours else not theirs
