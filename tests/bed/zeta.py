"""GoogleSQL judged and run by Google's own analyser and reference implementation (the `zetasql` package).

`analyze` reports what BigQuery's front end would refuse, in its words; `evaluate` runs a query over rows given as
Python values. Nothing here knows the back end's rules (quotas, what a live table's schema may become).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service_pb
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as catalog_pb
from zetasql.wasi._pb2.zetasql.public import options_pb2 as language_pb
from zetasql.wasi._pb2.zetasql.public import simple_table_pb2 as table_pb

from . import zeta_values
from .zeta_runtime import ServerError, message_of, service

Columns = Mapping[str, str]
"""Column name -> GoogleSQL type, as `{"game_date": "DATE", "tags": "ARRAY<STRING>"}`."""

Row = Sequence[object] | Mapping[str, object]
Rows = tuple[Columns, Iterable[Row]]


_PARTITION_COLUMNS = {"_PARTITIONDATE": "DATE", "_PARTITIONTIME": "TIMESTAMP"}  # of CREATE TABLE alone
# Strings and comments first, so that no path is found inside them.
_TEXT = re.compile(
    r"""('{3}.*?'{3}|"{3}.*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|--[^\n]*|\#[^\n]*|/\*.*?\*/)"""
    r"""|((?:`[^`]+`|[A-Za-z_][\w-]*)(?:\s*\.\s*(?:`[^`]+`|\w+))*)""",
    re.DOTALL,
)


class ZetaError(Exception):
    """A statement was refused; the text is Google's."""


@dataclass(frozen=True)
class Typed:
    """A parameter whose Python value does not imply its type: `Typed(None, "DATE")`, `Typed([], "ARRAY<INT64>")`."""

    value: object
    type: str


def analyze(sql: str, tables: Mapping[str, Columns], params: Mapping[str, object] | None = None) -> str | None:
    """None when Google's analyser accepts the one statement, else its refusal.

    `tables` maps `"project.dataset.table"`, `"dataset.table"` or `"table"` to its columns; a view is a table.
    Parameters that `params` does not name may be of any type that fits.
    """
    try:
        service().call("Analyze", _analysis(sql, tables, params or {}))
    except ServerError as error:
        return message_of(error)
    return None


def resolve(sql: str, tables: Mapping[str, Columns], params: Mapping[str, object] | None = None) -> bytes:
    """The resolved statement as an unread AnalyzeResponse, its scans without unused columns; raises ZetaError."""
    request = _analysis(sql, tables, params or {})
    request.options.prune_unused_columns = True
    try:
        return service().call("Analyze", request)
    except ServerError as error:
        raise ZetaError(message_of(error)) from None


def tables_of(sql: str) -> list[tuple[str, ...]]:
    """The table paths one statement names, as written, without the names its WITH clauses bind."""
    request = service_pb.ExtractTableNamesFromStatementRequest(sql_statement=sql, options=service().language)
    try:
        raw = service().call("ExtractTableNamesFromStatement", request)
    except ServerError as error:
        raise ZetaError(message_of(error)) from None
    answer = service_pb.ExtractTableNamesFromStatementResponse.FromString(raw)
    return [tuple(name.table_name_segment) for name in answer.table_name]


