"""Each function over each pair of classes of values, at Google's reference implementation and on DuckDB.

A class is a kind of value that engines treat in different ways: NaN, -0.0, the largest INT64, year 1, a NULL in an
ARRAY. A cell is one function with one value for each argument.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from fqtool.errors import InputError
from fqtool.table.changes import CreateTable
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.transpile.dialect import schema_of, to_duckdb
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.zeta import evaluate

CASES = Path(__file__).parent / "cases" / "values"
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "duckdb-stands-in.md"
BEGIN, END = "<!-- Written by `python -m tests.value_grid`. -->", "<!-- End of the written part. -->"
ERROR = "an error"
_EXACT = Context(prec=80)
_INT64 = 2**63
_moment = dt.datetime.fromisoformat
_NUMERIC = Decimal("99999999999999999999999999999.999999999")

CLASSES: dict[str, dict[str, Any]] = {
    "INT64": {
        "NULL": None, "0": 0, "1": 1, "-7": -7, "2^53+1": 2**53 + 1, "largest": _INT64 - 1, "smallest": -_INT64,
    },
    "FLOAT64": {
        "NULL": None, "0.0": 0.0, "-0.0": -0.0, "1.0": 1.0, "-2.5": -2.5, "0.1": 0.1, "1e20": 1e20, "NaN": math.nan,
        "+inf": math.inf, "-inf": -math.inf, "largest": 1.7976931348623157e308, "denormal": 5e-324, "-0.001": -0.001,
    },
    "NUMERIC": {
        "NULL": None, "0": Decimal(0), "0.1": Decimal("0.1"), "-2.5": Decimal("-2.5"), "3": Decimal(3),
        "1e-9": Decimal("1e-9"), "largest": _NUMERIC, "smallest": _NUMERIC.copy_negate(),
    },
    "STRING": {
        "NULL": None, "empty": "", "space": " a b ", "tab and newline": "\tab\n", "sz": "groß", "capital sigma": "ΑΣ",
        "dotted I": "İı", "surrogate pair": "a\U0001f600b", "number": "12", "backslash": "a\\_%", "date": "2024-02-29",
    },
    "number text": {
        "spaces": " 12 ", "plus": "+12", "hex": "0x1F", "negative hex": "-0x7", "exponent": "1e3", "point": "12.",
        "separator": "1_000", "beyond INT64": "9223372036854775808", "infinity": "-Infinity", "NaN": "nan",
        "beyond FLOAT64": "1e400", "halves": "2.5", "word": "true", "letters": "1f",
    },
    "moment text": {
        "day": "2024-02-03", "space before": " 2024-02-03", "space after": "2024-02-03 ", "short": "2024-2-3",
        "year 24": "24-02-03", "year 0": "0000-01-01", "no day": "2024-02-30", "seconds": "2024-02-03 01:02:03",
        "T": "2024-02-03T01:02:03.123456", "no seconds": "2024-02-03 01:02", "hour 24": "2024-02-03 24:00:00",
        "second 60": "2024-02-03 01:02:60", "seven digits": "2024-02-03 01:02:03.1234567", "Z": "2024-02-03 01:02:03Z",
        "zone": "2024-02-03 01:02:03+02:30", "city": "2024-02-03 01:02:03 America/New_York",
        "lower case": "2024-02-03t01:02:03z", "year 10000": "10000-01-01",
    },
    "BOOL": {"NULL": None, "true": True, "false": False},
    "DATE": {
        "NULL": None, "year 1": dt.date(1, 1, 1), "year 999": dt.date(999, 12, 31), "leap day": dt.date(2024, 2, 29),
        "month end": dt.date(2025, 1, 31), "last": dt.date(9999, 12, 31), "before 1970": dt.date(1969, 12, 31),
    },
    "TIMESTAMP": {
        "NULL": None, "year 1": dt.datetime(1, 1, 1, tzinfo=dt.UTC), "epoch": dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        "before epoch": dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
        "milliseconds": dt.datetime(2024, 2, 29, 12, 30, 15, 600000, tzinfo=dt.UTC),
        "last": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
    },
    "DATETIME": {
        "NULL": None, "year 1": _moment("0001-01-01"), "year 999": _moment("0999-12-31T01:02:03"),
        "leap day": _moment("2024-02-29T23:59:59.123456"), "last": _moment("9999-12-31T23:59:59.999999"),
    },
    "ARRAY<FLOAT64>": {
        "NULL": None, "empty": [], "NaN": [1.0, math.nan], "-0.0": [-0.0, 0.0], "infinities": [math.inf, -math.inf],
        "one infinity": [math.inf], "NULL inside": [None, 2.5, None, 0.1],
        "numbers": [3.5, 1.5, 2.0, 1.5], "large": [1.7e308, 1.7e308],
    },
    "ARRAY<INT64>": {
        "NULL": None, "empty": [], "one": [3], "numbers": [3, 1, 2, 1], "bounds": [_INT64 - 1, 1],
        "smallest": [-_INT64, 0],
    },
    "ARRAY<NUMERIC>": {
        "NULL": None, "empty": [], "numbers": [Decimal("0.1"), Decimal("2.5"), Decimal(-1)],
        "large": [_NUMERIC, _NUMERIC],
    },
    "ARRAY<STRING>": {
        "NULL": None, "empty": [], "one": ["a"], "texts": ["b", "", "a\tb", "b"],
        "unicode": ["groß", "İ", "\U0001f600"],
    },
    "JSON text": {
        "NULL": None, "not JSON": "{bad", "duplicate keys": '{"a":1,"a":2}', "object": '{"a":{"b":[1,2]},"c":"x"}',
        "number": '{"a":1.50,"c":-0}', "escapes": '{"a":"\\ud83d\\ude00\\n","c":"\\u00df"}', "null": '{"a":null}',
        "array": "[1,2]", "large number": '{"a":12345678901234567890,"c":1e400}',
    },
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One function with one class of value for each argument, and what the engines return.

    Args:
        function: The expression over x and y.
        types: The types of x and y.
        classes: The classes of x and y.
        typed: Whether fqtool knew the types of x and y.
        google: Google's value, or `ERROR`.
        duckdb: DuckDB's value, or `ERROR`.
    """

    function: str
    types: str
    classes: str
    typed: bool
    google: object
    duckdb: object

    @property
    def differs(self) -> bool:
        """Whether the values or types differ. Without known types, an error instead of a value is a refusal."""
        return self.google != self.duckdb and (self.typed or self.duckdb != ERROR)

    def __str__(self) -> str:
        known = "" if self.typed else " without known types"
        return f"{self.types}: {self.function}: {self.classes}{known}: Google {self.google}, DuckDB {self.duckdb}"


