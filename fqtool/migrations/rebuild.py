"""Plan a rebuild: the statements that give a table a shape that BigQuery cannot give it in place.

A new table is created, the rows are copied and compared, and the names are swapped. The old table is kept, and fqtool
never drops it. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from fqtool.errors import Refusal
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.migrations.plan import Judge, Plan, adopted_of, make_statement
from fqtool.sql import ident
from fqtool.table.change_rebuild import CopyRows, RenameTable, VerifyCopy
from fqtool.table.change_views import PutView
from fqtool.table.changes import Change, CreateTable, fold
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.ddl_grammar import RANGE
from fqtool.table.diff import diff
from fqtool.table.model import INGESTION_TIME, State, Table, fingerprint
from fqtool.table.properties import COLUMN_PROPERTIES, with_fields
from fqtool.table.property import Written

DAYS_KEPT = 30  # after which the old table may be dropped by hand

_ANY_NUMBER = (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC, Kind.STRING)
# https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_functions#cast
_CASTS: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.INT64: (*_ANY_NUMBER, Kind.BOOL),
    Kind.FLOAT64: _ANY_NUMBER,
    Kind.NUMERIC: _ANY_NUMBER,
    Kind.BIGNUMERIC: _ANY_NUMBER,
    Kind.BOOL: (Kind.BOOL, Kind.INT64, Kind.STRING),
    Kind.STRING: (*_ANY_NUMBER, Kind.BOOL, Kind.BYTES, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.TIMESTAMP),
    Kind.BYTES: (Kind.BYTES, Kind.STRING),
    Kind.DATE: (Kind.DATE, Kind.STRING, Kind.DATETIME, Kind.TIMESTAMP),
    Kind.DATETIME: (Kind.DATETIME, Kind.STRING, Kind.DATE, Kind.TIME, Kind.TIMESTAMP),
    Kind.TIMESTAMP: (Kind.TIMESTAMP, Kind.STRING, Kind.DATE, Kind.DATETIME, Kind.TIME),
    Kind.TIME: (Kind.TIME, Kind.STRING),
}
_FIRST = {
    Kind.DATE: "DATE '0001-01-01'",
    Kind.DATETIME: "DATETIME '0001-01-01 00:00:00'",
    Kind.TIMESTAMP: "TIMESTAMP '0001-01-01 00:00:00+00'",
}


def plan_rebuild(
    recorded: State,
    live: Table,
    desired: State,
    version: str,
    today: date,
    *,
    judge: Judge,
    renames: Mapping[str, str],
    dropped: frozenset[str],
) -> Plan:
    """Return the plan that rebuilds a table.

    Args:
        recorded: the state that the migration files create.
        live: the table, with all its columns.
        desired: the state to reach, with the undeclared columns too.
        version: the number of the migration.
        today: the day of the plan.
        judge: returns the findings about a change.
        renames: new column name -> old name.
        dropped: lower-case names of the columns that the registry drops.

    Raises:
        Refusal: the rows cannot be copied without loss.
    """
    assert desired.table is not None  # noqa: S101  a registry describes a table
    new, old = f"{live.name}_rebuild_{version}", f"{live.name}_old_{version}"
    (create,) = CreateTable(replace(desired.table, name=new)).planned()
    assert isinstance(create, CreateTable)  # noqa: S101  as planned
    findings = tuple(rebuild_loses(live, create.table, renames, dropped))
    if findings:
        raise Refusal(f"A rebuild of `{live.name}` would lose something; nothing was written.", findings=findings)
    rows = (
        live.name, new, tuple(_columns(live, create.table, renames)), every_row(live), every_row(create.table),
    )  # fmt: skip
    changes: list[Change] = [create, CopyRows(*rows), VerifyCopy(*rows), RenameTable(live.name, old)]
    changes.append(RenameTable(new, live.name))
    # A view may need the new type of a column, and is then not valid over the old table.
    views = diff(State(live, recorded.views), State(live, desired.views))
    changes += (change for change in views if isinstance(change, PutView))
    before = replace(recorded, table=live)
    statements = [*adopted_of(recorded, before, desired, desired, frozenset(), renames, judge)]
    found, made = ([c for s in statements if s.adopted is kind for c in s.changes] for kind in (True, False))
    state = fold(recorded, found)
    made_for, state = fingerprint(state.table), fold(state, made)
    for change in changes:
        hazards = judge(before, change)
        if errors := tuple(finding for finding in hazards if finding.severity is Severity.ERROR):
            raise Refusal("BigQuery cannot create the new table.", findings=errors)
        statements.append(make_statement(before, (change,), hazards))
        before, state = change.apply(before), change.apply(state)
    until = date.fromordinal(today.toordinal() + DAYS_KEPT)
    notes = (
        f"The old rows stay in `{old}`. Keep it at least until {until}. fqtool never drops it; then drop it by hand:",
        f"  DROP TABLE {ident(old)};",
        "Row access policies, policy tags and permissions of the table are not copied: set them on the new table.",
    )
    return Plan(tuple(statements), made_for, fingerprint(state.table), table=live, notes=notes)


def every_row(table: Table) -> str:
    """Return a condition on the partition column that every row meets; "" where the table does not require one."""
    by = table.partitioning
    if by is None or not table.options.require_partition_filter:
        return ""
    name = ident(by.column)
    if RANGE.fullmatch(by.granularity):
        return f"{name} < 0 OR {name} >= 0 OR {name} IS NULL"
    return f"{name} >= {_FIRST[table.present(by.column).type.kind]} OR {name} IS NULL"


def _columns(old: Table, new: Table, renames: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the columns of the new table that the old one has, each with its expression."""
    for column in new.columns:
        source = _source(old, column, renames)
        if source is not None:
            name = ident(source.name)
            same = source.type.shape == column.type.shape
            yield column.name, name if same else f"CAST({name} AS {column.type})"


