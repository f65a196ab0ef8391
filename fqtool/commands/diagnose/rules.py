"""Rules of a diagnosis about processors and features: one for each kind of root cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.known_events import with_event
from fqtool.commands.diagnose.wording import (
    REBUILD,
    are,
    did_not_run,
    finding_of,
    have,
    look_at,
    names,
    of_features,
    of_processor,
    rows_of,
    since,
)
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Severity, rule


def findings_of(cause: Cause) -> tuple[Finding, ...]:
    """Return the findings of a root cause: one, by the rule for its kind."""
    found = [finding for one in rules_of(Group.DIAGNOSIS) for finding in one.check(cause)]
    if cause.kind is Kind.PARTIAL and cause.hit == cause.rows:
        found = [replace(finding, severity=Severity.ERROR) for finding in found]
    return tuple(with_event(replace(finding, owner=cause.owner, since=cause.since), cause) for finding in found)


@rule("FQ601", group=Group.DIAGNOSIS)
def processor_missing(cause: Cause) -> Iterator[Finding]:
    """A processor did not run for a date, or may not have run: all of its features are defaulted.

    Problem: Models predict from default values, although they were trained on real values.

    Why: The job failed, was skipped, or ran for another date.

    Example: Features 5-8 are defaulted in 201 of 201 rows, usually in 2%.

    Fix: Run the processor for the date, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.MISSING:
        yield of_processor(cause, did_not_run(cause), f"{are(cause)} {cause.absent}")


@rule("FQ602", group=Group.DIAGNOSIS)
def masked_defaults(cause: Cause) -> Iterator[Finding]:
    """A processor did not run for a date, or may not have run, but its features have values, old or constant ones.

    Problem: Quality and source look healthy, so alerts and gates miss the problem.

    Why: A writer filled in older values or constants and labelled them as values of the date.

    Example: Two features are 0.0 in all rows, two repeat the date before, and no row has a run of the processor.
    Without a record of its runs, the processor may have run.

    Fix: Run the processor for the date, rebuild the rows of the store, then score the date. Correct the writer of the
    labels.
    """
    if cause.kind is Kind.MASKED:
        did = did_not_run(cause) + (", but the labels report real values" if cause.has_labels else "")
        yield of_processor(cause, did, f"{have(cause)} old or constant values")


@rule("FQ603", Severity.WARNING, group=Group.DIAGNOSIS)
def stale_input(cause: Cause) -> Iterator[Finding]:
    """The features of a processor hold the values of an earlier date.

    Problem: Models read old values under the labels of the date.

    Why: The output of the processor is days old, or a job copied it. Values are compared with the previous row of the
    same key. A copy of the rows of a week ago is found only by an old run timestamp.

    Example: The last run is three days before the date, usually one day; all rows repeat the values of the date before.

    Fix: Run the processor for the date, rebuild the rows of the store, then score the date.
    """
    what = f"{have(cause)} values of an earlier date"
    if cause.kind is Kind.STALE:
        yield of_processor(cause, f"supplied old output for {cause.day}", what)
    elif cause.kind is Kind.REPEATED:
        yield of_features(cause, what, "Look for the join or the copy that keeps old values")


