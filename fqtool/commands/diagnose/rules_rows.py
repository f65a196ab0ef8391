"""Rules of a diagnosis about whole rows: vectors, row counts, keys and groups."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.cli.counts import counted
from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.wording import (
    REBUILD,
    are,
    finding_of,
    look_at,
    names,
    numbered,
    of_rows,
    rows_of,
    scored_after,
    since,
    until,
)
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import commands
from fqtool.lint.inputs import label_entries, listed_labels


@rule("FQ609", group=Group.DIAGNOSIS)
def misshapen_vector(cause: Cause) -> Iterator[Finding]:
    """The feature vector has more or fewer values than the registry has features.

    Problem: Models read by position. Each position after a missing value holds the wrong feature.

    Why: A writer built the rows from another version of the features.

    Example: A vector has 35 values; the registry has 37 features.

    Fix: Rebuild the rows with the features of the registry, then score the date.
    """
    if cause.kind is Kind.MISSHAPEN:
        message = f"The feature vector has the wrong length in {rows_of(cause)} on {cause.day}{since(cause)}."
        yield finding_of(cause, message, first=REBUILD)


@rule("FQ610", group=Group.DIAGNOSIS)
def misordered_vector(cause: Cause) -> Iterator[Finding]:
    """The feature names in the rows have another order than the features of the registry.

    Problem: Models read by position, so each position holds the wrong feature.

    Why: A writer built the rows from another version of the features.

    Example: `feature_names` begins with `points_avg_last_10`; the registry begins with `points_avg_last_5`.

    Fix: Rebuild the rows with the features of the registry, then score the date.
    """
    if cause.kind is Kind.MISORDERED:
        message = f"The feature vector has the wrong order in {rows_of(cause)} on {cause.day}{since(cause)}."
        yield finding_of(cause, message, first=REBUILD)


@rule("FQ624", group=Group.DIAGNOSIS)
def labels_missing(cause: Cause) -> Iterator[Finding]:
    """No row of a date has labels, so none can be scored.

    Problem: The quality of the features is unknown, and `fqtool score` does not change it.

    Why: The writer does not fill the column of the labels, or `sources_known` names another column.

    Example: `feature_sources` is NULL in all 201 rows.

    Fix: Fill the labels of these rows, or correct `inputs` of the registry. Then score the date.
    """
    if cause.kind is Kind.NO_LABELS:
        message = f"No row has labels on {cause.day}{since(cause)}, so none of {cause.rows:,} rows can be scored."
        first = f"Fill {cause.detail or 'the labels'} in these rows, or correct `sources_known` of the registry."
        yield Finding("labels", message, cause.reason, scored_after(cause, first))


@rule("FQ643", Severity.WARNING, group=Group.DIAGNOSIS)
def date_not_scored(cause: Cause) -> Iterator[Finding]:
    """Rows of a date have labels, and are not scored.

    Problem: The quality of these rows is unknown. Figures of the date are unknown too, or leave them out.

    Why: Scoring did not run, or the rows were written after it. A date without labels is reported by FQ624 instead.

    Example: `feature_quality_score` is NULL in all 201 rows.

    Fix: Score the date, and the dates before it that are not scored.
    """
    if cause.kind is Kind.NOT_SCORED:
        scored = cause.rows - cause.hit
        figures = "the figures of the date leave out the others" if scored else "the figures of the date are unknown"
        message = f"{scored:,} of {cause.rows:,} rows on {cause.day} are scored{since(cause)}, so {figures}."
        yield Finding("scoring", message, remedy=commands(f"score --start {cause.since}{until(cause)}"))


@rule("FQ625", group=Group.DIAGNOSIS)
def labels_not_declared(cause: Cause) -> Iterator[Finding]:
    """Rows have labels that `sources` does not declare.

    Problem: The labels count as default values, so that features with values look absent and get a low quality.

    Why: `inputs` names the column of the labels, and `sources` lists other labels; or a writer has new labels.

    Example: 50 of 50 rows have the label payroll, and `sources` declares computed and default.

    Fix: Declare each label under `sources` with its weight, or correct the writer. Then score the date.
    """
    if cause.kind is Kind.UNDECLARED:
        labels = cause.detail.split("\n")
        message = (
            f"{rows_of(cause).capitalize()} on {cause.day} have labels that `sources` does not declare{since(cause)}: "
            f"{listed_labels(labels)} ({numbered(cause)}). They count as default values."
        )
        yield Finding("sources", message, cause.reason, scored_after(cause, label_entries(labels)))


@rule("FQ615", Severity.WARNING, group=Group.DIAGNOSIS)
def unusual_row_count(cause: Cause) -> Iterator[Finding]:
    """A date has fewer or more rows than usual, also for its weekday.

    Problem: Keys have no features, or have them twice.

    Why: An input was incomplete, a filter changed, or a job wrote twice.

    Example: 30 rows, usually 60. No rows for `shop` shop_01, shop_02, shop_03 and 27 more.

    Fix: Compare the keys with those of the date before, rebuild the rows of the store, then score the date. Where the
    absent keys are one group, declare its column under `entities` of the table: FQ618 then names the group.
    """
    if cause.kind is Kind.ROW_COUNT:
        message = f"The store has {counted(cause.rows, 'row')} on {cause.day}{since(cause)}; {cause.evidence[0]}."
        yield of_rows(f"{message} {cause.detail}." if cause.detail else message, cause)


@rule("FQ616", group=Group.DIAGNOSIS)
def repeated_keys_on_date(cause: Cause) -> Iterator[Finding]:
    """Several rows of a date have the same keys.

    Problem: A reader gets one of these rows at random, and scoring cannot distinguish them.

    Why: A job wrote the date twice, or a join multiplied its rows.

    Example: 60 of 120 rows have the keys of another row.

    Fix: Delete the surplus rows, then score the date.
    """
    if cause.kind is Kind.REPEATED_KEYS:
        verb = "has" if cause.hit == 1 else "have"
        message = f"{cause.hit:,} of {cause.rows:,} rows on {cause.day} {verb} the keys of another row{since(cause)}."
        yield of_rows(message, cause, "Delete the surplus rows.")


@rule("FQ617", Severity.WARNING, group=Group.DIAGNOSIS)
def date_has_no_rows(cause: Cause) -> Iterator[Finding]:
    """A date has no rows, although most dates before it have rows.

    Problem: Models cannot predict for the date.

    Why: The job that writes the store did not run, or failed.

    Example: 0 rows on 2026-01-20, usually 60.

    Fix: Build the rows of the store for the date, then score the date. A weekday that never has rows is not reported.
    """
    if cause.kind is Kind.NO_ROWS:
        message = f"The store has 0 rows on {cause.day}{since(cause)}; {cause.evidence[0]}."
        yield of_rows(message, cause, "Build the rows of the store.")


@rule("FQ618", group=Group.DIAGNOSIS)
def group_has_no_rows(cause: Cause) -> Iterator[Finding]:
    """A group of rows, such as a team, has no rows on a date, although it has rows on nearly all dates before.

    Problem: Models cannot predict for any key of the group.

    Why: One part of the input is missing, such as the file of one airport, or a filter excludes it.

    Example: `origin` LGA has no rows on 2026-02-06, and has rows on 14 of 14 earlier dates.

    Fix: Find the input of the group, build its rows, then score the date. Groups are the keys besides the date, where
    there are several, and the columns under `entities` of the table. A group that usually has fewer than 5 rows a date
    may lack them by chance and is not compared, nor is a column with more than 100 groups.
    """
    if cause.kind is Kind.GROUP_GONE:
        message = f"{cause.detail}: no rows on {cause.day}{since(cause)}; {cause.evidence[0]}."
        yield of_rows(message, cause, "Find the input of these rows and build them.")


@rule("FQ619", Severity.WARNING, group=Group.DIAGNOSIS)
def new_group(cause: Cause) -> Iterator[Finding]:
    """A date has a group of rows, such as a team, that no date before has; otherwise the groups never change.

    Problem: The models were not trained on the group, or its name changed and its history is lost.

    Why: A new team, a renamed or misspelt one, or rows of another source.

    Example: `origin` LGX has rows on 2026-02-06, and has no rows on 14 earlier dates.

    Fix: Where the group is new, nothing. Otherwise repair its name, rebuild the rows, then score the date.
    """
    if cause.kind is Kind.GROUP_NEW:
        message = f"{cause.detail}: new rows on {cause.day}{since(cause)}; {'; '.join(cause.evidence)}."
        yield of_rows(message, cause, "Compare the name with those of the dates before; if it is wrong, repair it.")


@rule("FQ623", Severity.WARNING, group=Group.DIAGNOSIS)
def gate_fell(cause: Cause) -> Iterator[Finding]:
    """Fewer rows than usual pass a gate, and no other finding of the date explains it.

    Problem: Readers that filter by the gate lose these rows.

    Why: Several features are defaulted in a few more rows each; or another job writes the gate and has changed. The
    finding names the features that are defaulted in more rows than usual.

    Example: `is_quality_ready` is TRUE in 60% of the rows, usually in 95%; `pace_score` is defaulted in 7%, usually 1%.

    Fix: Find why the input of these features was absent. Without such features, look at the job that writes the gate.
    """
    if cause.kind is Kind.GATE:
        plural = "," in cause.detail
        message = (
            f"{cause.detail} {'are' if plural else 'is'} not TRUE in {rows_of(cause)} on {cause.day}{since(cause)}."
        )
        if cause.features:
            message = f"{message[:-1]}: {names(cause)} {are(cause)} {cause.absent} in more rows than usual."
        first = look_at(cause, "Find why values are absent") if cause.features else "Look at the job that writes it."
        yield Finding(cause.detail, message, cause.reason, scored_after(cause, first))
