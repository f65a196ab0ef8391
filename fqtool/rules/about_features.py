"""Rules on the feature vector and on who writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fqtool.finding import Finding, Location, Severity, rule
from fqtool.registry.explain import nearest
from fqtool.rules.subject import Subject, meant, repeats


def _unknown(subject: str, what: str, name: str, known: Iterable[str], at: Location) -> Finding:
    near = nearest(name, known)
    remedy = f"Did you mean {near}?" if near else f"Declare {name}, or name another."
    return Finding(subject, f"{subject} names the {what} {name}, which is not declared.", remedy=remedy, location=at)


@rule("FQ125")
def broken_index(subject: Subject) -> Iterator[Finding]:
    """The indices of the features are not 0, 1, 2, ...

    Problem: an index is used twice, or one is left out.

    Why: models read the vector by position. A gap is a feature that was removed, and a repeat is one that was
    renumbered: both shift what a model reads.

    Example: indices 0, 1, 3

    Fix: give a removed feature its entry back, with `retired: true`; append new ones at the end.
    """
    expected, free = 0, subject.registry.features[-1].index + 1 if subject.registry.features else 0
    for one in subject.registry.features:
        at = subject.within(one.at, "index") if one.index != expected else one.at
        if one.index < expected:
            message = f"{one.name} has the index {one.index}, which is taken."
            yield Finding(one.name, message, remedy=f"Give it the next free one, {free}.", location=at)
            continue
        if one.index > expected:
            missing = str(expected) if one.index == expected + 1 else f"{expected} to {one.index - 1}"
            remedy = "Keep removed features with retired: true; append new ones."
            message = f"No feature has index {missing}; {one.name} comes next with {one.index}."
            yield Finding(one.name, message, remedy=remedy, location=at)
        expected = one.index + 1


@rule("FQ126")
def duplicate_feature(subject: Subject) -> Iterator[Finding]:
    """Two features have one name.

    Problem: a name stands twice, without regard to case.

    Why: models name the features they need.

    Example: fatigue_score at 5 and at 37

    Fix: rename one, e.g. fatigue_score_v2 for the newer definition.
    """
    for one in repeats((one.name, one.at) for one in subject.registry.features):
        remedy = f"Rename one, e.g. {one.name}_v2 for the newer definition."
        at = subject.within(one.at, "name")
        yield Finding(one.name, f"The feature {one.name} stands twice.", one.cause, remedy, at)


@rule("FQ127")
def unknown_category(subject: Subject) -> Iterator[Finding]:
    """A feature is in a category that is not declared.

    Problem: `category` names nothing under categories.

    Why: no category column would count the feature.

    Example: category: matchups

    Fix: take the suggestion, or declare the category.
    """
    for one in subject.registry.features:
        if one.category not in subject.category_names:
            at = subject.within(one.at, "category")
            yield _unknown(one.name, "category", one.category, subject.category_names, at)


@rule("FQ128")
def unknown_processor(subject: Subject) -> Iterator[Finding]:
    """A feature comes from a processor that is not declared.

    Problem: `processor` names nothing under processors.

    Why: a diagnosis could not name the job to run again.

    Example: processor: PlayerCompositeFactorProcessor

    Fix: take the suggestion, or declare the processor.
    """
    known = frozenset(one.name for one in subject.registry.processors)
    for one in subject.registry.features:
        if one.processor and one.processor not in known:
            yield _unknown(one.name, "processor", one.processor, known, subject.within(one.at, "processor"))


@rule("FQ129")
def unknown_label(subject: Subject) -> Iterator[Finding]:
    """A source label is named that is not declared.

    Problem: `labels` of a feature, or `absent_label`, names nothing under sources.

    Why: a label without a weight counts as unknown, and every row with it is a finding.

    Example: labels: [phase_4, default]

    Fix: take the suggestion, or declare the label with its weight.
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


