"""What a change of columns and layout breaks: queries name columns, writers fill them, stored rows hold them."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.finding import Finding, Severity, rule
from fqtool.registry.edits import Edit
from fqtool.rules.about_changes import refusals
from fqtool.rules.comparison import Altered, Difference
from fqtool.rules.edit_words import listed, shown
from fqtool.table.changes import (
    AddColumn,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetMode,
    SetType,
)
from fqtool.table.column import Mode


@rule("FQ805")
def column_gone(one: Difference) -> Iterator[Finding]:
    """A column left the registry without notice.

    Problem: a column of the old registry is not in the new one, and was not deprecated.

    Why: queries that name it fail. Its data goes with it when it is dropped.

    Example: the entry was deleted; or its name was changed without `renamed_from`.

    Fix: put it back with `deprecated`, and drop it when its readers have gone. For a new name write `renamed_from`.
    """
    match one:
        case Altered(entry) if isinstance(one.change, DropColumn) and one.deprecated is None:
            yield Finding(
                entry,
                f"{_columns(one)} gone.",
                cause="readers: queries that name it fail; stored data: it goes with the column",
                remedy="Put back what it was made for."
                if one.kept
                else "Put the entry back with deprecated: {since: ..., remove_after: ...}; "
                "if it has another name now, write renamed_from there.",
                location=one.at,
            )
        case _:
            return


@rule("FQ806")
def column_retyped(one: Difference) -> Iterator[Finding]:
    """A column has a type or mode that the stored data cannot take.

    Problem: BigQuery cannot change the column so in place.

    Why: readers compute with the old type, writers write it, and stored rows hold it.

    Example: quality_tier became INT64; a NULLABLE column became REQUIRED.

    Fix: give the new type a column of its own, backfill it, and move the readers.
    """
    match one:
        case Altered(entry) if isinstance(one.change, SetType | SetMode) and (stop := refusals(one.before, one.change)):
            cause = "readers and writers: their queries expect the old type; stored data: it cannot be converted"
        case Altered(entry) if isinstance(one.change, AddColumn) and _is_required(one.change):
            stop = refusals(one.before, one.change)
            cause = "writers: rows without it are refused; stored data: it has no value there"
        case _:
            return
    yield Finding(entry, stop[0].message, cause=cause, remedy=stop[0].remedy, location=one.at)


@rule("FQ807")
def column_changes_hands(one: Difference) -> Iterator[Finding]:
    """A column is written by somebody else.

    Problem: its owner changed.

    Why: writers: two write it, or nobody does. Stored rows hold what the former owner wrote.

    Example: owner: upstream was taken off feature_sources, and scoring writes over what the extractor wrote.

    Fix: agree with the writers first; then change both in one release.
    """
    match one:
        case Edit("columns", name, "owner", old, new):
            yield Finding(
                name,
                f"{name} was written by {old} and is now written by {new}.",
                cause="writers: two write it, or nobody does; stored rows: they hold what the former owner wrote",
                remedy="Agree with the writers, and release both together.",
                location=one.at,
            )
        case _:
            return


@rule("FQ825", Severity.WARNING)
def column_computed_otherwise(one: Difference) -> Iterator[Finding]:
    """A column is computed otherwise.

    Problem: its `expr` is another.

    Why: stored rows keep what the old one gave until they are scored again; readers see both.

    Example: feature_quality_score is rounded to one digit.

    Fix: look at the preview (`--rows`, or `--start` and `--target`); raise the schema version; score again.
    """
    match one:
        case Edit("columns", name, "expr", old, new):
            yield Finding(
                name,
                f"{name} was {shown(old)} and is now {shown(new)}.",
                cause="stored rows: they keep the old values until scored again; readers: they see both",
                remedy="fqtool score --start DATE --end DATE, once it is released.",
                location=one.at,
            )
        case _:
            return


@rule("FQ826", Severity.WARNING)
def column_renamed(one: Difference) -> Iterator[Finding]:
    """A column has another name and says which one it had.

    Problem: the data is kept, the name is not.

    Why: readers and writers that use the old name fail at once.

    Example: quality_tier with `renamed_from: tier`.

    Fix: change them first, or put a view in front.
    """
    match one:
        case Altered(entry) if isinstance(one.change, RenameColumn):
            pairs = tuple(f"{each.name} to {each.to}" for each in one.changes if isinstance(each, RenameColumn))
            yield Finding(
                entry,
                f"Renamed: {listed(pairs)}.",
                cause="readers and writers: what uses the old name fails at once; stored data: kept",
                remedy="Change them first, or put a view in front.",
                location=one.at,
            )
        case _:
            return


@rule("FQ827", Severity.WARNING)
def deprecated_column_gone(one: Difference) -> Iterator[Finding]:
    """A deprecated column left the registry.

    Problem: its end was announced, and has come.

    Why: readers that did not listen fail; its data goes with it.

    Example: dropped: true on primary_data_source.

    Fix: look for readers in the jobs of the last months before it is released.
    """
    match one:
        case Altered(entry) if isinstance(one.change, DropColumn) and (end := one.deprecated):
            instead = f" Readers were told to use {end.replaced_by}." if end.replaced_by else ""
            yield Finding(
                entry,
                f"{_columns(one)} gone; that was announced on {end.since} for {end.remove_after} at the earliest."
                f"{instead}",
                cause="readers: those that still name it fail; stored data: it goes with the column",
                location=one.at,
            )
        case _:
            return


@rule("FQ828", Severity.WARNING)
def column_loosened(one: Difference) -> Iterator[Finding]:
    """A column takes more than before, or other values by itself.

    Problem: its type is wider, NULL is allowed, or its default is another.

    Why: BigQuery makes the change in place, and never back. Readers may meet values that they could not hold.

    Example: INT64 became NUMERIC; REQUIRED became NULLABLE.

    Fix: see that readers can take it.
    """
    match one:
        case Altered(entry) if isinstance(one.change, SetType | SetMode) and not refusals(one.before, one.change):
            told = (
                f"{one.names[0]} may be {one.change.type if isinstance(one.change, SetType) else one.change.mode} now."
            )
        case Altered(entry) if isinstance(one.change, SetDefault):
            told = f"The default of {listed(one.names)} is now {shown(one.change.default)}."
        case _:
            return
    cause = "readers: they may meet values they could not meet before; stored data: kept, and there is no way back"
    yield Finding(entry, told, cause=cause, location=one.at)


@rule("FQ841", Severity.NOTE)
def column_added(one: Difference) -> Iterator[Finding]:
    """A column was added.

    Problem: none; queries that name their columns do not see it.

    Why: stored rows hold NULL there until they are scored again.

    Example: a new entry under columns; a new feature gives one for each `for_each: feature`.

    Fix: `fqtool migrate plan`, then score the stored rows.
    """
    match one:
        case Altered(entry) if isinstance(one.change, AddColumn) and not _is_required(one.change):
            yield Finding(
                entry,
                f"{_columns(one)} new.",
                cause="readers: unharmed; stored rows: NULL there until scored again",
                remedy="fqtool migrate plan",
                location=one.at,
            )
        case _:
            return


def _is_required(change: AddColumn) -> bool:
    return change.column.mode is Mode.REQUIRED


def _columns(one: Altered) -> str:
    many = len(one.names) > 1
    return f"{'Columns' if many else 'The column'} {listed(one.names)} {'are' if many else 'is'}"
