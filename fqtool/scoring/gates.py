"""The gates of a row: its BOOL columns, both stored columns and columns of views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import Names
from fqtool.expressions.typecheck import infer
from fqtool.expressions.value_types import BOOL, type_named
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table, expand_columns
from fqtool.sql import ident


def gates(registry: Registry) -> Mapping[str, str]:
    """Return each gate by name, with its SQL over a stored row: managed columns first, then those of views."""
    managed = (one for one in expand_columns(registry) if one.feature is None)
    stored = {one.name: ident(one.name) for one in managed if type_named(one.spec.type) == BOOL}
    return stored | {name: f"({expr})" for name, expr in derived_gates(registry) if name not in stored}


def derived_gates(registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield the BOOL columns of views that have one row per row of the table, with their SQL.

    A column whose expression fqtool cannot read is left out.
    """
    names = Names(
        {one.key: type_named(one.sql_type) for one in desired_table(registry).columns},
        parameters={},
        open=True,
    )
    for view in registry.views:
        for column in view.columns:
            if view.rows_per is None and column.for_each is None and _is_bool(column.expr, names):
                yield column.name, column.expr


def _is_bool(text: str, names: Names) -> bool:
    try:
        return infer(parse_expression(text), names)[0] == BOOL
    except Unreadable:
        return False
