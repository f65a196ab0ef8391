"""Rules about the limits of BigQuery: reserved words, lengths of texts, numbers of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from fqtool.errors import FqtoolError, InputError
from fqtool.expressions.sql_guard import is_fragment
from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.findings.remedy import commands
from fqtool.lint.context import Subject, column_count, once, type_of
from fqtool.migrations.legality import default_not_allowed
from fqtool.registry.alerts_and_models import Each
from fqtool.registry.model import BaseColumn, ColumnSpec, Owner, Registry
from fqtool.schema.build import base_table, desired_table, dropped_columns, with_declared
from fqtool.schema.views import view_query
from fqtool.sql import TEXT_LIMIT
from fqtool.table.changes import SetDefault
from fqtool.table.column import COLUMN_LIMIT, Column
from fqtool.table.model import State, Table
from fqtool.table.table_rules import refused_of
from fqtool.table.tokens import RESERVED
from fqtool.table.typetext import column

_DESCRIPTION_LIMIT = 1024
_LONG_DESCRIPTION = 16_384  # of a table or view: bigquery.md#limits


@rule("FQ108", Severity.WARNING, group=Group.REGISTRY)
def reserved_word(subject: Subject) -> Iterator[Finding]:
    """The name of a column, table or view is a reserved word of GoogleSQL.

    Problem: The name is a reserved word such as `order`, `group` or `rows`.

    Why: Every query must write the name in backticks.

    Example: {name: range, type: STRING}

    Fix: Use another name; `renamed_from` keeps the values of an existing column.
    """
    registry = subject.registry
    named = [(name, at) for name, _, at in subject.named_columns()]
    for view in registry.views:
        named += [(view.name, view.at), *((one.name, one.at) for one in view.columns)]
    for name, at in (*named, (registry.table.name, registry.table.at)):
        if name.upper() in RESERVED:
            message = f"{name} is a reserved word; every query must write it in backticks."
            yield Finding(name, message, remedy="Use another name.", location=at)


@rule("FQ109", group=Group.REGISTRY)
def long_table_description(subject: Subject) -> Iterator[Finding]:
    """The description of the table or of a view is too long.

    Problem: The description has more than 16,384 characters.

    Why: BigQuery rejects the statement.

    Example: A whole page of documentation under table: description

    Fix: Shorten it, and move the details to your documentation.
    """
    registry = subject.registry
    described = [(one.name, one.description, one.at) for one in registry.views]
    for name, text, at in ((registry.table.name, registry.table.description or "", registry.table.at), *described):
        if len(text) > _LONG_DESCRIPTION:
            message = f"The description has {len(text):,} characters; at most {_LONG_DESCRIPTION:,} are allowed."
            yield Finding(name, message, location=at)


@rule("FQ111", group=Group.REGISTRY)
def long_description(subject: Subject) -> Iterator[Finding]:
    """The description of a column is too long.

    Problem: With placeholders filled in, the description has more than 1,024 characters.

    Why: BigQuery rejects the schema.

    Example: A description that contains {description} of a feature and a long text

    Fix: Shorten it, and move the details to your documentation.
    """
    described = [*subject.named_columns()]
    described += [
        (inner, text, one.at) for one in subject.registry.base_columns for inner, text in one.field_descriptions
    ]
    yield from once(
        Finding(
            name,
            f"The description has {len(text):,} characters; at most {_DESCRIPTION_LIMIT:,} are allowed.",
            remedy="Shorten it.",
            location=subject.within(at, "description"),
        )
        for name, text, at in described
        if len(text) > _DESCRIPTION_LIMIT
    )


@rule("FQ112", group=Group.REGISTRY)
def too_many_columns(subject: Subject) -> Iterator[Finding]:
    """The table would have more than 10,000 columns.

    Problem: Base columns, managed columns and fields of STRUCTs together exceed BigQuery's limit.

    Why: BigQuery would reject the migration half-way.

    Example: Two columns for each of 5,000 features, and 50 base columns

    Fix: Store values per feature in one JSON or ARRAY column, with FEATURE_MAP or FEATURE_LIST.
    """
    count = column_count(subject)
    if count > COLUMN_LIMIT:
        table = subject.registry.table
        message = f"The table would have {count:,} columns, including fields; at most {COLUMN_LIMIT:,} are allowed."
        yield Finding(table.name, message, location=table.at)


@rule("FQ122", Severity.WARNING, dated=True, group=Group.REGISTRY)
def overdue_column(subject: Subject) -> Iterator[Finding]:
    """A deprecated column is past its removal date.

    Problem: The date `remove_after` is in the past, and the column still exists.

    Why: While the column exists, new readers can start to use it.

    Example: {since: "2026-02-06", remove_after: "2026-05-06"} in June

    Fix: Write `dropped: true` and plan the migration, set a later date, or suppress the finding with a reason.
    """
    for number, one in enumerate(subject.registry.columns):
        dates = one.deprecated
        if dates and not dates.dropped and subject.today and subject.today > dates.remove_after:
            yield Finding(
                one.name,
                f"{one.name} is deprecated and was to be removed after {dates.remove_after}.",
                remedy=commands("migrate plan", first="Write `dropped: true`, then run:"),
                location=subject.place("columns", number, "deprecated", "remove_after") or one.at,
            )


@rule("FQ123", Severity.WARNING, group=Group.REGISTRY)
def no_room_after_drop(subject: Subject) -> Iterator[Finding]:
    """Dropped columns still count towards BigQuery's limit of columns.

    Problem: Together with the columns that have `dropped: true`, the table has more than 10,000 columns.

    Why: BigQuery counts a dropped column for some days, so it rejects the new columns on the day of the migration.

    Example: 6,000 columns dropped and 6,000 new ones in one migration

    Fix: Drop first, and add the new columns after the table's time-travel window (2 to 7 days).
    """
    count, dropped = column_count(subject), len(dropped_columns(subject.registry))
    if count <= COLUMN_LIMIT < count + dropped:
        table = subject.registry.table
        message = f"{count:,} columns and {dropped:,} dropped columns together exceed the limit of {COLUMN_LIMIT:,}."
        yield Finding(table.name, message, remedy="Add the new columns 7 days after the drop.", location=table.at)


@rule("FQ163", group=Group.REGISTRY)
def refused_default(subject: Subject) -> Iterator[Finding]:
    """BigQuery does not allow the default of a column.

    Problem: `default` calls a function other than those that BigQuery allows in defaults, such as CURRENT_TIMESTAMP and
    GENERATE_UUID, reads a column, or does not have the type of the column.

    Why: BigQuery rejects the statement, after the statements before it have run.

    Example: {name: made_at, type: TIMESTAMP, default: NOW()}

    Fix: Write a literal or one of the listed functions; compute anything else in the job that writes the row.
    """
    entries: list[BaseColumn | ColumnSpec] = [*subject.registry.base_columns, *subject.registry.columns]
    for one in entries:
        if one.default is None or not is_fragment(one.default):
            continue  # another rule reports that it is not an expression
        known = type_of(one.type)
        table = Table("", (Column(one.name, *known),)) if known else None
        for found in default_not_allowed(State(table), SetDefault(one.name, one.default)):
            at = subject.within(one.at, "default")
            yield Finding(one.name, found.message, remedy=found.remedy, location=at)


@rule("FQ174", group=Group.REGISTRY)
def refused_table(subject: Subject) -> Iterator[Finding]:
    """BigQuery does not allow a property of the table or of a column.

    Problem: A property has a value that BigQuery does not have, or that the type of its column does not have. Or the
    table has more than 10,000 partitions by number, is clustered by a column with a collation, or has a primary key of
    a type that cannot be in one.

    Why: BigQuery rejects the statement, after the statements before it have run.

    Example: properties: {max_staleness: 4 hours}

    Fix: Write a value that the message names, or remove the property.
    """
    registry = subject.registry
    try:
        with_properties = [
            with_declared(column(one.name, one.type), one.properties) for one in registry.columns if one.properties
        ]
        base = base_table(registry)
    except InputError:
        return  # another rule reports a type or a partitioning that cannot be read
    entries: list[BaseColumn | ColumnSpec] = [*registry.columns, *registry.base_columns]
    places = {one.name.lower(): one.at for one in entries}
    for name, why in refused_of(base.with_columns((*base.columns, *with_properties))):
        at = places.get(name.partition(".")[0].lower())
        place = subject.within(at, "properties") if at else _place_of_table(subject, name)
        yield Finding(name, f"{why[:1].upper()}{why[1:]}.", remedy="Change it, or remove it.", location=place)


def _place_of_table(subject: Subject, name: str) -> Location:
    table = subject.registry.table.at
    own = subject.within(table, name)
    return own if own != table else subject.within(table, "properties", name)


@rule("FQ149", Severity.WARNING, group=Group.REGISTRY)
def query_too_long(subject: Subject) -> Iterator[Finding]:
    """A generated statement is too long for BigQuery.

    Problem: The statement that scores a partition, or that creates a view, has more than 1,024,000 characters.

    Why: BigQuery rejects the statement, so no row is scored.

    Example: A view with eight long columns for each of 5,000 features

    Fix: Split the features over two stores, or the view into two.
    """
    registry = subject.registry
    for number, view in enumerate(registry.views):
        if _view_length(subject, number) <= TEXT_LIMIT:
            continue
        if (length := len(view_query(registry, view, desired_table(registry)))) > TEXT_LIMIT:
            yield Finding(
                view.name, f"The view has {length:,} characters; at most {TEXT_LIMIT:,} are allowed.", location=view.at
            )
    length = _scoring_length(subject)
    if length > TEXT_LIMIT:
        message = f"The scoring statement has about {length:,} characters; at most {TEXT_LIMIT:,} are allowed."
        remedy = "Split the features over two stores."
        yield Finding(registry.table.name, message, remedy=remedy, location=registry.table.at)


def _view_length(subject: Subject, number: int) -> int:
    """An upper bound of the length of a view's text, in characters, without generating it."""
    view, registry = subject.registry.views[number], subject.registry
    names = max((len(one.name) + len(one.category) for one in registry.active_features), default=0)
    fixed = sum(map(len, subject.types)) if "*" in view.include else sum(map(len, view.include))
    per_feature = view.rows_per is not None or any(one.for_each is Each.FEATURE for one in view.columns)
    # A placeholder is filled in at most once per brace.
    once = sum(len(one.expr) + len(one.name) + 9 + names * one.expr.count("{") for one in view.columns)
    return fixed + 200 + once * (len(registry.active_features) if per_feature else 1)


