"""Small feature stores for tests: a registry of any size, its workspace, its live table in any warehouse."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from fqtool.commands.migrate.plan import Planned, plan_migration, write_plan
from fqtool.migrations.files import read_files
from fqtool.registry.alerts_and_models import Each, ViewColumn, ViewSpec
from fqtool.registry.model import (
    BaseColumn,
    Category,
    ColumnSpec,
    Feature,
    Inputs,
    Owner,
    Registry,
    Source,
    TableSpec,
    Tier,
    UnknownSource,
)
from fqtool.warehouse.migration_folder import read_migrations
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import Workspace

TODAY = date(2026, 6, 1)
BASE = (
    BaseColumn("item", "STRING", required=True, description="Who"),
    BaseColumn("day", "DATE", required=True, description="When"),
    BaseColumn("vector", "ARRAY<FLOAT64>", description="The features in order"),
    BaseColumn("made_at", "TIMESTAMP", default="CURRENT_TIMESTAMP()"),
    BaseColumn("history", "STRUCT<seen INT64, days ARRAY<DATE>>", field_descriptions=(("seen", "How often"),)),
    BaseColumn("score", "NUMERIC(5,2)"),
)
COLUMNS = (
    ColumnSpec("score", "NUMERIC(5,2)", "aggregate", "Mean quality", "ROUND(AVG_OVER_FEATURES(quality), 2)"),
    ColumnSpec("tier", "STRING", "aggregate", 'Band of the score; it\'s "quoted" and `ticked`', "TIER(score)"),
    ColumnSpec("alerts", "ARRAY<STRING>", "aggregate", "Codes", "ALERT_CODES()"),
    ColumnSpec("defaults", "INT64", "aggregate", "How many are default", "COUNT_FEATURES(is_default)"),
    ColumnSpec("feature_{index}_quality", "FLOAT64", "quality", "Quality of {name}", "quality", Each.FEATURE),
    ColumnSpec("labels", "STRING", "legacy", "Label map", owner=Owner.UPSTREAM),
)
VIEW = ViewSpec(
    "v_quality",
    (ViewColumn("feature", "'{name}'"), ViewColumn("quality", "feature_{index}_quality")),
    "A row per feature",
    Each.FEATURE,
    ("item", "day"),
)


def small_registry(features: int = 3, **changes: Any) -> Registry:
    """A store of items and days with a handful of features; `changes` replace whole sections."""
    made = Registry(
        path="registry.yaml",
        table=TableSpec("store", ("item", "day"), "day", cluster_by=("item",), require_partition_filter=True),
        base_columns=BASE,
        features=tuple(Feature(n, f"f{n}", "one", labels=("good", "bad")) for n in range(features)),
        columns=COLUMNS,
        sources=(Source("good", 100, "good"), Source("bad", 40, "default", is_default=True)),
        unknown_source=UnknownSource(40, "default", "bad"),
        tiers=(Tier("gold", 90), Tier("poor", 0)),
        categories=(Category("one"),),
        processors=(),
        inputs=Inputs("JSON_VALUE(labels, '$.\"{index}\"')", "vector[SAFE_OFFSET({index})]", "labels IS NOT NULL"),
        views=(VIEW,),
    )
    return replace(made, **changes)


def with_column(registry: Registry, entry: str, /, **changes: Any) -> Registry:
    """The registry with one managed column's entry changed."""
    assert any(spec.name == entry for spec in registry.columns)
    columns = tuple(replace(spec, **changes) if spec.name == entry else spec for spec in registry.columns)
    return replace(registry, columns=columns)


def workspace_in(folder: Path, registry: Registry, without: Container[str] = ()) -> Workspace:
    """A workspace whose registry is a value and whose migrations are on disk, those in `without` left out."""
    texts = read_migrations(folder)
    kept = {name: text for name, text in texts.items() if name.endswith(".sql") and name not in without}
    return Workspace(registry, folder, read_files(kept), texts)


def planned_in(folder: Path, registry: Registry, warehouse: Warehouse | None = None, **options: Any) -> Planned:
    """Plan and write, as `fqtool migrate plan` does."""
    workspace = workspace_in(folder, registry)
    planned = plan_migration(workspace, warehouse, **{"today": TODAY} | options)
    write_plan(workspace, planned)
    return planned
