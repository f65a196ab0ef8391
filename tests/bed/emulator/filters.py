"""`require_partition_filter`, which bqemulator keeps and does not enforce.

Mends nothing by name: it judges the statement before bqemulator runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlglot
from bqemulator.catalog.models import TableMeta
from sqlglot import exp

from .catalog import Key, fail
from .scope import locate, qualified

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is)
# The functions of the partition column that still say which partitions are meant.
_PRUNABLE = (exp.Cast, exp.Date, exp.DateTrunc, exp.TimestampTrunc, exp.DateAdd, exp.DateSub, exp.DateDiff,
             exp.Extract, exp.TsOrDsToDate, exp.Paren)  # fmt: skip
_VIEWS_DEEP = 10

Predicate = tuple[str, exp.Expr]
"""A condition, and the alias its columns need there ("" where any will do)."""


def require_filters(sql: str, project: str, ctx: Any) -> None:
    """Refuses a statement that reads or changes a table of this option without a filter on its partitions."""
    guarded = [t for d in ctx.catalog.list_datasets(project) for t in ctx.catalog.list_tables(project, d.dataset_id)
               if getattr(t, "require_partition_filter", False)]  # fmt: skip
    if not guarded:
        return
    try:
        tree = sqlglot.parse_one(qualified(sql, project), read="bigquery")
    except sqlglot.errors.SqlglotError:
        return
    _check(tree, project, ctx, (), _VIEWS_DEEP)


def _check(tree: exp.Expr, project: str, ctx: Any, outer: tuple[Predicate, ...], depth: int) -> None:
    for table in list(tree.find_all(exp.Table)):
        if not table.db or isinstance(table.parent, exp.Insert | exp.Create | exp.Schema | exp.TruncateTable):
            continue  # a CTE's name, or what is written without being read
        key = locate([part.name for part in table.parts], project)
        meta = ctx.catalog.get_table(*key)
        if meta is None:
            continue
        predicates = (*_predicates(table, table.alias_or_name), *outer)
        if meta.table_type == "VIEW" and meta.view_query and depth:
            body = sqlglot.parse_one(meta.view_query, read="bigquery")
            _check(body, project, ctx, tuple(("", p) for _, p in predicates), depth - 1)
        elif getattr(meta, "require_partition_filter", False):
            _demand(meta, key, predicates)


def _demand(meta: TableMeta, key: Key, predicates: tuple[Predicate, ...]) -> None:
    columns = _partition_columns(meta)
    if any(_prunes(predicate, column, alias) for alias, predicate in predicates for column in columns):
        return
    names = ", ".join(f"'{column}'" for column in columns)
    raise fail(
        f"Cannot query over table '{'.'.join(key)}' without a filter over column(s) {names} "
        "that can be used for partition elimination"
    )


def _partition_columns(meta: TableMeta) -> list[str]:
    part = meta.time_partitioning or meta.range_partitioning
    if part is not None and part.field:
        return [part.field]
    return ["_PARTITION_LOAD_TIME", "_PARTITIONDATE", "_PARTITIONTIME"]


def _predicates(table: exp.Expr, alias: str) -> Iterator[Predicate]:
    """What the statement demands of every row of a table, from where it stands outwards."""
    inside: exp.Expr = table
    while (outer := inside.parent) is not None:
        for condition in _conditions(outer, inside):
            for demand in _demands(condition):
                yield alias, demand
        if isinstance(outer, exp.CTE):
            yield from _of_readers(outer)
        if isinstance(outer, exp.Query):
            alias = ""  # further out the column comes from a subquery, under another name or none
        inside = outer


def _conditions(outer: exp.Expr, inside: exp.Expr) -> Iterator[exp.Expr]:
    for name in ("where", "on"):
        clause = outer.args.get(name)
        if isinstance(clause, exp.Expr) and clause is not inside:
            yield clause.this if isinstance(clause, exp.Where) else clause
    if isinstance(outer, exp.Select) and inside.arg_key in ("from", "from_"):
        for join in outer.args.get("joins") or ():
            if isinstance(join.args.get("on"), exp.Expr) and not join.side:
                yield join.args["on"]
    if isinstance(outer, exp.Merge) and inside.arg_key == "this":
        yield from _of_clauses(outer)


def _of_clauses(merge: exp.Merge) -> Iterator[exp.Expr]:
    """Clauses that all name their partitions do for a MERGE whose ON does not."""
    whens = merge.args["whens"].expressions
    changing = [w.args.get("condition") for w in whens if w.args.get("matched") or w.args.get("source")]
    if changing and None not in changing:
        yield exp.or_(*(condition.copy() for condition in changing))


def _of_readers(cte: exp.CTE) -> Iterator[Predicate]:
    """BigQuery pushes the filter of the one reader of a CTE down into it."""
    holder = cte.parent.parent if cte.parent is not None else None
    readers = [t for t in holder.find_all(exp.Table) if not t.db and t.name == cte.alias] if holder else []
    if len(readers) == 1:
        yield from (("", predicate) for _, predicate in _predicates(readers[0], ""))


def _demands(condition: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a condition that must all hold."""
    if isinstance(condition, exp.Paren):
        yield from _demands(condition.this)
    elif isinstance(condition, exp.And):
        yield from _demands(condition.left)
        yield from _demands(condition.right)
    else:
        yield condition


def _prunes(predicate: exp.Expr, column: str, alias: str) -> bool:
    if isinstance(predicate, exp.Paren):
        return _prunes(predicate.this, column, alias)
    if isinstance(predicate, exp.Or):
        return _prunes(predicate.left, column, alias) and _prunes(predicate.right, column, alias)
    if isinstance(predicate, exp.And):
        return _prunes(predicate.left, column, alias) or _prunes(predicate.right, column, alias)
    if isinstance(predicate, exp.Not):
        return _prunes(predicate.this, column, alias)
    if not isinstance(predicate, _COMPARISONS) or predicate.find(exp.Select):
        return False
    named = list(predicate.find_all(exp.Column))
    if {c.name.lower() for c in named} != {column.lower()} or len({c.table for c in named}) > 1:
        return False  # compared with another column, or not about partitions
    if alias and named[0].table and named[0].table.lower() != alias.lower():
        return False  # another table's column of the same name
    return all(_bare(c, predicate) for c in named)


def _bare(column: exp.Column, predicate: exp.Expr) -> bool:
    above = column.parent
    while above is not None and above is not predicate:
        if not isinstance(above, _PRUNABLE):
            return False
        above = above.parent
    return True
