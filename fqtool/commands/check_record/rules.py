"""What may be wrong with a record that a writer sends, beside the registry and the live table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.findings.finding import Finding, Group, Location, rule
from fqtool.findings.remedy import Entry, Remedy, commands
from fqtool.records.misfits import (
    ArrayAsText,
    Misfit,
    Missing,
    Mistyped,
    NotInTable,
    OtherLabel,
    Positional,
    RejectedVersion,
    Unknown,
    UnknownLabel,
    UnknownPosition,
    Unreadable,
    WrongLength,
    WrongNames,
)
from fqtool.registry.base_entry import base_column_line


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a problem was seen first, in how many records of how many, and whether others like it are counted."""

    at: Location | None = None
    first: str = ""
    records: int = 1
    of: int = 1
    with_others: bool = False


_NESTED = ("ARRAY<", "STRUCT<")


def _finding(seen: Seen, misfit: Misfit, remedy: Remedy, cause: str = "") -> Iterator[Finding]:
    of = f"{seen.of:,} record{'' if seen.of == 1 else 's'}"
    others = "20 like it are listed; more were found" if seen.with_others else "Found"
    count = f" {others} in {seen.records:,} of {of}, first in {seen.first}." if seen.first else ""
    yield Finding(misfit.field, f"{misfit.problem}.{count}", cause, remedy, seen.at)


@rule("FQ501", group=Group.RECORDS)
def undeclared_field(seen: Seen, misfit: Unknown) -> Iterator[Finding]:
    """A record has a field that the registry does not declare.

    Problem: No column has the field's name.

    Why: BigQuery refuses the row, or drops the field where unknown values are ignored; a new field needs a migration
    first.

    Example: `price_uer` beside the column `price_eur`

    Fix: Correct the name, or declare the column and migrate before the writer sends it.
    """
    first = "Remove it from the record, or declare it under columns with owner: upstream and migrate:"
    remedy: Remedy = commands("migrate plan", "migrate", first=first)
    if misfit.counterpart:
        remedy = f"Remove it from the record, which has {misfit.counterpart} too: BigQuery reads both names as one."
    elif misfit.live:
        remedy = Entry("base_columns", base_column_line(misfit.live))
    elif misfit.struct and not misfit.near:
        remedy = f"Remove it from the record, or add it to the type of {misfit.struct} in the registry and migrate."
    elif misfit.near:
        remedy = f"Rename the field to {misfit.near} in the writer."
    yield from _finding(seen, misfit, remedy, "the live table has such a column" if misfit.live else "")


@rule("FQ502", group=Group.RECORDS)
def missing_field(seen: Seen, misfit: Missing) -> Iterator[Finding]:
    """A record lacks a value that it must have.

    Problem: A key, a column that is NOT NULL and has no default, a version that readers filter by, or the feature
    vector is absent or NULL; or each feature is, where each has a column.

    Why: BigQuery refuses the row, or no reader or model can read it.

    Example: A record without `day`

    Fix: Fill the field in the writer.
    """
    yield from _finding(seen, misfit, f"Fill the field{'s' if misfit.others else ''} in the writer.")


@rule("FQ503", group=Group.RECORDS)
def mistyped_field(seen: Seen, misfit: Mistyped) -> Iterator[Finding]:
    """A record has a value that the column's type does not accept.

    Problem: BigQuery cannot store the value in the column.

    Why: The row is refused, or the value is changed: a fraction in an INT64, a number in a STRING.

    Example: `days_rest: 1.5` for an INT64

    Fix: Convert the value in the writer.
    """
    cause = "the table has another type than the registry" if misfit.live else ""
    remedy: Remedy = "Convert the value in the writer."
    if misfit.type.startswith(_NESTED) and misfit.value.startswith("text"):
        remedy = (
            f"Send an {'array' if misfit.type.startswith('ARRAY') else 'object'}; in a cell of CSV, write it as JSON."
        )
    if misfit.live:
        remedy = commands("check-drift", first="Compare the types of table and registry:")
    yield from _finding(seen, misfit, remedy, cause)


@rule("FQ504", group=Group.RECORDS)
def array_as_text(seen: Seen, misfit: ArrayAsText) -> Iterator[Finding]:
    """A record has an ARRAY as JSON text.

    Problem: The value is a string that holds an array.

    Why: BigQuery refuses a string in an ARRAY column.

    Example: `"features": "[1.0, 2.0]"`

    Fix: Send the array itself, without `json.dumps`.
    """
    yield from _finding(seen, misfit, "Send the array itself, without json.dumps.")


@rule("FQ505", group=Group.RECORDS)
def wrong_vector_length(seen: Seen, misfit: WrongLength) -> Iterator[Finding]:
    """A record has more or fewer values than the registry has features.

    Problem: The feature vector, or the list of its names, has another length than the registry's features.

    Why: Models read by position; readers that expect the registry's features fail or read others.

    Example: 64 values where 60 features are declared

    Fix: Append the new features to the registry before the writer sends them, or correct the writer.
    """
    remedy: Remedy = "Build the vector from the registry's features, in their order."
    if misfit.length > misfit.expected:
        first = "Append each new feature to the registry before the writer sends it, or shorten the vector:"
        remedy = commands("add-feature NAME --category CATEGORY", first=first)
    yield from _finding(seen, misfit, remedy)


