"""What stands in a DuckDB file, as BigQuery would describe it.

DuckDB's own catalog says what is there: columns, types, NOT NULL, defaults, comments, views. What it has no place for
(lengths, nested descriptions, layout, options, GoogleSQL text) is remembered in the table `_fqtool_catalog`, and each
remembered detail counts only while the physical thing still is what it was when the detail was written.
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
from fqtool.warehouse.duckdb_dialect import Schemas, kind_told, tables_in, to_duckdb
from fqtool.warehouse.duckdb_types import quoted, read_type, with_details

if TYPE_CHECKING:
    import duckdb

CATALOG = "_fqtool_catalog"
_HERE = "database_name = current_database() AND schema_name = current_schema()"
# How DuckDB's catalog spells the default that an ARRAY column has anyway.
_EMPTY_ARRAYS = (None, "list_value()", "[]", "main.list_value()")


@dataclass(frozen=True, slots=True)
class Physical:
    """One table or view as DuckDB's catalog has it: `defaults` in DuckDB's words, by lower-case column name."""

    columns: tuple[Column, ...]
    defaults: dict[str, str | None]
    comment: str
    view_sql: str | None = None


def physical(connection: duckdb.DuckDBPyConnection, name: str) -> Physical | None:
    """Read what stands under that exact name. Raises WorldError for a type that BigQuery has nothing like."""
    found = connection.execute(
        f"SELECT comment, NULL FROM duckdb_tables() WHERE table_name = $name AND {_HERE} UNION ALL "
        f"SELECT comment, sql FROM duckdb_views() WHERE view_name = $name AND {_HERE}",
        {"name": name},
    ).fetchone()
    if found is None:
        return None
    comment, view_sql = found
    if view_sql is not None:
        return Physical((), {}, comment or "", view_sql)
    rows = connection.execute(
        "SELECT column_name, data_type, is_nullable, column_default, comment FROM duckdb_columns() "
        f"WHERE table_name = $name AND {_HERE} ORDER BY column_index",
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
            f"The column {name} of {table} has the type {type_text}, which BigQuery has nothing like.",
            remedy="Drop it, or give it a type that BigQuery has.",
        ) from None
    if mode is not Mode.REPEATED and not nullable:
        mode = Mode.REQUIRED
    if mode is Mode.REPEATED and default in _EMPTY_ARRAYS:
        default = None
    return Column(name, kind, mode, comment or "", default)


def describe(connection: duckdb.DuckDBPyConnection, name: str) -> Table | View | None:
    """Return what stands under that name, details and all. Raises WorldError."""
    found = physical(connection, name)
    if found is None:
        return None
    noted = _noted(connection, name)
    if found.view_sql is not None:
        return _view(connection, View(name, _query_of(found.view_sql), found.comment), noted)
    known = {entry["schema"]["name"].lower(): entry for entry in noted.get("columns", ())}
    columns = tuple(_detailed(one, found.defaults[one.key], known.get(one.key)) for one in found.columns)
    partitioning = noted.get("partitioning")
    options = noted.get("options", {})
    options = options | {"labels": tuple(tuple(pair) for pair in options.get("labels", ()))}
    return Table(
        name,
        columns,
        Partitioning(**partitioning) if partitioning else None,
        tuple(noted.get("clustering", ())),
        Options(**options | {"description": found.comment}),
    )


def _query_of(view_sql: str) -> str:
    """Cut CREATE VIEW name [(columns)] AS off a view's text."""
    head, _, query = view_sql.partition(" AS ")
    return (query if head.upper().startswith("CREATE") else view_sql).rstrip("; \n")


def _view(connection: duckdb.DuckDBPyConnection, stands: View, noted: dict[str, Any]) -> View:
    """Return the view in the GoogleSQL it was made from, while it still is what that text means."""
    if "query" not in noted:
        return stands
    made_from = replace(stands, query=noted["query"])
    if stands.query == noted["stands_as"]:
        return made_from
    # Another release of DuckDB may write the same view down otherwise.
    try:
        meant = query_in_duckdb(connection, made_from)
    except InputError:
        return stands
    return made_from if _canonical(connection, meant) == _canonical(connection, stands.query) else stands


