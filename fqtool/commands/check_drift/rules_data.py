"""Rules about stored rows that contradict the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fqtool.commands.check_drift.audit import Audited, ColumnFacts
from fqtool.findings.catalog import rules_of
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.listing import listed
from fqtool.findings.remedy import Commands, commands
from fqtool.lint.inputs import label_entries, listed_labels
from fqtool.output.table_text import index_ranges
from fqtool.registry.model import Owner
from fqtool.scoring.value_laws import law_text

_SHOWN = 5


def check_data(audited: Audited) -> tuple[Finding, ...]:
    """Return the findings about stored rows.

    Args:
        audited: the counts of the scan.
    """
    if not audited.rows:
        return ()
    return tuple(found for one in rules_of(Group.DATA) for found in one.check(audited))


def _of(count: int, audited: Audited) -> str:
    return f"{count:,} of {audited.rows:,} rows"


def _again(audited: Audited, first: str = "", *, of: str = "") -> Commands:
    """Return the command that scores the dates of the rows that are `of` some kind, else all dates."""
    start, end = audited.dates.get(of, (audited.start, audited.end))
    until = f" --end {end}" if end != start else ""
    return commands(f"score --start {start}{until}", first=first)


def _some(names: Sequence[str]) -> str:
    return listed(names, _SHOWN)


@rule("FQ701", group=Group.DATA)
def unknown_source_label(audited: Audited) -> Iterator[Finding]:
    """Rows have source labels that the registry does not list.

    Problem: The labels count as default values with the quality of `unknown_source`.

    Why: An extractor writes a new label that was not added to the registry; or the label is misspelt.

    Example: Feature 25 has the label price_feed_b in 80 rows; `sources` has no price_feed_b.

    Fix: Add each label to `sources` with its weight, or fix the extractor; then score the dates again.
    """
    wrong = [one for one in audited.features if one.unknown]
    if wrong:
        labels = tuple(dict.fromkeys(label for one in wrong for label in one.labels))
        which = index_ranges(one.feature.index for one in wrong)
        yield Finding(
            _some([one.feature.name for one in wrong]),
            f"Up to {_of(max(one.unknown for one in wrong), audited)} have labels that `sources` does not declare: "
            f"{listed_labels(labels)} (feature{'s' * (len(wrong) > 1)} {which}). They count as default values.",
            remedy=_again(audited, f"{label_entries(labels)} Then run:"),
            location=wrong[0].feature.at if len(wrong) == 1 else None,
            owner=", ".join(dict.fromkeys(one.owner for one in wrong if one.owner)),
        )


@rule("FQ702", group=Group.DATA)
def value_outside_list(audited: Audited) -> Iterator[Finding]:
    """A stored source, tier or alert level is not in the registry.

    Problem: Readers that compare with the known names miss such rows.

    Why: The rows are older than the quality columns, another job wrote them, or a tier was renamed.

    Example: quality_tier is 'unusable' in 40 rows.

    Fix: Score the dates again.
    """
    wrong = {name: count for name, count in audited.unlisted.items() if count}
    sources = {one.feature.name: one.unlisted for one in audited.features if one.unlisted}
    for name, count in wrong.items():
        message = f"`{name}` has a value that is not in the registry in {_of(count, audited)}."
        yield Finding(name, message, remedy=_again(audited))
    if sources:
        message = f"The stored source is not a canonical source in up to {_of(max(sources.values()), audited)}."
        yield Finding(_some([*sources]), message, remedy=_again(audited))


@rule("FQ703", group=Group.DATA)
def quality_out_of_range(audited: Audited) -> Iterator[Finding]:
    """A stored quality is below 0 or above 100.

    Problem: Every mean over it is wrong.

    Why: Another job wrote it, or a weight was outside 0-100.

    Example: feature_7_quality is 250 in 3 rows.

    Fix: Score the dates again.
    """
    wrong = [one for one in audited.features if one.outside]
    if wrong:
        message = f"The stored quality is outside 0-100 in up to {_of(max(one.outside for one in wrong), audited)}."
        yield Finding(_some([one.feature.name for one in wrong]), message, remedy=_again(audited))


@rule("FQ704", group=Group.DATA)
def stored_value_differs(audited: Audited) -> Iterator[Finding]:
    """A stored value differs from what scoring the row computes.

    Problem: The stored quality does not match the labels and values of the row.

    Why: Another job wrote the column; the labels changed after the row was scored; or the registry changed and its
    `schema_versions` did not.

    Example: demand_quality_pct differs in 12 of 2,000 rows.

    Fix: Score the dates again; where the meaning of a column changed, raise the version in `schema_versions`.
    """
    reported: set[str] = {name for name, count in audited.unlisted.items() if count}
    reported |= {
        one.column.name for one in audited.columns if one.column.feature and one.column.expr in _of_features(audited)
    }
    reported |= {one.column.name for one in audited.columns if _is_empty(one, audited)}
    wrong = [one for one in audited.columns if one.differ and one.column.name not in reported]
    if wrong:
        most = max(wrong, key=lambda one: one.differ)
        names = [one.column.name for one in sorted(wrong, key=lambda one: -one.differ)]
        verb = "columns differ" if len(wrong) > 1 else "column differs"
        yield Finding(
            names[0] if len(names) == 1 else f"{len(names)} columns",
            f"{len(wrong)} {verb} from what scoring computes, in up to {most.differ:,} of "
            f"{audited.compared:,} rows: {_some(names)}.",
            "written manually or by another job, scored before the row changed, or scored by another registry",
            _again(audited),
            wrong[0].column.spec.at if len(wrong) == 1 else None,
        )


def _of_features(audited: Audited) -> set[str | None]:
    """The expressions of per-feature columns that another rule reports."""
    outside = any(one.outside for one in audited.features)
    unlisted = any(one.unlisted for one in audited.features)
    return {name for name, reported in (("quality", outside), ("source", unlisted)) if reported}


@rule("FQ705", Severity.WARNING, group=Group.DATA)
def empty_column(audited: Audited) -> Iterator[Finding]:
    """A managed column is NULL, or an empty array, in every row.

    Problem: The column is declared, stored and read, and has no values.

    Why: Upstream does not write it, or its expression is always NULL.

    Example: feature_sources is NULL because the processor writes feature_sources_json.

    Fix: Fix its writer, or remove the column from the registry.
    """
    for one in audited.columns:
        if _is_empty(one, audited):
            message = f"`{one.column.name}` is empty in all {audited.rows:,} rows."
            remedy = "Fix its writer, or remove it from the registry."
            yield Finding(one.column.name, message, remedy=remedy, location=one.column.spec.at)


def _is_empty(one: ColumnFacts, audited: Audited) -> bool:
    """Whether a column that should have values has none. An array of alerts is empty on a good day."""
    upstreams = one.column.spec.owner is Owner.UPSTREAM
    feature = one.column.feature
    may_be_empty = feature is not None and (feature.retired or feature.optional or not upstreams)
    if one.filled or may_be_empty or not (upstreams or audited.compared):
        return False
    return upstreams or not one.column.spec.type.upper().startswith("ARRAY")


@rule("FQ706", Severity.NOTE, group=Group.DATA)
def constant_column(audited: Audited) -> Iterator[Finding]:
    """A managed column has the same value in every row, though its expression could give others.

    Problem: This may be correct, as where all rows are good; or the column is a check that cannot fail.

    Why: Its input does not vary, for instance a label that is always the same.

    Example: has_stock is TRUE in all rows because its feature always has the label calculated.

    Fix: Check its `expr`; if it can only have this value, use another input.
    """
    if audited.rows < 2:  # noqa: PLR2004  one row is always constant
        return
    names = [one.column.name for one in audited.columns if one.is_constant and not one.may_be]
    if names:
        word = "columns have" if len(names) > 1 else "column has"
        yield Finding(
            names[0] if len(names) == 1 else f"{len(names)} columns",
            f"{len(names)} {word} one value in all {audited.rows:,} rows: {', '.join(names)}.",
            remedy="Expected where all these rows are alike, such as all good or all defaulted. Otherwise check the "
            "`expr` of the column.",
        )


@rule("FQ707", group=Group.DATA)
def vectors_of_another_length(audited: Audited) -> Iterator[Finding]:
    """Vectors have another length than the registry.

    Problem: Models read by position, so they read the wrong feature or fail.

    Why: Another version of the registry built the rows.

    Example: A vector has 35 values, and the registry has 37 features.

    Fix: Build those rows again; if the registry is outdated, append the features to it.
    """
    if audited.misshapen:
        message = f"{_of(audited.misshapen, audited)} have a vector whose length differs from the registry."
        yield Finding("the vector", message, remedy=_again(audited, "Build the rows again, then:", of="misshapen"))


@rule("FQ708", group=Group.DATA)
def vectors_in_another_order(audited: Audited) -> Iterator[Finding]:
    """Rows have other feature names than the registry, or another order.

    Problem: Models read by position, so they read another feature than they were trained on.

    Why: Another version of the registry built the rows.

    Example: feature_names begins with units_mean_28d; the registry begins with units_sold.

    Fix: Build those rows again; declare a feature that was only renamed with `renamed_from`.
    """
    if audited.misordered:
        message = f"{_of(audited.misordered, audited)} have other feature names than the registry, or another order."
        yield Finding("the vector", message, remedy=_again(audited, "Build the rows again, then:", of="misordered"))


@rule("FQ709", Severity.WARNING, group=Group.DATA)
def scored_before_written(audited: Audited) -> Iterator[Finding]:
    """Rows were written again after they were scored.

    Problem: Their quality describes values that have been replaced.

    Why: The store was rebuilt, and scoring did not run after it.

    Example: quality_computed_at is 06:00, created_at is 09:30.

    Fix: Score the dates again.
    """
    if audited.late:
        message = f"{_of(audited.late, audited)} were written after they were scored."
        yield Finding("scoring", message, remedy=_again(audited, of="late"))


@rule("FQ710", Severity.WARNING, group=Group.DATA)
def older_version(audited: Audited) -> Iterator[Finding]:
    """Rows were scored by another version of the quality columns.

    Problem: Their numbers have another meaning than those of current rows.

    Why: `schema_versions` of the registry was raised, and these dates were not scored again.

    Example: quality_schema_version is v1_hybrid in 3,000 rows.

    Fix: Score the dates again.
    """
    if audited.old:
        message = f"{_of(audited.old, audited)} were scored by another version than the registry has."
        yield Finding("schema_versions", message, remedy=_again(audited, of="old"))


@rule("FQ711", Severity.WARNING, group=Group.DATA)
def rows_not_scored(audited: Audited) -> Iterator[Finding]:
    """Rows are not scored.

    Problem: Filters on quality miss them.

    Why: They were written after the date was scored, or the date was not scored.

    Example: 30 of 201 rows have no feature_quality_score.

    Fix: Score the dates.
    """
    if audited.waiting:
        message = f"{_of(audited.waiting, audited)} are not scored."
        yield Finding("scoring", message, remedy=_again(audited, of="waiting"))


@rule("FQ712", Severity.WARNING, group=Group.DATA)
def stored_version_not_accepted(audited: Audited) -> Iterator[Finding]:
    """A base column has a version that `accepted_versions` does not list, or none.

    Problem: Readers that filter by the version miss these rows, or read another layout than they expect.

    Why: Another version of the writer built the rows, or the registry was not changed with it.

    Example: feature_version is not v2_37features in 60 of 4,000 rows.

    Fix: Build those rows again, or add the version to `accepted_versions` once readers accept it.
    """
    for name, count in audited.versions.items():
        if count:
            message = f"`{name}` has no accepted version in {_of(count, audited)}."
            remedy = "Build the rows again, or add their version to `accepted_versions`."
            yield Finding(name, message, remedy=remedy)


@rule("FQ713", group=Group.DATA)
def declared_value_differs(audited: Audited) -> Iterator[Finding]:
    """A base column differs from its `equals` in the registry.

    Problem: Readers that rely on the column, such as a number of features, read a wrong value.

    Why: Another version of the writer built the rows, or it sets the column to a constant.

    Example: feature_count is 37 in 12 rows whose vector has 35 values.

    Fix: Correct the writer and build those rows again, or correct `equals`.
    """
    for name, count in audited.unequal.items():
        if count:
            message = f"`{name}` differs from its `equals` in {_of(count, audited)}."
            yield Finding(name, message, remedy="Correct its writer and build the rows again, or correct `equals`.")


@rule("FQ714", group=Group.DATA)
def law_of_values_broken(audited: Audited) -> Iterator[Finding]:
    """Values of a feature break a law that the registry declares: `step`, `integer`, `equals` or `monotone`.

    Problem: The model reads values that cannot be correct.

    Why: The unit, the definition or the rounding changed, the feature was computed from another version of its inputs,
    or the columns of two features are swapped.

    Example: line_move differs from `equals: line - opening_line` in 12 of 402 rows.

    Fix: Correct the computation and build those rows again, or correct the law.
    """
    for one in audited.features:
        for law, count in one.broken.items():
            message = f"{one.feature.name} breaks `{law_text(one.feature, law)}` in {_of(count, audited)}."
            remedy = "Correct the computation and build the rows again, or correct the law."
            yield Finding(one.feature.name, message, remedy=remedy, location=one.feature.at, owner=one.owner)


@rule("FQ715", group=Group.DATA)
def value_differs_from_its_source(audited: Audited) -> Iterator[Finding]:
    """Values of a feature differ from the column that they are read from by more than `upstream_tolerance`.

    Problem: The model reads something else than the registry declares.

    Why: The copy is of an earlier state of the source, the source was corrected after the row was written, the value
    has what was known only after the date, or two columns are swapped.

    Example: price_eur differs from prices.price in 12 of 402 rows.

    Fix: Build those rows again where the source was corrected. Otherwise correct the writer, or `upstream_column`.
    """
    for one in audited.upstream:
        if one.differ:
            column = f"`{one.table}.{one.feature.upstream_column}`"
            message = f"{one.feature.name} differs from {column} in {one.differ:,} of {one.real:,} rows."
            remedy = "Build the rows again if the source was corrected; else correct the writer or `upstream_column`."
            yield Finding(one.feature.name, message, remedy=remedy, location=one.feature.at, owner=one.owner)


@rule("FQ716", Severity.WARNING, group=Group.DATA)
def value_without_its_source(audited: Audited) -> Iterator[Finding]:
    """Real values cannot be compared with the column that they are read from.

    Problem: The table upstream cannot be read, or it has no row with the keys of rows that have a value from it.

    Why: The name or the permission is missing, rows of the table were deleted or have expired, or the values come from
    elsewhere.

    Example: 12 of 402 rows with a value of price_eur have no row in prices.

    Fix: Correct `upstream_table`, `table` and `date_column` of the processor, or grant the permission; or remove
    `upstream_tolerance`.
    """
    remedy = "Correct `upstream_table`, or `table` and `date_column` of its processor; or remove `upstream_tolerance`."
    for table, why in audited.unread.items():
        yield Finding(table, f"No value was compared with `{table}`: {why}", remedy=remedy)
    for one in audited.upstream:
        if one.absent:
            message = (
                f"{one.absent:,} of {one.real:,} rows with a value of {one.feature.name} have no row in `{one.table}`."
            )
            yield Finding(one.feature.name, message, remedy=remedy, location=one.feature.at, owner=one.owner)


@rule("FQ717", group=Group.DATA)
def rows_repeat_keys(audited: Audited) -> Iterator[Finding]:
    """Rows have the keys of another row.

    Problem: A reader gets one of these rows at random, and scoring refuses the date.

    Why: A job wrote the date twice, or a join multiplied its rows.

    Example: 60 of 120 rows have the keys of another row.

    Fix: Delete the surplus rows, then score the date.
    """
    if audited.repeated:
        message = f"{_of(audited.repeated, audited)} have the keys of another row."
        yield Finding("rows", message, remedy=_again(audited, "Delete the surplus rows, then:", of="repeated"))
