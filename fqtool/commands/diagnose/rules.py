"""Rules of a diagnosis: one for each kind of root cause, with its evidence and the commands to run."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.commands.diagnose.root_causes import Cause, Kind
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import Remedy, commands
from fqtool.output.table_text import index_ranges


def findings_of(cause: Cause) -> tuple[Finding, ...]:
    """Return the findings of a root cause: one, by the rule for its kind."""
    return tuple(finding for one in rules_of(Group.DIAGNOSIS) for finding in one.check(cause))


def _finding(cause: Cause, message: str, *, rerun: bool = True) -> Finding:
    """Return a finding with the evidence as its cause, and what to run, in order, as its remedy."""
    processor, evidence = cause.processor, "; ".join(cause.evidence)
    subject = processor.name if processor else _names(cause) or "feature vector"
    first = "Rebuild the rows of the store."
    if rerun and processor:
        table = f" ({processor.table})" if processor.table else ""
        first = f"Run {processor.name}{table} for {_dates(cause)} and rebuild the rows of the store."
    return Finding(subject, message, f"{cause.confidence}: {evidence}.", _scored_after(cause, first))


def _names(cause: Cause) -> str:
    return ", ".join(one.name for one in cause.features)


def _features(cause: Cause) -> str:
    """Return `feature 5` or `features 5-8`."""
    word = "feature" if len(cause.features) == 1 else "features"
    return f"{word} {index_ranges(one.index for one in cause.features)}"


def _are(cause: Cause) -> str:
    return "is" if len(cause.features) == 1 else "are"


def _have(cause: Cause) -> str:
    return "has" if len(cause.features) == 1 else "have"


def _rows(cause: Cause) -> str:
    return f"all {cause.rows:,} rows" if cause.hit == cause.rows else f"{cause.hit:,} of {cause.rows:,} rows"


def _since(cause: Cause) -> str:
    return "" if cause.since == cause.day else f", since {cause.since}"


def _until(cause: Cause) -> str:
    return f" --end {cause.day}" if cause.since != cause.day else ""


def _dates(cause: Cause) -> str:
    return str(cause.day) if cause.since == cause.day else f"{cause.since} to {cause.day}"


def _of_features(cause: Cause, what: str, *, rerun: bool = True) -> Finding:
    """Return the finding of a cause whose message begins with the names of its features."""
    return _finding(cause, f"{_names(cause)} {what} in {_rows(cause)} on {cause.day}{_since(cause)}.", rerun=rerun)


def _of_processor(cause: Cause, did: str, what: str) -> Finding:
    """Return the finding of a cause whose message begins with its processor, as far as one is known."""
    rows = f"{_features(cause)} {what} in {_rows(cause)}"
    who = f"{cause.processor.name} {did}: {rows}" if cause.processor else f"{rows} on {cause.day}"
    return _finding(cause, f"{who[0].upper()}{who[1:]}{_since(cause)}.")


@rule("FQ601", group=Group.DIAGNOSIS)
def processor_missing(cause: Cause) -> Iterator[Finding]:
    """A processor did not run for a date: all of its features are defaulted.

    Problem: Models predict from default values, although they were trained on real values.

    Why: The job failed, was skipped, or ran for another date.

    Example: Features 5-8 are defaulted in 201 of 201 rows, usually in 2%.

    Fix: Run the processor for the date, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.MISSING:
        yield _of_processor(cause, f"did not run for {cause.day}", f"{_are(cause)} defaulted")


@rule("FQ602", group=Group.DIAGNOSIS)
def masked_defaults(cause: Cause) -> Iterator[Finding]:
    """A processor did not run for a date, but the labels of its features report real values.

    Problem: Quality and source look healthy, so alerts and gates miss the problem.

    Why: A writer filled in older values or constants and labelled them as values of the date.

    Example: Two features are 0.0 in all rows, two repeat the date before, and no row has a run of the processor.

    Fix: Run the processor for the date, rebuild the rows of the store, then score the date. Correct the writer of the
    labels.
    """
    if cause.kind is Kind.MASKED:
        did = f"did not run for {cause.day}, but the labels report real values"
        yield _of_processor(cause, did, f"{_have(cause)} old or constant values")


