"""The history of a table from the SQL files of a team: which of its files become one migration.

Pure functions. A table that ran these files has to be accepted as it is. So a migration holds what its files changed
together, and only what the table still has at the end: where a later file drops, renames or replaces something, the
files up to that one become one migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fqtool.migrations.fit import lacks
from fqtool.migrations.plan import Judge, Plan, plan, satisfied
from fqtool.table.changes import Change, CreateTable
from fqtool.table.diff import diff
from fqtool.table.model import State, Table
from fqtool.table.properties import TABLE_PROPERTIES, creatable


@dataclass(frozen=True, slots=True)
class Imported:
    """A migration and the names of the team's files that it holds, in order."""

    sources: tuple[str, ...]
    plan: Plan


def history_of(steps: Iterable[tuple[str, Table | None]], *, judge: Judge) -> Iterator[Imported]:
    """Yield the migrations of a table.

    Args:
        steps: The name of each file in order, and the table after it; None before it is created, and after it is
            dropped. The history begins with the last creation.
        judge: Returns the findings about a change.
    """
    files = [(name, _writable(table) if table else None) for name, table in steps]
    absent = [number for number, (_, table) in enumerate(files) if table is None]
    files = files[max(absent, default=-1) + 1 :]
    before, sources, final = State(), list[str](), State(files[-1][1]) if files else State()
    for name, table in files:
        after = State(table)
        changes = [part for change in diff(before, after) for part in change.planned()]
        sources += [name] if changes or sources else []
        if changes and all(_lasts(change, final) for change in changes):
            computed = frozenset(column.key for column in table.columns) if table else frozenset[str]()
            planned = plan(before, before, after, judge=judge, computed=computed)
            yield Imported(tuple(sources), _explained(planned, sources))
            before, sources = after, []


def _explained(planned: Plan, sources: list[str]) -> Plan:
    """The plan with statements that have the team's files as their reason."""
    *before, last = sources
    others = f" and {len(before)} file{'s' * (len(before) > 1)} before it" if before else ""
    why = f"imported from {last}{others}"
    return replace(planned, statements=tuple(replace(statement, why=why) for statement in planned.statements))


def _lasts(change: Change, final: State) -> bool:
    if isinstance(change, CreateTable):
        return not lacks(change.table, final.table) and _has_keys(change.table, final.table)
    return satisfied(final, [change])


def _has_keys(created: Table, final: Table | None) -> bool:
    """Whether the table has at the end the keys that it was created with, if any."""
    if final is None:
        return False
    return created.primary_key in ((), final.primary_key) and set(created.foreign_keys) <= set(final.foreign_keys)


def _writable(table: Table) -> Table:
    """The table without what no migration writes: policy tags, and what this version does not know."""
    known = tuple((name, text) for name, text in table.properties if name in TABLE_PROPERTIES)
    return replace(table, columns=tuple(map(creatable, table.columns)), properties=known)
