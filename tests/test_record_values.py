"""Laws of values: what BigQuery accepts for a column of each type, and what it does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from fqtool.records.values import described, fits_column, is_array_text, reason
from fqtool.table.column import ALIASES
from fqtool.table.typetext import column

NAN = float("nan")
_LARGEST = "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
RIGHT: dict[str, list[Any]] = {
    "INT64": [0, -(2**63), 2**63 - 1, "12", "-7", 5.0, "5.0", Decimal(3)],
    "FLOAT64": [0, 1.5, "1.5", "1e3", "NaN", "-Infinity", NAN, Decimal("1.5")],
    "NUMERIC": [1, 1.5, "1.5", Decimal("9" * 29), 0],
    "NUMERIC(5, 2)": [999.99, "999.99", Decimal("-999.99"), 0],
    "BIGNUMERIC": [10**37, "1.5", "5" + "0" * 38, _LARGEST, f"-{_LARGEST}"],
    "BOOL": [True, False, "true", "FALSE"],
    "STRING": ["", "text", "1.5"],
    "STRING(3)": ["", "abc"],
    "BYTES": [b"x", "eA=="],
    "DATE": ["2026-02-06", "2026-2-6", date(2026, 2, 6)],
    "DATETIME": ["2026-02-06T10:00:00", "2026-02-06 10:00:00.5", datetime(2026, 2, 6, 10)],  # noqa: DTZ001  no zone
    "TIME": ["10:00:00", "10:00:00.123456", time(10)],
    "TIMESTAMP": [
        "2026-02-06T10:00:00Z", "2026-02-06 10:00:00 UTC", "2026-02-06 10:00:00+01:00", "2026-02-06", 1770336000,
        datetime(2026, 2, 6, tzinfo=UTC), "2026-2-6 10:00:00Z",
        "2026-02-06t10:00:00z", "2026-02-06 10:00:00 America/New_York", "2026-2-6 1:2:3", "2026-02-06 10:00:00-5:00",
    ],
    "INTERVAL": ["1-0 0 0:0:0"],
    "JSON": [{}, [1, None], "text", 1, True, {"a": [{"b": date(2026, 2, 6)}]}],
    "GEOGRAPHY": [
        "POINT(1 2)", "point (-1.5 90)", "POINT EMPTY", "LINESTRING(0 0, 1 1)", "MULTIPOINT((0 0), (1 1))", "FULLGLOBE",
        '{"type": "Point", "coordinates": [1.5, -90]}', '{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}',
        "0101000000000000000000F03F0000000000000040",
    ],
    "RANGE<DATE>": ["[2026-01-01, 2026-02-01)", "[UNBOUNDED, 2026-02-01)", {"start": "2026-01-01", "end": None}],
    "STRUCT<a INT64 NOT NULL, b ARRAY<DATE>>": [{"a": 1}, {"a": "1", "b": ["2026-02-06"]}, {"a": 1, "b": None}],
    "ARRAY<FLOAT64>": [[], [1.0, 2], ["1.5"], (1.0,)],
    "ARRAY<STRING>": [[], ["a"]],
    "ARRAY<STRUCT<a INT64>>": [[{"a": 1}, {}]],
}  # fmt: skip
WRONG: dict[str, list[Any]] = {
    "INT64": [
        1.5, "1.5", True, Decimal("sNaN"), Decimal("Infinity"), "x", "", 2**63, NAN, [1], {}, "1_000", b"1",
        "\u0663", 10**5000, Decimal("1e9999"),
    ],
    "FLOAT64": [True, "x", "", [1.0], {}, "1_0", "1e400", "-1e400", 10**5000, Decimal("1e400")],
    "NUMERIC": [True, "x", NAN, "NaN", 10**29, 10**5000, "1" + "0" * 29, [1]],
    "NUMERIC(5, 2)": [1000, "1000", Decimal(1000), True],
    "BIGNUMERIC": [True, "x", {}, "58" + "0" * 37, 10**5000, _LARGEST.replace("67", "69")],
    "BOOL": [1, 0, 1.0, "maybe", "", []],
    "STRING": [1, 1.5, True, {}, [], b"x", date(2026, 2, 6), "\ud800"],
    "JSON": [object(), {1, 2}, {"a": [object()]}, {1: 2}, {"a": "\ud800"}],
    "STRING(3)": ["abcd", 1, "\ud800"],
    "BYTES": ["not base64!", 1, True],
    "DATE": [
        "2026-02-30", "20260206", "2026-02-06T00:00:00", "\u0662026-02-06", 20260206, True,
        datetime(2026, 2, 6, tzinfo=UTC), "soon",
    ],
    "DATETIME": ["2026-02-06T10:00:00Z", "soon", 1, datetime(2026, 2, 6, tzinfo=UTC)],
    "TIME": ["25:00:00", "10:00", "10:60:00", 1],
    "TIMESTAMP": [
        "soon", "2026-02-30T10:00:00Z", "", True, [], "10:00:00", "2026-02-06 10:00:00 Mars/Base",
        "2026-02-06 10:00:00+25:00", "2026-02-06 10:00:00+01:60", 10**5000,
    ],
    "INTERVAL": [1, True],
    "GEOGRAPHY": [
        1, {}, "", "here", "POINT(1)", "POINT(1 2 3)", "POINT(1 91)", "POINT(1, 2)", '{"type": "Point"}', "{",
        '{"type": "Point", "coordinates": [1]}', '{"type": "Point", "coordinates": ["1", 2]}',
        '{"type": "Point", "coordinates": [1, 91]}', {"type": "Point", "coordinates": [1, 2]}, "\ud800",
    ],
    "RANGE<DATE>": ["2026-01-01", "[2026-01-01, soon)", {"from": "2026-01-01"}, 1],
    "STRUCT<a INT64 NOT NULL, b ARRAY<DATE>>": [{}, {"a": 1.5}, {"a": 1, "c": 1}, {"a": 1, "b": ["soon"]}, "x", [1]],
    "ARRAY<FLOAT64>": ["[1.0]", 1.0, [None], [True], ["x"], {}, [[1.0]], [1, 10**5000]],
    "ARRAY<STRING>": ["a", [1], [None], '["a"]'],
    "ARRAY<STRUCT<a INT64>>": [[{"a": "x"}], [{"b": 1}], [1], {"a": 1}],
}  # fmt: skip


def cases(table: dict[str, list[Any]]) -> list[Any]:
    """Every value with its type."""
    numbered = ((kind, *pair) for kind, values in table.items() for pair in enumerate(values))
    return [pytest.param(kind, value, id=f"{kind}-{number}") for kind, number, value in numbered]


@pytest.mark.parametrize(("kind", "value"), cases(RIGHT))
def test_a_value_of_the_type_is_accepted(kind: str, value: Any) -> None:
    """As JSON, as text where BigQuery's loads take text, and as Python has it."""
    assert fits_column(column("c", kind))(value)