def evaluate(
    sql: str,
    tables: Mapping[str, Rows] | None = None,
    params: Mapping[str, object] | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of one query, run by Google's reference implementation over `{name: (columns, rows)}`.

    A row is a sequence in the order of the columns, or a mapping where what is left out is NULL. JSON values
    are given and returned parsed. Raises ZetaError.
    """
    content = {name.rpartition(".")[2]: rows for name, rows in (tables or {}).items()}
    if len(content) < len(tables or {}):
        raise ValueError("evaluate needs tables whose last names differ")
    request = service_pb.EvaluateQueryRequest(sql=_unqualified(sql, set(content)))
    _options(request.options, params or {})
    try:
        request.simple_catalog.CopyFrom(_catalog({name: cols for name, (cols, _) in content.items()}))
        for name, (columns, rows) in content.items():
            _fill(request.table_content[name].table_data, columns, rows)
        for name, value in (params or {}).items():
            given = value if isinstance(value, Typed) else Typed(value, zeta_values.type_of(value))
            cell = request.params.add(name=name).value
            zeta_values.write(cell, given.value, _types((given.type,))[0])
        answer = service_pb.EvaluateQueryResponse.FromString(service().call("EvaluateQuery", request))
    except ServerError as error:
        raise ZetaError(message_of(error)) from None
    kinds = [column.type for column in answer.prepared.columns]
    return [
        tuple(zeta_values.read(cell, kind) for cell, kind in zip(row.cell, kinds, strict=True))
        for row in answer.content.table_data.row
    ]


def _unqualified(sql: str, names: set[str]) -> str:
    """The query with `d.t` cut to `t`: the implementation finds rows only for tables of one-part names."""
    try:
        paths = {".".join(path) for path in tables_of(sql)}
    except ZetaError:
        return sql  # the evaluation itself reports what is wrong

    def cut(match: re.Match[str]) -> str:
        full = re.sub(r"[`\s]", "", match[2] or "")
        last = full.rpartition(".")[2]
        return f"`{last}`" if full in paths and last in names else match[0]

    return _TEXT.sub(cut, sql)


def _analysis(sql: str, tables: Mapping[str, Columns], params: Mapping[str, object]) -> Any:
    request = service_pb.AnalyzeRequest(sql_statement=sql)
    _options(request.options, params)
    key = json.dumps({name: dict(columns) for name, columns in tables.items()})
    request.registered_catalog_id = service().catalog(key, lambda: _catalog(tables))
    return request


def _options(options: Any, params: Mapping[str, object]) -> None:
    options.language_options.CopyFrom(service().language)
    options.error_message_mode = language_pb.ERROR_MESSAGE_ONE_LINE
    options.default_timezone = "UTC"  # BigQuery's; the analyser's own is Los Angeles
    options.allow_undeclared_parameters = not params
    for name, text in _PARTITION_COLUMNS.items():
        options.ddl_pseudo_columns.add(name=name, type=_types((text,))[0])
    for name, value in params.items():
        text = value.type if isinstance(value, Typed) else zeta_values.type_of(value)
        options.query_parameters.add(name=name, type=_types((text,))[0])


def _fill(data: Any, columns: Columns, rows: Iterable[Row]) -> None:
    kinds = _types(tuple(columns.values()))
    for row in rows:
        values = [row.get(name) for name in columns] if isinstance(row, Mapping) else row
        out = data.row.add()
        for value, kind in zip(values, kinds, strict=True):
            zeta_values.write(out.cell.add(), value, kind)


@functools.lru_cache(maxsize=1024)
def _types(texts: tuple[str, ...]) -> tuple[Any, ...]:
    """The analyser's own reading of type texts."""
    if not texts:
        return ()
    root = catalog_pb.SimpleCatalogProto(name="root")
    root.builtin_function_options.language_options.CopyFrom(service().language)
    casts = ", ".join(f"CAST(NULL AS {text}) AS c{n}" for n, text in enumerate(texts))
    request = service_pb.AnalyzeRequest(sql_statement=f"SELECT {casts}", simple_catalog=root)
    request.options.language_options.CopyFrom(service().language)
    raw = service().call("Analyze", request)
    query = service_pb.AnalyzeResponse.FromString(raw).resolved_statement.resolved_query_stmt_node
    return tuple(column.column.type for column in query.output_column_list)


def _catalog(tables: Mapping[str, Columns]) -> Any:
    root = catalog_pb.SimpleCatalogProto(name="root")
    root.builtin_function_options.language_options.CopyFrom(service().language)
    taken: set[tuple[str, ...]] = set()
    for number, (name, columns) in enumerate(tables.items(), 1):
        table = table_pb.SimpleTableProto(serialization_id=number, full_name=name)
        for column, kind in zip(columns, _types(tuple(columns.values())), strict=True):
            table.column.add(name=column, type=kind, is_writable_column=True)
        for path in _spellings(name):
            if (low := tuple(p.lower() for p in path)) not in taken:
                taken.add(low)
                _descend(root, path[:-1]).table.add(name=path[-1]).MergeFrom(table)
    return root


def _spellings(name: str) -> list[tuple[str, ...]]:
    """`p.d.t`, p.d.t and, for a full name, `d.t` and d.t as well."""
    parts = tuple(name.split("."))
    short = [(".".join(parts[1:]),), parts[1:]] if len(parts) > 2 else []
    return [(name,), parts, *short]


def _descend(node: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        node = next((c for c in node.catalog if c.name.lower() == part.lower()), None) or node.catalog.add(name=part)
    return node


__all__ = ["Columns", "Row", "Rows", "Typed", "ZetaError", "analyze", "evaluate", "resolve", "tables_of"]
