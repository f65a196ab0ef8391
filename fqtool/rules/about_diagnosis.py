"""What may be wrong with a date's rows: one rule for each kind of cause, told with its evidence and what to run."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.diagnosis.causes import Cause, Kind
from fqtool.finding import Finding, Severity, rule, rules_of


def findings_of(cause: Cause) -> tuple[Finding, ...]:
    """Return a cause as findings of its kind's rule."""
    return tuple(found for one in rules_of(__name__) for found in one.check(cause))


def _told(cause: Cause, what: str, *, rerun: bool = True) -> Finding:
    """Say who, what, how many rows and since when; then the evidence, then the commands in their order."""
    subject = cause.processor.name if cause.processor else ", ".join(one.name for one in cause.features) or "the vector"
    since = "" if cause.since == cause.day else f", since {cause.since}"
    named = ", ".join(str(one.index) for one in cause.features)
    of = f" Features: {named}." if named else ""
    table = f" ({cause.processor.table})" if cause.processor and cause.processor.table else ""
    steps = [f"Run {cause.processor.name}{table} for {cause.since}"] if rerun and cause.processor else []
    until = f" --end {cause.day}" if cause.since != cause.day else ""
    steps += ["build the store's rows again", f"fqtool score --start {cause.since}{until}"]
    return Finding(
        subject,
        f"{what} {cause.hit} of {cause.rows} rows on {cause.day}{since}.{of}",
        f"{cause.confidence}: {'; '.join(cause.evidence)}",
        ", then ".join(steps).replace("build", "Build", not steps[0].startswith("Run")) + ".",
    )


@rule("FQ601")
def processor_missing(cause: Cause) -> Iterator[Finding]:
    """A processor wrote nothing for the date, and its features are stand-ins in all rows.

    Problem: models predict from fixed values where they were trained on real ones.

    Why: the job did not run, was skipped, or ran for another date.

    Example: features 5-8 have the source default in 201 of 201 rows, usually in 2%.

    Fix: run the processor for the date, build the rows again, then score the date.
    """
    if cause.kind is Kind.MISSING:
        yield _told(cause, "It did not run: its features are stand-ins in")


@rule("FQ602")
def masked_stand_ins(cause: Cause) -> Iterator[Finding]:
    """A processor wrote nothing for the date, but the labels call its features good.

    Problem: quality and source look healthy, so neither alerts nor gates notice.

    Why: older values or constants were put in and labelled as if they were of the date.

    Example: two features are 0.0 for all, two equal the date before, and no row tells a run of the processor.

    Fix: run the processor for the date, build the rows again, then score the date; mend what writes the labels.
    """
    if cause.kind is Kind.MASKED:
        yield _told(cause, "It did not run, though its labels say so: old or constant values in")


@rule("FQ603", Severity.WARNING)
def stale_input(cause: Cause) -> Iterator[Finding]:
    """The features hold what a processor wrote for an earlier date.

    Problem: models see yesterday, labelled as today.

    Why: the processor's output is days old, or was copied.

    Example: last run three days before, where it is one day at most; values of the date before in all rows.

    Fix: run the processor for the date, build the rows again, then score the date.
    """
    if cause.kind is Kind.STALE:
        yield _told(cause, "Its output is old: what it wrote for an earlier date stands in")


@rule("FQ604", Severity.WARNING)
def partly_defaulted(cause: Cause) -> Iterator[Finding]:
    """More rows than usual hold stand-ins.

    Problem: those rows are worse than they look in the average.

    Why: the input was incomplete: too few rows, a failed batch, keys that do not match.

    Example: features 5-8 are stand-ins in 20% of the rows, usually in 2%.

    Fix: run the processor again for the keys that it lacks, build the rows again, then score the date.
    """
    if cause.kind is Kind.PARTIAL:
        yield _told(cause, "Its input is incomplete: stand-ins in")


@rule("FQ605", Severity.WARNING)
def declining_input(cause: Cause) -> Iterator[Finding]:
    """Stand-ins have become more from date to date.

    Problem: no single date looks alarming, and in the end most rows are stand-ins.

    Why: an input loses coverage: keys renamed, a source drying up.

    Example: 5% of the rows ten dates ago, 50% today, more on each date than on the one before.

    Fix: find what the input lacks since the first date, run the processor from there, then score the dates.
    """
    if cause.kind is Kind.DECLINING:
        yield _told(cause, "Its input gets worse from date to date: stand-ins in")


