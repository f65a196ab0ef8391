"""Rules about drift of columns, table options and views."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import Entry, Remedy, commands
from fqtool.migrations.legality import property_differs, refusals
from fqtool.registry.base_entry import base_column_line
from fqtool.schema.infer_registry import as_base_column
from fqtool.sql import ident, literal
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import AddForeignKey, DropForeignKey, SetOption, SetPrimaryKey, SetProperty
from fqtool.table.change_views import PutView
from fqtool.table.changes import (
    AddColumn,
    DropColumn,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetPartitioning,
    SetType,
)
from fqtool.table.column import Column, refused_character
from fqtool.table.model import State, View
from fqtool.table.properties import COLUMN_PROPERTIES, table_values
from fqtool.table.property import OptionValue, Written

_NOT_IN_A_PATTERN = re.compile(r"[^A-Za-z0-9_.]")
"""What a pattern of `drift: ignore:` cannot have."""


def _other_kind(old: Column, change: SetType) -> bool:
    return old.type.kind is not change.type.kind or bool(old.type.fields)


@rule("FQ301", group=Group.DRIFT)
def missing_column(_: State, change: AddColumn | AddField) -> Iterator[Finding]:
    """A column, or a field of a STRUCT, is in the registry and not in the table.

    Problem: Its writers and readers fail.

    Why: A migration has not run here, the column was dropped or renamed, or no migration was planned.

    Example: feature_5_quality was dropped in the console.

    Fix: Run the pending migration; for a dropped column plan a new one, then restore values by time travel. Where the
    table has an undeclared column of the same type, the finding asks whether it is the same column. The printed line
    `renamed_from` makes the next migration rename it, which keeps its values. For a base column, write the name of the
    live column in its entry instead.
    """
    column, name = change.column, change.full_name if isinstance(change, AddField) else change.column.name
    yield Finding(name, f"`{name}` ({column.sql_type}) is in the registry but not in the table.")


@rule("FQ302", Severity.WARNING, group=Group.DRIFT)
def extra_column(live: State, change: DropColumn) -> Iterator[Finding]:
    """A column of the table is not in the registry.

    Problem: The column is not declared, so it is not checked.

    Why: It was added manually, another tool owns it, or its entry was removed from the registry.

    Example: build_commit_sha was added by a deploy script.

    Fix: Declare it under base_columns, or drop it if no one uses it. A name that BigQuery does not allow cannot be
    declared: rename or drop the column, or ignore it. A column that `renamed_from` names cannot be declared beside it:
    remove `renamed_from` to keep both columns, or drop the old one.
    """
    column = live.column(change.name)
    if live.table and column and not column.type.unknown:
        remedy: Remedy = Entry("base_columns", base_column_line(as_base_column(live.table, column)))
        if refused := refused_character(column.name):
            pattern = _NOT_IN_A_PATTERN.sub("?", column.name)
            remedy = (
                f"Rename or drop the column: the registry cannot declare a name with the character {refused!r}. "
                f'Or ignore it under `drift:`: `ignore: {{"{pattern}": [undeclared]}}`.'
            )
        message = f"`{column.name}` ({column.sql_type}) is in the table but not in the registry."
        yield Finding(column.name, message, remedy=remedy)


@rule("FQ315", Severity.NOTE, group=Group.DRIFT)
def unknown_type(live: State, change: DropColumn) -> Iterator[Finding]:
    """An undeclared column of the table has a type that this version of fqtool does not know.

    Problem: The column is not checked, and it cannot be declared.

    Why: BigQuery has types that are newer than this version.

    Example: shape has the type QUATERNION.

    Fix: No fix is needed: the column is not changed. To declare it, upgrade fqtool. A declared column of such a type is
    an error, FQ303.
    """
    column = live.column(change.name)
    if column and column.type.unknown:
        yield Finding(
            column.name,
            f"`{column.name}` has the type {column.type.unknown}, which this version of fqtool does not know; "
            "the column is not changed.",
            remedy="To declare the column, install a newer version of fqtool.",
        )


@rule("FQ303", group=Group.DRIFT)
def wrong_column_type(live: State, change: SetType) -> Iterator[Finding]:
    """A column has another type than in the registry.

    Problem: Values are truncated, refused, or read as another type.

    Why: The column existed under this name before, or it was created again.

    Example: quality_tier is INT64 in the table and STRING in the registry.

    Fix: Widen the type where BigQuery can; otherwise add a new column, backfill it, and give readers a view.
    """
    old = live.column(change.name)
    if old and _other_kind(old, change):
        yield Finding(old.name, f"`{old.name}` is {old.type} in the table and {change.type} in the registry.")


@rule("FQ304", group=Group.DRIFT)
def wrong_mode(live: State, change: SetMode) -> Iterator[Finding]:
    """A column has another mode than in the registry.

    Problem: The column accepts NULL where none is expected, or writers are refused.

    Why: NOT NULL was dropped manually, or the column was created with another mode.

    Example: order_id is NULLABLE in the table and REQUIRED in the registry.

    Fix: Relax REQUIRED to NULLABLE by a migration; for the opposite, remove `required: true` or create the table again.
    """
    if old := live.column(change.name):
        yield Finding(old.name, f"`{old.name}` is {old.mode} in the table and {change.mode} in the registry.")


@rule("FQ305", group=Group.DRIFT)
def wrong_parameters(live: State, change: SetType) -> Iterator[Finding]:
    """A column has another precision, scale or length than in the registry.

    Problem: Values are rounded or refused.

    Why: The parameters were widened manually, or the column was created with others.

    Example: feature_quality_score is NUMERIC(7, 3) in the table and NUMERIC(5, 2) in the registry.

    Fix: Widen it by a migration, or declare the live type: BigQuery does not narrow a type.
    """
    old = live.column(change.name)
    if old and not _other_kind(old, change):
        yield Finding(old.name, f"`{old.name}` is {old.type} in the table and {change.type} in the registry.")


@rule("FQ306", Severity.WARNING, group=Group.DRIFT)
def wrong_description(live: State, change: SetDescription) -> Iterator[Finding]:
    """A column's description differs from the registry.

    Problem: The console shows another description than the registry.

    Why: It was edited in the console, or the table was created without descriptions.

    Example: In the registry price_eur includes the tax; the console has the opposite.

    Fix: Write it by a migration; or set this rule to `ignore` under `drift` in the registry.
    """
    path, field = change.dotted, live.table.find_field(change.path) if live.table else None
    stored = field.description if field else ""
    now, declared = (f'"{_quoted(text)}"' if text else "empty" for text in (stored, change.description))
    yield Finding(path, f"The description of `{path}` is {now} in the table and {declared} in the registry.")


@rule("FQ307", group=Group.DRIFT)
def wrong_default(live: State, change: SetDefault) -> Iterator[Finding]:
    """A column's default differs from the registry.

    Problem: Rows that are written without the column get another value than expected.

    Why: SET DEFAULT or DROP DEFAULT was run manually.

    Example: created_at lost DEFAULT CURRENT_TIMESTAMP().

    Fix: Set it by a migration; rows that were written in the meantime keep their values.
    """
    if old := live.column(change.name):
        now, declared = old.default or "not set", change.default or "not set"
        yield Finding(old.name, f"The default of `{old.name}` is {now} in the table and {declared} in the registry.")


@rule("FQ311", Severity.WARNING, group=Group.DRIFT)
def wrong_access(live: State, change: SetProperty) -> Iterator[Finding]:
    """A column's policy tags or data policies differ from the registry.

    Problem: Users can read the column without permission, or cannot read it.

    Why: Data owners set tags outside of migrations.

    Example: A tag that the registry declares was removed from shop_id.

    Fix: Ask the data owner to set the tags; fqtool reports them and never writes them. Or remove them from the
    registry: a column without `policy_tags` there is not checked for them.
    """
    row = COLUMN_PROPERTIES.get(change.name)
    if row and row.written is Written.OWNER:
        yield Finding(change.dotted, property_differs(live, change))


@rule("FQ318", Severity.WARNING, group=Group.DRIFT)
def wrong_property(live: State, change: SetProperty) -> Iterator[Finding]:
    """A property of a column differs from the registry.

    Problem: Text is compared, or numbers are rounded, in another way than the registry declares.

    Why: The property was changed manually, or the column was created without it.

    Example: `collation: und:ci` is declared, and the column compares text by case.

    Fix: Set the property by a migration where BigQuery has a statement for it. Otherwise declare the live property, or
    remove it from the registry.
    """
    row = COLUMN_PROPERTIES.get(change.name)
    if row is None or row.written is not Written.OWNER:
        yield Finding(change.dotted, property_differs(live, change))


@rule("FQ314", group=Group.DRIFT)
def pending_rename(_: State, change: RenameColumn) -> Iterator[Finding]:
    """A column still has its old name.

    Problem: Readers of the new name fail.

    Why: The registry has `renamed_from`, and the migration has not run.

    Example: quality became quality_tier.

    Fix: Run the migration when readers are ready.
    """
    yield Finding(change.name, f"`{change.name}` is not renamed to `{change.to}` yet.")


def _quoted(text: str) -> str:
    return (f"{text[:57]}..." if len(text) > 60 else text) or "none"  # noqa: PLR2004


def _worded(value: OptionValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{key}={text}" for key, text in value) or "none"
    return literal(value)


@rule("FQ308", Severity.WARNING, group=Group.DRIFT)
def wrong_order(_live: State, _: Reorder) -> Iterator[Finding]:
    """The columns have another order than in the registry.

    Problem: INSERT without a column list binds values by position. Queries that name columns have no problem.

    Why: BigQuery adds columns last and does not move them.

    Example: A column was added between two migrations.

    Fix: No fix is needed. This rule is ignored unless `drift` in the registry turns it on.
    """
    message = "The columns have another order than in the registry."
    yield Finding("order", message, remedy="Name the columns in each INSERT.")


@rule("FQ309", group=Group.DRIFT)
def wrong_partitioning(live: State, change: SetPartitioning) -> Iterator[Finding]:
    """The table has another partitioning than in the registry.

    Problem: Filters do not prune partitions, and queries are billed for the whole table.

    Why: The table was created by another tool.

    Example: The table is partitioned by MONTH instead of DAY.

    Fix: Copy the data into a new table, or declare the live partitioning in the registry.
    """
    yield Finding("partitioning", refusals(live, change)[0].message)


@rule("FQ310", group=Group.DRIFT)
def wrong_clustering(live: State, change: SetClustering) -> Iterator[Finding]:
    """The table has another clustering than in the registry.

    Problem: Queries that filter the expected columns read more blocks.

    Why: Clustering was changed through the API.

    Example: The table is clustered by shop_id only.

    Fix: `bq update --clustering_fields=...`.
    """
    yield Finding("clustering", refusals(live, change)[0].message)


@rule("FQ312", group=Group.DRIFT)
def wrong_option(live: State, change: SetOption) -> Iterator[Finding]:
    """A table option differs from the registry.

    Problem: Partitions expire or full scans are possible, although the registry forbids it.

    Why: The option was changed by ALTER TABLE SET OPTIONS or in the console.

    Example: require_partition_filter was turned off for one query and not turned on again.

    Fix: Set it by a migration.
    """
    if live.table:
        name, now = change.name, table_values(live.table).get(change.name, "")
        declared = _worded(change.value)
        given = ", the default of its dataset," if name in live.table.inherited else ""
        yield Finding(
            name, f"The option `{name}` is {_worded(now)} in the table{given} and {declared} in the registry."
        )


@rule("FQ319", Severity.WARNING, group=Group.DRIFT)
def wrong_primary_key(live: State, change: SetPrimaryKey) -> Iterator[Finding]:
    """The primary key of the table differs from the registry.

    Problem: BigQuery plans joins by the key without checking it, and tools read the key of the table.

    Why: The key was dropped or changed manually, or `primary_key: true` was added to the registry.

    Example: The registry has `primary_key: true`, and the table has no primary key.

    Fix: Set it by a migration. Make sure that the columns identify a row: BigQuery does not check it.
    """
    there = live.table.primary_key if live.table else ()
    if there and not change.columns:
        yield Finding("primary_key", f"The primary key {', '.join(there)} of the table is not that of the registry.")
    elif not there:  # a plan drops another key first, which is its own difference
        yield Finding("primary_key", f"The table has no primary key; the registry declares {change.names}.")


@rule("FQ320", Severity.WARNING, group=Group.DRIFT)
def wrong_foreign_key(live: State, change: AddForeignKey | DropForeignKey) -> Iterator[Finding]:
    """The foreign keys of the table differ from the registry.

    Problem: BigQuery plans joins by the keys without checking them, and tools read the keys of the table.

    Why: A key was added or dropped manually, or `foreign_keys` of the registry changed.

    Example: The registry has a key to `shops`, and the table has none.

    Fix: Add a missing key by a migration. Drop another one by the name that BigQuery gave it, or declare it.
    """
    if isinstance(change, DropForeignKey):
        yield Finding("foreign_keys", refusals(live, change)[0].message)
    else:
        yield Finding("foreign_keys", f"The registry has {change.key}, the table does not.")


@rule("FQ313", group=Group.DRIFT)
def wrong_view(live: State, change: PutView) -> Iterator[Finding]:
    """A view is missing or differs from the registry.

    Problem: Readers fail, or get other columns or values than the registry describes.

    Why: The view was dropped or replaced manually, or a migration has not run here.

    Example: A WHERE was added to v_feature_quality_unpivot.

    Fix: Create it again by a migration.
    """
    name, there = change.view.name, live.view(change.view.key)
    if there and there.materialized:
        drop = commands("migrate plan", "migrate", first=f"DROP MATERIALIZED VIEW {ident(name)}; then:")
        yield Finding(name, f"`{name}` is a materialized view; the registry declares a view.", remedy=drop)
        return
    if there and there.legacy:
        yield Finding(name, f"The view `{name}` is in legacy SQL; the registry has it in GoogleSQL.")
        return
    if there and there.equals(change.view):
        missing = ", ".join(there.missing_columns(live.table))
        why = f"The view `{name}` does not show the columns {missing}, which the table has."
        yield Finding(name, why)
        return
    differs = f"has {_other_part(there, change.view)} than in the registry" if there else ""
    yield Finding(name, f"The view `{name}` {differs or 'is missing'}.")


def _other_part(there: View, declared: View) -> str:
    """The part of a view that differs from the registry."""
    if there.content == declared.content:
        return "other descriptions of columns"
    same = (there.text, there.description) == (declared.text, declared.description)
    return "other labels" if same else "another query or description"
