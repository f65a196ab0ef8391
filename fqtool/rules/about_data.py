"""What may be wrong with stored rows themselves: one rule for each way in which they contradict the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fqtool.diagnosis.audit import Audited, ColumnFacts
from fqtool.finding import Finding, Severity, rule, rules_of
from fqtool.registry.model import Owner

_SHOWN = 5


def check_data(audited: Audited) -> tuple[Finding, ...]:
    """Return what is wrong with the rows; () where there are none."""
    if not audited.rows:
        return ()
    return tuple(found for one in rules_of(__name__) for found in one.check(audited))


def _of(count: int, audited: Audited) -> str:
    return f"{count} of {audited.rows} rows"


def _again(audited: Audited) -> str:
    end = f" --end {audited.end}" if audited.end != audited.start else ""
    return f"fqtool score --start {audited.start}{end}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


@rule("FQ701")
def unknown_source_label(audited: Audited) -> Iterator[Finding]:
    """A row's labels hold one that the registry does not list.

    Problem: it counts as a stand-in of the quality in `unknown_source`, whatever it means.

    Why: an extractor learned a new label and nobody told the registry; or it is misspelt.

    Example: feature 25 has the label bettingpros in 80 rows; `sources` has no bettingpros.

    Fix: add the label to `sources` with its weight, or mend the extractor; then score the dates again.
    """
    for one in audited.features:
        if one.unknown:
            yield Finding(
                one.feature.name,
                f"{_of(one.unknown, audited)} have a label for feature {one.feature.index} that `sources` lacks, "
                f"e.g. {one.example!r}.",
                "it counts as a stand-in",
                f"Add {one.example!r} to sources, or mend what writes it; then {_again(audited)}",
                one.feature.at,
            )


@rule("FQ702")
def value_outside_list(audited: Audited) -> Iterator[Finding]:
    """A stored source, tier or alert level is none that the registry knows.

    Problem: readers who compare with the known names pass such rows over.

    Why: rows of before the quality columns had this meaning, another writer, or a renamed tier.

    Example: quality_tier is 'unusable' in 40 rows.

    Fix: score the dates again.
    """
    wrong = {name: count for name, count in audited.unlisted.items() if count}
    sources = {one.feature.name: one.unlisted for one in audited.features if one.unlisted}
    for name, count in wrong.items():
        yield Finding(name, f"{name} is outside its list in {_of(count, audited)}.", remedy=_again(audited))
    if sources:
        message = f"The stored source is outside the canonical list in up to {_of(max(sources.values()), audited)}."
        yield Finding(_some([*sources]), message, remedy=_again(audited))


@rule("FQ703")
def quality_out_of_range(audited: Audited) -> Iterator[Finding]:
    """A stored quality is below 0 or above 100.

    Problem: every mean that it is part of is wrong.

    Why: another writer, or weights that once were outside 0-100.

    Example: feature_7_quality is 250 in 3 rows.

    Fix: score the dates again.
    """
    wrong = [one for one in audited.features if one.outside]
    if wrong:
        message = f"The stored quality is outside 0-100 in up to {_of(max(one.outside for one in wrong), audited)}."
        yield Finding(_some([one.feature.name for one in wrong]), message, remedy=_again(audited))


@rule("FQ704")
def stored_value_differs(audited: Audited) -> Iterator[Finding]:
    """A stored column is not what scoring the row gives: the aggregates do not follow from their parts.

    Problem: what people read is not what the labels and values of the row say.

    Why: somebody wrote into the column; the labels changed after the row was scored; or the registry changed and
    its `schema_versions` did not.

    Example: matchup_quality_pct differs in 12 of 2,000 rows.

    Fix: score the dates again; where the registry's meaning changed, raise the version in `schema_versions`.
    """
    told: set[str] = {name for name, count in audited.unlisted.items() if count}
    told |= {
        one.column.name for one in audited.columns if one.column.feature and one.column.expr in _of_features(audited)
    }
    told |= {one.column.name for one in audited.columns if _is_empty(one, audited)}
    wrong = [one for one in audited.columns if one.differ and one.column.name not in told]
    if wrong:
        most = max(wrong, key=lambda one: one.differ)
        names = [one.column.name for one in sorted(wrong, key=lambda one: -one.differ)]
        word = "columns hold" if len(wrong) > 1 else "column holds"
        yield Finding(
            names[0] if len(names) == 1 else f"{len(names)} columns",
            f"{len(wrong)} {word} something else than scoring the row gives, in up to {most.differ} of "
            f"{audited.compared} rows: {_some(names)}.",
            "written by hand or by another job, scored before the row changed, or scored by another registry",
            _again(audited),
            wrong[0].column.spec.at if len(wrong) == 1 else None,
        )


def _of_features(audited: Audited) -> set[str | None]:
    """The expressions of per-feature columns that another rule has told already."""
    outside = any(one.outside for one in audited.features)
    unlisted = any(one.unlisted for one in audited.features)
    return {name for name, told in (("quality", outside), ("source", unlisted)) if told}


@rule("FQ705", Severity.WARNING)
def empty_column(audited: Audited) -> Iterator[Finding]:
    """A managed column is NULL, or an empty array, in every row.

    Problem: it is declared, paid for and read, and says nothing.

    Why: nobody writes it: upstream forgot, or its expression cannot be other than NULL.

    Example: feature_sources stays NULL because the processor writes feature_sources_json.

    Fix: mend what should write it, or take the column out of the registry.
    """
    for one in audited.columns:
        if _is_empty(one, audited):
            message = f"{one.column.name} is empty in all {audited.rows} rows."
            remedy = "Mend what writes it, or take it out of the registry."
            yield Finding(one.column.name, message, remedy=remedy, location=one.column.spec.at)


def _is_empty(one: ColumnFacts, audited: Audited) -> bool:
    """Whether nothing stands where something should; an array of what fired is empty on a good day."""
    upstreams = one.column.spec.owner is Owner.UPSTREAM
    if one.filled or one.column.feature or not (upstreams or audited.compared):
        return False
    return upstreams or not one.column.spec.type.upper().startswith("ARRAY")


@rule("FQ706", Severity.NOTE)
def constant_column(audited: Audited) -> Iterator[Finding]:
    """A managed column has the same value in every row, though its expression could give others.

    Problem: it may be right, as on a good day; it may also be a test that can never fail.

    Why: what it looks at does not vary, for instance a label that is always the same.

    Example: has_vegas_line is TRUE for all because it asks a feature that is always labelled calculated.

    Fix: look at its expr; where it can only give this value, let it ask something else.
    """
    if audited.rows < 2:  # noqa: PLR2004  one row is always alike
        return
    names = [one.column.name for one in audited.columns if one.is_constant and not one.may_be]
    if names:
        word = "columns have" if len(names) > 1 else "column has"
        yield Finding(
            names[0] if len(names) == 1 else f"{len(names)} columns",
            f"{len(names)} {word} one value in all {audited.rows} rows: {', '.join(names)}.",
            remedy="Right on a good day; else look at the expr.",
        )


@rule("FQ707")
def vectors_of_another_length(audited: Audited) -> Iterator[Finding]:
    """Vectors have another length than the registry has features.

    Problem: models read by position.

    Why: the store was built by another version than the registry describes.

    Example: 35 values where the registry has 37 features.

    Fix: build those rows again; where the registry is behind, append the features to it.
    """
    if audited.misshapen:
        message = f"{_of(audited.misshapen, audited)} have a vector of another length than the registry's."
        yield Finding("the vector", message, remedy=f"Build the rows again, then {_again(audited)}")


@rule("FQ708")
def vectors_in_another_order(audited: Audited) -> Iterator[Finding]:
    """Rows name their features otherwise, or in another order, than the registry.

    Problem: models read by position; each of them reads another feature than it was trained on.

    Why: the store was built by another version than the registry describes.

    Example: feature_names begins with points_avg_last_10 where the registry has points_avg_last_5.

    Fix: build those rows again; a feature that was only renamed says so with `renamed_from`.
    """
    if audited.misordered:
        message = (
            f"{_of(audited.misordered, audited)} name their features otherwise than the registry, or in another order."
        )
        yield Finding("the vector", message, remedy=f"Build the rows again, then {_again(audited)}")


@rule("FQ709", Severity.WARNING)
def scored_before_written(audited: Audited) -> Iterator[Finding]:
    """Rows were written again after they were scored.

    Problem: their quality is that of values which are no longer there.

    Why: the store was rebuilt, and scoring did not run after it.

    Example: quality_computed_at is 06:00, created_at 09:30.

    Fix: score the dates again.
    """
    if audited.late:
        message = f"{_of(audited.late, audited)} were written after they were scored."
        yield Finding("scoring", message, remedy=_again(audited))


@rule("FQ710", Severity.WARNING)
def older_version(audited: Audited) -> Iterator[Finding]:
    """Rows were scored by another version of the quality columns than today's.

    Problem: their numbers mean something else than those of today's rows beside them.

    Why: the registry's `schema_versions` were raised, and these dates were not scored since.

    Example: quality_schema_version is v1_hybrid in 3,000 rows.

    Fix: score the dates again.
    """
    if audited.old:
        message = f"{_of(audited.old, audited)} were scored by another version than the registry's."
        yield Finding("schema_versions", message, remedy=_again(audited))


@rule("FQ711", Severity.WARNING)
def rows_not_scored(audited: Audited) -> Iterator[Finding]:
    """Rows have sources, and no quality.

    Problem: filters on quality pass them over.

    Why: they were written after the date was scored, or it never was.

    Example: 30 of 201 rows have no feature_quality_score.

    Fix: score the dates.
    """
    if audited.waiting:
        message = f"{_of(audited.waiting, audited)} have sources and no quality."
        yield Finding("scoring", message, remedy=_again(audited))
