"""Where a statement refers to tables, which conditions it puts on their partitions, and `require_partition_filter`.

bqemulator keeps that option and does not enforce it. Patches nothing by name: it judges the statement before
bqemulator runs it. What BigQuery documents of pruning:
https://docs.cloud.google.com/bigquery/docs/querying-partitioned-tables and
https://docs.cloud.google.com/bigquery/docs/using-dml-with-partitioned-tables
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlglot
from bqemulator.catalog.models import TableMeta
from sqlglot import exp

from .catalog import Key, fail
from .pruning import prunable
from .scope import locate, qualified

_VIEWS_DEEP = 10
_FROM = ("from", "from_", "joins")

Outer = Callable[[str], Iterator[exp.Expr]]
"""The conditions that the reader of a query puts on its column of a name."""


@dataclass(frozen=True)
class Reference:
    """One place where a statement reads or changes a stored table."""

    key: Key
    table: TableMeta
    changed: bool
    """Whether it is the target of UPDATE, DELETE or MERGE."""
    conditions: tuple[exp.Expr, ...]
    """What must hold of every row read; each is about the partition column and constants alone."""


def references(sql: str, project: str, ctx: Any) -> list[Reference]:
    """Every reference to a stored table; views are followed to their tables. A text that cannot be read has none."""
    try:
        tree = sqlglot.parse_one(qualified(sql, project), read="bigquery")
    except sqlglot.errors.SqlglotError:
        return []
    return list(_references(tree, project, ctx, lambda _: iter(()), _VIEWS_DEEP))


def require_filters(found: list[Reference]) -> None:
    """Refuses a statement that reads or changes a table of this option without a filter on its partitions."""
    for reference in found:
        if getattr(reference.table, "require_partition_filter", False) and not reference.conditions:
            names = ", ".join(f"'{column}'" for column in partition_columns(reference.table))
            raise fail(
                f"Cannot query over table '{'.'.join(reference.key)}' without a filter over column(s) {names} "
                "that can be used for partition elimination"
            )


def partition_columns(table: TableMeta) -> list[str]:
    """The columns a filter may name; the first is the one that exists in the table, if any does."""
    part = table.time_partitioning or table.range_partitioning
    if part is None:
        return []
    return [part.field] if part.field else ["_PARTITION_LOAD_TIME", "_PARTITIONDATE", "_PARTITIONTIME"]


def _references(tree: exp.Expr, project: str, ctx: Any, outer: Outer, depth: int) -> Iterator[Reference]:
    for table in list(tree.find_all(exp.Table)):
        if not table.db or isinstance(table.parent, exp.Insert | exp.Create | exp.Schema | exp.TruncateTable):
            continue  # a CTE's name, or what is written without being read
        key = locate([part.name for part in table.parts], project)
        meta = ctx.catalog.get_table(*key)
        if meta is None:
            continue
        if meta.table_type == "VIEW" and meta.view_query and depth:
            body = sqlglot.parse_one(meta.view_query, read="bigquery")
            above = _reader(table, outer)
            yield from _references(body, project, ctx, above, depth - 1)
            continue
        changed = isinstance(table.parent, exp.Update | exp.Delete | exp.Merge) and table.arg_key == "this"
        demand = _reader(table, outer)
        conditions = tuple(found for column in partition_columns(meta) for found in demand(column))
        yield Reference(key, meta, changed, conditions)


def _reader(table: exp.Expr, outer: Outer) -> Outer:
    return lambda column: _demanded(table, column, table.alias_or_name, outer)


def _demanded(inside: exp.Expr, name: str, alias: str, outer: Outer) -> Iterator[exp.Expr]:
    """What the statement demands of a table's column, from the place of the table outwards.

    `name` and `alias` are what the column and its table are called there; conditions come out under the first name.
    """
    first = name
    while (node := inside.parent) is not None:
        for condition in _conditions(node, inside):
            for part in _parts(condition):
                if (found := prunable(part, name, alias, first)) is not None:
                    yield found
        if isinstance(node, exp.Select):
            passed = _passed_on(node, inside, name, alias)
            if passed is None:
                return
            name, alias = passed, ""
        elif isinstance(node, exp.Subquery):
            alias = node.alias
        elif isinstance(node, exp.CTE):
            yield from _of_reader(node, name, first, outer)
            return
        elif not isinstance(node, exp.From | exp.Join | exp.SetOperation):
            return  # a statement, or an expression that a subquery is part of
        inside = node
    for condition in outer(name):
        yield _renamed(condition, name, first)


def _conditions(node: exp.Expr, inside: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions of one level that hold for every row of the relation at `inside`."""
    where = node.args.get("where")
    if isinstance(where, exp.Where) and where is not inside:
        yield where.this
    if isinstance(node, exp.Join) and node.side not in ("RIGHT", "FULL") and isinstance(node.args.get("on"), exp.Expr):
        yield node.args["on"]
    if isinstance(node, exp.Select) and inside.arg_key in _FROM:
        for join in node.args.get("joins") or ():
            if join is not inside and isinstance(join.args.get("on"), exp.Expr) and not join.side:
                yield join.args["on"]
    if isinstance(node, exp.Merge):
        yield from _of_merge(node, inside)


