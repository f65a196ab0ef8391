"""Values of every class are the same on DuckDB as at Google's reference implementation, or a known difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from math import inf, nan
from typing import NamedTuple

import pytest

from fqtool.errors import FqtoolError
from fqtool.sql import Query
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.zeta import ZetaError, evaluate
from tests.value_grid import CASES, PAGE, Outcome, comparable, measured, written


class Case(NamedTuple):
    """A query with what Google's reference implementation returns: rows, or the beginning of an error.

    Args:
        title: What the query shows.
        query: GoogleSQL.
        answer: Python values, or "error ...".
        refused: A pattern of DuckDB's refusal, and its reason; "" if both return the same.
    """

    title: str
    query: str
    answer: str
    refused: str = ""

    @property
    def fails(self) -> str:
        """The beginning of the error, or ""."""
        return self.answer.removeprefix("error ") if self.answer.startswith("error ") else ""

    @property
    def rows(self) -> object:
        """The rows of the answer."""
        return comparable(eval(self.answer, {"datetime": dt, "Decimal": Decimal, "nan": nan, "inf": inf}))  # noqa: S307


def cases() -> list[Case]:
    """Return the queries of the file."""
    blocks = (CASES / "queries.txt").read_text(encoding="utf-8").strip().split("\n\n")[1:]
    return [
        Case(*(part.removeprefix(mark) for part, mark in zip(block.splitlines(), ("# ", "", "= ", "! "), strict=False)))
        for block in blocks
    ]


@pytest.fixture(scope="module")
def duckdb() -> Iterator[DuckDBWarehouse]:
    """An empty DuckDB."""
    with DuckDBWarehouse(":memory:") as opened:
        yield opened


@pytest.fixture(scope="module")
def grid() -> Outcome:
    """Every function over each pair of classes."""
    return measured()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.title)
def test_a_query_returns_what_google_returns(duckdb: DuckDBWarehouse, case: Case) -> None:
    """The answer in the file is Google's; DuckDB returns the same rows, fails too, or refuses the query by name."""
    if case.fails:
        with pytest.raises(ZetaError) as error:
            evaluate(case.query)
        assert " ".join(str(error.value).split()).startswith(case.fails)
    else:
        assert comparable(evaluate(case.query)) == case.rows
    if case.fails or case.refused:
        with pytest.raises(FqtoolError, match=case.refused.partition(": ")[0] or None):
            duckdb.rows(Query(case.query))
    else:
        assert comparable([tuple(row.values()) for row in duckdb.rows(Query(case.query))]) == case.rows


def test_each_cell_is_equal_or_a_known_difference(grid: Outcome) -> None:
    """Each function returns Google's value and type for each pair of classes, unless the table explains the cell."""
    assert [str(cell) for cell in grid.unexplained] == []


def test_each_known_difference_exists(grid: Outcome) -> None:
    """The table has no difference that has gone."""
    assert [difference.title for difference, cells in grid.explained.items() if not cells] == []


def test_the_page_has_the_numbers_of_the_grid(grid: Outcome) -> None:
    """docs/explanation/duckdb-stands-in.md is what `python -m tests.value_grid` writes."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, grid)
