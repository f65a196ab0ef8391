"""Refuse the changes that BigQuery rejects, for warehouses that would make them.

The rules in `migrations.legality` report before a plan; these functions reject a statement as BigQuery does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fqtool.errors import InputError, StatementFailed
from fqtool.table.change import ViewChange
from fqtool.table.changes import Change, CreateTable, fold, steps
from fqtool.table.ddl import PATCH
from fqtool.table.model import Inapplicable, State, Table, View
from fqtool.table.tokens import unquoted

_ALTER = re.compile(
    rf"(?:{PATCH})?\s*ALTER\s+TABLE\s+(?P<path>(?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|\w+))*)", re.IGNORECASE
)


def changed(before: State, changes: Iterable[Change]) -> State:
    """Return the state after the changes. Raises StatementFailed if BigQuery would reject one of them."""
    state = before
    for step in steps(changes):
        try:
            after = fold(state, step)
        except Inapplicable as error:
            raise StatementFailed(f"{type(step[0]).__name__}: {error}.") from None
        for change in step:
            if why := change.refusal(state):
                raise StatementFailed(f"{type(change).__name__}: {why}.")
        state = after
    return state


def check_kind(name: str, live: Table | View | None, change: Change) -> None:
    """Raise StatementFailed if the change would alter a view as a table, or replace a table by a view.

    Args:
        name: The table or view.
        live: What has that name now; None if nothing has.
        change: The change of the statement.
    """
    if isinstance(change, ViewChange):
        if isinstance(live, Table):
            raise StatementFailed(f"{name} is a table, not a view.")
    elif isinstance(live, View):
        raise StatementFailed(f"{name} is a view, not a table.")
    elif live is None and not isinstance(change, CreateTable):
        raise StatementFailed(f"There is no table {name}.")


def table_of(sql: str, change: Change) -> str:
    """Return the short name of the table or view that a statement changes.

    Args:
        sql: The statement.
        change: Its first change. The changes of ALTER TABLE do not have the name of the table.

    Raises:
        InputError: The statement is not an ALTER TABLE with a name.
    """
    if change.object_name is not None:
        return change.object_name
    match = _ALTER.match(sql)
    if not match:
        raise InputError(
            f"The statement {' '.join(sql.split())[:60]!r} is not an ALTER TABLE with the name of a table."
        )
    last = re.findall(r"`[^`]+`|[\w-]+", match["path"])[-1]
    return (unquoted(last) if last.startswith("`") else last).rpartition(".")[2]
