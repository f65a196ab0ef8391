"""Describe the tables and views of a DuckDB file as BigQuery would.

DuckDB's catalog has columns, types, NOT NULL, defaults, comments and views. The table `_fqtool_catalog` stores details
that it does not have: lengths, nested descriptions, partitioning, clustering, options and GoogleSQL text; of a wide
table also the descriptions of columns. A stored detail is used only while the column or view is unchanged since it was
written.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from fqtool.errors import InputError, WorldError
from fqtool.sql import ident
from fqtool.table.column import Column, Mode
from fqtool.table.model import DATASET, Options, Partitioning, Table, View
from fqtool.table.schema_json import column_of, field
from fqtool.warehouse.duckdb.transpile.dialect import Schemas, dialect_kind, tables_in, to_duckdb
from fqtool.warehouse.duckdb.types import quoted, read_type, with_details

if TYPE_CHECKING:
    import duckdb

CATALOG = "_fqtool_catalog"
HERE = "database_name = current_database() AND schema_name = current_schema()"
# DuckDB's spellings of the default of every ARRAY column.
_EMPTY_ARRAYS = (None, "list_value()", "[]", "main.list_value()")


@dataclass(frozen=True, slots=True)
class Physical:
    """A table or view of DuckDB's catalog. `defaults` are DuckDB's SQL, by lower-case column name."""

    columns: tuple[Column, ...]
    defaults: dict[str, str | None]
    comment: str
    view_sql: str | None = None


def physical(connection: duckdb.DuckDBPyConnection, name: str) -> Physical | None:
    """Read the table or view with exactly this name; None if it does not exist.

    Raises:
        WorldError: A column has a type without an equivalent in BigQuery.
    """
    row = connection.execute(
        f"SELECT comment, NULL FROM duckdb_tables() WHERE table_name = $name AND {HERE} UNION ALL "
        f"SELECT comment, sql FROM duckdb_views() WHERE view_name = $name AND {HERE}",
        {"name": name},
    ).fetchone()
    if row is None:
        return None
    comment, view_sql = row
    if view_sql is not None:
        return Physical((), {}, comment or "", view_sql)
    rows = connection.execute(
        "SELECT column_name, data_type, is_nullable, column_default, comment FROM duckdb_columns() "
        f"WHERE table_name = $name AND {HERE} ORDER BY column_index",
        {"name": name},
    ).fetchall()
    columns = tuple(_column(name, *row) for row in rows)
    return Physical(columns, {row[0].lower(): row[3] for row in rows}, comment or "")


def _column(
    table: str, name: str, type_text: str, nullable: bool, default: str | None, comment: str | None
) -> Column:  # fmt: skip
    try:
        kind, mode = read_type(type_text)
    except (ValueError, IndexError):
        raise WorldError(
            f"The column {name} of {table} has the type {type_text}, which has no equivalent in BigQuery.",
            remedy="Drop the column, or give it a type that BigQuery has.",
        ) from None
    if mode is not Mode.REPEATED and not nullable:
        mode = Mode.REQUIRED
    if mode is Mode.REPEATED and default in _EMPTY_ARRAYS:
        default = None
    return Column(name, kind, mode, comment or "", default)


def describe(connection: duckdb.DuckDBPyConnection, name: str) -> Table | View | None:
    """Return the table or view with this name and its stored details. Raises WorldError as `physical`."""
    stored = physical(connection, name)
    if stored is None:
        return None
    details = _noted(connection, name)
    if stored.view_sql is not None:
        return _view(connection, View(name, _query_of(stored.view_sql), stored.comment), details)
    if "query" in details:  # of a view that had this name
        details = {}
    known = {entry["schema"]["name"].lower(): entry for entry in details.get("columns", ())}
    columns = tuple(_detailed(column, stored.defaults[column.key], known.get(column.key)) for column in stored.columns)
    partitioning = details.get("partitioning")
    options = details.get("options", {})
    options = options | {"labels": tuple(tuple(pair) for pair in options.get("labels", ()))}
    return Table(
        name,
        columns,
        Partitioning(**partitioning) if partitioning else None,
        tuple(details.get("clustering", ())),
        Options(**options | {"description": stored.comment}),
        primary_key=tuple(details.get("primary_key", ())) or _primary_key(connection, name),
        foreign_keys=tuple(details.get("foreign_keys", ())),
        properties=tuple((name, text) for name, text in details.get("properties", ())),
    )


def _primary_key(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    row = connection.execute(
        "SELECT constraint_column_names FROM duckdb_constraints() "
        f"WHERE table_name = $name AND constraint_type = 'PRIMARY KEY' AND {HERE}",
        {"name": name},
    ).fetchone()
    return tuple(row[0]) if row else ()


def _query_of(view_sql: str) -> str:
    """Remove CREATE VIEW name [(columns)] AS from the text of a view."""
    head, _, query = view_sql.partition(" AS ")
    return (query if head.upper().startswith("CREATE") else view_sql).rstrip("; \n")


def _view(connection: duckdb.DuckDBPyConnection, live: View, details: dict[str, Any]) -> View:
    """Return the view with its original GoogleSQL, if the view is unchanged since."""
    if "query" not in details:
        return live
    options = tuple((key, _as_value(value)) for key, value in details.get("options", ()))
    described = tuple((name, text) for name, text in details.get("described") or ()) or None
    columns = tuple(details.get("names", ()))
    made_from = replace(live, query=details["query"], options=options, described=described, columns=columns)
    if live.query == details["stands_as"]:
        return made_from
    # Another release of DuckDB may store another text for the same view.
    try:
        expected = query_in_duckdb(connection, made_from)
    except InputError:
        return live
    return made_from if _canonical(connection, expected) == _canonical(connection, live.query) else live


def _as_value(value: Any) -> object:
    """Return a stored value, of which JSON has made lists."""
    return tuple(map(_as_value, value)) if isinstance(value, list) else value


def _canonical(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Return the query as this version of DuckDB writes it; the query is only parsed."""
    row = connection.execute("SELECT json_deserialize_sql(json_serialize_sql($query))", {"query": query}).fetchone()
    return str(row[0]) if row else None


