"""Rules about the feature vector and the processors that write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.lint.context import Subject, meant, repeats
from fqtool.registry.checks.explain_schema import nearest
from fqtool.scoring.layout import MISSING, PRESENT, Layout


def _unknown(subject: str, what: str, name: str, known: Iterable[str], at: Location) -> Finding:
    near = nearest(name, known)
    remedy = f"Write {near}." if near else f"Declare {name}, or use a declared name."
    return Finding(subject, f"{subject} names the {what} {name}, which is not declared.", remedy=remedy, location=at)


@rule("FQ125", group=Group.REGISTRY)
def broken_index(subject: Subject) -> Iterator[Finding]:
    """The indices of the features are not 0, 1, 2, ...

    Problem: An index is used twice, or an index is missing.

    Why: Models read the vector by position. A gap means that a feature was removed, and a repeated index means that one
    was renumbered. Both shift what a model reads.

    Example: Indices 0, 1, 3

    Fix: Restore the entry of a removed feature with `retired: true`; append new features at the end.
    """
    expected, free = 0, subject.registry.features[-1].index + 1 if subject.registry.features else 0
    taken = Counter(one.index for one in subject.registry.features)
    for one in subject.registry.features:
        at = subject.within(one.at, "index") if one.index != expected else one.at
        if one.index < expected:
            message = f"{one.name} has the index {one.index}, which another feature has."
            yield Finding(one.name, message, remedy=f"Use the next free index, {free}.", location=at)
            continue
        if one.index > expected:
            missing = str(expected) if one.index == expected + 1 else f"{expected} to {one.index - 1}"
            remedy = "Keep removed features with `retired: true`; append new ones."
            if one.index == expected + 1 and taken[one.index] > 1:  # its index was mistyped: the next feature has it
                yield Finding(
                    one.name,
                    f"{one.name} has the index {one.index}, which another feature has, and no feature has {expected}.",
                    remedy=f"Write {expected} for {one.name}.",
                    location=at,
                )
                expected = one.index
                continue
            message = f"No feature has index {missing}; the next feature is {one.name} with {one.index}."
            yield Finding(one.name, message, remedy=remedy, location=at)
        expected = one.index + 1


@rule("FQ126", group=Group.REGISTRY)
def duplicate_feature(subject: Subject) -> Iterator[Finding]:
    """Two features have the same name.

    Problem: A name occurs twice. Case is ignored.

    Why: Models name the features that they need.

    Example: price_eur at 5 and at 37

    Fix: Rename one, e.g. price_eur_v2 for the newer definition.
    """
    for one in repeats((one.name, one.at) for one in subject.registry.features):
        remedy = f"Rename one, e.g. {one.name}_v2 for the newer definition."
        at = subject.within(one.at, "name")
        yield Finding(one.name, f"Two features have the name {one.name}.", one.cause, remedy, at)


@rule("FQ127", group=Group.REGISTRY)
def unknown_category(subject: Subject) -> Iterator[Finding]:
    """A feature is in a category that is not declared.

    Problem: `category` is not one of `categories`.

    Why: No category column would count the feature.

    Example: category: demands

    Fix: Use the suggested category, or declare the category.
    """
    for one in subject.registry.features:
        if one.category not in subject.category_names:
            at = subject.within(one.at, "category")
            yield _unknown(one.name, "category", one.category, subject.category_names, at)


@rule("FQ128", group=Group.REGISTRY)
def unknown_processor(subject: Subject) -> Iterator[Finding]:
    """A feature has a processor that is not declared.

    Problem: `processor` is not one of `processors`.

    Why: A diagnosis could not name the job to run again.

    Example: processor: SalesAgregator

    Fix: Use the suggested processor, or declare the processor.
    """
    known = frozenset(one.name for one in subject.registry.processors)
    for one in subject.registry.features:
        if one.processor and one.processor not in known:
            yield _unknown(one.name, "processor", one.processor, known, subject.within(one.at, "processor"))


@rule("FQ129", group=Group.REGISTRY)
def unknown_label(subject: Subject) -> Iterator[Finding]:
    """A source label is not declared.

    Problem: A label under `labels` of a feature, or `absent_label`, is not one of `sources`.

    Why: A label without a weight counts as unknown, and every row with it causes a finding.

    Example: labels: [sale, default]

    Fix: Use the suggested label, or declare the label with its weight.
    """
    registry = subject.registry
    known = frozenset(one.label for one in registry.sources)
    for one in registry.features:
        for number, label in enumerate(one.labels):
            if label not in known:
                yield _unknown(one.name, "source label", label, known, subject.within(one.at, "labels", number))
    absent = registry.unknown_source.absent_label
    if absent not in known:
        at = subject.within(subject.place("unknown_source"), "absent_label")
        yield _unknown("unknown_source", "source label", absent, known, at)


@rule("FQ130", firm=False, group=Group.REGISTRY)
def broken_range(subject: Subject) -> Iterator[Finding]:
    """The limits of a range are reversed, or the default value is outside the range.

    Problem: The lower limit is greater than the upper limit, or `expected` is outside the range.

    Why: Every row, or every default value, would be reported as out of range.

    Example: {expected: 112.0, range: [0, 100]}

    Fix: Correct the limits, or the default value.
    """
    for one in subject.registry.features:
        if one.range is None:
            continue
        (low, high), at = one.range, subject.within(one.at, "range")
        if low > high:
            message = f"The lower limit of {one.name}, {low:g}, is greater than its upper limit, {high:g}."
            yield Finding(one.name, message, remedy="Write the lower limit first.", location=at)
        elif one.expected is not None and not low <= one.expected <= high:
            message = f"The default value of {one.name}, {one.expected:g}, is outside its range {low:g} to {high:g}."
            yield Finding(one.name, message, remedy="Correct `range` or `expected`.", location=at)


@rule("FQ183", Severity.WARNING, group=Group.REGISTRY)
def limit_without_numbers(subject: Subject) -> Iterator[Finding]:
    """A limit for numbers is set for values that are not numbers.

    Problem: `range` or `spread.min_stddev` has no effect.

    Why: Text and dates are not compared with numbers.

    Example: {name: city, range: [0, 100]}, where city is a STRING

    Fix: Remove the limit, or read a number in `value`.
    """
    layout = Layout(subject.registry)
    for one in subject.registry.active_features:
        keys = {"range": one.range, "spread": one.spread.min_stddev}
        limits = [key for key, limit in keys.items() if limit is not None]
        found = layout.type_of(one) if limits else None
        if found and not found.repeated and layout.number(one, layout.value(one)) is None:
            names = " and ".join("spread.min_stddev" if key == "spread" else key for key in limits)
            message = f"{one.name} has {names}, and its values are not numbers."
            remedy = f"Remove {names}, or read a number in `value`."
            yield Finding(one.name, message, remedy=remedy, location=subject.within(one.at, limits[0]))


@rule("FQ173", group=Group.REGISTRY)
def tolerance_without_source(subject: Subject) -> Iterator[Finding]:
    """A feature has an `upstream_tolerance`, and no one column to compare its values with.

    Problem: `upstream_table` or `upstream_column` is missing, `upstream_column` names several columns, or the values
    are not numbers.

    Why: `check-drift --data` compares a number with one column of one table.

    Example: {upstream_tolerance: 0.01, upstream_column: "price, currency"}

    Fix: Declare the table and its column, or remove `upstream_tolerance`.
    """
    layout = Layout(subject.registry)
    for one in subject.registry.active_features:
        if one.upstream_tolerance is None:
            continue
        if not one.upstream_table or not one.upstream_column.isidentifier():
            message = f"{one.name} has an `upstream_tolerance` without an `upstream_table` and one `upstream_column`."
        elif layout.number(one, layout.value(one)) is None:
            message = f"{one.name} has an `upstream_tolerance`, and its values are not numbers."
        else:
            continue
        remedy = "Declare the table and its column, or remove `upstream_tolerance`."
        yield Finding(one.name, message, remedy=remedy, location=subject.within(one.at, "upstream_tolerance"))


@rule("FQ131", Severity.WARNING, group=Group.REGISTRY)
def empty_category(subject: Subject) -> Iterator[Finding]:
    """A category has no feature.

    Problem: The category has no feature, or only retired ones.

    Why: Its columns are NULL in every row.

    Example: A category prices after its last feature was retired

    Fix: Remove the category and its columns, or put a feature into it.
    """
    used = meant((one.category for one in subject.registry.active_features), subject.category_names)
    for one in subject.registry.categories:
        if one.name not in used:
            yield Finding(one.name, f"No feature is in the category {one.name}.", location=one.at)


@rule("FQ124", Severity.WARNING, group=Group.REGISTRY)
def unused_label(subject: Subject) -> Iterator[Finding]:
    """No feature can have a source label.

    Problem: Every feature lists its labels, and no feature lists this label. It is not `absent_label` either.

    Why: The weight of the label is never used, most likely because a feature has another spelling of the label.

    Example: stock_count under sources, and labels: [stock, missing]

    Fix: List the label under `labels` of a feature, or remove it. A label in a file of `extends` is not reported.
    """
    registry = subject.registry
    known = [one.label for one in registry.sources]
    labels = (label for one in registry.features for label in one.labels)
    listed = meant(labels, known) | {registry.unknown_source.absent_label}
    if not Layout(registry).has_labels:
        listed |= {PRESENT, MISSING}
    if not registry.active_features or not all(one.labels for one in registry.active_features):
        return
    for source in registry.sources:
        # Another registry that extends the same file may have the label.
        if source.label not in listed and source.at.file == registry.path:
            message = f"No feature lists the source label {source.label}."
            yield Finding(
                source.label, message, remedy="List it under `labels` of a feature, or remove it.", location=source.at
            )


@rule("FQ132", group=Group.REGISTRY)
def input_alike_for_all(subject: Subject) -> Iterator[Finding]:
    """Every feature would read the same source or value.

    Problem: `source` or `value` under `inputs` has neither {index} nor {name}.

    Why: Without a placeholder, the expression reads the same part of the row for every feature.

    Example: source: JSON_VALUE(feature_sources, '$.5')

    Fix: Put {index} or {name} where the expression selects the feature.
    """
    registry = subject.registry
    for key, text in (("source", registry.inputs.source), ("value", registry.inputs.value)):
        own = all(getattr(one, key) for one in registry.features)
        if text and not own and "{index}" not in text and "{name}" not in text:
            message = f"inputs {key} is the same for every feature."
            yield Finding(
                f"inputs {key}", message, remedy="Put {index} into it.", location=subject.place("inputs", key)
            )


@rule("FQ133", group=Group.REGISTRY)
def unknown_run_column(subject: Subject) -> Iterator[Finding]:
    """The run of a processor is read from an unknown base column.

    Problem: `last_updated` or `rows_found` is not one of `base_columns`.

    Why: Fqtool could not determine whether the processor ran.

    Example: last_updated: source_composite_updated

    Fix: Use the suggested column, or declare the base column.
    """
    for one in subject.registry.processors:
        for key, name in (("last_updated", one.last_updated), ("rows_found", one.rows_found)):
            if name and name.lower() not in subject.base_names:
                yield _unknown(one.name, "base column", name, subject.base_names, subject.within(one.at, key))


@rule("FQ134", Severity.WARNING, group=Group.REGISTRY)
def idle_processor(subject: Subject) -> Iterator[Finding]:
    """A processor writes no feature.

    Problem: No feature names the processor, or only retired features do.

    Why: Its failure affects no feature, so a diagnosis that names it is misleading; or a feature names the wrong one.

    Example: OddsScrapers under processors, with all features of the lines under another name

    Fix: Name the processor in its features, or remove it. A processor in a file of `extends` is not reported: another
    registry may have its features.
    """
    known = [one.name for one in subject.registry.processors]
    used = meant((one.processor for one in subject.registry.active_features if one.processor), known)
    for one in subject.registry.processors:
        # Another registry that extends the same file may have the features of a shared processor.
        if one.name not in used and one.at.file == subject.registry.path:
            message = f"No feature names the processor {one.name}."
            yield Finding(one.name, message, remedy="Name it in its features, or remove it.", location=one.at)