@pytest.mark.parametrize(("kind", "value"), cases(WRONG))
def test_a_value_of_another_type_is_refused(kind: str, value: Any) -> None:
    """No value is rounded, cut or turned into another type."""
    assert not fits_column(column("c", kind))(value)


def test_each_type_has_a_value_that_is_refused() -> None:
    """A type whose check is removed fails a test above."""
    assert {kind.split("(")[0].split("<")[0] for kind in WRONG} - {"ARRAY"} == set(map(str, ALIASES.values()))


def test_a_description_shows_no_text() -> None:
    """A message names the kind of a value and the length of a text, not what it holds."""
    assert described("private") == "text of 7 characters"
    assert described([1.0, None]) == "an array with NULL at position 1"
    assert described(1.5) == "the number 1.5"
    assert described(10**5000) == "a number of many digits"


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("ARRAY<FLOAT64>", [1.0, "x", 2.0], "item 1 is text of 1 character"),
        ("ARRAY<FLOAT64>", [1.0, None], "an array with NULL at position 1"),
        ("ARRAY<FLOAT64>", ["1,5"], "item 0 is a number with a comma, as text"),
        ("INT64", "12.5", "the number 12.5 as text"),
        ("NUMERIC(5, 2)", "1000", "the number 1000 as text"),
        ("FLOAT64", "143,2", "a number with a comma, as text"),
        ("INT64", "soon", "text of 4 characters"),
        ("STRING(3)", "1234", "text of 4 characters"),
        ("DATETIME", "2026-02-06T10:00:00Z", "text with a time zone"),
        ("DATETIME", datetime(2026, 2, 6, tzinfo=UTC), "a datetime with a time zone"),
        ("BYTES(3)", b"abcd", "4 bytes"),
        ("BYTES(3)", "YWJjZA==", "base64 of 4 bytes"),
        ("STRING", "\ud800", r"text with half of a character, such as \ud800"),
    ],
)
def test_the_reason_is_named(kind: str, value: Any, why: str) -> None:
    """Which item of an array, and what is wrong with a value that looks right."""
    assert reason(column("c", kind), value) == why


def test_text_that_holds_an_array_is_recognized() -> None:
    """Only the JSON of an array."""
    assert is_array_text(" [1.0, 2.0]")
    assert not any(map(is_array_text, ["[1", "x", "{}", 1, ["a"]]))