@dataclass(frozen=True)
class Difference:
    """A known difference.

    Args:
        title: What differs, in one sentence.
        reason: Why it stays.
        functions: Patterns of the functions; `x + y` matches for all types.
        classes: A pattern of the classes of x and y, separated by ", ".
        typed: Whether it occurs where the types of x and y are known.
    """

    title: str
    reason: str
    functions: tuple[str, ...]
    classes: str = ".*"
    typed: bool = True

    def explains(self, cell: Cell) -> bool:
        """Return whether a cell is an example of this difference."""
        named = any(re.fullmatch(pattern, cell.function) for pattern in self.functions)
        return named and (self.typed or not cell.typed) and re.fullmatch(self.classes, cell.classes) is not None


def known_differences() -> list[Difference]:
    """Return the table of known differences."""
    listed = tomllib.loads((CASES / "differences.toml").read_text(encoding="utf-8"))["difference"]
    return [Difference(**{**entry, "functions": tuple(entry["functions"])}) for entry in listed]


def functions() -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the types of the arguments, and the expressions over them."""
    for block in re.split(r"\n(?=== )", (CASES / "functions.txt").read_text(encoding="utf-8"))[1:]:
        head, *lines = block.splitlines()
        types = tuple(part.strip() for part in head.removeprefix("== ").split(","))
        yield types, [text for line in lines for text in re.split(r"\s{2,}", line.strip()) if text]


def comparable(value: Any) -> object:
    """Return a value that distinguishes types, -0.0 from 0.0, and equals itself if it is NaN."""
    match value:
        case list() | tuple():
            return tuple(map(comparable, value))
        case dict():
            return tuple(map(comparable, value.values()))
        case Decimal():
            return f"NUMERIC {_EXACT.normalize(_EXACT.add(value, 0)):f}"
        case float():
            return f"FLOAT64 {value!r}"
        case dt.datetime() if value.tzinfo:
            return str(value.astimezone(dt.UTC))
        case bool() | None:
            return value
        case _:
            return f"{type(value).__name__} {value}"


class Grid:
    """The values of each pair of classes as rows, in both engines."""

    def __init__(self, types: tuple[str, ...], duckdb: DuckDBWarehouse) -> None:
        self._types = types
        self._columns = {name: re.sub(r".* text", "STRING", of) for name, of in zip("xy", types, strict=False)}
        self._classes = list(itertools.product(*(CLASSES[of] for of in types)))
        self._rows = [
            (number, *(CLASSES[of][name] for of, name in zip(types, names, strict=True)))
            for number, names in enumerate(self._classes)
        ]
        self._connection = duckdb._connection()
        self._table = Table("t", tuple(column(name, of) for name, of in {"n": "INT64", **self._columns}.items()))
        self._connection.execute("DROP TABLE IF EXISTS t")
        duckdb.run(Statement("", (CreateTable(self._table),)))
        marks = ", ".join("?" * len(self._table.columns))
        # DuckDB reads a Decimal of 38 digits as a float, but its text exactly.
        rows = [tuple(map(_as_stored, row)) for row in self._rows]
        self._connection.executemany(f"INSERT INTO t VALUES ({marks})", rows)

    def google(self, expressions: Sequence[str]) -> list[list[object]]:
        """Return Google's values: a row for each pair of classes, a value for each expression."""
        parts = ", ".join(f"ISERROR({e}), NULLIFERROR({e})" for e in expressions)
        rows = evaluate(f"SELECT n, {parts} FROM t ORDER BY n", {"t": ({"n": "INT64", **self._columns}, self._rows)})
        return [[ERROR if row[at] else comparable(row[at + 1]) for at in range(1, len(row), 2)] for row in rows]

    def duckdb(self, expression: str, *, typed: bool) -> list[object] | None:
        """Return DuckDB's values, or None if fqtool refuses the expression."""
        schemas = (schema_of("t", self._table.columns),) if typed else ()
        try:
            sql = to_duckdb(f"SELECT {expression} AS v FROM t ORDER BY n", schemas)
        except InputError:
            return None
        try:
            return [comparable(value) for (value,) in self._connection.execute(sql).fetchall()]
        except _duckdb_error():
            return [self._one(sql, number) for number in range(len(self._rows))]

    def _one(self, sql: str, number: int) -> object:
        try:
            row = self._connection.execute(sql.replace(" FROM t ORDER", f" FROM t WHERE n = {number} ORDER")).fetchone()
        except _duckdb_error():
            return ERROR
        return comparable(row[0] if row else None)

    def cells(self, expressions: Sequence[str]) -> Iterator[Cell]:
        """Yield a cell for each expression that is not refused and each pair of classes."""
        google = self.google(expressions)
        for typed, (at, expression) in itertools.product((True, False), enumerate(expressions)):
            values = self.duckdb(expression, typed=typed)
            for classes, row, value in zip(self._classes, google, values or (), strict=False):
                yield Cell(expression, ", ".join(self._types), ", ".join(classes), typed, row[at], value)


