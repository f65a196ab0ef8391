"""Filter the rows of a date: the one predicate that every command uses.

The date of a row is that of the partition column, a DATE, TIMESTAMP or DATETIME at any granularity. In a table without
partitions it is that of the date key. Days are UTC. The filter compares the bare column with constants only, which
prunes partitions and satisfies `require_partition_filter`
(https://cloud.google.com/bigquery/docs/querying-partitioned-tables). The filter for a time is a half-open range:
BigQuery does not compare a TIMESTAMP with a DATE.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fqtool.errors import InputError
from fqtool.registry.model import Registry, TableSpec
from fqtool.schema.build import base_table, desired_table
from fqtool.sql import ident, literal
from fqtool.table.column import Kind

DATED = (Kind.DATE, Kind.TIMESTAMP, Kind.DATETIME)
# The number of characters of an ISO date that identify its partition. DAY and HOUR use the whole date.
_PARTITION = {"YEAR": len("2026"), "MONTH": len("2026-02")}


@dataclass(frozen=True, slots=True)
class RowDates:
    """How to find the rows of a date in a table.

    Args:
        column: The column with the date of a row, as the registry spells it.
        kind: DATE, TIMESTAMP or DATETIME.
        granularity: HOUR, DAY, MONTH or YEAR; "" for a table without partitions.
    """

    column: str
    kind: Kind = Kind.DATE
    granularity: str = "DAY"

    def named(self, alias: str = "") -> str:
        """Return the column, quoted, with the alias of its table if there is one."""
        return f"{alias}.{ident(self.column)}" if alias else ident(self.column)

    def of_row(self, alias: str = "") -> str:
        """Return GoogleSQL for the date of a row: for results and grouping, not for a filter."""
        return self.named(alias) if self.kind is Kind.DATE else f"DATE({self.named(alias)})"

    def on(self, day: date | str, alias: str = "") -> str:
        """Return the filter for one date, or for one moment of a TIMESTAMP or DATETIME.

        Args:
            day: A date, a datetime in UTC, or GoogleSQL for a date such as `@date`.
            alias: The alias of the table in the statement.
        """
        if self.kind is Kind.DATE:
            return f"{self.named(alias)} = {_date(day)}"
        if isinstance(day, datetime):
            return f"{self.named(alias)} = {self._literal(day)}"
        return self.between(day, day, alias)

    def between(self, first: date | str, last: date | str, alias: str = "") -> str:
        """Return the filter for the dates from `first` to `last`, both inclusive, each as in `on`."""
        column = self.named(alias)
        if self.kind is Kind.DATE:
            return f"{column} BETWEEN {_date(first)} AND {_date(last)}"
        parts = [f"{column} >= {self._midnight(first)}"]
        if last != date.max:  # the last date that exists
            parts.append(f"{column} < {self._midnight(_next(last))}")
        return " AND ".join(parts)

    def value(self, text: str) -> date:
        """Parse a date, or a moment of a TIMESTAMP or DATETIME column.

        Args:
            text: An ISO date or moment. A moment without an offset is in UTC.

        Raises:
            InputError: The text is neither a date nor a moment.
        """
        with suppress(ValueError):
            return date.fromisoformat(text)
        example = "2026-02-06"
        if self.kind is not Kind.DATE:
            example += " or 2026-02-06T12:00:00"
            with suppress(ValueError):
                moment = datetime.fromisoformat(text)
                return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        raise InputError(
            f"{text!r} is not a value of {self.column}, a {self.kind}.", remedy=f"Write it like {example}."
        )

    def day_of(self, value: object) -> date | None:
        """Return the date of a value of the column; None for NULL."""
        return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None

    def partition_of(self, day: date) -> str:
        """Return the partition of a date; "" for a table without partitions.

        Statements on two dates of one partition conflict on BigQuery, and each is billed for the whole partition.
        """
        return day.isoformat()[: _PARTITION.get(self.granularity)] if self.granularity else ""

    @property
    def separate(self) -> bool:
        """Whether no two dates share a partition."""
        return self.granularity not in ("", *_PARTITION)

    def names(self, column: str) -> bool:
        """Return whether `column` is the column with the date of a row. Case is ignored."""
        return column.lower() == self.column.lower()

    def _midnight(self, day: date | str) -> str:
        """GoogleSQL for the first moment of a date, in the type of the column."""
        return f"{self.kind}({day})" if isinstance(day, str) else self._literal(datetime.combine(day, time(), UTC))

    def _literal(self, value: date) -> str:
        """A value of the column as a literal. A moment is in UTC."""
        if self.kind is Kind.DATETIME and isinstance(value, datetime):
            return f"DATETIME '{value.replace(tzinfo=None).isoformat(sep=' ')}'"
        return literal(value)


def _date(day: date | str) -> str:
    return day if isinstance(day, str) else literal(day)


def _next(day: date | str) -> date | str:
    return f"DATE_ADD({day}, INTERVAL 1 DAY)" if isinstance(day, str) else day + timedelta(days=1)


def dating_column(table: TableSpec, kind_of: Callable[[str], Kind | None]) -> str:
    """Return the column with the date of a row, or "" without such a column.

    It is `partition_by`. Without `partition_by` it is the last DATE key, or else the last TIMESTAMP or DATETIME key.

    Args:
        table: The table of the registry.
        kind_of: Returns the type of a column by name; None for an unknown column.
    """
    if table.partition_by:
        return table.partition_by
    kinds = {name: kind_of(name) for name in reversed(table.keys)}
    dates = [name for name, kind in kinds.items() if kind is Kind.DATE]
    times = [name for name, kind in kinds.items() if kind in DATED]
    return next(iter((*dates, *times)), "")


def dates_of(registry: Registry) -> RowDates | None:
    """Return how to find rows by date; None for a table whose rows have no date.

    Raises:
        InputError: The partition column is not a DATE, TIMESTAMP or DATETIME.
    """
    table = registry.table

    def kind_of(name: str) -> Kind | None:
        column = base_table(registry).find(name) or desired_table(registry).find(name)
        return column.type.kind if column else None

    name = dating_column(table, kind_of)
    if not name:
        return None
    kind = kind_of(name) or Kind.DATE  # validate reports a column that does not exist
    if kind not in DATED:
        raise InputError(
            f"{registry.path}: {table.name} is partitioned by `{name}`, a {kind}, so its rows have no date.",
            remedy="Set `partition_by` to a DATE, TIMESTAMP or DATETIME column.",
        )
    return RowDates(name, kind, table.partition_granularity if table.partition_by else "")


def row_dates(registry: Registry) -> RowDates:
    """Return how to find rows by date.

    Raises:
        InputError: The rows of the table have no date.
    """
    dates = dates_of(registry)
    if dates is None:
        raise InputError(
            f"{registry.path}: {registry.table.name} has no `partition_by` and no DATE, TIMESTAMP or DATETIME among "
            f"its keys ({', '.join(registry.table.keys)}), so its rows have no date.",
            remedy="Add the column with the date of a row to `keys`, or score the records of a file with --input.",
        )
    return dates
