"""What a table is: columns, layout, options; and the views that stand on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from fqtool.table.column import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Stands in a view's text for the dataset it lives in: BigQuery stores view text whole and wants the dataset named,
# while a migration file fits every target. Each warehouse puts its own in and takes it out again.
DATASET = "${dataset}"


@dataclass(frozen=True, slots=True)
class Partitioning:
    """PARTITION BY one column at a granularity: DAY, HOUR, MONTH or YEAR."""

    column: str
    granularity: str = "DAY"


@dataclass(frozen=True, slots=True)
class Options:
    """Table options that ALTER TABLE SET OPTIONS can write (BIGQUERY 35).

    `partition_expiration_days` None: partitions never expire. `expiration` is an RFC 3339 time or None.
    `description` "" and `labels` () mean none.
    """

    require_partition_filter: bool = False
    partition_expiration_days: float | None = None
    expiration: str | None = None
    description: str = ""
    friendly_name: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)  # without slots, which leave no room for what is worked out once
class Table:
    """A table by its short name; project and dataset belong to the target it lives in."""

    name: str
    columns: tuple[Column, ...]
    partitioning: Partitioning | None = None
    clustering: tuple[str, ...] = ()
    options: Options = Options()

    def find(self, name: str) -> Column | None:
        """Return the column of that name, without regard to case, or None."""
        return self.by_key.get(name.lower())

    @cached_property
    def by_key(self) -> Mapping[str, Column]:
        """Columns by lower-case name, in order."""
        return MappingProxyType({column.key: column for column in self.columns})

    def with_columns(self, columns: Iterable[Column]) -> Table:
        """Return the same table with other columns."""
        return replace(self, columns=tuple(columns))

    def restricted_to(self, names: Iterable[str]) -> Table:
        """Return the table with only the columns of those names, in its own order."""
        wanted = {name.lower() for name in names}
        return self.with_columns(column for column in self.columns if column.key in wanted)


@dataclass(frozen=True, slots=True)
class View:
    """A logical view: its GoogleSQL query text and description."""

    name: str
    query: str
    description: str = ""

    @property
    def key(self) -> str:
        """Views are compared by exact name: table names are case-sensitive (BIGQUERY 48)."""
        return self.name

    @property
    def text(self) -> str:
        """The query without trailing white space or semicolon, which warehouses do not keep."""
        return "\n".join(line.rstrip() for line in self.query.strip().rstrip(";").strip().splitlines())


@dataclass(frozen=True, slots=True)
class State:
    """What stands in a dataset of the things fqtool looks after: one table, or none yet, and its views."""

    table: Table | None = None
    views: tuple[View, ...] = ()


def structure(table: Table | None) -> tuple[object, ...]:
    """Return what makes a table another table for a plan: names, types, modes and layout.

    Descriptions, defaults, options and order are left out: they differ between environments without making
    a planned statement wrong.
    """
    if table is None:
        return ()
    columns = sorted((c.key, str(c.type.shape), c.mode.value) for c in table.columns)
    partition = table.partitioning and (table.partitioning.column.lower(), table.partitioning.granularity)
    return (tuple(columns), partition, tuple(name.lower() for name in table.clustering))


def fingerprint(table: Table | None) -> str:
    """Return 16 hex digits of SHA-256 over `structure`: what a plan says it was made for."""
    return hashlib.sha256(repr(structure(table)).encode()).hexdigest()[:16]