@rule("FQ606", Severity.WARNING)
def late_processor(cause: Cause) -> Iterator[Finding]:
    """A processor ran after the rows were written.

    Problem: the rows tell of a run that they were not made from.

    Why: the schedule slipped, or the store did not wait.

    Example: rows written at noon, the processor's last run at five.

    Fix: build the store's rows again, then score the date.
    """
    if cause.kind is Kind.LATE:
        yield _told(cause, "It ran after they were written:", rerun=False)


@rule("FQ607")
def constant_feature(cause: Cause) -> Iterator[Finding]:
    """A feature has one value in all rows, under a good label.

    Problem: it tells the model nothing, and no quality column shows it.

    Why: a bug upstream, or a column that is no longer filled.

    Example: fatigue_score is 0.0 for every player, with the source phase4.

    Fix: mend the upstream column, build the rows again, then score the date.
    """
    if cause.kind is Kind.CONSTANT:
        yield _told(cause, f"{', '.join(one.name for one in cause.features)} has one value in")


@rule("FQ608", Severity.WARNING)
def shifted_feature(cause: Cause) -> Iterator[Finding]:
    """The mean of a feature is far from what it was.

    Problem: the model meets values that it was not trained on.

    Why: another unit, another definition, or a join that went wrong.

    Example: a mean more than one standard deviation off, and six times the usual change from date to date.

    Fix: compare the upstream column with the dates before; mend it, build the rows again, then score the date.
    """
    if cause.kind is Kind.SHIFTED:
        yield _told(cause, f"{', '.join(one.name for one in cause.features)} is at another level in")


@rule("FQ609")
def misshapen_vector(cause: Cause) -> Iterator[Finding]:
    """Vectors have another length than the registry's.

    Problem: models read by position; a feature that is missing in the middle moves all that follow.

    Why: the store was built by another version than the registry describes.

    Example: 35 values where the registry has 37 features.

    Fix: build the rows again with the version that the registry describes, then score the date.
    """
    if cause.kind is Kind.MISSHAPEN:
        yield _told(cause, "The feature vector has another length than the registry's in", rerun=False)


@rule("FQ610")
def misordered_vector(cause: Cause) -> Iterator[Finding]:
    """Vectors have their features in another order than the registry, by the names that the rows themselves hold.

    Problem: models read by position; each of them reads another feature than it was trained on.

    Why: the store was built by another version than the registry describes.

    Example: feature_names begins with points_avg_last_10 where the registry has points_avg_last_5.

    Fix: build the rows again with the version that the registry describes, then score the date.
    """
    if cause.kind is Kind.MISORDERED:
        yield _told(cause, "The feature vector is in another order than the registry's in", rerun=False)


@rule("FQ611", Severity.WARNING)
def silent_stand_ins(cause: Cause) -> Iterator[Finding]:
    """The stand-in value stands in more rows than usual, under a label that calls it real.

    Problem: the feature's input was absent, and its quality says otherwise.

    Why: what computes the feature falls back to a neutral value inside, and its label cannot say so.

    Example: recent_trend is 0.0 in 90% of the rows, usually in 45%; its label is always calculated.

    Fix: find why the input was absent, build the rows again, then score the date; let the label tell of it.
    """
    if cause.kind is Kind.NEUTRAL:
        yield _told(cause, "Its label is good, its value the stand-in in")


@rule("FQ612", Severity.WARNING)
def values_outside_range(cause: Cause) -> Iterator[Finding]:
    """More values than usual lie outside the range that the registry gives the feature.

    Problem: models meet values that cannot be.

    Why: another unit, another definition, or a join that went wrong.

    Example: pct_paint is 45 where the range is 0 to 1.

    Fix: compare the upstream column with the dates before; mend it, build the rows again, then score the date.
    """
    if cause.kind is Kind.OUTSIDE:
        yield _told(cause, f"{', '.join(one.name for one in cause.features)} is outside its range in")