@rule("FQ506", group=Group.RECORDS)
def wrong_vector_names(seen: Seen, misfit: WrongNames) -> Iterator[Finding]:
    """A record names its features in another order, or by other names, than the registry.

    Problem: At some position the record's list has another name than the registry.

    Why: Models read by position, so each value that moved is read as another feature.

    Example: A list sorted by name

    Fix: Build the list from the registry, e.g. from `FEATURES` of `fqtool export python`.
    """
    remedy = commands(
        "export python --out feature_store.py", first="Use FEATURES of the module that this command writes:"
    )
    yield from _finding(seen, misfit, remedy)


@rule("FQ507", group=Group.RECORDS)
def version_not_accepted(seen: Seen, misfit: RejectedVersion) -> Iterator[Finding]:
    """A record has a version label that readers reject.

    Problem: The label is not listed under `accepted_versions`, nor the one of `schema_versions`.

    Why: Readers filter by the label and pass over the row.

    Example: feature_version: v2_39features where readers accept v2_37features

    Fix: Send an accepted label; a new one is added to `accepted_versions` once readers accept it.
    """
    remedy = f"Send {misfit.accepted[-1]}, or add the label to accepted_versions once readers accept it."
    yield from _finding(seen, misfit, remedy)


@rule("FQ508", group=Group.RECORDS)
def label_not_declared(seen: Seen, misfit: UnknownLabel) -> Iterator[Finding]:
    """A record has a source label that the registry does not declare.

    Problem: The label is not under `sources`.

    Why: Scoring counts it as unknown: a low quality and a default value.

    Example: feature_sources {"5": "sale"} where the label is sales

    Fix: Correct the label in the writer, or declare it under `sources` with its weight.
    """
    yield from _finding(seen, misfit, "Correct the label, or declare it under sources with its weight.")


@rule("FQ509", group=Group.RECORDS)
def label_without_feature(seen: Seen, misfit: UnknownPosition) -> Iterator[Finding]:
    """A record has a label for a position that the registry does not have.

    Problem: A key of the labels is not the index of a feature.

    Why: The writer knows more features than the registry, or counts from 1.

    Example: The key "37" where the features are 0-36

    Fix: Append the feature to the registry before the writer sends it, or correct the writer.
    """
    remedy = "Append the feature to the registry first, or correct the key."
    if misfit.expected:
        remedy = f"Write the keys that the registry has, such as {misfit.expected!r} for {misfit.key}."
    yield from _finding(seen, misfit, remedy)


@rule("FQ510", group=Group.RECORDS)
def field_not_in_table(seen: Seen, misfit: NotInTable) -> Iterator[Finding]:
    """A record has a field that the live table lacks.

    Problem: The registry declares the column, and no migration has added it to the table.

    Why: BigQuery refuses the row.

    Example: A column that was declared today

    Fix: Apply the migration before the writer sends the field.
    """
    plan = "migrate plan --include-base" if misfit.is_base else "migrate plan"
    yield from _finding(seen, misfit, commands(plan, "migrate"))


@rule("FQ511", group=Group.RECORDS)
def record_without_names(seen: Seen, misfit: Positional) -> Iterator[Finding]:
    """A record is a list of values without names, so its values go by the position of the columns.

    Problem: The record is an array; each value goes to the column at its position.

    Why: BigQuery appends new columns, so a table has another order than a file; a value goes to another column without
    an error where the types agree.

    Example: ["a", "2026-02-06", ...] instead of {"shop_id": "a", "day": "2026-02-06", ...}

    Fix: Send an object with names, or name the columns of the INSERT.
    """
    yield from _finding(seen, misfit, "Send an object with the names of the columns.")


@rule("FQ512", group=Group.RECORDS)
def unreadable_record(seen: Seen, misfit: Unreadable) -> Iterator[Finding]:
    """A record cannot be read.

    Problem: A line is not a JSON object, has a key twice, is not UTF-8 or longer than 16 MiB, or has other cells than
    the header.

    Why: BigQuery refuses the file; of a key that is given twice, other readers read different values.

    Example: A line that ends in the middle

    Fix: Correct the writer's encoding or its line.
    """
    yield from _finding(seen, misfit, misfit.remedy)


@rule("FQ513", group=Group.RECORDS)
def label_of_another_feature(seen: Seen, misfit: OtherLabel) -> Iterator[Finding]:
    """A record has a source label that the registry declares, but not for this feature.

    Problem: The label is under `sources`, and not in the `labels` of the feature.

    Why: Scoring gives the value the quality of a source that the feature does not have.

    Example: feature_sources {"5": "stock"} where feature 5 has labels: [sales, default]

    Fix: Correct the label in the writer, or add it to the feature's `labels`.
    """
    remedy = f"Send one of its labels, or add {misfit.label} to labels of {misfit.feature} in the registry."
    yield from _finding(seen, misfit, remedy)
