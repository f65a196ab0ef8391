"""Render changes as GoogleSQL: the only module that writes DDL. sqlglot never renders it (bigquery.md#sqlglot)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from fqtool.findings.finding import Finding
from fqtool.sql import ident, literal
from fqtool.table.change_fields import AddField
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetPartitioning,
    SetPolicyTags,
    SetType,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import INGESTION_TIME, Options, Table, View

_RANGE = re.compile(r"RANGE\((.*)\)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a migration.

    `sql` is GoogleSQL that BigQuery runs unchanged; a warehouse with another dialect renders `changes` itself.
    `hazards` are the findings that a person must read or allow. `way_back` is the rollback statement, or a clause that
    starts with "irreversible". An `adopted` statement is not run, because the table already has its changes.
    """

    sql: str
    changes: tuple[Change, ...]
    why: str = ""
    way_back: str = ""
    hazards: tuple[Finding, ...] = ()
    adopted: bool = False

    @property
    def by_patch(self) -> bool:
        """Whether tables.patch makes it instead of a job."""
        return any(change.by_patch for change in self.changes)


# Field name in `Options` -> name in OPTIONS(...) of BigQuery.
OPTION_NAMES = {
    "description": "description",
    "friendly_name": "friendly_name",
    "labels": "labels",
    "require_partition_filter": "require_partition_filter",
    "partition_expiration_days": "partition_expiration_days",
    "expiration": "expiration_timestamp",
}

PATCH = "--> "
"""Begins each line of a change that tables.patch makes: SQL reads it as a comment."""

OptionValue = str | float | bool | tuple[tuple[str, str], ...] | None


class NoStatement(ValueError):
    """BigQuery has no SQL for this change; `migrations.legality` has the reason and the remedy."""


def render(table: str, changes: Iterable[Change]) -> str:
    """Render changes as one GoogleSQL statement, without a semicolon.

    Changes that tables.patch makes have no statement. They are written like one, as comments that begin with `PATCH`.
    BigQuery documents several changes in one statement for ADD, DROP and RENAME COLUMN, each kind by itself, and for
    table options (bigquery.md#adding).

    Args:
        table: The name of the table.
        changes: One change, or several of one kind.

    Raises:
        NoStatement: BigQuery has no SQL for the change.
        ValueError: The changes do not fit into one statement.
    """
    changes = tuple(changes)
    match changes:
        case (CreateTable(created),):
            return create_table(created)
        case (PutView(view),):
            return create_view(view)
        case (DropView(name),):
            return f"DROP VIEW {ident(name)}"
        case (first, *rest) if all((type(other), other.by_patch) == (type(first), first.by_patch) for other in rest):
            if rest and not first.shared:
                raise ValueError(f"{type(first).__name__} needs its own statement")
            if isinstance(first, SetOption):
                return f"ALTER TABLE {ident(table)}\n  SET OPTIONS ({_options_of(changes)})"
            mark = PATCH if first.by_patch else ""
            actions = f",\n{mark}  ".join(_action(change) for change in changes)
            return f"{mark}ALTER TABLE {ident(table)}\n{mark}  {actions}"
        case _:
            raise ValueError("the changes of one statement must be of one kind")


def create_table(table: Table) -> str:
    """Return CREATE TABLE without IF NOT EXISTS, which compares only the name (bigquery.md#if-not-exists)."""
    columns = ",\n  ".join(column_sql(column) for column in table.columns)
    parts = [f"CREATE TABLE {ident(table.name)} (\n  {columns}\n)"]
    if table.partitioning:
        parts.append(f"PARTITION BY {_partition_expression(table)}")
    if table.clustering:
        parts.append(f"CLUSTER BY {', '.join(ident(name) for name in table.clustering)}")
    options = _set_options(table.options)
    if options:
        parts.append(f"OPTIONS ({options})")
    return "\n".join(parts)


def create_view(view: View) -> str:
    """Return CREATE OR REPLACE VIEW: a view has no data, so replacing it loses none."""
    options = f"\nOPTIONS (description = {literal(view.description)})" if view.description else ""
    return f"CREATE OR REPLACE VIEW {ident(view.name)}{options}\nAS\n{view.text}"


