"""fqtool models: whether each model can read the store, by the registry, by the model's own list, by a date's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fqtool.diagnosis.readiness import Readiness, ReadyDay
from fqtool.errors import InputError, UsageError
from fqtool.finding import Finding
from fqtool.quality.feature_list import FeatureList
from fqtool.quality.model_inputs import compared, inputs_of, vector_of
from fqtool.registry.explain import nearest
from fqtool.registry.judgement import Model
from fqtool.registry.model import Registry
from fqtool.rules import about_models as rules
from fqtool.verbs.workspace import require_columns
from fqtool.warehouse.protocol import Warehouse


@dataclass(frozen=True, slots=True)
class Judged:
    """The models that were looked at, and what was found about them; `day` is told where rows were asked."""

    models: tuple[Model, ...]
    findings: tuple[Finding, ...]
    day: ReadyDay | None = None


@dataclass(frozen=True, slots=True)
class ListJudged:
    """A model file's list, whose inputs it was compared with and how many they are, and what was found."""

    given: FeatureList
    reader: str
    expected: int
    findings: tuple[Finding, ...]


def models_of(registry: Registry, name: str = "") -> tuple[Model, ...]:
    """Return all models, or the one with that name. Raises UsageError for a name that is none."""
    found = tuple(one for one in registry.models if name in ("", one.name))
    if not found and name:
        known = [one.name for one in registry.models]
        meant = nearest(name, known)
        remedy = f"Did you mean {meant}?" if meant else f"Declared: {', '.join(known) or 'none'}."
        raise UsageError(f"There is no model {name!r} in {registry.path}.", remedy=remedy)
    return found


def judge_models(models: Sequence[Model]) -> Judged:
    """Judge models by what the registry says of them."""
    return Judged(tuple(models), tuple(found for one in models for found in rules.model_input_repeated(one)))


def judge_list(registry: Registry, given: FeatureList, name: str = "") -> ListJudged:
    """Compare a model's own list with the inputs of that model; without a name, with the whole vector.

    `name` goes before what the list says itself. Raises InputError for a model that is none.
    """
    if given.model and not name and given.model not in {one.name for one in registry.models}:
        raise InputError(
            f"{given.place}: its model {given.model!r} is not in {registry.path}.",
            remedy="Name another with --model, or take model out of the list to compare with the whole vector.",
        )
    if name := name or given.model:
        (model,) = models_of(registry, name)
        reader, expected = model.name, inputs_of(model, given.names)
    else:
        reader, expected = rules.VECTOR, vector_of(registry)
    comparison = compared(expected, given.names)
    fits = (one.name for one in registry.models if inputs_of(one, given.names) == given.names)
    former = ((one.renamed_from, one.name) for one in registry.features if one.renamed_from)
    listed = rules.Listed(given, reader, expected, comparison, tuple(former), tuple(fits))
    checks = (
        rules.input_missing_from_list,
        rules.unknown_input_in_list,
        rules.list_in_other_order,
        rules.repeated_in_list,
    )
    return ListJudged(given, reader, len(expected), tuple(found for check in checks for found in check(listed)))


def judge_rows(registry: Registry, warehouse: Warehouse, models: Sequence[Model], day: date) -> Judged:
    """Judge models by the registry and by the rows of one date, by one scan of it.

    Raises InputError for a registry without stored sources or without partitions, NotThere for an absent table or
    column.
    """
    readiness = Readiness(registry, tuple(models))
    query = readiness.query(day, datetime.now(UTC))
    require_columns(registry, warehouse, readiness.reads)
    (row,) = warehouse.rows(query)
    ready = readiness.read(day, row)
    findings = [
        found
        for one in ready.models
        for check in (rules.model_cannot_score, rules.model_scores_few, rules.model_not_offered)
        for found in check(rules.ModelOnDay(ready, one))
    ]
    return Judged(tuple(models), (*judge_models(models).findings, *findings), ready)
