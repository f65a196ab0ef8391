"""What BigQuery refuses: changes that no statement makes, each with its reason and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fqtool.finding import Finding, rule, rules_of
from fqtool.quality.lexer import cut
from fqtool.rules import about_rebuilds
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    SetDefault,
    SetDescription,
    SetMode,
    SetPolicyTags,
    SetType,
)
from fqtool.table.column import Column, Mode, is_widening
from fqtool.table.model import State

COLUMN_LIMIT = 10_000  # BIGQUERY 37
_DEFAULT_FUNCTIONS = (
    "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMESTAMP", "GENERATE_UUID", "RAND", "SESSION_USER",
    "ST_GEOGPOINT", "STRUCT",
)  # fmt: skip
_WAY_OUT = (
    "Declare in the registry what stands; or give the new type another column name, backfill it from this one, "
    "and let readers use a view that shows it under the old name."
)


def refusals(before: State, change: Change) -> tuple[Finding, ...]:
    """Return why `change` cannot be made to `before`; nothing where BigQuery documents it as legal."""
    rules = (*rules_of(__name__), *rules_of(about_rebuilds.__name__))
    return tuple(found for one in rules for found in one.check(before, change))


def _column(before: State, name: str) -> Column | None:
    return before.table.find(name) if before.table else None


@rule("FQ201")
def illegal_type_change(before: State, change: Change) -> Iterator[Finding]:
    """The column's type cannot be changed in place.

    Problem: BigQuery converts only INT64 to NUMERIC, BIGNUMERIC or FLOAT64, NUMERIC to BIGNUMERIC or FLOAT64,
    and makes parameters less restrictive; not inside an ARRAY, and a STRUCT only field by field.

    Why: the stored data would have to be rewritten, and no statement does that without a new table.

    Example: quality_tier is STRING in the table and FLOAT64 in the registry.

    Fix: give the new type a column of its own, backfill it, and put a view in front for readers.
    """
    match change:
        case SetType(name, new) if old := _column(before, name):
            if old.mode is Mode.REPEATED or not is_widening(old.type, new.shape):
                yield Finding(
                    name,
                    f"{name} is {old.sql_type} and should be {_as_array(old, str(new))}: "
                    "BigQuery cannot change that in place.",
                    cause="Only widening is documented for ALTER COLUMN SET DATA TYPE.",
                    remedy=_WAY_OUT,
                )
        case _:
            return


def _as_array(old: Column, text: str) -> str:
    return f"ARRAY<{text}>" if old.mode is Mode.REPEATED else text


@rule("FQ202")
def illegal_mode_change(before: State, change: Change) -> Iterator[Finding]:
    """The column's mode cannot be changed in place.

    Problem: BigQuery relaxes REQUIRED to NULLABLE and nothing else.

    Why: existing rows may hold NULL, and an array is stored differently from a value.

    Example: game_id is NULLABLE in the table and REQUIRED in the registry.

    Fix: say NULLABLE in the registry and check for NULL in the data, or add a new column.
    """
    match change:
        case SetMode(name, mode) if mode is not Mode.NULLABLE:
            yield Finding(
                name,
                f"{name} cannot become {mode}: BigQuery only relaxes REQUIRED to NULLABLE.",
                remedy=_WAY_OUT,
            )
        case SetMode(name, _) if (old := _column(before, name)) and old.mode is Mode.REPEATED:
            yield Finding(name, f"{name} is an ARRAY and cannot become a single value in place.", remedy=_WAY_OUT)
        case _:
            return


@rule("FQ203")
def required_column_added(before: State, change: Change) -> Iterator[Finding]:
    """A new column must not be REQUIRED.

    Problem: ALTER TABLE ADD COLUMN takes NULLABLE and REPEATED columns only.

    Why: the rows that are there already have no value for it.

    Example: a managed column of type INT64 marked required.

    Fix: declare it nullable; check for NULL in the data instead.
    """
    match change:
        case AddColumn(column) if column.mode is Mode.REQUIRED and before.table:
            yield Finding(
                column.name,
                f"{column.name} cannot be added as REQUIRED to a table that exists.",
                remedy="Declare it without required: true.",
            )
        case _:
            return


@rule("FQ204")
def default_on_added_column(_: State, change: Change) -> Iterator[Finding]:
    """A new column must not carry DEFAULT.

    Problem: "Add field with default value to an existing table schema is not supported."

    Why: BigQuery takes the default only in a second statement, for later rows.

    Example: ALTER TABLE t ADD COLUMN a INT64 DEFAULT 0.

    Fix: two statements: ADD COLUMN, then ALTER COLUMN SET DEFAULT. `fqtool migrate plan` writes them so.
    """
    match change:
        case AddColumn(column) if column.default is not None:
            yield Finding(
                column.name,
                f"{column.name} cannot be added together with a DEFAULT.",
                remedy=f"Add it first, then ALTER COLUMN {column.name} SET DEFAULT {column.default}.",
            )
        case _:
            return


@rule("FQ208")
def nested_description(_: State, change: Change) -> Iterator[Finding]:
    """A description inside a STRUCT cannot be changed by SQL.

    Problem: ALTER COLUMN SET OPTIONS reaches top-level columns only.

    Why: nested descriptions are part of the column's schema, which only tables.patch writes.

    Example: historical_completeness.games_found has another description than the registry.

    Fix: `bq update` with the whole schema (`fqtool generate-schema --full`), or set this finding to ignore.
    """
    match change:
        case SetDescription(path, _) if len(path) > 1:
            yield Finding(
                ".".join(path),
                f"The description of {'.'.join(path)} lies inside a STRUCT, which SQL cannot reach.",
                remedy="fqtool generate-schema --full --out schema.json, then bq update DATASET.TABLE schema.json.",
            )
        case _:
            return


@rule("FQ209")
def policy_tags_changed(_: State, change: Change) -> Iterator[Finding]:
    """Policy tags differ; fqtool reports them and never writes them.

    Problem: the column's policy tags are not those declared.

    Why: access control belongs to those who hold that right; a schema tool must not widen it.

    Example: a tag was taken off player_lookup.

    Fix: let the data owner set it in the console or by `bq update`.
    """
    match change:
        case SetPolicyTags(path, tags):
            yield Finding(
                ".".join(path),
                f"The policy tags of {'.'.join(path)} should be {', '.join(tags) or 'none'}.",
                remedy="Have the data owner set them; fqtool never writes policy tags.",
            )
        case _:
            return


@rule("FQ210")
def table_too_wide(before: State, change: Change) -> Iterator[Finding]:
    """The table would have more than 10,000 columns.

    Problem: BigQuery's limit counts nested fields, and columns dropped lately still count for a while.

    Why: a table definition is read whole with every query.

    Example: 5,000 features give about 10,050 columns.

    Fix: retire features, or split the store into two tables.
    """
    match change:
        case CreateTable(table):
            count = sum(map(_count, table.columns))
        case AddColumn(column) if before.table:
            count = sum(map(_count, before.table.columns)) + _count(column)
        case _:
            return
    if count > COLUMN_LIMIT:
        yield Finding("table", f"The table would have {count:,} columns; BigQuery allows {COLUMN_LIMIT:,}.")


def _count(column: Column) -> int:
    return 1 + sum(map(_count, column.type.fields))


@rule("FQ211")
def default_not_allowed(_: State, change: Change) -> Iterator[Finding]:
    """A default must be a literal or one of a few functions.

    Problem: BigQuery takes literals, CURRENT_DATE and its like, GENERATE_UUID, RAND, SESSION_USER, ST_GEOGPOINT.

    Why: a default is stored with the table and must not depend on data.

    Example: SET DEFAULT (SELECT MAX(a) FROM t).

    Fix: compute the value where the row is written.
    """
    for name, text in _defaults(change):
        tokens = cut(text)
        if any(token.word in {"SELECT", "FROM", ";"} for token in tokens):
            yield Finding(name, f"The default of {name}, {text[:60]}, is a query.", remedy="Write a literal.")
            continue
        calls = [one.raw for one, after in pairwise(tokens) if after.raw == "(" and one.raw.isidentifier()]
        if wrong := [call for call in calls if call.upper() not in _DEFAULT_FUNCTIONS]:
            yield Finding(
                name,
                f"The default of {name} calls {wrong[0]}, which BigQuery does not allow in a default.",
                remedy=f"Use a literal or one of {', '.join(_DEFAULT_FUNCTIONS)}.",
            )


def _defaults(change: Change) -> Iterator[tuple[str, str]]:
    match change:
        case SetDefault(name, str(text)):
            yield name, text
        case CreateTable(table):
            yield from ((one.name, one.default) for one in table.columns if one.default is not None)
        case _:
            return