def _detailed(column: Column, default: str | None, details: dict[str, Any] | None) -> Column:
    if details is None:
        return column
    remembered = column_of(details["schema"], CATALOG)
    same_default = default == details["default_stands_as"]
    same_comment = column.description == details.get("comment_stands_as")
    return replace(
        with_details(column, remembered),
        default=remembered.default if same_default else column.default,
        description=remembered.description if same_comment else column.description,
    )


def _noted(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    if not _exists(connection, CATALOG):
        return {}
    rows = connection.execute(f"SELECT definition FROM {quoted(CATALOG)} WHERE name = $name", {"name": name}).fetchall()
    if not rows:
        return {}
    try:
        details = json.loads(rows[-1][0])
        for entry in details.get("columns", ()):
            column_of(entry["schema"], CATALOG)
    except (InputError, LookupError, TypeError, ValueError, AttributeError):
        raise WorldError(
            f"The details of {name} in the table {CATALOG} are malformed.",
            remedy=f"Run `DELETE FROM {CATALOG} WHERE name = '{name}'`; `check-drift` then reports what was lost.",
        ) from None
    return dict(details)


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(
        connection.execute(
            f"SELECT 1 FROM duckdb_tables() WHERE table_name = $name AND {HERE}", {"name": table}
        ).fetchone()
    )


def remember(connection: duckdb.DuckDBPyConnection, name: str, live: Table | View | None) -> None:
    """Store the details of a table or view; None deletes them.

    Args:
        connection: The database.
        name: The table or view.
        live: What it is now.
    """
    connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(CATALOG)} (name VARCHAR, definition VARCHAR)")
    connection.execute(f"DELETE FROM {quoted(CATALOG)} WHERE name = $name", {"name": name})
    stored = physical(connection, name)
    if live is None or stored is None:
        return
    details: dict[str, Any]
    if isinstance(live, View):
        details = {
            "query": live.query,
            "options": live.options,
            "described": live.described,
            "names": live.columns,
            "stands_as": _query_of(stored.view_sql or ""),
        }
    else:
        comments = {column.key: column.description for column in stored.columns}
        details = {
            "columns": [
                {"schema": field(column), "default_stands_as": stored.defaults[column.key]}
                | ({} if comments[column.key] == column.description else {"comment_stands_as": comments[column.key]})
                for column in live.columns
            ],
            "partitioning": asdict(live.partitioning) if live.partitioning else None,
            "clustering": live.clustering,
            "options": asdict(live.options),
            "primary_key": live.primary_key,
            "foreign_keys": live.foreign_keys,
            "properties": live.properties,
        }
    connection.execute(
        f"INSERT INTO {quoted(CATALOG)} VALUES ($name, $definition)", {"name": name, "definition": json.dumps(details)}
    )


def query_in_duckdb(connection: duckdb.DuckDBPyConnection, view: View) -> str:
    """Translate the query of a view to DuckDB's SQL, with the tables of this file instead of the dataset."""
    text = view.text.replace(f"{ident(DATASET)}.", "")
    return to_duckdb(text, schemas(connection, tables_in(text)))


def views_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[View]:
    """Return the views over a table that are unchanged since they were created."""
    names = connection.execute(f"SELECT name FROM {quoted(CATALOG)}").fetchall() if _exists(connection, CATALOG) else []
    objects = (describe(connection, name) for (name,) in names if "query" in _noted(connection, name))
    views = [view for view in objects if isinstance(view, View)]
    return [view for view in views if table in tables_in(view.text)]


def schemas(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> Schemas:
    """Return the kinds of the columns of those tables and views that exist."""
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        f"WHERE list_contains($names, table_name) AND {HERE} ORDER BY table_name, column_index",
        {"names": list(names)},
    ).fetchall()
    kinds: dict[str, list[tuple[str, str]]] = {}
    for table, column, text in rows:
        kinds.setdefault(table, []).append((column, _dialect_kind(text)))
    return tuple((table, tuple(columns)) for table, columns in kinds.items())


@functools.lru_cache(maxsize=1024)
def _dialect_kind(text: str) -> str:
    try:
        kind, mode = read_type(text)
    except (ValueError, IndexError):
        return ""
    return dialect_kind(kind, mode)
