"""What a statement reads and changes: columns from the analyser, conditions on partitions from the text.

A plan is made once for statements that differ in their dates alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from .catalog import Key
from .filters import Reference, references, require_filters
from .scans import scans
from .scope import DEFAULT_DATASET, checked, locate, table_names
from .templates import once

_VIEWS_DEEP = 10

Place = tuple[Key, bool]
"""A table, and whether it is the target of DML."""
Columns = dict[Place, frozenset[str]]
"""The columns read, by their lower-case names."""


@dataclass(frozen=True)
class Reading:
    """One place where a stored table is read or changed, and the conditions on its partitions as GoogleSQL."""

    key: Key
    changed: bool
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that is known of a statement's reads before it runs."""

    readings: tuple[Reading, ...] = ()
    columns: Columns | None = None
    rewrites: bool = False
    """Whether the partitions it changes are written again as a whole."""
    free: bool = True
    """Whether it reads no rows, or deletes whole partitions."""


def plan_of(sql: str, params: Any, project: str, ctx: Any, *, filtered: bool = True) -> Plan:
    """The plan of a statement; refuses one that lacks a required filter on partitions, unless it may lack them."""
    declared = json.dumps([param.get("parameterType") for param in params or []])
    key = (project, DEFAULT_DATASET.get(), declared)
    known = once("plan", sql, key, lambda text: _plan(text, params, project, ctx, filtered=filtered))
    content = json.loads(known)
    readings = tuple(Reading(tuple(k), changed, tuple(texts)) for k, changed, texts in content["readings"])
    columns = {(tuple(key), target): frozenset(names) for key, target, names in content["columns"]}
    return Plan(readings, columns, content["rewrites"], content["free"])


def _plan(sql: str, params: Any, project: str, ctx: Any, *, filtered: bool) -> str:
    found = references(sql, project, ctx)
    if filtered:
        require_filters(found)
    free = not found
    columns: dict[Place, set[str]] = defaultdict(set)
    rewrites = False
    if found:
        statement = sqlglot.parse_one(sql, read="bigquery")
        free = _reads_nothing(statement) or _deletes_partitions(statement, found)
        rewrites = not _only_inserts(statement)
    if not free:
        _add_columns(sql, params, project, ctx, columns, _VIEWS_DEEP)
    readings = [(ref.key, ref.changed, [c.sql("bigquery") for c in ref.conditions]) for ref in found]
    listed = [(key, target, sorted(names)) for (key, target), names in columns.items()]
    return json.dumps({"readings": readings, "columns": listed, "rewrites": rewrites, "free": free})


def _add_columns(sql: str, params: Any, project: str, ctx: Any, columns: dict[Place, set[str]], depth: int) -> None:
    """Adds the columns read of each table, apart those of the table that DML changes; views are followed."""
    names, known = table_names(sql), _named(sql)
    raw = checked(sql, project, ctx, params)
    if not raw:  # too deep for the analyser
        for name in names:
            table = ctx.catalog.get_table(*(key := locate([name], project)))
            every = [field.name.lower() for field in table.schema_.fields] if table is not None else []
            columns[key, False].update(name for name in every if known is None or name in known)
    for scan in scans(raw, names):
        key = locate([scan.table], project)
        used = [name for name in scan.columns if known is None or name.lower() in known]
        table = ctx.catalog.get_table(*key)
        if table is not None and table.view_query and depth:
            query = f"SELECT {', '.join(f'`{name}`' for name in used) or '1'} FROM ({table.view_query})"
            _add_columns(query, None, project, ctx, columns, depth - 1)
        else:
            columns[key, scan.target].update(name.lower() for name in used)


def _named(sql: str) -> set[str] | None:
    """Every name in the statement where `*` occurs in subqueries alone; None where it occurs outside as well.

    The analyser does not look through them: for it, `SELECT a FROM (SELECT * FROM t)` reads every column.
    """
    tree = sqlglot.parse_one(sql, read="bigquery")
    stars = [star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
    rows = {table.alias_or_name.lower() for table in tree.find_all(exp.Table, exp.Subquery, exp.CTE)}
    values = {column.name.lower() for column in tree.find_all(exp.Column)}
    if not stars or tree.find(exp.SetOperation) or rows & values:  # by position, or a row as one value
        return None
    if not all(star.find_ancestor(exp.Subquery, exp.CTE) for star in stars):
        return None
    return {name.name.lower() for name in tree.find_all(exp.Identifier)}


def _reads_nothing(statement: exp.Expr) -> bool:
    if isinstance(statement, exp.Create):
        return statement.kind != "TABLE" or not isinstance(statement.expression, exp.Query)
    return isinstance(statement, exp.TruncateTable)


def _only_inserts(statement: exp.Expr) -> bool:
    if not isinstance(statement, exp.Merge):
        return False
    return all(isinstance(when.args["then"], exp.Insert) for when in statement.args["whens"].expressions)


def _deletes_partitions(statement: exp.Expr, found: list[Reference]) -> bool:
    """Whether whole partitions are deleted, which is free.

    https://docs.cloud.google.com/bigquery/docs/using-dml-with-partitioned-tables
    """
    if not isinstance(statement, exp.Delete) or len(found) != 1 or not found[0].conditions:
        return False
    where = statement.args["where"].this
    return len(list(where.flatten() if isinstance(where, exp.And) else [where])) == len(found[0].conditions)