@rule("FQ604", Severity.WARNING, group=Group.DIAGNOSIS)
def partly_defaulted(cause: Cause) -> Iterator[Finding]:
    """More rows than usual have default values; an error where all rows have them.

    Problem: The mean of the date hides how bad these rows are.

    Why: The input of the processor was incomplete: too few rows, a failed batch, or keys that do not match.

    Example: Features 5-8 are defaulted in 20% of the rows, usually in 2%.

    Fix: Run the processor for the missing keys, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.PARTIAL:
        what, look = f"{are(cause)} {cause.absent}", "Find why the value is absent"
        if cause.processor and not (cause.at_least and cause.hit == cause.rows):
            yield of_processor(cause, f"had incomplete input for {cause.day}", what)
        elif cause.at_least:
            usual = "Where the value is usually absent, declare `null_share` under `spread` of the feature."
            yield of_features(cause, what, look, usual)
        else:
            yield of_features(cause, what, look)


@rule("FQ605", Severity.WARNING, group=Group.DIAGNOSIS)
def declining_input(cause: Cause) -> Iterator[Finding]:
    """The default rate rises from date to date.

    Problem: No single date looks alarming, and in the end most rows are defaulted.

    Why: An input loses coverage, for example after keys were renamed.

    Example: 5% of the rows are defaulted ten dates ago, 50% today, more on each date than on the one before.

    Fix: Find what the input lacks since the first date. Run the processor from that date on, then score the dates.
    """
    if cause.kind is Kind.DECLINING:
        did = f"had worse input from date to date until {cause.day}"
        yield of_processor(cause, did, f"{are(cause)} {cause.absent}")


@rule("FQ606", Severity.WARNING, group=Group.DIAGNOSIS)
def late_processor(cause: Cause) -> Iterator[Finding]:
    """A processor ran after the rows were written.

    Problem: The rows record a run whose output they do not contain.

    Why: The schedule of the processor slipped, or the store did not wait for it.

    Example: The rows were written at 12:00 UTC, the last run of the processor was at 17:00 UTC.

    Fix: Rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.LATE and cause.processor:
        message = f"{cause.processor.name} ran after {rows_of(cause)} on {cause.day} were written{since(cause)}."
        yield finding_of(cause, message, first=REBUILD)


@rule("FQ607", group=Group.DIAGNOSIS)
def constant_feature(cause: Cause) -> Iterator[Finding]:
    """A feature has one value in all rows, under the label of a real value.

    Problem: The feature carries no information for the model, and no quality column shows it.

    Why: An upstream job has a bug, or no longer fills the column.

    Example: `humidity_pct` is 0.0 in all rows, with the source `computed`.

    Fix: Repair the upstream column, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.CONSTANT:
        yield of_features(cause, f"{have(cause)} one value", "Find why all rows have one value")


@rule("FQ608", Severity.WARNING, group=Group.DIAGNOSIS)
def shifted_feature(cause: Cause) -> Iterator[Finding]:
    """The values of a feature differ from the usual ones: their mean, scatter, precision, or relation to a feature.

    Problem: The model reads values that it was not trained on.

    Why: The unit or the definition changed, two columns are swapped, or a join is wrong.

    Example: The mean differs by six times the usual change between dates; whole numbers have become fractions.

    Fix: Compare the upstream column with the dates before and repair it. Rebuild the rows of the store, then score the
    date.
    """
    look = "Find what changed"
    if cause.kind is Kind.SHIFTED:
        yield of_features(cause, f"{have(cause)} unusual values", look)
    elif cause.kind is Kind.SWAPPED:
        yield of_features(cause, "seem to have the values of each other", "Compare the order of the columns")


@rule("FQ611", Severity.WARNING, group=Group.DIAGNOSIS)
def silent_defaults(cause: Cause) -> Iterator[Finding]:
    """A feature has its default value in more rows than usual, under the label of a real value.

    Problem: The input of the feature was absent, but the quality columns report a real value.

    Why: The job that computes the feature falls back to a neutral value and does not change the label.

    Example: `recent_trend` is 0.0 in 90% of the rows, usually in 45%; its label is always `calculated`.

    Fix: Find why the input was absent, rebuild the rows of the store, then score the date. Write another label for
    default values.
    """
    if cause.kind is Kind.NEUTRAL:
        what = f"{have(cause)} the default value" + (" under a label of real values" if cause.has_labels else "")
        first = look_at(cause, "Find why the input was absent")
        yield of_processor(cause, f"wrote default values for {cause.day}", what, first=first)


@rule("FQ612", Severity.WARNING, group=Group.DIAGNOSIS)
def values_outside_range(cause: Cause) -> Iterator[Finding]:
    """More values than usual are outside the range of a feature.

    Problem: The model reads values that the registry declares impossible.

    Why: The unit or the definition changed, or a join is wrong.

    Example: `pct_paint` is 45; its range is 0 to 1.

    Fix: Compare the upstream column with the dates before and repair it. Rebuild the rows of the store, then score the
    date.
    """
    if cause.kind is Kind.OUTSIDE:
        yield of_features(
            cause, f"{are(cause)} outside the range of the registry", "Compare the unit and the definition"
        )


@rule("FQ613", group=Group.DIAGNOSIS)
def values_missing(cause: Cause) -> Iterator[Finding]:
    """A feature is NULL in more rows than usual, under a label of real values.

    Problem: The model reads NULL, although it was trained on values, and the quality columns do not show it.

    Why: A join found no row, a column is no longer filled, or its name changed upstream. In a
    store without labels: the rows became NULL after they were scored.

    Example: `last_price` is NULL in 60 of 60 rows, usually in 0%.

    Fix: Find why the value is absent, rebuild the rows of the store, then score the date. Where NULL is usual, declare
    `null_share` under `spread`.
    """
    if cause.kind is Kind.NO_VALUE:
        look = "Find what changed the rows after scoring, or why" if cause.detail else "Find why"
        yield of_features(cause, f"{are(cause)} NULL", f"{look} the value is absent")


@rule("FQ614", group=Group.DIAGNOSIS)
def values_not_finite(cause: Cause) -> Iterator[Finding]:
    """A feature is NaN or infinite in more rows than usual.

    Problem: One NaN turns the mean and most predictions into NaN.

    Why: A division by zero, a logarithm of zero, or a failed conversion.

    Example: `price_ratio` is NaN in 60 of 60 rows, usually in 0%.

    Fix: Repair the computation, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.NOT_FINITE:
        yield of_features(cause, f"{are(cause)} NaN or infinite", "Find the division or conversion that fails")


