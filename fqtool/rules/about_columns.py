"""Rules on the columns that the registry declares."""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.errors import InputError
from fqtool.finding import Finding, Location, Severity, rule
from fqtool.registry.explain import nearest
from fqtool.registry.judgement import Each, ViewColumn
from fqtool.registry.model import BaseColumn, ColumnSpec, Owner
from fqtool.rules.subject import PLACEHOLDER, Subject, type_of
from fqtool.table.column import Mode, Type
from fqtool.table.typetext import parse_type

_TELLING = {Each.FEATURE: ("index", "name"), Each.CATEGORY: ("category", "name")}
_PLACEHOLDERS = {
    Each.FEATURE: ("index", "name", "category", "description", "processor", "upstream_table"),
    Each.CATEGORY: ("category", "name", "description"),
}


@rule("FQ110")
def unreadable_type(subject: Subject) -> Iterator[Finding]:
    """A type is none that BigQuery has.

    Problem: the text under `type` cannot be read as a GoogleSQL type.

    Why: neither schema nor DDL can be written for the column.

    Example: type: VARCHAR(20)

    Fix: write a GoogleSQL type such as STRING(20), NUMERIC(5, 2), ARRAY<STRING> or STRUCT<a INT64>.
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


@rule("FQ113")
def columns_disagree(subject: Subject) -> Iterator[Finding]:
    """A column is both base and managed, with two types.

    Problem: base_columns and columns list one name, and their types differ.

    Why: it is one column of the table, which has one type.

    Example: feature_quality_score NUMERIC(5,2) as base column and FLOAT64 as managed one

    Fix: write the type that the table has in both places.
    """
    base = {one.name.lower(): one for one in subject.registry.base_columns}
    for one in subject.managed:
        other = base.get(one.name.lower())
        if other and type_of(one.spec.type) != type_of(other.type):
            message = f"{one.name} is {one.spec.type} here and {other.type} among the base columns."
            at = subject.within(one.spec.at, "type")
            yield Finding(one.name, message, cause=f"base column in line {other.at.line}", location=at)


@rule("FQ114")
def required_array(subject: Subject) -> Iterator[Finding]:
    """An ARRAY is said to be required.

    Problem: a base column of type ARRAY has `required: true`.

    Why: a BigQuery ARRAY is never NULL, so it cannot be NOT NULL either.

    Example: {name: features, type: ARRAY<FLOAT64>, required: true}

    Fix: remove `required`.
    """
    for number, one in enumerate(subject.registry.base_columns):
        found = type_of(one.type)
        if one.required and found and found[1] is Mode.REPEATED:
            yield Finding(
                one.name, f"{one.name} is an ARRAY and required.", remedy="Remove required: true.", location=one.at,
                patch=subject.replaced("true", "false", "base_columns", number, "required"),
            )  # fmt: skip


@rule("FQ115")
def repeated_without_placeholder(subject: Subject) -> Iterator[Finding]:
    """A repeated entry gives every column one name.

    Problem: an entry with for_each has a name without a placeholder that differs from one repetition to the next.

    Why: all its columns would be called the same.

    Example: {name: feature_quality, for_each: feature}

    Fix: put {index} or {name} into the name for features, {category} for categories.
    """
    registry = subject.registry
    entries: list[ColumnSpec | ViewColumn] = [
        *registry.columns,
        *(one for view in registry.views for one in view.columns),
    ]
    for one in entries:
        telling: tuple[str, ...] = _TELLING[one.for_each] if one.for_each else ()
        single = isinstance(one, ColumnSpec) and len(one.only) == 1
        if not one.for_each or single or set(PLACEHOLDER.findall(one.name)).difference(_PLACEHOLDERS[one.for_each]):
            continue  # another rule speaks of placeholders that are none
        if not any(f"{{{word}}}" in one.name for word in telling):
            remedy = f"Put {{{telling[0]}}} into the name."
            at = subject.within(one.at, "name")
            yield Finding(one.name, f"{one.name} is repeated for each {one.for_each}.", remedy=remedy, location=at)


@rule("FQ116")
def unknown_placeholder(subject: Subject) -> Iterator[Finding]:
    """A placeholder that is not filled in.

    Problem: {word} stands in a name, expression or description, and the entry does not offer that word.

    Why: the text would go to the warehouse with its braces.

    Example: expr: "COUNT_FEATURES(category = '{category}')" without for_each

    Fix: add for_each, or use one of the words listed.
    """
    for name, texts, known, at in _with_placeholders(subject):
        words = {word: key for key, text in reversed(texts.items()) for word in PLACEHOLDER.findall(text)}
        for word, key in words.items():
            if word not in known:
                near, listed = nearest(word, known), ", ".join(f"{{{one}}}" for one in known)
                remedy = f"Known here: {listed}." if known else "Add for_each, or write it out."
                remedy = f"Did you mean {{{near}}}? {remedy}" if near else remedy
                place = subject.within(at, key) if key else at
                yield Finding(name, f"{{{word}}} means nothing in {name}.", remedy=remedy, location=place)


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
    once = {"sources_known": inputs.sources_known, "names": inputs.names, "cold_start": inputs.cold_start}
    for key, text in once.items():
        yield f"inputs {key}", {"": text}, (), subject.place("inputs", key)


@rule("FQ117")
def missing_expression(subject: Subject) -> Iterator[Finding]:
    """A column that fqtool writes does not say how.

    Problem: a managed column has no expr, and its owner is not upstream.

    Why: it would stay NULL in every row and look as if it meant something.

    Example: {name: quality_tier, type: STRING, section: aggregate}

    Fix: add expr, or owner: upstream if another job writes the column.
    """
    for one in subject.registry.columns:
        if one.expr is None and one.owner is not Owner.UPSTREAM:
            yield Finding(one.name, f"{one.name} has no expr.", remedy="Add expr, or owner: upstream.", location=one.at)


@rule("FQ118", Severity.WARNING)
def unused_expression(subject: Subject) -> Iterator[Finding]:
    """A column of upstream has an expression that is never used.

    Problem: the owner is upstream, so fqtool never writes the column, and expr does nothing.

    Why: readers of the registry take the expression for what the column holds.

    Example: {name: is_production_ready, owner: upstream, expr: quality_tier = 'gold'}

    Fix: remove expr; or owner: shared to have fqtool fill what upstream leaves NULL.
    """
    for one in subject.registry.columns:
        if one.expr is not None and one.owner is Owner.UPSTREAM:
            remedy = "Remove expr, or write owner: shared."
            yield Finding(one.name, f"{one.name} belongs to upstream and has an expr.", remedy=remedy, location=one.at)


@rule("FQ119")
def unknown_repetition(subject: Subject) -> Iterator[Finding]:
    """An entry is to be repeated for something that does not exist.

    Problem: `only` names a feature or category that the registry does not have, or stands without for_each.

    Why: the column would be missing, or would be computed over no feature.

    Example: {name: "{category}_quality_pct", for_each: category, only: [matchups]}

    Fix: take the suggestion, or declare the feature or category.
    """
    registry = subject.registry
    known = {Each.FEATURE: frozenset(one.name for one in registry.features), Each.CATEGORY: subject.category_names}
    for one in registry.columns:
        if one.only and not one.for_each:
            yield Finding(one.name, f"{one.name} has only, and no for_each.", remedy="Add for_each.", location=one.at)
        for number, name in enumerate(one.only if one.for_each else ()):
            if one.for_each and name not in known[one.for_each]:
                meant = nearest(name, known[one.for_each])
                remedy, at = f"Did you mean {meant}?" if meant else "", subject.within(one.at, "only", number)
                yield Finding(one.name, f"There is no {one.for_each} {name}.", remedy=remedy, location=at)


@rule("FQ120")
def deprecation_in_disorder(subject: Subject) -> Iterator[Finding]:
    """A column is to go before it was deprecated.

    Problem: remove_after lies before since.

    Why: readers get no time to move, most likely because a year is wrong.

    Example: {since: "2026-02-06", remove_after: "2025-05-06"}

    Fix: correct the dates.
    """
    for one in subject.registry.columns:
        told = one.deprecated
        if told and told.remove_after < told.since:
            message = f"{one.name} goes on {told.remove_after}, before it is deprecated on {told.since}."
            yield Finding(one.name, message, location=one.at)


@rule("FQ121")
def unknown_field(subject: Subject) -> Iterator[Finding]:
    """A field is described that the type does not have.

    Problem: field_descriptions names a field that is not in the STRUCT.

    Why: the description would be lost without a word.

    Example: {type: STRUCT<games_found INT64>, field_descriptions: {game_found: ...}}

    Fix: take the suggestion.
    """
    for one in subject.registry.base_columns:
        found = type_of(one.type)
        fields = set(_paths(found[0])) if found else set()
        for name, _ in one.field_descriptions if found else ():
            if name not in fields:
                meant = nearest(name, fields)
                remedy = f"Did you mean {meant}?" if meant else ""
                at = subject.within(one.at, "field_descriptions", name)
                yield Finding(one.name, f"{one.name} has no field {name}.", remedy=remedy, location=at)


def _paths(struct: Type, place: str = "") -> Iterator[str]:
    """Yield every field of a STRUCT by its path, e.g. outer and outer.inner."""
    for field in struct.fields:
        yield f"{place}{field.name}"
        yield from _paths(field.type, f"{place}{field.name}.")