def _scoring_length(subject: Subject) -> int:
    """The length in characters of the MERGE that scores a partition; 0 if it is far below the limit.

    Generating the text of thousands of features takes seconds. Far above the limit, the length is estimated from some.
    """
    registry = subject.registry
    features = registry.active_features
    if _roughly(registry) <= TEXT_LIMIT:
        return 0
    some = features[:: len(features) // _SAMPLE or 1][:_SAMPLE]
    ends = [_merge_length(replace(registry, features=chosen)) for chosen in (some[:1], some)]
    estimate = ends[0] + (ends[1] - ends[0]) * (len(features) - 1) // max(len(some) - 1, 1)
    near = _NEAR[0] * TEXT_LIMIT < estimate < _NEAR[1] * TEXT_LIMIT
    return _merge_length(registry) if near else estimate


_SAMPLE = 24
_NEAR = (0.7, 1.4)


def _roughly(registry: Registry) -> int:
    """An upper bound of the length of the MERGE, from the lengths of what is repeated for each feature."""
    count, inputs = len(registry.active_features), registry.inputs
    each = (
        600
        + 2 * len(inputs.source or inputs.value)
        + len(inputs.value)
        + 3 * sum(len(one.label) + 40 for one in registry.sources)
    )
    once = 0
    texts = [(one.expr, one.for_each) for one in registry.columns if one.expr and one.owner is not Owner.UPSTREAM]
    texts += [(alert.when, None) for alert in registry.alerts]
    texts += [(text, None) for level in registry.alert_levels for text in level.when]
    for text, repeated in texts:
        over = "FEATURE" in text.upper()
        length = (len(text) + 120) * (
            count if repeated is Each.FEATURE else len(registry.categories) if repeated else 1
        )
        each, once = each + length * over, once + length * (not over)
    return once + each * count


def _merge_length(registry: Registry) -> int:
    """The exact length; 0 for a registry that cannot be scored, which other rules report."""
    from fqtool.scoring.merge import Span
    from fqtool.scoring.scoring import Scoring

    class Unlimited(Scoring):
        """A scoring without a limit on the length of its text."""

        def fitting(self, text: str) -> str:
            return text

    merge = Span(Unlimited(registry), date(2000, 1, 1), date(2000, 1, 2)).merge
    try:
        return len(merge(datetime(2000, 1, 1, tzinfo=UTC)).sql)
    except FqtoolError:
        return 0
