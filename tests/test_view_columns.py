"""Descriptions of the columns of views: declared, compared, written, and kept if they are not declared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.migrate.rules import judge
from fqtool.errors import InputError
from fqtool.migrations.reconcile import reconcile
from fqtool.registry.alerts_and_models import ViewColumn, ViewSpec
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state
from fqtool.table.change_views import PutView
from fqtool.table.ddl import create_view
from fqtool.table.diff import diff
from fqtool.table.model import State, View
from fqtool.table.parse import parse
from fqtool.warehouse.protocol import Warehouse
from tests.migrated_stores import by_hand, drift, folder, migrated, warehouse  # noqa: F401  fixtures
from tests.sample_table import found, statement
from tests.stores import planned_in, small_registry

VIEW = ViewSpec(
    "v_items", (ViewColumn("is_good", "tier = 'gold'", "Whether the row is good"),), include=("item", "score")
)
PLAIN = small_registry(views=(VIEW,))
DESCRIBED = replace(PLAIN, views=(replace(VIEW, describe_columns=True),))


def view_of(registry: Registry) -> View:
    """The only view of a registry."""
    (view,) = desired_state(registry).views
    return view


def test_a_view_states_all_its_columns_and_is_read_back() -> None:
    """A stored column has the description of the table, a derived one its own; the statement parses to the view."""
    view = view_of(DESCRIBED)
    assert view.described is not None
    assert ("is_good", "Whether the row is good") in view.described
    text = create_view(view)
    assert "(\n  `item`" in text
    assert "`is_good` OPTIONS(description = 'Whether the row is good')" in text
    assert parse(text) == (PutView(view),)
    (again,) = parse(text)
    assert isinstance(again, PutView)
    assert create_view(again.view) == text
    assert "(" not in create_view(view_of(PLAIN)).partition("\nAS")[0]


def test_a_view_of_all_columns_lists_them_by_name() -> None:
    """`*` is written out where the view has a list of columns, because the list would not fit a later column."""
    whole = replace(VIEW, include=("*",))
    assert "t.*" in view_of(replace(PLAIN, views=(whole,))).query
    listed = view_of(replace(PLAIN, views=(replace(whole, describe_columns=True),)))
    table = desired_state(PLAIN).table
    assert table is not None
    assert "t.*" not in listed.query
    assert listed.columns == (*(column.name for column in table.columns), "is_good")


def test_only_a_description_is_read_of_a_column() -> None:
    """A migration cannot state what a plan does not write."""
    with pytest.raises(InputError, match="only the description"):
        parse("CREATE VIEW v (x OPTIONS(rounding_mode = 'ROUND_HALF_EVEN')) AS SELECT 1 AS x")


def test_declared_descriptions_are_migrated_and_compared(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """From a view without descriptions a plan leads to the declared ones; another one by hand is drift."""
    for registry in (PLAIN, DESCRIBED):
        planned_in(folder, registry, warehouse)
        migrated(folder, registry, warehouse)
        assert drift(folder, registry, warehouse) == ()
    view = view_of(DESCRIBED)
    live = found(warehouse, "store", "v_items").views[0]
    assert live.described == view.described
    warehouse.run(statement("store", PutView(replace(view, described=(("is_good", "by hand"),)))))
    (finding,) = drift(folder, DESCRIBED, warehouse)
    assert (finding.rule, finding.message) == (
        "FQ313",
        "The view `v_items` has other descriptions of columns than in the registry.",
    )
    planned_in(folder, DESCRIBED, warehouse)
    migrated(folder, DESCRIBED, warehouse)
    assert drift(folder, DESCRIBED, warehouse) == ()


def test_descriptions_that_are_not_declared_are_kept(warehouse: Warehouse, folder: Path) -> None:  # noqa: F811
    """They are not drift, and another query keeps those of the columns that it still has."""
    planned_in(folder, PLAIN, warehouse)
    migrated(folder, PLAIN, warehouse)
    described = (("item", "by hand"), ("is_good", "also"))
    warehouse.run(statement("store", PutView(replace(view_of(PLAIN), described=described))))
    assert drift(folder, PLAIN, warehouse) == ()
    other = replace(PLAIN, views=(replace(VIEW, columns=(ViewColumn("is_bad", "tier = 'poor'"),)),))
    live = found(warehouse, "store", "v_items")
    (change,) = diff(State(live.table, live.views), reconcile(live, desired_state(other), other))
    assert isinstance(change, PutView)
    assert change.view.described == (("item", "by hand"),)
    (note,) = judge(live, change)
    assert note.message.endswith("It loses the descriptions and policy tags of `is_good`.")
    planned_in(folder, other, warehouse)
    migrated(folder, other, warehouse)
    assert found(warehouse, "store", "v_items").views[0].described == (("item", "by hand"),)