@rule("FQ603", Severity.WARNING, group=Group.DIAGNOSIS)
def stale_input(cause: Cause) -> Iterator[Finding]:
    """The features of a processor hold the values of an earlier date.

    Problem: Models read old values under the labels of the date.

    Why: The output of the processor is days old, or a job copied it.

    Example: The last run is three days before the date, usually one day; all rows repeat the values of the date before.

    Fix: Run the processor for the date, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.STALE:
        yield _of_processor(cause, f"supplied old output for {cause.day}", f"{_have(cause)} values of an earlier date")


@rule("FQ604", Severity.WARNING, group=Group.DIAGNOSIS)
def partly_defaulted(cause: Cause) -> Iterator[Finding]:
    """More rows than usual have default values.

    Problem: The mean of the date hides how bad these rows are.

    Why: The input of the processor was incomplete: too few rows, a failed batch, or keys that do not match.

    Example: Features 5-8 are defaulted in 20% of the rows, usually in 2%.

    Fix: Run the processor for the missing keys, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.PARTIAL:
        yield _of_processor(cause, f"had incomplete input for {cause.day}", f"{_are(cause)} defaulted")


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
        yield _of_processor(cause, did, f"{_are(cause)} defaulted")


@rule("FQ606", Severity.WARNING, group=Group.DIAGNOSIS)
def late_processor(cause: Cause) -> Iterator[Finding]:
    """A processor ran after the rows were written.

    Problem: The rows record a run whose output they do not contain.

    Why: The schedule of the processor slipped, or the store did not wait for it.

    Example: The rows were written at 12:00 UTC, the last run of the processor was at 17:00 UTC.

    Fix: Rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.LATE and cause.processor:
        message = f"{cause.processor.name} ran after {_rows(cause)} on {cause.day} were written{_since(cause)}."
        yield _finding(cause, message, rerun=False)


@rule("FQ607", group=Group.DIAGNOSIS)
def constant_feature(cause: Cause) -> Iterator[Finding]:
    """A feature has one value in all rows, under the label of a real value.

    Problem: The feature carries no information for the model, and no quality column shows it.

    Why: An upstream job has a bug, or no longer fills the column.

    Example: `fatigue_score` is 0.0 in all rows, with the source `phase4`.

    Fix: Repair the upstream column, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.CONSTANT:
        yield _of_features(cause, f"{_have(cause)} one value")


@rule("FQ608", Severity.WARNING, group=Group.DIAGNOSIS)
def shifted_feature(cause: Cause) -> Iterator[Finding]:
    """The mean of a feature differs from its usual mean.

    Problem: The model reads values that it was not trained on.

    Why: The unit or the definition changed, or a join is wrong.

    Example: The mean differs by more than one standard deviation and by six times the usual change between dates.

    Fix: Compare the upstream column with the dates before and repair it. Rebuild the rows of the store, then score the
    date.
    """
    if cause.kind is Kind.SHIFTED:
        yield _of_features(cause, f"{_have(cause)} an unusual mean")


@rule("FQ609", group=Group.DIAGNOSIS)
def misshapen_vector(cause: Cause) -> Iterator[Finding]:
    """The feature vector has more or fewer values than the registry has features.

    Problem: Models read by position. Each position after a missing value holds the wrong feature.

    Why: A writer built the rows from another version of the features.

    Example: A vector has 35 values; the registry has 37 features.

    Fix: Rebuild the rows with the features of the registry, then score the date.
    """
    if cause.kind is Kind.MISSHAPEN:
        message = f"The feature vector has the wrong length in {_rows(cause)} on {cause.day}{_since(cause)}."
        yield _finding(cause, message, rerun=False)


@rule("FQ610", group=Group.DIAGNOSIS)
def misordered_vector(cause: Cause) -> Iterator[Finding]:
    """The feature names in the rows have another order than the features of the registry.

    Problem: Models read by position, so each position holds the wrong feature.

    Why: A writer built the rows from another version of the features.

    Example: `feature_names` begins with `points_avg_last_10`; the registry begins with `points_avg_last_5`.

    Fix: Rebuild the rows with the features of the registry, then score the date.
    """
    if cause.kind is Kind.MISORDERED:
        message = f"The feature vector has the wrong order in {_rows(cause)} on {cause.day}{_since(cause)}."
        yield _finding(cause, message, rerun=False)


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
        what = f"{_have(cause)} the default value under a label of real values"
        yield _of_processor(cause, f"wrote default values for {cause.day}", what)


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
        yield _of_features(cause, f"{_are(cause)} outside the range of the registry")


