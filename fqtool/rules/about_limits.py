"""Rules on what BigQuery takes: words, lengths of texts, columns that are gone and still count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from fqtool.errors import FqtoolError
from fqtool.finding import Finding, Severity, rule
from fqtool.quality.build import dropped_columns
from fqtool.quality.compose import TEXT_LIMIT
from fqtool.quality.fragment import is_fragment
from fqtool.quality.views import view_query
from fqtool.registry.judgement import Each
from fqtool.registry.model import BaseColumn, ColumnSpec, Owner, Registry
from fqtool.rules.about_changes import default_not_allowed
from fqtool.rules.subject import COLUMN_LIMIT, Subject, column_count, once
from fqtool.table.changes import SetDefault
from fqtool.table.model import State
from fqtool.table.tokens import RESERVED

_DESCRIPTION_LIMIT = 1024
_LONG_DESCRIPTION = 16_384  # of a table or view: BIGQUERY 37


@rule("FQ108", Severity.WARNING)
def reserved_word(subject: Subject) -> Iterator[Finding]:
    """A column, table or view is called by a reserved word of GoogleSQL.

    Problem: the name is a word such as `order`, `group` or `rows`.

    Why: it works in backticks only, and whoever queries the table has to know.

    Example: {name: range, type: STRING}

    Fix: choose another name; renamed_from keeps the values of a column that exists.
    """
    registry = subject.registry
    named = [(name, at) for name, _, at in subject.named_columns()]
    for view in registry.views:
        named += [(view.name, view.at), *((one.name, one.at) for one in view.columns)]
    for name, at in (*named, (registry.table.name, registry.table.at)):
        if name.upper() in RESERVED:
            message = f"{name} is a reserved word; every query must write it in backticks."
            yield Finding(name, message, remedy="Choose another name.", location=at)


@rule("FQ109")
def long_table_description(subject: Subject) -> Iterator[Finding]:
    """The description of the table or of a view is longer than BigQuery keeps.

    Problem: it has more than 16,384 characters.

    Why: BigQuery refuses the statement.

    Example: a whole page of documentation under table: description

    Fix: shorten it, and move the story to your documentation.
    """
    registry = subject.registry
    told = [(one.name, one.description, one.at) for one in registry.views]
    for name, text, at in ((registry.table.name, registry.table.description or "", registry.table.at), *told):
        if len(text) > _LONG_DESCRIPTION:
            message = f"The description has {len(text):,} characters; {_LONG_DESCRIPTION:,} are allowed."
            yield Finding(name, message, location=at)


@rule("FQ111")
def long_description(subject: Subject) -> Iterator[Finding]:
    """A description is longer than BigQuery keeps.

    Problem: after placeholders are filled in, the description has more than 1,024 characters.

    Why: BigQuery refuses the schema.

    Example: a description that repeats {description} of a feature with a long text of its own

    Fix: shorten it, and move the story to your documentation.
    """
    told = [*subject.named_columns()]
    told += [(inner, text, one.at) for one in subject.registry.base_columns for inner, text in one.field_descriptions]
    yield from once(
        Finding(
            name,
            f"The description has {len(text):,} characters; {_DESCRIPTION_LIMIT:,} are allowed.",
            remedy="Shorten it.",
            location=subject.within(at, "description"),
        )
        for name, text, at in told
        if len(text) > _DESCRIPTION_LIMIT
    )


@rule("FQ112")
def too_many_columns(subject: Subject) -> Iterator[Finding]:
    """The table would have more than 10,000 columns.

    Problem: base and managed columns, with the fields of STRUCTs, exceed BigQuery's limit.

    Why: the migration would be refused half-way.

    Example: two columns for each of 5,000 features, and 50 base columns

    Fix: keep what is per feature in one JSON or ARRAY column, with FEATURE_MAP or FEATURE_LIST.
    """
    count = column_count(subject)
    if count > COLUMN_LIMIT:
        table = subject.registry.table
        message = f"The table would have {count:,} columns with fields; {COLUMN_LIMIT:,} are allowed."
        yield Finding(table.name, message, location=table.at)


@rule("FQ122", Severity.WARNING, dated=True)
def overdue_column(subject: Subject) -> Iterator[Finding]:
    """A deprecated column is past the day on which it may go.

    Problem: `remove_after` has come, and the column is still there.

    Why: readers were told that it goes; as long as it stays, new ones come.

    Example: {since: "2026-02-06", remove_after: "2026-05-06"} in June

    Fix: write `dropped: true` and plan the migration; or set a later day, or silence it here with the reason.
    """
    for number, one in enumerate(subject.registry.columns):
        told = one.deprecated
        if told and not told.dropped and subject.today and subject.today > told.remove_after:
            yield Finding(
                one.name,
                f"{one.name} was to go after {told.remove_after}.",
                remedy="Write dropped: true, then: fqtool migrate plan",
                location=subject.place("columns", number, "deprecated", "remove_after") or one.at,
            )


@rule("FQ123", Severity.WARNING)
def no_room_after_drop(subject: Subject) -> Iterator[Finding]:
    """The table fits only once BigQuery has forgotten the columns that are dropped.

    Problem: with the columns that say `dropped: true`, there are more than 10,000.

    Why: a dropped column keeps counting for some days, so that the new ones are refused on the day of the migration.

    Example: 6,000 columns dropped and 6,000 new ones in one migration

    Fix: drop first, and add the new columns when the table's time-travel window (2 to 7 days) is over.
    """
    count, dropped = column_count(subject), len(dropped_columns(subject.registry))
    if count <= COLUMN_LIMIT < count + dropped:
        table = subject.registry.table
        message = f"{count:,} columns and {dropped:,} that are being dropped exceed {COLUMN_LIMIT:,} together."
        yield Finding(table.name, message, remedy="Add the new ones some days after the drop.", location=table.at)


@rule("FQ163")
def refused_default(subject: Subject) -> Iterator[Finding]:
    """A default is none that BigQuery takes.

    Problem: `default` calls a function that is none of those which may stand there, such as CURRENT_TIMESTAMP and
    GENERATE_UUID.

    Why: BigQuery refuses the statement, after those before it have run.

    Example: {name: made_at, type: TIMESTAMP, default: NOW()}

    Fix: write a literal or one of the functions listed; compute anything else where the row is written.
    """
    entries: list[BaseColumn | ColumnSpec] = [*subject.registry.base_columns, *subject.registry.columns]
    for one in entries:
        if one.default is None or not is_fragment(one.default):
            continue  # that it cannot be read is said already
        for found in default_not_allowed(State(), SetDefault(one.name, one.default)):
            at = subject.within(one.at, "default")
            yield Finding(one.name, found.message, remedy=found.remedy, location=at)


@rule("FQ149", Severity.WARNING)
def query_too_long(subject: Subject) -> Iterator[Finding]:
    """A statement that fqtool makes is longer than BigQuery takes.

    Problem: the scoring of a partition, or a view, has more than 1,024,000 characters.

    Why: BigQuery refuses it, for every row.

    Example: a view with eight long columns for each of 5,000 features

    Fix: split the features over two stores, or the view into two.
    """
    registry = subject.registry
    for number, view in enumerate(registry.views):
        if _view_length(subject, number) > TEXT_LIMIT and (length := len(view_query(registry, view))) > TEXT_LIMIT:
            yield Finding(
                view.name, f"The view has {length:,} characters; {TEXT_LIMIT:,} are allowed.", location=view.at
            )
    length = _scoring_length(subject)
    if length > TEXT_LIMIT:
        message = f"Scoring a partition takes some {length:,} characters of SQL; {TEXT_LIMIT:,} are allowed."
        remedy = "Split the features over two stores."
        yield Finding(registry.table.name, message, remedy=remedy, location=registry.table.at)


def _view_length(subject: Subject, number: int) -> int:
    """No less than the length of a view's text, without making it."""
    view, registry = subject.registry.views[number], subject.registry
    names = max((len(one.name) + len(one.category) for one in registry.active_features), default=0)
    fixed = sum(map(len, subject.types)) if "*" in view.include else sum(map(len, view.include))
    per_feature = view.rows_per is not None or any(one.for_each is Each.FEATURE for one in view.columns)
    # A placeholder is filled in at most once per brace.
    once = sum(len(one.expr) + len(one.name) + 9 + names * one.expr.count("{") for one in view.columns)
    return fixed + 200 + once * (len(registry.active_features) if per_feature else 1)