@dataclass(frozen=True)
class Outcome:
    """The cells of the whole grid, and how many functions it has."""

    functions: int
    cells: tuple[Cell, ...]

    @cached_property
    def explained(self) -> dict[Difference, list[Cell]]:
        """The differing cells of each known difference."""
        known = known_differences()
        found: dict[Difference, list[Cell]] = {difference: [] for difference in known}
        for cell in self.differing:
            for difference in known:
                if difference.explains(cell):
                    found[difference].append(cell)
                    break
        return found

    @cached_property
    def differing(self) -> list[Cell]:
        """The cells that differ."""
        return [cell for cell in self.cells if cell.differs]

    @property
    def unexplained(self) -> list[Cell]:
        """The differing cells that no known difference explains."""
        explained = {id(cell) for cells in self.explained.values() for cell in cells}
        return [cell for cell in self.differing if id(cell) not in explained]


def measured() -> Outcome:
    """Run the grid."""
    cells, count = list[Cell](), 0
    with DuckDBWarehouse(":memory:") as duckdb:
        for types, expressions in functions():
            count += len(expressions)
            cells += Grid(types, duckdb).cells(expressions)
    return Outcome(count, tuple(cells))


def report(outcome: Outcome) -> str:
    """Return the part of the page that comes from the grid."""
    typed = [cell for cell in outcome.cells if cell.typed]
    compared = len({(cell.types, cell.function) for cell in typed})
    blind = [cell for cell in outcome.cells if not cell.typed]
    counts = {difference: len(cells) for difference, cells in outcome.explained.items()}
    known = sum(cell.differs for cell in typed)
    lines = [
        f"{outcome.functions} functions and operators over {len(CLASSES)} types: {compared} are compared, "
        f"{outcome.functions - compared} are refused by name. Of {len(typed):,} cells, {len(typed) - known:,} are "
        f"equal in value and type, or an error in both; {known} are known differences. Where the types of the columns "
        f"are not known, {sum(cell.differs for cell in blind)} of {len(blind):,} cells differ; the others are equal "
        "or stop with an error.",
        "",
        "| known difference | cells | reason |",
        "|---|---|---|",
        *(f"| {one.title} | {count} | {one.reason} |" for one, count in counts.items()),
    ]
    return "\n".join(lines)


def written(page: str, outcome: Outcome) -> str:
    """Return the page with the current numbers."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{report(outcome)}\n\n{END}{rest.partition(END)[2]}"


def _as_stored(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_as_stored, value))
    return f"{value:f}" if isinstance(value, Decimal) else value


def _duckdb_error() -> type[Exception]:
    import duckdb

    return duckdb.Error


if __name__ == "__main__":
    outcome = measured()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), outcome), encoding="utf-8")
    sys.stdout.writelines(f"{cell}\n" for cell in outcome.unexplained)
    raise SystemExit(bool(outcome.unexplained))