def _of_merge(merge: exp.Merge, inside: exp.Expr) -> Iterator[exp.Expr]:
    whens, on = merge.args["whens"].expressions, merge.args["on"]
    if inside.arg_key == "using":
        if all(when.args.get("matched") or when.args.get("source") for when in whens):
            yield on  # WHEN NOT MATCHED takes the source rows that ON does not name
        return
    # ON decides which target rows may match; WHEN NOT MATCHED BY SOURCE is about all the others.
    by_source = [when.args.get("condition") for when in whens if when.args.get("source")]
    matched = [_and(on, when.args.get("condition")) for when in whens if when.args.get("matched")]
    if len(by_source) + len(matched) < len(whens):
        matched = [on]  # WHEN NOT MATCHED asks whether any target row matches
    branches = [*by_source, *([] if _is_false(on) and by_source else matched)]
    if branches and None not in branches:
        yield exp.or_(*(exp.paren(branch.copy()) for branch in branches))


def _and(left: exp.Expr, right: exp.Expr | None) -> exp.Expr:
    return left if right is None else exp.and_(left.copy(), right.copy())


def _is_false(on: exp.Expr) -> bool:
    while isinstance(on, exp.Paren):
        on = on.this
    return isinstance(on, exp.Boolean) and not on.this


def _passed_on(select: exp.Select, inside: exp.Expr, name: str, alias: str) -> str | None:
    """What the query calls the column in its result; None where a filter outside does not limit the rows inside."""
    if inside.arg_key not in _FROM or select.args.get("limit") or select.args.get("offset"):
        return None
    grouped = select.args.get("group")
    windows = [window.args.get("partition_by") or [] for window in select.find_all(exp.Window)]
    keys = [*([grouped.expressions] if grouped is not None else []), *windows]
    if any(not any(_is_column(key, name, alias) for key in group) for group in keys):
        return None
    return _result_name(select, name, alias)


def _result_name(select: exp.Select, name: str, alias: str) -> str | None:
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star):
            hidden = [*(star.args.get("except_") or ()), *(star.args.get("replace") or ())]
            if name.lower() not in [part.alias_or_name.lower() for part in hidden]:
                return name
        elif _is_column(item.unalias(), name, alias):
            return str(item.alias_or_name)
    return None


def _is_column(item: exp.Expr, name: str, alias: str) -> bool:
    if not isinstance(item, exp.Column) or item.name.lower() != name.lower():
        return False
    return not item.table or not alias or item.table.lower() == alias.lower()


def _of_reader(cte: exp.CTE, name: str, first: str, outer: Outer) -> Iterator[exp.Expr]:
    """BigQuery pushes the filter of the one reader of a CTE down into it."""
    holder = cte.parent.parent if cte.parent is not None else None
    readers = [t for t in holder.find_all(exp.Table) if not t.db and t.name == cte.alias] if holder else []
    if len(readers) == 1:
        for condition in _demanded(readers[0], name, readers[0].alias_or_name, outer):
            yield _renamed(condition, name, first)


def _renamed(condition: exp.Expr, name: str, first: str) -> exp.Expr:
    """The condition on the column `name` as one on the column that was called `first`."""
    if name.lower() == first.lower():
        return condition
    renamed = condition.copy()
    for column in list(renamed.find_all(exp.Column)):
        column.replace(exp.column(first, quoted=True))
    return renamed


def _parts(condition: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a condition that must all hold."""
    if isinstance(condition, exp.Paren):
        yield from _parts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _parts(condition.left)
        yield from _parts(condition.right)
    else:
        yield condition
