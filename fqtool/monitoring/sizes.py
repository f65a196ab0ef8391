"""Sizes of rows in the logical bytes of BigQuery, by column: one query over a span of dates, and how it is read.

BigQuery bills these sizes (bigquery.md#bytes): a number, date or time 8 bytes, a BOOL 1, NUMERIC 16, BIGNUMERIC 32,
text 2 plus its UTF-8 bytes, an ARRAY its elements, a STRUCT its fields, JSON its text, and NULL 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table, expand_columns
from fqtool.schema.row_dates import DATED, RowDates, dates_of
from fqtool.sql import Query, Value, ident
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import Table

BASE = "base columns"
OTHER = "not in the registry"

FIXED = {
    Kind.INT64: 8, Kind.FLOAT64: 8, Kind.DATE: 8, Kind.DATETIME: 8, Kind.TIME: 8, Kind.TIMESTAMP: 8, Kind.BOOL: 1,
    Kind.NUMERIC: 16, Kind.BIGNUMERIC: 32, Kind.INTERVAL: 16, Kind.RANGE: 16,
}  # fmt: skip


def bytes_of(value: str, column: Column) -> str:
    """Return GoogleSQL for the bytes of the value that the SQL `value` reads; NULL or 0 where it is NULL."""
    if column.mode is not Mode.REPEATED:
        return _bytes_of_one(value, column.type)
    # Stored arrays hold no NULL (bigquery.md#arrays), so counting elements is enough and needs no subquery.
    fixed = FIXED.get(column.type.kind)
    if fixed is not None:
        return f"{fixed} * ARRAY_LENGTH({value})"
    if column.type.kind is Kind.STRING:
        return f"2 * ARRAY_LENGTH({value}) + BYTE_LENGTH(ARRAY_TO_STRING({value}, ''))"
    return f"(SELECT SUM({_bytes_of_one('e', column.type)}) FROM UNNEST({value}) AS e)"


def _bytes_of_one(value: str, of: Type) -> str:
    match of.kind:
        case Kind.STRING | Kind.BYTES:
            return f"2 + BYTE_LENGTH({value})"
        case Kind.STRUCT:
            return " + ".join(f"IFNULL({bytes_of(f'{value}.{ident(one.name)}', one)}, 0)" for one in of.fields)
        case Kind.JSON:
            return f"IF({value} IS NULL, 0, BYTE_LENGTH(TO_JSON_STRING({value})))"
        case Kind.GEOGRAPHY:
            return f"16 + 24 * ST_NUMPOINTS({value})"
        case _:
            # An unknown type counts as the widest type of fixed size.
            return f"IF({value} IS NULL, 0, {FIXED.get(of.kind, 32)})"


@dataclass(frozen=True, slots=True)
class ColumnSize:
    """One column: `section` is its group in the registry, `bytes` are those of all rows."""

    column: Column
    section: str
    managed: bool
    bytes: int

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of `rows` rows on `dates` dates from `first` to `last`, both None without rows."""

    rows: int
    dates: int
    first: date | None
    last: date | None
    columns: tuple[ColumnSize, ...]

    @property
    def bytes(self) -> int:
        """The bytes of all rows."""
        return sum(one.bytes for one in self.columns)

    @property
    def per_row(self) -> float:
        """Mean bytes per row."""
        return self.mean(self.columns)

    def mean(self, columns: Iterable[ColumnSize]) -> float:
        """Return the mean bytes per row of some columns; 0 without rows."""
        return sum(one.bytes for one in columns) / self.rows if self.rows else 0.0

    @property
    def sections(self) -> dict[str, tuple[ColumnSize, ...]]:
        """The columns by section: those of the registry in its order, then base columns, then others."""
        ordered = sorted(self.columns, key=lambda one: (one.section == OTHER, one.section == BASE))
        names = dict.fromkeys(one.section for one in ordered)
        return {name: tuple(one for one in ordered if one.section == name) for name in names}

    def filled(self, name: str) -> int | None:
        """Return the number of rows with a value in a column, None where its bytes do not determine it."""
        one = next((one for one in self.columns if one.name == name), None)
        size = FIXED.get(one.column.type.kind) if one and one.column.mode is not Mode.REPEATED else None
        return one.bytes // size if one and size else None


@dataclass(frozen=True)
class SizeQuery:
    """The query for sizes: of the columns of the live `table`, or without it of all columns of the registry."""

    registry: Registry
    table: Table | None = None

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns to measure, managed columns first, in the order of the registry."""
        columns = (self.table or desired_table(self.registry)).columns
        order = {name: number for number, name in enumerate(self._sections)}
        return tuple(sorted(columns, key=lambda column: order.get(column.key, len(order))))

    @cached_property
    def _sections(self) -> dict[str, str]:
        return {one.name.lower(): one.spec.section for one in expand_columns(self.registry)}

    @cached_property
    def _base(self) -> frozenset[str]:
        return frozenset(one.name.lower() for one in self.registry.base_columns)

    @cached_property
    def _dates(self) -> RowDates | None:
        """The date of rows as SQL, with the type of the live column; None where rows have no date."""
        dates = dates_of(self.registry)
        live = next((one.type.kind for one in self.columns if dates and dates.names(one.name)), None)
        return replace(dates, kind=live) if dates and live in DATED else dates

    def query(self, start: date, end: date) -> Query:
        """Return the query over the dates from `start` to `end`: one scan, one row.

        A table whose rows have no date is read completely.
        """
        of_dates = ["COUNT(*) AS `rows`"]
        if self._dates:
            day = self._dates.of_row()
            of_dates += [f"COUNT(DISTINCT {day}) AS `dates`", f"MIN({day}) AS `first`", f"MAX({day}) AS `last`"]
        sums = [f"{self._sum(one)} AS c{number}" for number, one in enumerate(self.columns)]
        where = f"\nWHERE {self._dates.between(start, end)}" if self._dates else ""
        listed = ",\n  ".join([*of_dates, *sums])
        return Query(f"SELECT\n  {listed}\nFROM {ident(self.registry.table.name)}{where}")

    @staticmethod
    def _sum(column: Column) -> str:
        name, fixed = ident(column.name), FIXED.get(column.type.kind)
        if column.mode is not Mode.REPEATED and fixed is not None:
            return f"{fixed} * COUNT({name})"
        return f"IFNULL(SUM({bytes_of(name, column)}), 0)"

    def read(self, row: Mapping[str, Value]) -> Sizes:
        """Return the row of the query as Sizes."""

        def count(name: str) -> int:
            value = row.get(name)
            return value if isinstance(value, int) else 0

        def day(name: str) -> date | None:
            value = row.get(name)
            return value if isinstance(value, date) else None

        columns = tuple(
            ColumnSize(one, self._section(one), one.key in self._sections, count(f"c{number}"))
            for number, one in enumerate(self.columns)
        )
        return Sizes(count("rows"), count("dates"), day("first"), day("last"), columns)

    def _section(self, column: Column) -> str:
        return self._sections.get(column.key) or (BASE if column.key in self._base else OTHER)