def _scoring_length(subject: Subject) -> int:
    """The length of the MERGE that scores a partition, 0 where it is far from the limit.

    Making the text of thousands of features takes seconds; far beyond the limit it is reckoned from some of them.
    """
    registry = subject.registry
    features = registry.active_features
    if _roughly(registry) <= TEXT_LIMIT:
        return 0
    some = features[:: len(features) // _SAMPLE or 1][:_SAMPLE]
    ends = [_merge_length(replace(registry, features=chosen)) for chosen in (some[:1], some)]
    reckoned = ends[0] + (ends[1] - ends[0]) * (len(features) - 1) // max(len(some) - 1, 1)
    near = _NEAR[0] * TEXT_LIMIT < reckoned < _NEAR[1] * TEXT_LIMIT
    return _merge_length(registry) if near else reckoned


_SAMPLE = 24
_NEAR = (0.7, 1.4)


def _roughly(registry: Registry) -> int:
    """More than the scoring takes, by the lengths of what is repeated for each feature."""
    count, inputs = len(registry.active_features), registry.inputs
    each = 600 + len(inputs.source) + len(inputs.value) + 3 * sum(len(one.label) + 40 for one in registry.sources)
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
    """The exact length; 0 for a registry that cannot be scored, of which other rules speak."""
    from fqtool.quality.merge import Partition
    from fqtool.quality.scoring import Scoring

    class Unlimited(Scoring):
        """A scoring whose text may be of any length."""

        def fitting(self, text: str) -> str:
            return text

    merge = Partition(Unlimited(registry), date(2000, 1, 1)).merge
    try:
        return len(merge(datetime(2000, 1, 1, tzinfo=UTC)).sql)
    except FqtoolError:
        return 0