@rule("FQ613", group=Group.DIAGNOSIS)
def values_missing(cause: Cause) -> Iterator[Finding]:
    """A feature is NULL in more rows than usual, under a label of real values.

    Problem: The model reads NULL, although it was trained on values, and the quality columns do not show it.

    Why: A join found no row, a column is no longer filled, or its name changed upstream.

    Example: `last_price` is NULL in 60 of 60 rows, usually in 0%.

    Fix: Find why the value is absent, rebuild the rows of the store, then score the date. Where NULL is usual, declare
    `null_share` under `spread`.
    """
    if cause.kind is Kind.NO_VALUE:
        yield _of_features(cause, f"{_are(cause)} NULL")


@rule("FQ614", group=Group.DIAGNOSIS)
def values_not_finite(cause: Cause) -> Iterator[Finding]:
    """A feature is NaN or infinite in more rows than usual.

    Problem: One NaN turns the mean and most predictions into NaN.

    Why: A division by zero, a logarithm of zero, or a failed conversion.

    Example: `price_ratio` is NaN in 60 of 60 rows, usually in 0%.

    Fix: Repair the computation, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.NOT_FINITE:
        yield _of_features(cause, f"{_are(cause)} NaN or infinite")


@rule("FQ615", Severity.WARNING, group=Group.DIAGNOSIS)
def unusual_row_count(cause: Cause) -> Iterator[Finding]:
    """A date has fewer or more rows than usual, also for its weekday.

    Problem: Keys have no features, or have them twice.

    Why: An input was incomplete, a filter changed, or a job wrote twice.

    Example: 30 rows, usually 60.

    Fix: Compare the keys with those of the date before, rebuild the rows of the store, then score the date.
    """
    if cause.kind is Kind.ROW_COUNT:
        yield _of_rows(f"The store has {cause.rows:,} rows on {cause.day}{_since(cause)}: {cause.evidence[0]}.", cause)


@rule("FQ616", group=Group.DIAGNOSIS)
def repeated_keys_on_date(cause: Cause) -> Iterator[Finding]:
    """Several rows of a date have the same keys.

    Problem: A reader gets one of these rows at random, and scoring cannot distinguish them.

    Why: A job wrote the date twice, or a join multiplied its rows.

    Example: 60 of 120 rows have the keys of another row.

    Fix: Delete the surplus rows, then score the date.
    """
    if cause.kind is Kind.REPEATED_KEYS:
        message = f"{cause.hit:,} of {cause.rows:,} rows on {cause.day} have the keys of another row{_since(cause)}."
        yield _of_rows(message, cause, "Delete the surplus rows.")


@rule("FQ617", Severity.WARNING, group=Group.DIAGNOSIS)
def date_has_no_rows(cause: Cause) -> Iterator[Finding]:
    """A date has no rows, although most dates before it have rows.

    Problem: Models cannot predict for the date.

    Why: The job that writes the store did not run, or failed.

    Example: 0 rows on 2026-01-20, usually 60.

    Fix: Build the rows of the store for the date, then score the date. A weekday that never has rows is not reported.
    """
    if cause.kind is Kind.NO_ROWS:
        message = f"The store has 0 rows on {cause.day}{_since(cause)}: {cause.evidence[0]}."
        yield _of_rows(message, cause, "Build the rows of the store.")


def _of_rows(message: str, cause: Cause, first: str = "Rebuild the rows of the store.") -> Finding:
    return Finding("rows", message, remedy=_scored_after(cause, first))


def _scored_after(cause: Cause, first: str) -> Remedy:
    """Return what a person does, and the scoring after it if the registry has columns to compute."""
    if not cause.scorable:
        return first
    return commands(f"score --start {cause.since}{_until(cause)}", first=f"{first} Then run:")
