"""Rules about changes that BigQuery refuses, each with a fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from fqtool.expressions.defaults import columns_of, unassignable
from fqtool.expressions.value_types import ValueType
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, rule
from fqtool.findings.remedy import Remedy, Statements, commands
from fqtool.sql import ident
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import DropForeignKey, SetPrimaryKey, SetProperty, key_refusal
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetClustering,
    SetDefault,
    SetMode,
    SetPartitioning,
    SetType,
)
from fqtool.table.column import COLUMN_LIMIT, Mode
from fqtool.table.ddl import NoStatement, render
from fqtool.table.model import Partitioning, State
from fqtool.table.properties import COLUMN_PROPERTIES, column_values
from fqtool.table.property import Written
from fqtool.table.tokens import cut

_DEFAULT_FUNCTIONS = (
    "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMESTAMP", "GENERATE_UUID", "RAND", "SESSION_USER",
    "ST_GEOGPOINT", "STRUCT",
)  # fmt: skip
_REBUILD = "migrate plan --rebuild"
_FIX = commands(
    _REBUILD,
    first="Declare the live type in the registry. Or add a column with the new type, backfill it from this one, "
    "and give readers a view that has it under the old name. Or plan a new table:",
)
_NULLABLE = commands(
    _REBUILD,
    first="Remove `required: true` of the column from the registry, so that it is NULLABLE there too. Or plan a new "
    "table:",
)


def refusals(before: State, change: Change) -> tuple[Finding, ...]:
    """Return why a change cannot be applied; () where BigQuery documents it as legal.

    Args:
        before: the state before the change.
        change: the change.
    """
    rules = (of_group for of_group in rules_of(Group.LEGALITY) if of_group.looks_at(change))
    return tuple(finding for of_change in rules for finding in of_change.check(before, change))


def drift_findings(live: State, change: Change) -> tuple[Finding, ...]:
    """Return the findings of check-drift about a difference, with a statement that fixes it manually.

    Args:
        live: the state of the target.
        change: the difference.
    """
    rules = (of_group for of_group in rules_of(Group.DRIFT) if of_group.looks_at(change))
    findings = (finding for of_change in rules for finding in of_change.check(live, change))
    return tuple(replace(finding, remedy=finding.remedy or by_hand(live, change)) for finding in findings)


def by_hand(live: State, change: Change) -> Remedy:
    """Return the statements that make a change, or the remedy of its refusal."""
    steps = change.planned() or (change,)
    if stop := refusals(live, steps[0]):
        return stop[0].remedy
    if steps[0].by_patch:
        before = (
            "SQL cannot change a field of a STRUCT. A plan of all differences of base columns can, by tables.patch:"
        )
        return commands("migrate plan --include-base", "migrate", first=before)
    name, of_sql = live.table.name if live.table else "", (step for step in steps if not step.by_patch)
    try:
        return Statements("\n".join(f"{render(name, [step])};" for step in of_sql))
    except NoStatement:
        return "SQL cannot change this; see the rule's page."


@rule("FQ201", group=Group.LEGALITY)
def illegal_type_change(before: State, change: SetType) -> Iterator[Finding]:
    """The column's type cannot be changed in place.

    Problem: BigQuery only converts INT64 to NUMERIC, BIGNUMERIC or FLOAT64, and NUMERIC to BIGNUMERIC or FLOAT64, and
    makes parameters less restrictive. It does not change the elements of an ARRAY. In a STRUCT it widens fields and
    adds fields at the end. It does not drop, rename or move fields, and fqtool does not widen a STRUCT that has NOT
    NULL fields, policy tags or other settings inside.

    Why: The stored data would have to be rewritten, which needs a new table.

    Example: quality_tier is STRING in the table and FLOAT64 in the registry.

    Fix: Add a column with the new type, backfill it, and give readers a view. Declare new fields of a STRUCT after its
    other fields. Or let `fqtool migrate plan --rebuild` plan a new table with the converted values.
    """
    name, old = change.name, before.column(change.name)
    if old and change.refusal(before):
        target = replace(old, type=change.type).sql_type
        yield Finding(
            name,
            f"`{name}` is {old.sql_type} and should be {target}; BigQuery cannot change it in place.",
            cause="ALTER COLUMN SET DATA TYPE only widens a type",
            remedy=_FIX,
        )


@rule("FQ202", group=Group.LEGALITY)
def illegal_mode_change(before: State, change: SetMode) -> Iterator[Finding]:
    """The column's mode cannot be changed in place.

    Problem: BigQuery only relaxes REQUIRED to NULLABLE.

    Why: Existing rows may contain NULL, and an array is stored differently from a value.

    Example: order_id is NULLABLE in the table and REQUIRED in the registry.

    Fix: Remove `required: true` from the registry and check the data for NULL, or create the table again.
    """
    name, old = change.name, before.column(change.name)
    if change.mode is not Mode.NULLABLE:
        message = f"`{name}` cannot become {change.mode}; BigQuery only relaxes REQUIRED to NULLABLE."
        yield Finding(name, message, remedy=_NULLABLE if change.mode is Mode.REQUIRED else _FIX)
    elif old and old.mode is Mode.REPEATED:
        yield Finding(name, f"`{name}` is an ARRAY and cannot become a single value in place.", remedy=_FIX)


@rule("FQ203", group=Group.LEGALITY)
def required_column_added(before: State, change: AddColumn | AddField) -> Iterator[Finding]:
    """A new column must not be REQUIRED.

    Problem: BigQuery adds only NULLABLE and REPEATED columns to a table, and only such fields to a STRUCT.

    Why: Existing rows have no value for it.

    Example: A managed column of type INT64 marked required.

    Fix: Declare it nullable; check for NULL in the data instead.
    """
    name = change.full_name if isinstance(change, AddField) else change.column.name
    if change.column.mode is Mode.REQUIRED and before.table:
        message = f"`{name}` cannot be added as REQUIRED to an existing table."
        instead = "NOT NULL" if isinstance(change, AddField) else "`required: true`"
        yield Finding(name, message, remedy=f"Declare it without {instead}.")


@rule("FQ204", group=Group.LEGALITY)
def default_on_added_column(_: State, change: AddColumn) -> Iterator[Finding]:
    """A new column must not have a DEFAULT.

    Problem: "Add field with default value to an existing table schema is not supported."

    Why: BigQuery accepts the default only in a second statement, for later rows.

    Example: ALTER TABLE t ADD COLUMN a INT64 DEFAULT 0.

    Fix: Use two statements: ADD COLUMN, then ALTER COLUMN SET DEFAULT. `fqtool migrate plan` writes both.
    """
    column = change.column
    if column.default is not None:
        yield Finding(
            column.name,
            f"`{column.name}` cannot be added with a DEFAULT.",
            remedy=f"Add it first, then ALTER COLUMN {column.name} SET DEFAULT {column.default}.",
        )


@rule("FQ205", group=Group.LEGALITY)
def partitioning_changed(before: State, change: SetPartitioning) -> Iterator[Finding]:
    """Partitioning cannot be changed in place.

    Problem: Neither ALTER TABLE nor CREATE OR REPLACE changes how a table is partitioned.

    Why: Partitions are the table's storage.

    Example: The table is partitioned by MONTH, and the registry has DAY.

    Fix: `fqtool migrate plan --rebuild` plans a new table with the new layout, the copy of the rows, and the swap of
    the names. Or declare the live layout in the registry.
    """
    if before.table:
        yield Finding(
            before.table.name,
            f"The table is partitioned by {_partition(before.table.partitioning)}, "
            f"the registry has {_partition(change.partitioning)}; BigQuery cannot make this change in place.",
            remedy=commands(
                _REBUILD,
                first="Declare the live layout in the registry. Or plan a new table with the new layout and all rows:",
            ),
        )


def _partition(by: Partitioning | None) -> str:
    return f"{by.column} ({by.granularity})" if by else "nothing"


@rule("FQ206", group=Group.LEGALITY)
def clustering_changed(before: State, change: SetClustering) -> Iterator[Finding]:
    """Clustering cannot be changed by SQL.

    Problem: GoogleSQL has no statement that changes clustering.

    Why: Clustering is set through the API and takes effect for data written later.

    Example: The table is clustered by a, b, and the registry has a.

    Fix: `bq update --clustering_fields=a dataset.table`, then run check-drift again.
    """
    if before.table:
        yield Finding(
            before.table.name,
            f"The table is clustered by {', '.join(before.table.clustering) or 'nothing'}, "
            f"the registry has {', '.join(change.columns) or 'nothing'}.",
            remedy=f"bq update --clustering_fields='{','.join(change.columns)}' DATASET.{before.table.name}",
        )


@rule("FQ207", group=Group.LEGALITY)
def layout_column_touched(before: State, change: DropColumn | RenameColumn) -> Iterator[Finding]:
    """A partitioning, clustering or key column cannot be dropped or renamed.

    Problem: BigQuery refuses DROP COLUMN and RENAME COLUMN on partitioning and clustering columns, and on columns of a
    primary or foreign key.

    Why: The stored partitions and blocks are ordered by them, and a key names its columns.

    Example: DROP COLUMN day.

    Fix: Keep the column, or rename it with `fqtool migrate plan --rebuild`. For a key, drop the key first.
    """
    if before.table and change.name.lower() in before.table.constrained:
        yield Finding(
            change.name,
            f"`{change.name}` is a column of a key; BigQuery cannot drop or rename it.",
            remedy="Drop the key first: ALTER TABLE ... DROP PRIMARY KEY, or DROP CONSTRAINT for a foreign key.",
        )
    elif before.table and change.name.lower() in before.table.layout:
        yield Finding(
            change.name,
            f"`{change.name}` is a partition or clustering column; BigQuery cannot drop or rename it.",
            remedy=commands(_REBUILD, first="Keep it. Or plan a new table that has the new name:"),
        )


@rule("FQ209", group=Group.LEGALITY)
def property_not_written(before: State, change: SetProperty) -> Iterator[Finding]:
    """A property of a column differs that fqtool does not write.

    Problem: The column has another property than the registry declares, and a plan leaves it as it is.

    Why: Access control, such as policy tags, belongs to the data owner; a schema tool must not extend it. BigQuery does
    not change a collation or a generated expression in place.

    Example: A tag was removed from shop_id.

    Fix: Ask the data owner to set policy tags and data policies by `bq update`. Declare another property as it is in
    the table, or remove it from the registry: a property that is not declared is not managed.
    """
    if not change.writable:
        yield Finding(change.dotted, property_differs(before, change), remedy=_not_written(before, change))


def property_differs(before: State, change: SetProperty) -> str:
    """Return a sentence with the property in the table and in the registry."""
    field = before.table.find_field(change.path) if before.table else None
    now = column_values(field, nested=len(change.path) > 1).get(change.name, "") if field else ""
    return (
        f"The property `{change.name}` of `{change.dotted}` is {now or 'not set'} in the table and "
        f"{change.value or 'not set'} in the registry."
    )


def _not_written(before: State, change: SetProperty) -> str:
    row, table = COLUMN_PROPERTIES.get(change.name), before.table.name if before.table else "TABLE"
    if row and row.fixed:
        return row.fixed
    if row and row.written is Written.OWNER:
        return (
            "Ask the data owner: fqtool never writes access control. `fqtool generate-schema --full --out schema.json` "
            f"writes the schema, and `bq update DATASET.{table} schema.json` sets it."
        )
    return "BigQuery has no statement for it. Declare the live property, or remove it from the registry."


@rule("FQ210", group=Group.LEGALITY)
def table_too_wide(before: State, change: CreateTable | AddColumn | AddField) -> Iterator[Finding]:
    """The table would have more than 10,000 columns.

    Problem: BigQuery's limit includes nested fields, and recently dropped columns still count for a time.

    Why: Every query reads the whole table definition.

    Example: 5,000 features give about 10,050 columns.

    Fix: Retire features, or split the store into two tables.
    """
    if isinstance(change, CreateTable):
        count = change.table.width
    else:
        count = before.table.width + change.column.width if before.table else 0
    if count > COLUMN_LIMIT:
        yield Finding("table", f"The table would have {count:,} columns; BigQuery allows {COLUMN_LIMIT:,}.")


@rule("FQ211", group=Group.LEGALITY)
def default_not_allowed(before: State, change: CreateTable | SetDefault) -> Iterator[Finding]:
    """A default must be a literal or one of a few functions, of the type of its column.

    Problem: BigQuery accepts literals, CURRENT_DATE and similar, GENERATE_UUID, RAND, SESSION_USER, ST_GEOGPOINT. It
    does not convert their type.

    Why: A default is stored with the table and must not depend on data.

    Example: SET DEFAULT (SELECT MAX(a) FROM t).

    Fix: Compute the value where the row is written.
    """
    if isinstance(change, CreateTable):
        defaults = [(column.name, column.default) for column in change.table.columns]
        before = State(change.table)
    else:
        defaults = [(change.name, change.default)]
    for name, text in defaults:
        of = before.column(name)
        if text is None:
            continue
        tokens = cut(text)
        if any(token.word in {"SELECT", "FROM", ";"} for token in tokens):
            yield Finding(name, f"The default of `{name}`, `{text[:60]}`, is a query.", remedy="Write a literal.")
            continue
        calls = [token.raw for token, after in pairwise(tokens) if after.raw == "(" and token.raw.isidentifier()]
        if refused := [call for call in calls if call.upper() not in _DEFAULT_FUNCTIONS]:
            yield Finding(
                name,
                f"The default of `{name}` calls {refused[0]}, which BigQuery does not allow in a default.",
                remedy=f"Use a literal or one of {', '.join(_DEFAULT_FUNCTIONS)}.",
            )
        elif columns := columns_of(text):
            message = (
                f"The default of `{name}` reads the column `{columns[0]}`; BigQuery allows no column in a default."
            )
            yield Finding(name, message, remedy="Compute the value where the row is written.")
        elif of and (other := unassignable(text, ValueType(of.type.kind, of.mode is Mode.REPEATED))):
            message = f"The default of `{name}`, `{text[:60]}`, is {other}, and the column is {of.sql_type}."
            yield Finding(name, message, remedy=f"Write a default of the type {of.sql_type}.")


@rule("FQ213", group=Group.LEGALITY)
def key_not_allowed(before: State, change: CreateTable | SetPrimaryKey) -> Iterator[Finding]:
    """BigQuery does not accept these columns as a primary key.

    Problem: A primary key has at most 16 columns. They are BIGNUMERIC, BOOL, DATE, DATETIME, INT64, NUMERIC, STRING or
    TIMESTAMP, and have no default.

    Why: BigQuery rejects the key, although it does not enforce it.

    Example: `primary_key: true` where a column of `keys` is a FLOAT64.

    Fix: Remove `primary_key: true`, or the default of the column.
    """
    table = change.table if isinstance(change, CreateTable) else before.table
    names = change.table.primary_key if isinstance(change, CreateTable) else change.columns
    if table and (why := key_refusal(table, names)):
        yield Finding("primary_key", f"BigQuery refuses the primary key: {why}.", remedy="Remove `primary_key: true`.")


@rule("FQ214", group=Group.LEGALITY)
def foreign_key_extra(before: State, change: DropForeignKey) -> Iterator[Finding]:
    """The table has a foreign key that the registry does not have.

    Problem: A plan leaves the key as it is.

    Why: BigQuery drops a foreign key by the name of its constraint, which differs between targets.

    Example: A key to `shops` was added manually.

    Fix: Add the key to `foreign_keys` in the registry, or drop it with the name that tables.get has.
    """
    table = before.table.name if before.table else "TABLE"
    yield Finding(
        "foreign_keys",
        f"The table has {change.key}, the registry does not.",
        remedy=f"Declare it under `foreign_keys`. Or drop it: `bq show --format=prettyjson DATASET.{table}` has its "
        f"NAME, then ALTER TABLE {ident(table)} DROP CONSTRAINT NAME.",
    )