@rule("FQ130", firm=False)
def broken_range(subject: Subject) -> Iterator[Finding]:
    """A range is the wrong way round, or the stand-in value lies outside it.

    Problem: the lower limit exceeds the upper one, or `expected` is a value that no real one could have.

    Why: every row would be called out of range, or every stand-in would.

    Example: {expected: 112.0, range: [0, 100]}

    Fix: correct the limits, or the stand-in.
    """
    for one in subject.registry.features:
        if one.range is None:
            continue
        (low, high), at = one.range, subject.within(one.at, "range")
        if low > high:
            message = f"The range of {one.name} goes from {low:g} to {high:g}."
            yield Finding(one.name, message, remedy="Write the lower limit first.", location=at)
        elif one.expected is not None and not low <= one.expected <= high:
            message = f"{one.name} expects {one.expected:g}, outside its range {low:g} to {high:g}."
            yield Finding(one.name, message, remedy="Correct range or expected.", location=at)


@rule("FQ131", Severity.WARNING)
def empty_category(subject: Subject) -> Iterator[Finding]:
    """A category has no feature.

    Problem: no feature that is not retired is in the category.

    Why: its columns are NULL in every row.

    Example: a category betting after its last feature was retired

    Fix: remove the category and its columns, or put a feature into it.
    """
    used = meant((one.category for one in subject.registry.active_features), subject.category_names)
    for one in subject.registry.categories:
        if one.name not in used:
            yield Finding(one.name, f"No feature is in the category {one.name}.", location=one.at)


@rule("FQ124", Severity.WARNING)
def unused_label(subject: Subject) -> Iterator[Finding]:
    """A source label that no feature can have.

    Problem: every feature lists its labels, and none lists this one; it is not `absent_label` either.

    Why: it has a weight that never counts, most likely because a feature lists another spelling.

    Example: vegas_line under sources, and labels: [vegas, missing]

    Fix: list it at the feature that has it, or remove it.
    """
    registry = subject.registry
    known = [one.label for one in registry.sources]
    labels = (label for one in registry.features for label in one.labels)
    listed = meant(labels, known) | {registry.unknown_source.absent_label}
    if not registry.active_features or not all(one.labels for one in registry.active_features):
        return
    for source in registry.sources:
        if source.label not in listed:
            message = f"No feature lists the source label {source.label}."
            yield Finding(source.label, message, remedy="List it under labels, or remove it.", location=source.at)


@rule("FQ132")
def input_alike_for_all(subject: Subject) -> Iterator[Finding]:
    """Every feature would read the same source or value.

    Problem: `source` or `value` under inputs has neither {index} nor {name}.

    Why: what is filled in for each feature is how they are told apart.

    Example: source: JSON_VALUE(feature_sources, '$.5')

    Fix: put {index} or {name} where the feature's own part is read.
    """
    registry = subject.registry
    for key, text in (("source", registry.inputs.source), ("value", registry.inputs.value)):
        if "{index}" not in text and "{name}" not in text:
            message = f"inputs {key} is the same for every feature."
            yield Finding(
                f"inputs {key}", message, remedy="Put {index} into it.", location=subject.place("inputs", key)
            )


@rule("FQ133")
def unknown_run_column(subject: Subject) -> Iterator[Finding]:
    """A processor's run is read from a base column that does not exist.

    Problem: last_updated or rows_found names nothing under base_columns.

    Why: whether the processor ran could not be told.

    Example: last_updated: source_composite_updated

    Fix: take the suggestion, or declare the base column.
    """
    for one in subject.registry.processors:
        for key, name in (("last_updated", one.last_updated), ("rows_found", one.rows_found)):
            if name and name.lower() not in subject.base_names:
                yield _unknown(one.name, "base column", name, subject.base_names, subject.within(one.at, key))


@rule("FQ134", Severity.WARNING)
def idle_processor(subject: Subject) -> Iterator[Finding]:
    """A processor makes no feature.

    Problem: no feature that is not retired names the processor.

    Why: its failure could harm no feature, so a diagnosis that speaks of it misleads; or a feature names the wrong one.

    Example: OddsScrapers under processors, with all features of the lines under another name

    Fix: name it at its features, or remove it.
    """
    known = [one.name for one in subject.registry.processors]
    used = meant((one.processor for one in subject.registry.active_features if one.processor), known)
    for one in subject.registry.processors:
        if one.name not in used:
            message = f"No feature comes from {one.name}."
            yield Finding(one.name, message, remedy="Name it at its features, or remove it.", location=one.at)
