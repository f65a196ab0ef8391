"""Backup: statements that copy what a plan deletes, and statements that restore it.

A migration file fits every target, so the statements are written for BigQuery and for DuckDB. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fqtool.migrations.plan import Plan
from fqtool.sql import ident
from fqtool.table.change_options import SetOption
from fqtool.table.changes import AddColumn, Change, DropColumn
from fqtool.table.column import Kind
from fqtool.table.model import Table

_DIALECTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("BigQuery", ident),
    ("DuckDB", lambda name: '"' + name.replace('"', '""') + '"'),
)
_COPY = {"BigQuery": "CREATE SNAPSHOT TABLE {copy} CLONE {table};", "DuckDB": "CREATE TABLE {copy} AS FROM {table};"}
_LOSSES = ("FQ230", "FQ232")
_FIRST_DAY = "'0001-01-01'"


def backup_lines(version: str, plan: Plan) -> Iterator[str]:
    """Yield lines that describe how to copy and restore the data that a plan deletes.

    Args:
        version: the migration's version, which is part of the copy's name.
        plan: the plan, with the table that it was made for and the keys of its rows.

    Returns:
        The lines; none for a plan that deletes no data.
    """
    table, changes = plan.table, tuple(_destroying(plan))
    if table is None or not changes:
        return
    copy = f"{table.name}_before_{version}"
    codes = sorted({hazard.rule for hazard in plan.hazards} & set(_LOSSES))
    yield f"Before you allow {' and '.join(codes)}, copy `{table.name}` within its dataset:"
    yield from _in_each(lambda quote, dialect: _COPY[dialect].format(copy=quote(copy), table=quote(table.name)))
    added = {change.column.key for s in plan.statements for change in s.changes if isinstance(change, AddColumn)}
    drops = [change.name for change in changes if isinstance(change, DropColumn)]
    dropped = [name for name in drops if name.lower() not in added]
    if replaced := [name for name in drops if name.lower() in added]:
        yield f"New type: {', '.join(f'`{name}`' for name in replaced)}. `fqtool score` computes the values again."
    if dropped:
        yield f"To restore {', '.join(f'`{name}`' for name in dropped)}, remove `dropped: true` from the registry, run"
        yield "fqtool migrate plan && fqtool migrate, then:"
        yield from _in_each(lambda quote, _: _refill(quote, table, copy, dropped, plan.keys))
    if any(isinstance(change, SetOption) for change in changes):
        yield "To restore deleted partitions, set the old expiration by a migration, then:"
        yield from _in_each(lambda quote, _: _reinsert(quote, table, copy))


def _destroying(plan: Plan) -> Iterator[Change]:
    """The changes of statements with a hazard of data loss."""
    for statement in plan.statements:
        if any(hazard.rule in _LOSSES for hazard in statement.hazards):
            yield from statement.changes


def _in_each(statement: Callable[[Callable[[str], str], str], str]) -> Iterator[str]:
    for dialect, quote in _DIALECTS:
        yield f"  {dialect + ':':9} {statement(quote, dialect)}"


def _refill(quote: Callable[[str], str], table: Table, copy: str, columns: list[str], keys: tuple[str, ...]) -> str:
    """The UPDATE that copies the values of columns from the copy, joined by key."""
    sets = ", ".join(f"{quote(name)} = kept.{quote(name)}" for name in columns)
    same = [f"now.{quote(key)} = kept.{quote(key)}" for key in keys]
    filters = [f"{alias}.{condition}" for alias in ("now", "kept") for condition in _every_partition(quote, table)]
    where = " AND ".join([*same, *filters])
    return f"UPDATE {quote(table.name)} AS now SET {sets} FROM {quote(copy)} AS kept WHERE {where};"


def _reinsert(quote: Callable[[str], str], table: Table, copy: str) -> str:
    """The INSERT of rows whose partition is no longer in the table."""
    day = quote(table.partitioning.column) if table.partitioning else ""
    names = ", ".join(quote(column.name) for column in table.columns)
    every = " AND ".join(_every_partition(quote, table)) or "TRUE"
    left = f"SELECT DISTINCT {day} FROM {quote(table.name)} WHERE {every}"
    return (
        f"INSERT INTO {quote(table.name)} ({names}) SELECT {names} FROM {quote(copy)} "
        f"WHERE {every} AND {day} NOT IN ({left});"
    )


def _every_partition(quote: Callable[[str], str], table: Table) -> Iterator[str]:
    """A condition that every partition meets, for tables that require a partition filter."""
    column = table.find(table.partitioning.column) if table.partitioning else None
    if column is not None and column.type.kind in (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP):
        yield f"{quote(column.name)} >= {column.type.kind} {_FIRST_DAY}"