def _canonical(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Return the query as this DuckDB would write it, by parsing it alone."""
    row = connection.execute("SELECT json_deserialize_sql(json_serialize_sql($query))", {"query": query}).fetchone()
    return str(row[0]) if row else None


def _detailed(column: Column, default: str | None, noted: dict[str, Any] | None) -> Column:
    if noted is None:
        return column
    remembered = column_of(noted["schema"], CATALOG)
    same_default = default == noted["default_stands_as"]
    return replace(with_details(column, remembered), default=remembered.default if same_default else column.default)


def _noted(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    if not _exists(connection, CATALOG):
        return {}
    rows = connection.execute(f"SELECT definition FROM {quoted(CATALOG)} WHERE name = $name", {"name": name}).fetchall()
    if not rows:
        return {}
    try:
        noted = json.loads(rows[-1][0])
        for entry in noted.get("columns", ()):
            column_of(entry["schema"], CATALOG)
    except (InputError, LookupError, TypeError, ValueError, AttributeError):
        raise WorldError(
            f"What {CATALOG} remembers of {name} cannot be read.",
            remedy=f"DELETE FROM {CATALOG} WHERE name = '{name}', and check-drift will say what was lost.",
        ) from None
    return dict(noted)


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(
        connection.execute(
            f"SELECT 1 FROM duckdb_tables() WHERE table_name = $name AND {_HERE}", {"name": table}
        ).fetchone()
    )


def remember(connection: duckdb.DuckDBPyConnection, name: str, now: Table | View | None) -> None:
    """Write down the details of what now stands under that name; None forgets them."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(CATALOG)} (name VARCHAR, definition VARCHAR)")
    connection.execute(f"DELETE FROM {quoted(CATALOG)} WHERE name = $name", {"name": name})
    found = physical(connection, name)
    if now is None or found is None:
        return
    noted: dict[str, Any]
    if isinstance(now, View):
        noted = {"query": now.query, "stands_as": _query_of(found.view_sql or "")}
    else:
        noted = {
            "columns": [
                {"schema": field(column), "default_stands_as": found.defaults[column.key]} for column in now.columns
            ],
            "partitioning": asdict(now.partitioning) if now.partitioning else None,
            "clustering": now.clustering,
            "options": asdict(now.options),
        }
    connection.execute(
        f"INSERT INTO {quoted(CATALOG)} VALUES ($name, $definition)", {"name": name, "definition": json.dumps(noted)}
    )


def query_in_duckdb(connection: duckdb.DuckDBPyConnection, view: View) -> str:
    """Return the view's query for DuckDB: its tables are this file's, whatever the dataset is called."""
    text = view.text.replace(f"{ident(DATASET)}.", "")
    return to_duckdb(text, schemas(connection, tables_in(text)))


def views_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[View]:
    """Return the views that were made over the table and still stand as they were made."""
    names = connection.execute(f"SELECT name FROM {quoted(CATALOG)}").fetchall() if _exists(connection, CATALOG) else []
    found = (describe(connection, name) for (name,) in names if "query" in _noted(connection, name))
    views = [view for view in found if isinstance(view, View)]
    return [view for view in views if table in tables_in(view.text)]


def schemas(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> Schemas:
    """Return the kinds of the columns of those tables and views that are there."""
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        f"WHERE list_contains($names, table_name) AND {_HERE} ORDER BY table_name, column_index",
        {"names": list(names)},
    ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, text in rows:
        found.setdefault(table, []).append((column, _kind_told(text)))
    return tuple((table, tuple(columns)) for table, columns in found.items())


@functools.lru_cache(maxsize=1024)
def _kind_told(text: str) -> str:
    try:
        kind, mode = read_type(text)
    except (ValueError, IndexError):
        return ""
    return kind_told(kind, mode)
