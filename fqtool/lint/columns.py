"""Rules about the columns that the registry declares."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.errors import InputError
from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.lint.context import PLACEHOLDER, Subject, once, type_of
from fqtool.registry.alerts_and_models import Each, ViewColumn
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import BaseColumn, ColumnSpec, Owner
from fqtool.schema.build import dropped_columns
from fqtool.table.column import Mode, Type
from fqtool.table.typetext import parse_type

_DISTINGUISHING = {Each.FEATURE: ("index", "name"), Each.CATEGORY: ("category", "name")}
_PLACEHOLDERS = {
    Each.FEATURE: ("index", "name", "category", "description", "processor", "upstream_table"),
    Each.CATEGORY: ("category", "name", "description"),
}


@rule("FQ110", group=Group.REGISTRY)
def unreadable_type(subject: Subject) -> Iterator[Finding]:
    """A type is not a GoogleSQL type.

    Problem: The text under `type` is not a GoogleSQL type.

    Why: Fqtool cannot write a schema or DDL for the column.

    Example: type: VARCHAR(20)

    Fix: Write a GoogleSQL type such as STRING(20), NUMERIC(5, 2), ARRAY<STRING> or STRUCT<a INT64>.
    """
    for name, text, at in _typed(subject):
        if type_of(text) is None:
            try:
                parse_type(text)
            except InputError as error:
                yield Finding(name, error.message, remedy=error.remedy, location=subject.within(at, "type"))


def _typed(subject: Subject) -> Iterator[tuple[str, str, Location]]:
    entries: list[BaseColumn | ColumnSpec] = [*subject.registry.base_columns, *subject.registry.columns]
    for one in entries:
        yield one.name, one.type, one.at


@rule("FQ113", group=Group.REGISTRY)
def columns_disagree(subject: Subject) -> Iterator[Finding]:
    """Two entries of one column contradict each other.

    Problem: `base_columns` and `columns` list the same name with different types. Or one entry of `columns` drops a
    column that another entry declares.

    Why: Both are one column of the table, which has one type, and exists or does not exist.

    Example: feature_quality_score NUMERIC(5,2) under base_columns and FLOAT64 under columns

    Fix: Write the type of the table's column in both places. Remove the entry with `dropped: true`, or the other one.
    """
    base = {one.name.lower(): one for one in subject.registry.base_columns}
    for one in subject.managed:
        other = base.get(one.name.lower())
        if other and type_of(one.spec.type) != type_of(other.type):
            message = f"{one.name} is {one.spec.type} under `columns`, but {other.type} under `base_columns`."
            at = subject.within(one.spec.at, "type")
            yield Finding(one.name, message, cause=f"base column in line {other.at.line}", location=at)
    yield from once(_dropped_and_declared(subject))


def _dropped_and_declared(subject: Subject) -> Iterator[Finding]:
    declared = {name.lower(): at for name, _, at in subject.named_columns()}
    for one in dropped_columns(subject.registry):
        if at := declared.get(one.name.lower()):
            yield Finding(
                one.name,
                f"{one.name} has `dropped: true`, and another entry declares it.",
                cause=f"declared in line {at.line}",
                remedy="Remove one of the two entries.",
                location=subject.within(one.spec.at, "deprecated", "dropped"),
            )


@rule("FQ114", group=Group.REGISTRY)
def required_array(subject: Subject) -> Iterator[Finding]:
    """An ARRAY is declared as required.

    Problem: A base column of type ARRAY has `required: true`.

    Why: A BigQuery ARRAY is never NULL, so NOT NULL is not allowed.

    Example: {name: features, type: ARRAY<FLOAT64>, required: true}

    Fix: Remove `required`.
    """
    for number, one in enumerate(subject.registry.base_columns):
        found = type_of(one.type)
        if one.required and found and found[1] is Mode.REPEATED:
            yield Finding(
                one.name, f"{one.name} is an ARRAY, which cannot be required.",
                remedy="Remove `required: true`.", location=one.at,
                patch=subject.replaced("true", "false", "base_columns", number, "required"),
            )  # fmt: skip


@rule("FQ115", group=Group.REGISTRY)
def repeated_without_placeholder(subject: Subject) -> Iterator[Finding]:
    """A repeated entry gives all its columns the same name.

    Problem: The name of an entry with `for_each` has no placeholder that differs between repetitions.

    Why: All its columns would have the same name.

    Example: {name: feature_quality, for_each: feature}

    Fix: Put {index} or {name} into the name for features, {category} for categories.
    """
    registry = subject.registry
    entries: list[ColumnSpec | ViewColumn] = [
        *registry.columns,
        *(one for view in registry.views for one in view.columns),
    ]
    for one in entries:
        words: tuple[str, ...] = _DISTINGUISHING[one.for_each] if one.for_each else ()
        single = isinstance(one, ColumnSpec) and len(one.only) == 1
        if not one.for_each or single or set(PLACEHOLDER.findall(one.name)).difference(_PLACEHOLDERS[one.for_each]):
            continue  # another rule reports unknown placeholders
        if not any(f"{{{word}}}" in one.name for word in words):
            remedy = f"Put {{{words[0]}}} into the name."
            at = subject.within(one.at, "name")
            yield Finding(
                one.name, f"{one.name} has the same name for each {one.for_each}.", remedy=remedy, location=at
            )


@rule("FQ116", group=Group.REGISTRY)
def unknown_placeholder(subject: Subject) -> Iterator[Finding]:
    """A placeholder has no value.

    Problem: A name, expression or description contains {word}, and the entry has no value for that word.

    Why: The warehouse would get the text with its braces.

    Example: expr: "COUNT_FEATURES(category = '{category}')" without for_each

    Fix: Add `for_each`, or use one of the listed placeholders.
    """
    for name, texts, known, at in _with_placeholders(subject):
        words = {word: key for key, text in reversed(texts.items()) for word in PLACEHOLDER.findall(text)}
        for word, key in words.items():
            if word not in known:
                near, listed = nearest(word, known), ", ".join(f"{{{one}}}" for one in known)
                remedy = f"Known placeholders: {listed}." if known else "Add `for_each`, or write the value instead."
                remedy = f"Write {{{near}}}. {remedy}" if near else remedy
                place = subject.within(at, key) if key else at
                yield Finding(name, f"Unknown placeholder {{{word}}} in {name}.", remedy=remedy, location=place)


def _with_placeholders(subject: Subject) -> Iterator[tuple[str, dict[str, str], tuple[str, ...], Location]]:
    for one in (one for one in subject.registry.columns if one.for_each or not one.only):
        known = _PLACEHOLDERS[one.for_each] if one.for_each else ()
        texts = {"name": one.name, "expr": one.expr or "", "renamed_from": one.renamed_from or ""}
        yield one.name, texts | ({"description": one.description} if one.for_each else {}), known, one.at
    for view in subject.registry.views:
        for column in view.columns:
            known = ("index", "name", "category") if column.for_each or view.rows_per else ()
            yield column.name, {"name": column.name, "expr": column.expr}, known, column.at
    inputs = subject.registry.inputs
    for key, text in (("source", inputs.source), ("value", inputs.value)):
        yield f"inputs {key}", {"": text}, ("index", "name"), subject.place("inputs", key)
    for feature in subject.registry.features:
        for key, text in (("source", feature.source), ("value", feature.value)):
            yield f"{feature.name} {key}", {"": text}, ("index", "name"), subject.within(feature.at, key)
    once = {"sources_known": inputs.sources_known, "names": inputs.names, "cold_start": inputs.cold_start}
    for key, text in once.items():
        yield f"inputs {key}", {"": text}, (), subject.place("inputs", key)


@rule("FQ117", group=Group.REGISTRY)
def missing_expression(subject: Subject) -> Iterator[Finding]:
    """A column that fqtool writes has no expression.

    Problem: A managed column has no `expr`, and its owner is not upstream.

    Why: The column would be NULL in every row.

    Example: {name: quality_tier, type: STRING, section: aggregate}

    Fix: Add `expr`, or `owner: upstream` if another job writes the column.
    """
    for one in subject.registry.columns:
        if one.expr is None and one.owner is not Owner.UPSTREAM:
            yield Finding(
                one.name, f"{one.name} has no `expr`.", remedy="Add `expr`, or `owner: upstream`.", location=one.at
            )


@rule("FQ118", Severity.WARNING, group=Group.REGISTRY)
def unused_expression(subject: Subject) -> Iterator[Finding]:
    """An upstream column has an expression that is never used.

    Problem: The owner is upstream, so fqtool never writes the column, and `expr` has no effect.

    Why: Readers of the registry expect the column to have the value of the expression.

    Example: {name: is_production_ready, owner: upstream, expr: quality_tier = 'gold'}

    Fix: Remove `expr`, or write `owner: shared` so that fqtool fills NULL values.
    """
    for one in subject.registry.columns:
        if one.expr is not None and one.owner is Owner.UPSTREAM:
            remedy = "Remove `expr`, or write `owner: shared`."
            message = f"{one.name} has owner upstream, so its `expr` is never used."
            yield Finding(one.name, message, remedy=remedy, location=one.at)


@rule("FQ119", group=Group.REGISTRY)
def unknown_repetition(subject: Subject) -> Iterator[Finding]:
    """`only` names a feature or category that does not exist.

    Problem: `only` names a feature or category that the registry does not have, or the entry has no `for_each`.

    Why: The column would be missing, or would be computed over no feature.

    Example: {name: "{category}_quality_pct", for_each: category, only: [demands]}

    Fix: Use the suggested name, or declare the feature or category.
    """
    registry = subject.registry
    known = {Each.FEATURE: frozenset(one.name for one in registry.features), Each.CATEGORY: subject.category_names}
    for one in registry.columns:
        if one.only and not one.for_each:
            yield Finding(
                one.name, f"{one.name} has `only` but no `for_each`.", remedy="Add `for_each`.", location=one.at
            )
        for number, name in enumerate(one.only if one.for_each else ()):
            if one.for_each and name not in known[one.for_each]:
                meant = nearest(name, known[one.for_each])
                remedy, at = f"Write {meant}." if meant else "", subject.within(one.at, "only", number)
                yield Finding(one.name, f"`only` names the unknown {one.for_each} {name}.", remedy=remedy, location=at)


@rule("FQ120", group=Group.REGISTRY)
def removed_before_deprecated(subject: Subject) -> Iterator[Finding]:
    """A column is removed before it is deprecated.

    Problem: `remove_after` is before `since`.

    Why: Readers have no time to migrate. Most likely a year is wrong.

    Example: {since: "2026-02-06", remove_after: "2025-05-06"}

    Fix: Correct the dates.
    """
    for one in subject.registry.columns:
        dates = one.deprecated
        if dates and dates.remove_after < dates.since:
            message = f"{one.name} is removed after {dates.remove_after}, before it is deprecated on {dates.since}."
            yield Finding(one.name, message, location=one.at)


@rule("FQ121", group=Group.REGISTRY)
def unknown_field(subject: Subject) -> Iterator[Finding]:
    """A field with a description does not exist.

    Problem: `field_descriptions` names a field that is not in the STRUCT.

    Why: The description would be lost without a message.

    Example: {type: STRUCT<rows_found INT64>, field_descriptions: {row_found: ...}}

    Fix: Use the suggested name.
    """
    for one in subject.registry.base_columns:
        found = type_of(one.type)
        fields = set(_paths(found[0])) if found else set()
        for name, _ in one.field_descriptions if found else ():
            if name not in fields:
                meant = nearest(name, fields)
                remedy = f"Write {meant}." if meant else ""
                at = subject.within(one.at, "field_descriptions", name)
                yield Finding(one.name, f"{one.name} has no field {name}.", remedy=remedy, location=at)


def _paths(struct: Type, place: str = "") -> Iterator[str]:
    """Yield the path of every field of a STRUCT, e.g. outer and outer.inner."""
    for field in struct.fields:
        yield f"{place}{field.name}"
        yield from _paths(field.type, f"{place}{field.name}.")
