"""Every kind of value that fqtool sends as a query parameter, on a server that checks requests as BigQuery does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest

from fqtool.errors import InputError
from fqtool.sql import Query, Value
from fqtool.warehouse.bigquery.values import query_parameters
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from tests.bed.running import PROJECT, Emulator

NOON = dt.datetime(2025, 1, 1, 12)  # noqa: DTZ001
NOON_UTC = NOON.replace(tzinfo=dt.UTC)
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30))
LONG = Decimal("0.00000000000000000001")

# What is sent and what comes back.
VALUES: dict[str, tuple[Value, Value]] = {
    "text": ("it's \\ \n `x`", "it's \\ \n `x`"),
    "empty text": ("", ""),
    "text that reads as nothing": ("None", "None"),
    "smallest integer": (-(2**63), -(2**63)),
    "integer beyond INT64": (2**63, Decimal(2**63)),
    "float": (0.1, 0.1),
    "whole float": (1.0, 1.0),
    "huge float": (1e300, 1e300),
    "infinity": (float("-inf"), float("-inf")),
    "boolean": (True, True),
    "NUMERIC": (Decimal("-1.50"), Decimal("-1.50")),
    "NUMERIC with an exponent": (Decimal("1E+5"), Decimal(100_000)),
    "BIGNUMERIC": (Decimal("1.0123456789"), Decimal("1.0123456789")),
    "NULL": (None, None),
    "first date": (dt.date(1, 1, 1), dt.date(1, 1, 1)),
    "time stamp without a zone": (NOON, NOON_UTC),
    "time stamp of another zone": (NOON_UTC.astimezone(EAST), NOON_UTC),
    "time stamp with microseconds": (NOON_UTC.replace(microsecond=1), NOON_UTC.replace(microsecond=1)),
    "early time stamp": (dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
    "array of texts": (("a", ""), ("a", "")),
    "array of integers": ((1, 2), (1, 2)),
    "array of integers and floats": ((1, 2.5), (1.0, 2.5)),
    "array of integers and NUMERIC": ((1, Decimal("2.5")), (Decimal(1), Decimal("2.5"))),
    "array of integers beyond INT64": ((1, 2**63), (Decimal(1), Decimal(2**63))),
    "array of NUMERIC and floats": ((Decimal("2.5"), 1e300), (2.5, 1e300)),
    "array of NUMERIC and BIGNUMERIC": ((Decimal(1), LONG * 10**10), (Decimal(1), LONG * 10**10)),
    "array of booleans": ((True, False), (True, False)),
    "array of dates": ((dt.date(2025, 1, 1),), (dt.date(2025, 1, 1),)),
    "array of time stamps": ((NOON, NOON_UTC.astimezone(EAST)), (NOON_UTC, NOON_UTC)),
    "empty array": ((), ()),
}


@pytest.fixture
def warehouse(emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryWarehouse]:
    """The test's dataset."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with BigQueryWarehouse(PROJECT, dataset, url=f"bigquery://{PROJECT}/{dataset}") as opened:
        yield opened


@pytest.mark.parametrize("kind", VALUES)
def test_a_parameter_comes_back(warehouse: BigQueryWarehouse, kind: str) -> None:
    """Each Python value is the same value as a query parameter; a naive datetime is UTC, mixed numbers floats."""
    sent, expected = VALUES[kind]
    (row,) = warehouse.rows(Query("SELECT @x AS x", (("x", sent),)))
    assert row == {"x": expected}
    assert type(row["x"]) is type(expected)


def test_nan_comes_back(warehouse: BigQueryWarehouse) -> None:
    """NaN, which equals nothing, is sent as NaN."""
    (row,) = warehouse.rows(Query("SELECT IS_NAN(@x) AS x", (("x", float("nan")),)))
    assert row == {"x": True}


@pytest.mark.parametrize("kind", ["INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "TIMESTAMP", "STRING"])
def test_null_of_each_type(warehouse: BigQueryWarehouse, kind: str) -> None:
    """NULL is sent as a text, and takes the type that the statement casts it to, alone and in an array."""
    sql = f"SELECT CAST(@x AS {kind}) AS x, ARRAY_LENGTH(@y) AS y"
    (row,) = warehouse.rows(Query(sql, (("x", None), ("y", ("a", None)))))
    assert row == {"x": None, "y": 2}


@pytest.mark.parametrize("value", ["\ud800", ("a", "\udcff"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+40")])
def test_a_value_that_no_parameter_can_carry_is_refused(value: Value) -> None:
    """Half of a surrogate pair, and a Decimal that BIGNUMERIC does not hold, are refused before anything is sent."""
    with pytest.raises(InputError):
        query_parameters([("x", value)])
