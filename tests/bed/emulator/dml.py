"""DML that changes rows, limited as in BigQuery: two statements run on a table together, twenty wait, more fail.

Of two statements that change the same partition concurrently, the later fails. INSERT is exempt from this.
Source: "Data manipulation language", section "DML statement concurrency"; "Troubleshoot query issues".
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from bqemulator.domain.errors import DomainError
from sqlglot import exp

from .catalog import Key, fail, shown
from .scope import DEFAULT_DATASET, written
from .templates import once

RUNNING, WAITING = 2, 20
"""Statements of one table that run concurrently, and statements that wait."""
_MUTATES = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*(?:UPDATE|DELETE|MERGE)\b", re.IGNORECASE | re.DOTALL)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class ResourcesExceededError(DomainError):
    """Too many statements wait for a table."""

    http_status, bq_reason, grpc_status_name = 400, "resourcesExceeded", "RESOURCE_EXHAUSTED"


@dataclass(eq=False)
class Mutation:
    """One UPDATE, DELETE or MERGE of a table; `partitions` None means any."""

    key: Key
    partitions: frozenset[str] | None
    admitted: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, other: Mutation) -> bool:
        """Whether both may change one partition."""
        return self.partitions is None or other.partitions is None or bool(self.partitions & other.partitions)


@dataclass
class _Table:
    running: list[Mutation] = field(default_factory=list)
    waiting: deque[Mutation] = field(default_factory=deque)


class Queue:
    """The mutations of all tables. It is used by one event loop."""

    def __init__(self) -> None:
        self._tables: dict[Key, _Table] = {}

    def join(self, mutation: Mutation) -> None:
        """Admits a mutation or lets it wait; raises where too many wait already."""
        table = self._tables.setdefault(mutation.key, _Table())
        if len(table.running) < RUNNING:
            table.running.append(mutation)
            mutation.admitted.set()
        elif len(table.waiting) < WAITING:
            table.waiting.append(mutation)
        else:
            raise ResourcesExceededError(
                "Resources exceeded during query execution: Too many DML statements outstanding against table "
                f"{shown(mutation.key)}, limit is {WAITING}."
            )

    def require_no_conflict(self, mutation: Mutation) -> None:
        """Refuses an admitted mutation that meets one that was admitted before it."""
        running = self._tables[mutation.key].running
        if any(mutation.meets(other) for other in running[: running.index(mutation)]):
            raise fail(f"Could not serialize access to table {shown(mutation.key)} due to concurrent update")

    def leave(self, mutation: Mutation) -> None:
        """Ends a mutation, in whatever state it is; the first that waits is admitted."""
        table = self._tables[mutation.key]
        if mutation in table.waiting:
            table.waiting.remove(mutation)
        if mutation in table.running:
            table.running.remove(mutation)
            if table.waiting:
                following = table.waiting.popleft()
                table.running.append(following)
                following.admitted.set()


def mutation_of(sql: str, project: str, ctx: Any) -> Mutation | None:
    """What a statement changes; None of a statement that conflicts with no other."""
    if not _MUTATES.match(sql) or (key := written(sql, project)) is None:
        return None
    table = ctx.catalog.get_table(*key)
    if table is None:
        return None
    column = table.time_partitioning.field if table.time_partitioning else None
    found = once("partitions", sql, (project, DEFAULT_DATASET.get(), column), lambda text: _changed(text, column or ""))
    if found == "none":
        return None
    return Mutation(key, frozenset(json.loads(found)) if found else None)


def _changed(sql: str, column: str) -> str:
    """The dates that a statement changes as a JSON array; "" means any, "none" that it only inserts."""
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return ""
    condition = tree.args.get("on")
    if isinstance(tree, exp.Merge):
        clauses = tree.args["whens"].expressions
        if all(isinstance(clause.args["then"], exp.Insert) for clause in clauses):
            return "none"
        if any(clause.args.get("source") for clause in clauses):
            return ""
    elif isinstance(where := tree.args.get("where"), exp.Where):
        condition = where.this
    alias = tree.this.alias_or_name if isinstance(tree.this, exp.Table) else ""
    dates = [date for part in _parts(condition) if (date := _date(part, column, alias))]
    return json.dumps(dates) if dates else ""


def _parts(condition: Any) -> list[exp.Expr]:
    if isinstance(condition, exp.Paren):
        return _parts(condition.this)
    if isinstance(condition, exp.And):
        return _parts(condition.left) + _parts(condition.right)
    return [condition] if isinstance(condition, exp.Expr) else []


def _date(part: exp.Expr, column: str, alias: str) -> str:
    """The date that the target's partition column must equal."""
    if not isinstance(part, exp.EQ):
        return ""
    for left, right in ((part.left, part.right), (part.right, part.left)):
        if isinstance(left, exp.Column) and left.name.lower() == column.lower() and left.table in ("", alias):
            day = _DATE.fullmatch(right.this.name if isinstance(right, exp.Cast) else right.name)
            return day[0] if day else ""
    return ""
