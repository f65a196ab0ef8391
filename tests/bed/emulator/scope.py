"""Names in a statement: the default dataset of the job, and Google's analyser over the tables that are there."""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

import sqlglot
from sqlglot import exp

from tests.bed import zeta
from tests.bed.zeta_runtime import TooDeepError

from .catalog import Key, existing, fail
from .resolved import type_text
from .templates import once

DEFAULT_DATASET: ContextVar[tuple[str, str] | None] = ContextVar("DEFAULT_DATASET", default=None)
"""(project, dataset) of the request's `defaultDataset`."""

_GAP = r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)"
_PATH = r"(?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*"
# The analyser's list of a statement's tables leaves out the one that is altered.
_ALTER = re.compile(
    rf"{_GAP}*ALTER{_GAP}+(?:TABLE|VIEW){_GAP}+(?:IF{_GAP}+EXISTS{_GAP}+)?({_PATH})", re.IGNORECASE | re.DOTALL
)
_WRITE = re.compile(
    rf"{_GAP}*(?:INSERT(?:{_GAP}+INTO)?|UPDATE|DELETE(?:{_GAP}+FROM)?|MERGE(?:{_GAP}+INTO)?|TRUNCATE{_GAP}+TABLE)"
    rf"{_GAP}+({_PATH})", re.IGNORECASE | re.DOTALL,
)  # fmt: skip
# Scripts, and what only the emulator's own catalog knows: routines and INFORMATION_SCHEMA.
_NOT_FOR_ANALYSER = re.compile(r"Function not found: \w+\.|Table-valued function not found|Procedure not found")


def locate(path: tuple[str, ...] | list[str], project: str) -> Key:
    """The table a path names, with the default dataset and the job's project filled in."""
    parts = ".".join(path).split(".")
    default = DEFAULT_DATASET.get()
    if len(parts) == 1 and default is not None:
        return (*default, parts[0])
    if len(parts) == 2:
        return project, parts[0], parts[1]
    if len(parts) == 3:
        return parts[0], parts[1], parts[2]
    raise fail(f'Table "{".".join(parts)}" must be qualified with a dataset (e.g. dataset.table).')


def checked(sql: str, project: str, ctx: Any, params: list[dict[str, Any]] | None = None) -> bytes:
    """The statement as the analyser resolved it (b"" where it cannot judge); refusals in Google's words.

    `params` are the request's query parameters, which declare their types.
    """
    try:
        paths = zeta.tables_of(sql)
    except TooDeepError:
        return b""
    except zeta.ZetaError as error:
        raise fail(str(error)) from None
    if head := _ALTER.match(sql):
        paths.append(_split(head[1]))
    parts = ".".join(".".join(path) for path in paths)
    if "INFORMATION_SCHEMA" in parts.upper() or "*" in parts:
        return b""
    try:
        return zeta.resolve(sql, _tables(paths, project, ctx), _declared(params or []))
    except TooDeepError:
        return b""
    except zeta.ZetaError as error:
        return _refuse(str(error), paths, project, ctx)


def _declared(params: list[dict[str, Any]]) -> dict[str, object]:
    """Named parameters with their declared types; a structure's is left to the analyser's guess, as are all then."""
    types = {param.get("name") or "": _declared_type(param.get("parameterType") or {}) for param in params}
    return {} if not all(types.values()) or "" in types else {n: zeta.Typed(None, text) for n, text in types.items()}


def _declared_type(given: dict[str, Any]) -> str:
    if given.get("type") == "ARRAY":
        return f"ARRAY<{(given.get('arrayType') or {}).get('type', '')}>"
    return "" if given.get("type") == "STRUCT" else str(given.get("type") or "")


def table_names(sql: str) -> list[str]:
    """The table paths of a statement, each as one text; none where the analyser cannot read it."""
    try:
        return [".".join(path) for path in zeta.tables_of(sql)]
    except (TooDeepError, zeta.ZetaError):
        return []


def written(sql: str, project: str) -> Key | None:
    """The table whose rows a DML statement changes."""
    head = _WRITE.match(sql)
    return locate(_split(head[1]), project) if head else None


def _split(path: str) -> tuple[str, ...]:
    return tuple(re.sub(r"[`\s]", "", path).split("."))


def _tables(paths: list[tuple[str, ...]], project: str, ctx: Any) -> dict[str, dict[str, str]]:
    found = {}
    for path in paths:
        table = ctx.catalog.get_table(*locate(path, project))
        if table is not None and table.schema_.fields:
            found[".".join(path)] = {field.name: type_text(field) for field in table.schema_.fields}
    return found


def _refuse(message: str, paths: list[tuple[str, ...]], project: str, ctx: Any) -> bytes:
    if _NOT_FOR_ANALYSER.match(message):
        return b""
    if message.startswith("Table not found"):
        for path in paths:
            existing(ctx, locate(path, project))  # raises the back end's 404
    raise fail(message)


def qualified(sql: str, project: str) -> str:
    """The text with every table name of the default dataset written in full; nothing else changes."""
    if DEFAULT_DATASET.get() is None:
        return sql
    return once("qualified", sql, (project, DEFAULT_DATASET.get()), lambda text: _qualified(text, project))


def _qualified(sql: str, project: str) -> str:
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return sql
    places = set()
    for table in tree.find_all(exp.Table):
        name = table.this
        if isinstance(name, exp.Identifier) and not table.db and "." not in name.name and not _is_local(table):
            places.add((name.meta["start"], name.meta["end"] + 1, name.name))
    for start, end, name in sorted(places, reverse=True):
        project_id, dataset, _ = locate([name], project)
        sql = f"{sql[:start]}`{project_id}`.`{dataset}`.`{name}`{sql[end:]}"
    return sql


def _is_local(table: exp.Table) -> bool:
    """Whether a WITH clause binds the name at its place."""
    name = table.name.lower()
    inside: exp.Expr = table
    while (outer := inside.parent) is not None:
        if isinstance(outer, exp.With):  # within one of its CTEs, which sees only those before it
            until = None if outer.recursive else inside
            if name in _bound(outer, until):
                return True
            outer = outer.parent or outer  # the statement this WITH belongs to
        elif (clause := outer.args.get("with_") or outer.args.get("with")) and name in _bound(clause, None):
            return True
        inside = outer
    return False


def _bound(clause: exp.With, until: exp.Expr | None) -> set[str]:
    names = [cte.alias.lower() for cte in clause.expressions]
    return set(names if until is None else names[: clause.expressions.index(until)])