def _source(old: Table, column: Column, renames: Mapping[str, str]) -> Column | None:
    return old.find(column.name) or old.find(renames.get(column.name, ""))


@rule("FQ215", group=Group.PLAN)
def rebuild_loses(old: Table, new: Table, renames: Mapping[str, str], dropped: frozenset[str]) -> Iterator[Finding]:
    """A rebuild would lose something of the table.

    Problem: The rows or the access control of the table cannot be copied into the new table by a statement.

    Why: A copy has the columns and values that a query has. It has no policy tags, no ingestion time, and no values for
    a type to which CAST does not convert.

    Example: A column changes from STRING to STRUCT, or has a policy tag.

    Fix: Copy the table with statements of your own, or declare the live shape in the registry.
    """
    if INGESTION_TIME in {by.column for by in (old.partitioning, new.partitioning) if by}:
        yield _lost(old.name, "Copied rows get the time of the copy as their ingestion time.")
    taken = {source.key for column in new.columns if (source := _source(old, column, renames))}
    for column in old.columns:
        for path, field in with_fields(column):
            owned = [name for name, _ in field.properties if name not in COLUMN_PROPERTIES or _by_owner(name)]
            if owned:
                yield _lost(".".join(path), f"The new table would not have {', '.join(owned)} of `{'.'.join(path)}`.")
        if column.key not in taken and column.key not in dropped:
            yield _lost(column.name, f"The new table would not have `{column.name}`.")
    for column in new.columns:
        source = _source(old, column, renames)
        if source is None:
            if column.mode is Mode.REQUIRED and column.default is None:
                yield _lost(column.name, f"`{column.name}` is NOT NULL and has no value in the stored rows.")
        elif not _is_convertible(source, column):
            yield _lost(
                column.name, f"`{column.name}` is {source.sql_type}; CAST does not convert it to {column.sql_type}."
            )


def _by_owner(name: str) -> bool:
    return COLUMN_PROPERTIES[name].written is Written.OWNER


def _is_convertible(old: Column, new: Column) -> bool:
    if old.type.shape == new.type.shape:
        return Mode.REPEATED not in (old.mode, new.mode) or old.mode is new.mode
    return Mode.REPEATED not in (old.mode, new.mode) and new.type.kind in _CASTS.get(old.type.kind, ())


def _lost(subject: str, message: str) -> Finding:
    return Finding(subject, message, remedy="Copy the rows with your own statements, or declare the live shape.")