@rule("FQ620", Severity.WARNING, group=Group.DIAGNOSIS)
def values_of_other_keys(cause: Cause) -> Iterator[Finding]:
    """Values do not follow those of the key's previous row, or of its group, as they usually do.

    Problem: The model reads the values of other keys.

    Why: A join by position or by a wrong key, or rows that were sorted between two steps.

    Example: The correlation of `sales_avg_90d` with the key's previous row is 0.1, usually 0.97.

    Fix: Compare the keys of the join, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.OTHER_KEYS:
        verb = "seems" if are(cause) == "is" else "seem"
        yield of_features(cause, f"{verb} to hold values of other keys", "Compare the keys of the join")


@rule("FQ621", Severity.WARNING, group=Group.DIAGNOSIS)
def new_category(cause: Cause) -> Iterator[Finding]:
    """A text feature has a value that no date before has; otherwise its values are the same on each date.

    Problem: The model was not trained on the category, and encodes it as unknown.

    Why: Another spelling, a changed code list, or a new category.

    Example: `tariff` has a new value on 2026-02-06: Night.

    Fix: Where the category is new, train the models with it. Otherwise repair its spelling, rebuild the rows, then
    score the date. `fqtool report` shows how many rows have it. A feature of more than 100 values is not compared.
    """
    if cause.kind is Kind.CATEGORY_NEW:
        message = f"{names(cause)} has values on {cause.day} that no earlier date has: {cause.detail}."
        yield finding_of(cause, message, first=look_at(cause, "If these are wrong, find why"))


@rule("FQ622", group=Group.DIAGNOSIS)
def values_break_a_law(cause: Cause) -> Iterator[Finding]:
    """Values of a feature break a law that the registry declares: `step`, `integer`, `equals` or `monotone`.

    Problem: The model reads values that cannot be correct.

    Why: The unit, the definition or the rounding changed, the feature was computed from another version of its inputs,
    or the columns of two features are swapped.

    Example: `line_move` breaks `equals: line - opening_line` in 12 rows.

    Fix: Correct the computation, rebuild the rows of the store, then score the date; or correct the law.
    """
    if cause.kind is Kind.LAW:
        verb = "breaks" if len(cause.features) == 1 else "break"
        yield of_features(cause, f"{verb} a law of the registry", "Compare the computation with the law")
