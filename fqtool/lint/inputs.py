"""Rules about the value and the label of a feature in a row, and which commands can use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fqtool.errors import InputError
from fqtool.expressions.value_types import TELLABLE, ValueType
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.listing import listed
from fqtool.lint.context import Subject
from fqtool.registry.model import Feature
from fqtool.registry.yaml.edit import scalar
from fqtool.scoring.layout import MISSING, PRESENT, Layout
from fqtool.scoring.roles import Roles
from fqtool.table.column import Kind

SCORE_COLUMN = "{name: score, type: FLOAT64, section: aggregate, expr: AVG_OVER_FEATURES(quality)}"
"""The entry of `columns` that scores a row."""
_SHOWN, _LISTED, _ENTRIES = 3, 10, 3
_OF_VALUES = "diagnose, daily, report, models, explain and check-drift --data"
_USABLE = frozenset(ValueType(kind) for kind in (*TELLABLE, Kind.BIGNUMERIC))


def _layout(subject: Subject) -> Layout | None:
    """The layout, or None if the type of a column is not valid, which another rule reports."""
    layout = Layout(subject.registry)
    try:
        for one in subject.registry.active_features:
            layout.type_of(one)
    except InputError:
        return None
    return layout


def _some(features: list[Feature]) -> str:
    return listed([one.name for one in features], _SHOWN)


@rule("FQ166", group=Group.REGISTRY)
def presence_without_source(subject: Subject) -> Iterator[Finding]:
    """Rows have no labels, and the labels `present` and `missing` are not declared.

    Problem: `inputs` has no `source`, so the label of a feature is `present` or `missing`. `sources` lacks one of them,
    or `missing` does not have `is_default: true`.

    Why: Every row would have an unknown label, and all features would have the same quality.

    Example: inputs {value: "{name}"} without missing under sources

    Fix: Declare `present` and `missing` under `sources`, each with its weight.
    """
    registry = subject.registry
    if Layout(registry).has_labels or not registry.inputs.value:
        return
    declared = {one.label: one for one in registry.sources}
    expected = {
        PRESENT: f"{PRESENT}: {{weight: 100, canonical: {PRESENT}}}",
        MISSING: f"{MISSING}: {{weight: 0, canonical: {MISSING}, is_default: true}}",
    }
    for label, entry in expected.items():
        if label not in declared:
            message = f"`inputs` has no `source`, and `sources` does not declare {label}."
            yield Finding(label, message, remedy=f"Add to `sources`: {entry}", location=subject.place("sources"))
    if MISSING in declared and not declared[MISSING].is_default:
        message = f"The label {MISSING} means an absent value, but does not have `is_default: true`."
        yield Finding(MISSING, message, remedy="Add `is_default: true`.", location=declared[MISSING].at)


@rule("FQ167", group=Group.REGISTRY)
def value_of_several_parts(subject: Subject) -> Iterator[Finding]:
    """The value of a feature is an ARRAY, a STRUCT, JSON or another type without single values.

    Problem: `value` reads a whole column where it should read a part of it.

    Why: Commands compare values, count them and compute their mean.

    Example: value: features, an ARRAY<FLOAT64>

    Fix: Read one value, such as features[SAFE_OFFSET({index})] or CAST(JSON_VALUE(payload, '$.{name}') AS FLOAT64).
    """
    if (layout := _layout(subject)) is None:
        return
    kinds = {one: layout.type_of(one) for one in subject.registry.active_features}
    wrong = [one for one, kind in kinds.items() if kind is not None and kind not in _USABLE]
    if wrong:
        at = subject.within(wrong[0].at, "value") if wrong[0].value else subject.place("inputs", "value")
        message = f"The value of {_some(wrong)} has the type {kinds[wrong[0]]}, which {_OF_VALUES} cannot use."
        remedy = "Read one number, text, truth value or time with `value`."
        yield Finding(wrong[0].name, message, remedy=remedy, location=at)


@rule("FQ168", Severity.NOTE, group=Group.REGISTRY)
def value_not_writable(subject: Subject) -> Iterator[Finding]:
    """A value or label is computed, so fqtool cannot make synthetic rows for this store.

    Problem: The expression reads more than one column, item of an ARRAY, field of a STRUCT or key of JSON text.

    Why: `demo`, and `cost` without a table, make synthetic rows; `explain` computes the score of a repaired row. They
    cannot do so for this store.

    Example: value: last_price / mean_price

    Fix: Store the computed value in an upstream column. If these commands are not needed, no fix is needed.
    """
    if (layout := _layout(subject)) is None:
        return
    for key in ("value", "source"):
        wrong = [one for one in subject.registry.active_features if not _is_writable(layout, one, key)]
        if wrong:
            own = getattr(wrong[0], key)
            at = subject.within(wrong[0].at, key) if own else subject.place("inputs", key)
            message = f"The {key} of {_some(wrong)} is computed, so `demo` and `cost` cannot make rows for this store."
            remedy = "Store it in a column if these commands are needed."
            yield Finding(wrong[0].name, message, remedy=remedy, location=at)


def _is_writable(layout: Layout, feature: Feature, key: str) -> bool:
    try:
        if key == "value":
            return layout.value_place(feature) is not None
        return layout.label_place(feature) is not None or layout.follows_value(feature)
    except InputError:
        return True  # another rule reports the expression


@rule("FQ169", Severity.WARNING, group=Group.REGISTRY)
def scores_not_stored(subject: Subject) -> Iterator[Finding]:
    """No column shows whether a row is scored.

    Problem: The table stores neither the mean quality nor the source or quality of each feature.

    Why: `backfill` cannot find the rows that need scores, and `report` has no mean quality.

    Example: Columns with default counts only

    Fix: Add a column with `expr: AVG_OVER_FEATURES(quality)`.
    """
    registry = subject.registry
    computed = [one for one in registry.columns if one.expr]
    if registry.active_features and computed and not _scored(subject):
        message = "No column shows whether a row is scored, which `backfill` and `report` need."
        remedy = f"Add to `columns`: {SCORE_COLUMN}"
        yield Finding("columns", message, remedy=remedy, location=subject.place("columns"))


def _scored(subject: Subject) -> str:
    try:
        return Roles(subject.registry).scored
    except InputError:
        return "unknown"  # another rule reports the expression


def listed_labels(labels: Sequence[str]) -> str:
    """Return labels in backticks, at most ten of them."""
    return listed([f"`{one}`" for one in labels], _LISTED)


def label_entries(labels: Sequence[str]) -> str:
    """Return how to declare labels under `sources`, as a sentence."""
    entries = ", ".join(f"`{scalar(one)}: {{weight: 100, canonical: {scalar(one)}}}`" for one in labels[:_ENTRIES])
    such = ", such as" if len(labels) > 1 else ":"
    return f"Declare each label with its weight under `sources`{such} {entries}. Or correct the writer of the labels."
