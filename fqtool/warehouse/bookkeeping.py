"""Tables in which fqtool keeps its own rows, beside the table of a registry."""

from __future__ import annotations

from collections.abc import Callable

from fqtool.errors import StatementFailed
from fqtool.migrations.plan import make_statement
from fqtool.table.changes import CreateTable
from fqtool.table.model import State, Table
from fqtool.warehouse.protocol import Warehouse


def create_once(
    warehouse: Warehouse, table: Table, step: str = "", on_step: Callable[[str], None] = lambda _: None
) -> None:
    """Create an internal table that does not exist, also if another run creates it at the same time.

    Args:
        warehouse: the target.
        table: the table.
        step: the name of the step.
        on_step: called with the name of the step before it.
    """
    on_step(step)
    try:
        warehouse.run(make_statement(State(), (CreateTable(table),)))
    except StatementFailed:
        if warehouse.describe(table.name) is None:
            raise