def column_sql(column: Column) -> str:
    """Return the definition of a column for CREATE TABLE and ADD COLUMN."""
    default = f" DEFAULT {column.default}" if column.default is not None else ""
    return f"{ident(column.name)} {_type_sql(column)}{default}{column.not_null}{_described(column)}"


def type_sql(kind: Type) -> str:
    """Return a type in GoogleSQL, with the names of STRUCT fields quoted and their descriptions as options."""
    if kind.kind is not Kind.STRUCT:
        return str(kind)
    fields = ", ".join(f"{ident(f.name)} {_type_sql(f)}{f.not_null}{_described(f)}" for f in kind.fields)
    return f"STRUCT<{fields}>"


def _type_sql(column: Column) -> str:
    inner = type_sql(column.type)
    return f"ARRAY<{inner}>" if column.mode is Mode.REPEATED else inner


def _described(column: Column) -> str:
    return f" OPTIONS(description = {literal(column.description)})" if column.description else ""


def _action(change: Change) -> str:
    match change:
        case AddColumn(column):
            return f"ADD COLUMN {column_sql(column)}"
        case DropColumn(name):
            return f"DROP COLUMN {ident(name)}"
        case RenameColumn(name, to):
            return f"RENAME COLUMN {ident(name)} TO {ident(to)}"
        case AddField(path, column):
            return f"ADD COLUMN {'.'.join(map(ident, path))}.{column_sql(column)}"
        case SetType(name, new):
            return f"ALTER COLUMN {ident(name)} SET DATA TYPE {type_sql(new.undescribed)}"
        case SetMode(name, Mode.NULLABLE):
            return f"ALTER COLUMN {ident(name)} DROP NOT NULL"
        case SetDefault(name, None):
            return f"ALTER COLUMN {ident(name)} DROP DEFAULT"
        case SetDefault(name, default):
            return f"ALTER COLUMN {ident(name)} SET DEFAULT {default}"
        case SetDescription(path, text):
            return f"ALTER COLUMN {'.'.join(map(ident, path))} SET OPTIONS (description = {literal(text)})"
        case SetMode() | SetPolicyTags() | Reorder() | SetPartitioning() | SetClustering():
            raise NoStatement(type(change).__name__)
        case CreateTable() | SetOption() | PutView() | DropView():
            raise ValueError(f"{type(change).__name__} is not an action of ALTER TABLE on a column")
        case _:
            assert_never(change)


def _partition_expression(table: Table) -> str:
    partitioning = table.partitioning
    assert partitioning is not None  # noqa: S101  the caller has checked it
    name = ident(partitioning.column)
    if partitioning.column == INGESTION_TIME:
        day = partitioning.granularity == "DAY"
        return "_PARTITIONDATE" if day else f"TIMESTAMP_TRUNC({INGESTION_TIME}, {partitioning.granularity})"
    if bounds := _RANGE.fullmatch(partitioning.granularity):
        return f"RANGE_BUCKET({name}, GENERATE_ARRAY({bounds[1]}))"
    column = table.find(partitioning.column)
    kind = column.type.kind if column else Kind.DATE
    if kind is Kind.DATE and partitioning.granularity == "DAY":
        return name
    return f"{kind}_TRUNC({name}, {partitioning.granularity})"


def _set_options(options: Options) -> str:
    """Only options that differ from BigQuery's defaults."""
    settings = (SetOption(name, getattr(options, name)) for name in OPTION_NAMES)
    return _options_of(tuple(option for option in settings if option.value != getattr(Options(), option.name)))


def _options_of(changes: Iterable[Change]) -> str:
    return ", ".join(
        f"{OPTION_NAMES[change.name]} = {_option_value(change.name, change.value)}"
        for change in changes
        if isinstance(change, SetOption)
    )


def _option_value(name: str, value: OptionValue) -> str:
    match name, value:
        case _, None | "" | ():
            return "NULL"
        case "expiration", str():
            return f"TIMESTAMP {literal(value)}"
        case "labels", tuple():
            return "[" + ", ".join(f"({literal(key)}, {literal(text)})" for key, text in value) + "]"
        case _, str() | bool() | int() | float():
            return literal(value)
        case _:
            raise ValueError(f"invalid value of the option {name}: {value!r}")
