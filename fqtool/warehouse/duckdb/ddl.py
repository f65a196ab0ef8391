"""Render changes as DuckDB's DDL. `refused.changed` checks before that BigQuery accepts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

from fqtool.errors import InputError
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
from fqtool.table.column import Column, Mode
from fqtool.table.model import Table, View
from fqtool.table.parse import parse_script
from fqtool.warehouse.duckdb.transpile.dialect import default_to_duckdb, to_duckdb
from fqtool.warehouse.duckdb.types import quoted, text_literal, type_text

# An ARRAY is never NULL in BigQuery: it is [] in rows written before the column was added, or without the column.
EMPTY_ARRAY = "[]"

# A statement that alters or comments on a table copies the table's entry in DuckDB's catalog, all its columns.
_COPIED_COLUMNS = 50_000


def is_wide(statements: int, columns: int) -> bool:
    """Return whether so many statements for a table with so many columns take seconds and hundreds of megabytes."""
    return statements * columns > _COPIED_COLUMNS


def ddl(table: str, change: Change, column: Column | None, query: Callable[[View], str]) -> Iterator[str]:
    """Yield the statements for one change.

    Changes of settings that DuckDB does not have yield no statement; the catalog table stores them.

    Args:
        table: The name of the table.
        change: The change.
        column: The changed column as it is before the change, or None.
        query: Translates the query of a view to DuckDB's SQL.

    Raises:
        InputError: A default or view is not supported on DuckDB.
    """
    match change:
        case CreateTable(created):
            yield f"CREATE TABLE {quoted(created.name)} ({', '.join(map(definition, created.columns))})"
            described = [column for column in created.columns if column.description]
            if not is_wide(len(described), len(created.columns)):
                yield from (_described(table, column) for column in described)
            if created.options.description:
                yield comment(f"TABLE {quoted(table)}", created.options.description)
        case AddColumn(added):
            yield f"{_alter(table)} ADD COLUMN {definition(added)}"
            if added.description:
                yield _described(table, added)
        case AddField() if column is not None:
            (new,) = change.altered(Table(table, (column,))).columns
            yield f"{_alter(table)} ALTER COLUMN {quoted(new.name)} SET DATA TYPE {type_text(new.type, new.mode)}"
        case DropColumn(name):
            yield f"{_alter(table)} DROP COLUMN {quoted(name)}"
        case RenameColumn(name, to):
            if name != to:
                yield f"{_alter(table)} RENAME COLUMN {quoted(name)} TO {quoted(to)}"
        case SetType(name, new):
            yield f"{_alter(table)} ALTER COLUMN {quoted(name)} SET DATA TYPE {type_text(new, Mode.NULLABLE)}"
        case SetMode(name, _):
            yield f"{_alter(table)} ALTER COLUMN {quoted(name)} DROP NOT NULL"
        case SetDefault(name, default):
            mode = column.mode if column else None
            yield f"{_alter(table)} ALTER COLUMN {quoted(name)} {_set_default(name, default, mode)}"
        case SetDescription((name,), text):
            yield comment(f"COLUMN {quoted(table)}.{quoted(name)}", text)
        case SetOption("description", str(text)):
            yield comment(f"TABLE {quoted(table)}", text)
        case PutView(view):
            yield f"CREATE OR REPLACE VIEW {quoted(view.name)} AS {query(view)}"
            yield comment(f"VIEW {quoted(view.name)}", view.description)
        case DropView(name):
            yield f"DROP VIEW {quoted(name)}"
        case RenameTable(name, to):
            yield f"{_alter(name)} RENAME TO {quoted(to)}"
        case AddField() | SetDescription() | SetOption() | SetProperty() | SetPrimaryKey() | AddForeignKey():
            pass
        case DropForeignKey() | Reorder() | SetPartitioning() | SetClustering() | CopyRows() | VerifyCopy():
            raise AssertionError(change)
        case _:
            assert_never(change)


def as_duckdb(sql: str) -> str:
    """Return schema changes, or a query, of GoogleSQL as statements to run in DuckDB's shell; "" where it has none."""
    if sql.startswith("SELECT"):
        return f"{to_duckdb(sql.rstrip(';'))};"
    made = (
        statement
        for parsed in parse_script(sql)
        for change in parsed.changes
        for statement in ddl(parsed.name, change, None, lambda view: to_duckdb(view.text))
    )
    return " ".join(f"{statement};" for statement in made)


def with_computable_defaults(change: Change) -> Change:
    """Return the change without the defaults that DuckDB cannot compute, such as CURRENT_DATETIME of a time zone."""
    match change:
        case CreateTable(created):
            columns = tuple(replace(column, default=_computable(column.default)) for column in created.columns)
            return replace(change, table=replace(created, columns=columns))
        case AddColumn(added):
            return replace(change, column=replace(added, default=_computable(added.default)))
        case SetDefault(_, default):
            return replace(change, default=_computable(default))
        case _:
            return change


def _computable(default: str | None) -> str | None:
    with suppress(InputError):
        return default if default is None or default_to_duckdb(default) else None
    return None


def _alter(table: str) -> str:
    return f"ALTER TABLE {quoted(table)}"


def definition(column: Column) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN define it."""
    default = EMPTY_ARRAY if column.mode is Mode.REPEATED else None
    if column.default is not None:
        default = _default_in_duckdb(column.name, column.default)
    default_sql = f" DEFAULT {default}" if default is not None else ""
    required = " NOT NULL" if column.mode is Mode.REQUIRED else ""
    return f"{quoted(column.name)} {type_text(column.type, column.mode)}{default_sql}{required}"


def _default_in_duckdb(name: str, default: str) -> str:
    try:
        return default_to_duckdb(default)
    except InputError as error:
        raise InputError(
            f"The default of the column {name} cannot be used on DuckDB: {error.message}",
            remedy="Change the default, or use a target on BigQuery.",
        ) from None


def _set_default(name: str, default: str | None, mode: Mode | None) -> str:
    if default is not None:
        return f"SET DEFAULT {_default_in_duckdb(name, default)}"
    return f"SET DEFAULT {EMPTY_ARRAY}" if mode is Mode.REPEATED else "DROP DEFAULT"


def _described(table: str, column: Column) -> str:
    return comment(f"COLUMN {quoted(table)}.{quoted(column.name)}", column.description)


def comment(subject: str, text: str) -> str:
    """Return COMMENT ON a subject, such as `TABLE "t"`."""
    return f"COMMENT ON {subject} IS {text_literal(text) if text else 'NULL'}"
