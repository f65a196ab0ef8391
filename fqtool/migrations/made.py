"""What the ledger records as made, and what of it a target does not have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

from fqtool.migrations.files import MigrationFile, recorded_state
from fqtool.migrations.ledger import Revision
from fqtool.table.model import State


def applied_state(files: Iterable[MigrationFile], revisions: Iterable[Revision]) -> State:
    """Return the state after the statements that the ledger records as applied.

    It ends before the first file that is not the one that ran: what that one made is unknown.
    """
    ran = {revision.version: revision for revision in revisions}

    def is_known(file: MigrationFile) -> bool:
        return file.version not in ran or not ran[file.version].differs_from(file)

    def applied(file: MigrationFile) -> MigrationFile:
        count = ran[file.version].applied if file.version in ran else 0
        return replace(file, statements=file.statements[:count])

    return recorded_state(map(applied, takewhile(is_known, files)))


def gone_from(live: State, made: State, desired: State, base: frozenset[str]) -> tuple[str, ...]:
    """Return what migrations created and the target does not have: the table, or else columns and views.

    Args:
        live: the state of the target.
        made: the state after the statements in the ledger.
        desired: the state that the registry describes. Only its views are checked.
        base: lower-case names of base columns, which their owners may drop.
    """
    if made.table is None:
        return ()
    if live.table is None:
        return (f"the table {made.table.name}",)
    columns = (column for column in made.table.columns if column.key not in base and not live.column(column.name))
    views = (view for view in made.views if desired.view(view.key) and not live.view(view.key))
    return (*(f"the column {column.name}" for column in columns), *(f"the view {view.name}" for view in views))
