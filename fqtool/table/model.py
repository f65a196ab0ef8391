"""A table with its columns, partitioning, clustering and options; and its views."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from fqtool.table.column import Column, Properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ORDINARY = "TABLE"
GRANULARITIES = ("HOUR", "DAY", "MONTH", "YEAR")
INGESTION_TIME = "_PARTITIONTIME"  # the column of a table that is partitioned by ingestion time
# Placeholder for the dataset in the text of a view. BigQuery requires the dataset there, while a migration file must
# fit every target. Each warehouse replaces it when it writes a view, and restores it when it reads one.
DATASET = "${dataset}"


_EVERY_COLUMN = re.compile(r"SELECT\s+t\.\*")  # as `schema.views` writes `include: ["*"]`


_FOREIGN_KEY = re.compile(r"FOREIGN KEY \((.*?)\) REFERENCES (.*?)\((.*?)\)")


class Inapplicable(ValueError):
    """A change does not fit the state: its column is absent, or exists already."""


@dataclass(frozen=True, slots=True)
class Partitioning:
    """PARTITION BY one column at a granularity: DAY, HOUR, MONTH or YEAR, or RANGE(start, end, interval)."""

    column: str
    granularity: str = "DAY"

    @property
    def stateable(self) -> bool:
        """Whether a registry can describe it: ingestion time and ranges of whole numbers are not supported."""
        return self.column != INGESTION_TIME and self.granularity in GRANULARITIES


@dataclass(frozen=True, slots=True)
class Options:
    """Table options that ALTER TABLE SET OPTIONS can write (bigquery.md#options).

    `partition_expiration_days` None: partitions never expire. `expiration` is an RFC 3339 time; None: the table never
    expires. `description` "" or `labels` (): not set.
    """

    require_partition_filter: bool = False
    partition_expiration_days: float | None = None
    expiration: str | None = None
    description: str = ""
    friendly_name: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)  # without slots, which do not allow cached_property
class Table:
    """A table by its short name. Project and dataset belong to the target.

    `type` is that of tables.get: TABLE (also for a clone), EXTERNAL, SNAPSHOT or a later type. `primary_key` and
    `foreign_keys` are constraints that BigQuery does not enforce; a foreign key is GoogleSQL text. `properties` are its
    further properties (`table/properties.py`). `inherited` names those with the value that the dataset gives to new
    tables; it is not compared.
    """

    name: str
    columns: tuple[Column, ...]
    partitioning: Partitioning | None = None
    clustering: tuple[str, ...] = ()
    options: Options = Options()
    type: str = ORDINARY
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[str, ...] = ()
    properties: Properties = ()
    inherited: frozenset[str] = field(default=frozenset(), compare=False)

    def find(self, name: str) -> Column | None:
        """Return the column with this name in any case, or None."""
        return self.by_key.get(name.lower())

    @cached_property
    def by_key(self) -> Mapping[str, Column]:
        """Columns by lower-case name, in order."""
        return MappingProxyType({column.key: column for column in self.columns})

    @cached_property
    def width(self) -> int:
        """The number of columns and fields, which BigQuery limits."""
        return sum(column.width for column in self.columns)

    def with_columns(self, columns: Iterable[Column]) -> Table:
        """Return the same table with other columns."""
        return replace(self, columns=tuple(columns))

    def restricted_to(self, names: Iterable[str]) -> Table:
        """Return the table with only the columns of those names, in the order of the table."""
        kept = {name.lower() for name in names}
        return self.with_columns(column for column in self.columns if column.key in kept)

    @property
    def layout(self) -> frozenset[str]:
        """Lower-case names of the partition and clustering columns."""
        partition = [self.partitioning.column] if self.partitioning else []
        return frozenset(name.lower() for name in (*partition, *self.clustering))

    @property
    def constrained(self) -> frozenset[str]:
        """Lower-case names of the columns of the primary key and of foreign keys."""
        foreign = (name for key in self.foreign_keys for name in key_parts(key)[0])
        return frozenset(name.lower() for name in (*self.primary_key, *foreign))

    def present(self, name: str) -> Column:
        """Return the column with this name. Raises Inapplicable if it does not exist."""
        column = self.find(name)
        if column is None:
            raise Inapplicable(f"the column {name} does not exist")
        return column

    def find_field(self, path: tuple[str, ...]) -> Column | None:
        """Return the column or STRUCT field of that path, or None."""
        found = self.find(path[0])
        for name in path[1:]:
            found = next((field for field in found.type.fields if field.key == name.lower()), None) if found else None
        return found

    def present_field(self, path: tuple[str, ...]) -> Column:
        """Return the column or STRUCT field of that path. Raises Inapplicable if it does not exist."""
        field = self.find_field(path)
        if field is None:
            raise Inapplicable(f"the column or field {'.'.join(path)} does not exist")
        return field

    def longer(self, columns: Sequence[Column]) -> Table:
        """Return the table with columns added at the end. Raises Inapplicable for one that exists already."""
        keys = set(self.by_key)
        for column in columns:
            if column.key in keys:
                raise Inapplicable(f"the column {column.name} exists already")
            keys.add(column.key)
        return self.with_columns((*self.columns, *columns))

    def with_column(self, of: str, /, **new: object) -> Table:
        """Return the table with one column changed. Raises Inapplicable if it does not exist."""
        old = self.present(of)
        return self.with_columns(replace(c, **new) if c is old else c for c in self.columns)  # type: ignore[arg-type]

    def with_field(self, path: tuple[str, ...], **new: object) -> Table:
        """Return the table with the column or STRUCT field of that path changed. Raises Inapplicable."""
        return self.with_columns(_at_path(self.columns, path, new))


def _at_path(columns: tuple[Column, ...], path: tuple[str, ...], new: dict[str, object]) -> tuple[Column, ...]:
    head, rest = path[0].lower(), path[1:]
    if all(column.key != head for column in columns):
        raise Inapplicable(f"the column or field {path[0]} does not exist")
    return tuple(_inside(c, rest, new) if c.key == head else c for c in columns)


def _inside(column: Column, rest: tuple[str, ...], new: dict[str, object]) -> Column:
    if not rest:
        return replace(column, **new)  # type: ignore[arg-type]
    return replace(column, type=replace(column.type, fields=_at_path(column.type.fields, rest, new)))


def foreign_key(columns: Iterable[str], table: str, references: Iterable[str]) -> str:
    """Return a foreign key as text; `key_parts` is the inverse.

    Args:
        columns: The columns of the table.
        table: The other table, `table`, `dataset.table` or `project.dataset.table`.
        references: The columns of the other table.
    """
    return f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {table}({', '.join(references)})"


def key_parts(key: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the columns, the other table and its columns of a foreign key."""
    match = _FOREIGN_KEY.fullmatch(key)
    if match is None:
        raise ValueError(key)
    return tuple(match[1].split(", ")), match[2], tuple(match[3].split(", "))


@dataclass(frozen=True, slots=True)
class View:
    """A logical view: its GoogleSQL query text and description.

    `options` are its other properties by the row of `TABLE_PROPERTIES`: labels, friendly name, expiration and similar.
    `legacy` means that the query is in legacy SQL. `described` has the descriptions of its columns by name; None: not
    managed. What follows is not compared: `columns` are the names of its columns, as they were when it was created, and
    `of_columns` those with settings that a replaced view loses, such as policy tags.
    """

    name: str
    query: str
    description: str = ""
    materialized: bool = field(default=False, kw_only=True)
    options: tuple[tuple[str, object], ...] = field(default=(), kw_only=True)
    legacy: bool = field(default=False, kw_only=True)
    described: tuple[tuple[str, str], ...] | None = field(default=None, kw_only=True)
    columns: tuple[str, ...] = field(default=(), kw_only=True, compare=False)
    of_columns: tuple[str, ...] = field(default=(), kw_only=True, compare=False)

    @property
    def key(self) -> str:
        """The exact name: names of tables and views are case-sensitive (bigquery.md#names)."""
        return self.name

    @property
    def text(self) -> str:
        """The query without trailing white space and semicolon, which warehouses do not store."""
        return "\n".join(line.rstrip() for line in self.query.strip().rstrip(";").strip().splitlines())

    @property
    def content(self) -> tuple[object, ...]:
        """What two views are compared by, besides the descriptions of columns."""
        return self.text, self.description, sorted(self.options), self.materialized, self.legacy

    def equals(self, declared: View) -> bool:
        """Return whether the view is as declared; descriptions of columns that are not managed may differ."""
        there, texts = ({name.lower(): text for name, text in view.described or ()} for view in (self, declared))
        return self.content == declared.content and (declared.described is None or there == texts)

    def missing_columns(self, table: Table | None) -> tuple[str, ...]:
        """Return the columns of the table that a view of all columns does not show, because it was created before them.

        BigQuery keeps the schema that a view had when it was created (bigquery.md#views).
        """
        if table is None or not self.columns or not _EVERY_COLUMN.match(self.text):
            return ()
        known = {name.lower() for name in self.columns}
        return tuple(column.name for column in table.columns if column.key not in known)


def other_kind(live: Table | View) -> str:
    """Return what a table or view is, e.g. "an external table"; "" for an ordinary table."""
    if isinstance(live, View):
        return "a materialized view" if live.materialized else "a view"
    if live.type == ORDINARY:
        return ""
    return {"EXTERNAL": "an external table", "SNAPSHOT": "a table snapshot"}.get(
        live.type, f"a table of the type {live.type}"
    )


@dataclass(frozen=True, slots=True)
class State:
    """What fqtool manages in a dataset: one table, or None before it is created, and its views.

    `beside` are the tables of a rebuild: the new one before the swap of names, and the old one after it.
    """

    table: Table | None = None
    views: tuple[View, ...] = ()
    beside: tuple[Table, ...] = ()

    def is_beside(self, name: str) -> bool:
        """Return whether a table of this name would be beside the managed one, as the new table of a rebuild."""
        return self.table is not None and self.table.name != name

    def find_beside(self, name: str) -> Table | None:
        """Return the table of a rebuild with this name, or None."""
        return next((table for table in self.beside if table.name == name), None)

    def column(self, name: str) -> Column | None:
        """Return the column of the table with this name, or None."""
        return self.table.find(name) if self.table else None

    def view(self, key: str) -> View | None:
        """Return the view with this name, or None."""
        return next((view for view in self.views if view.key == key), None)


def structure(table: Table | None) -> tuple[object, ...]:
    """Return what a plan depends on: names, types, modes, partitioning and clustering.

    Descriptions, defaults, options and order are left out: they may differ between environments without making a
    planned statement wrong.
    """
    if table is None:
        return ()
    columns = sorted((c.key, str(c.type.shape), c.mode.value) for c in table.columns)
    partition = table.partitioning and (table.partitioning.column.lower(), table.partitioning.granularity)
    return (tuple(columns), partition, tuple(name.lower() for name in table.clustering))


def fingerprint(table: Table | None) -> str:
    """Return 16 hex digits of SHA-256 over `structure`, which a plan stores to identify its table."""
    return hashlib.sha256(repr(structure(table)).encode()).hexdigest()[:16]
