"""Render changes as GoogleSQL: the only module that writes DDL. sqlglot never renders it (bigquery.md#sqlglot)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from fqtool.findings.finding import Finding
from fqtool.sql import ident, literal
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import AddForeignKey, DropForeignKey, SetOption, SetPrimaryKey, SetProperty
from fqtool.table.change_rebuild import CopyRows, RenameTable, VerifyCopy
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetPartitioning,
    SetType,
)
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl_grammar import partition_sql
from fqtool.table.model import Partitioning, Table, View, key_parts
from fqtool.table.properties import COLUMN_PROPERTIES, TABLE_PROPERTIES, table_values
from fqtool.table.property import OptionValue, Written
from fqtool.table.rebuild_sql import rename_sql, rows_sql


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


PATCH = "--> "
"""Begins each line of a change that tables.patch makes: SQL reads it as a comment."""


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
        case (CopyRows() | VerifyCopy() as of_rows,):
            return rows_sql(of_rows)
        case (RenameTable() as renamed,):
            return rename_sql(renamed)
        case (first, *rest) if all((type(other), other.by_patch) == (type(first), first.by_patch) for other in rest):
            if rest and not first.shared:
                raise ValueError(f"{type(first).__name__} needs its own statement")
            if isinstance(first, SetOption):
                return f"ALTER TABLE {ident(table)}\n  {_options_action(changes)}"
            mark = PATCH if first.by_patch else ""
            actions = f",\n{mark}  ".join(_action(change) for change in changes)
            return f"{mark}ALTER TABLE {ident(table)}\n{mark}  {actions}"
        case _:
            raise ValueError("the changes of one statement must be of one kind")


def create_table(table: Table) -> str:
    """Return CREATE TABLE without IF NOT EXISTS, which compares only the name (bigquery.md#if-not-exists)."""
    values = table_values(table)
    collation = values.pop("default_collation")
    lines = [column_sql(column, collation) for column in table.columns]
    if table.primary_key:
        lines.append(_primary_key(table.primary_key))
    lines += map(_foreign_key, table.foreign_keys)
    columns = ",\n  ".join(lines)
    parts = [f"CREATE TABLE {ident(table.name)} (\n  {columns}\n)"]
    if collation:
        parts.append(f"DEFAULT COLLATE {literal(collation)}")
    if table.partitioning:
        parts.append(f"PARTITION BY {partition_sql(table.partitioning, _partition_kind(table, table.partitioning))}")
    if table.clustering:
        parts.append(f"CLUSTER BY {', '.join(ident(name) for name in table.clustering)}")
    options = _options_of({name: value for name, value in values.items() if _differs(name, value)})
    if options:
        parts.append(f"OPTIONS ({options})")
    return "\n".join(parts)


def create_view(view: View) -> str:
    """Return CREATE OR REPLACE VIEW: a view has no data, so replacing it loses none."""
    values: dict[str, Any] = {"description": view.description} if view.description else {}
    values |= view.options
    options = f"\nOPTIONS ({_options_of(values)})" if values else ""
    return f"CREATE OR REPLACE VIEW {ident(view.name)}{_view_columns(view)}{options}\nAS\n{view.text}"


def _view_columns(view: View) -> str:
    """The list of all columns of a view with descriptions: BigQuery has no list of some of them."""
    if view.described is None:
        return ""
    texts = dict(view.described)
    lines = ",\n  ".join(f"{ident(name)}{_description(texts.get(name, ''))}" for name in view.columns)
    return f" (\n  {lines}\n)"


def _description(text: str) -> str:
    return f" OPTIONS(description = {literal(text)})" if text else ""


def column_sql(column: Column, inherited: str = "") -> str:
    """Return the definition of a column for CREATE TABLE and ADD COLUMN.

    Args:
        column: The column.
        inherited: The collation of a column that states none.
    """
    properties = dict(column.properties)
    default = f" DEFAULT {column.default}" if column.default is not None else ""
    if expression := properties.get("generated"):
        default = f" GENERATED ALWAYS AS ({expression}) STORED"
    return f"{_typed(column, inherited)}{default}{column.not_null}{_column_options(column)}"


def type_sql(kind: Type, inherited: str = "") -> str:
    """Return a type in GoogleSQL, with the names of STRUCT fields quoted and their descriptions as options."""
    if kind.kind is not Kind.STRUCT:
        return str(kind)
    return f"STRUCT<{', '.join(f'{_typed(f, inherited)}{f.not_null}{_column_options(f)}' for f in kind.fields)}>"


def _typed(column: Column, inherited: str) -> str:
    """The name, type and collation, which for an ARRAY is that of its elements, and '' for none instead of another."""
    collation = dict(column.properties).get("collation", "")
    stated = collation or (inherited and column.type.kind is Kind.STRING)
    inner = type_sql(column.type, inherited) + (f" COLLATE {literal(collation)}" if stated else "")
    return f"{ident(column.name)} {f'ARRAY<{inner}>' if column.mode is Mode.REPEATED else inner}"


def _column_options(column: Column) -> str:
    properties = dict(column.properties)
    options = [f"description = {literal(column.description)}"] if column.description else []
    for name, row in COLUMN_PROPERTIES.items():
        if row.written is Written.OPTIONS and name in properties:
            options.append(f"{name} = {row.literal(properties[name])}")
    if "generated" in properties:
        options.append("asynchronous = TRUE")
    return f" OPTIONS({', '.join(options)})" if options else ""


def _primary_key(columns: tuple[str, ...]) -> str:
    return f"PRIMARY KEY ({', '.join(map(ident, columns))}) NOT ENFORCED"


def _foreign_key(key: str) -> str:
    columns, table, references = key_parts(key)
    own, other = (", ".join(map(ident, names)) for names in (columns, references))
    return f"FOREIGN KEY ({own}) REFERENCES {ident(*table.split('.'))}({other}) NOT ENFORCED"


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
        case SetProperty(path, name, value) if change.writable:
            option = f"{name} = {COLUMN_PROPERTIES[name].literal(value)}"
            return f"ALTER COLUMN {'.'.join(map(ident, path))} SET OPTIONS ({option})"
        case SetPrimaryKey(()):
            return "DROP PRIMARY KEY"
        case SetPrimaryKey(columns):
            return f"ADD {_primary_key(columns)}"
        case AddForeignKey(key):
            return f"ADD {_foreign_key(key)}"
        case SetMode() | SetProperty() | DropForeignKey() | Reorder() | SetPartitioning() | SetClustering():
            raise NoStatement(type(change).__name__)
        case CreateTable() | SetOption() | PutView() | DropView() | CopyRows() | VerifyCopy() | RenameTable():
            raise ValueError(f"{type(change).__name__} is not an action of ALTER TABLE on a column")
        case _:
            assert_never(change)


def _partition_kind(table: Table, by: Partitioning) -> Kind:
    column = table.find(by.column)
    return column.type.kind if column else Kind.DATE


def _differs(name: str, value: OptionValue) -> bool:
    return name in TABLE_PROPERTIES and value != TABLE_PROPERTIES[name].unset


def _options_action(changes: tuple[Change, ...]) -> str:
    values = {change.name: change.value for change in changes if isinstance(change, SetOption)}
    if "default_collation" in values:
        return f"SET DEFAULT COLLATE {literal(str(values['default_collation'] or ''))}"
    if unknown := values.keys() - TABLE_PROPERTIES.keys():
        raise NoStatement(", ".join(unknown))
    return f"SET OPTIONS ({_options_of(values)})"


def _options_of(values: Mapping[str, OptionValue]) -> str:
    rows = ((TABLE_PROPERTIES[name], name, value) for name, value in values.items())
    return ", ".join(f"{row.sql or name} = {row.literal(value)}" for row, name, value in rows)
