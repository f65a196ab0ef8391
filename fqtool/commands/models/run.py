"""fqtool models: check models against the registry, their own lists, and the rows of a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TextIO

from fqtool.cli.counts import counted
from fqtool.commands.models import rules
from fqtool.commands.models.feature_list import FeatureList
from fqtool.commands.models.readiness import ModelDay, Readiness, ReadyDay
from fqtool.errors import InputError, UsageError
from fqtool.findings.finding import Finding
from fqtool.findings.remedy import Remedy, commands
from fqtool.output.table_text import Figure, index_ranges, print_table
from fqtool.registry.alerts_and_models import Model
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import Feature, Registry
from fqtool.schema.model_inputs import compared, inputs_of, vector_of
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import require_columns


@dataclass(frozen=True, slots=True)
class Judged:
    """The checked models, the findings about them, and the date whose rows were read, if any."""

    models: tuple[Model, ...]
    findings: tuple[Finding, ...]
    day: ReadyDay | None = None


@dataclass(frozen=True, slots=True)
class ListJudged:
    """A checked list, the reader that it was compared with, the number of expected inputs, and the findings."""

    given: FeatureList
    reader: str
    expected: int
    findings: tuple[Finding, ...]


def models_of(registry: Registry, name: str = "") -> tuple[Model, ...]:
    """Return all models, or the model with a name. Raises UsageError for an unknown name."""
    found = tuple(one for one in registry.models if name in ("", one.name))
    if not found and name:
        known = [one.name for one in registry.models]
        meant = nearest(name, known)
        remedy: Remedy = (
            f"Write {meant}."
            if meant
            else f"Use one of: {', '.join(known)}."
            if known
            else commands("models --register FILE", first="The registry declares no models. Add one:")
        )
        raise UsageError(f"Unknown model {name!r} in {registry.path}.", remedy=remedy)
    return found


def judge_models(models: Sequence[Model]) -> Judged:
    """Check models against the registry."""
    return Judged(tuple(models), tuple(found for one in models for found in rules.model_input_repeated(one)))


def judge_list(registry: Registry, given: FeatureList, name: str = "") -> ListJudged:
    """Compare the list of a model with its inputs in the registry; without a name, with the whole vector.

    Args:
        registry: The registry.
        given: The list.
        name: The model; "" for the model that the list names, if any.

    Raises:
        InputError: The list names an unknown model.
        UsageError: `name` is an unknown model.
    """
    if given.model and not name and given.model not in {one.name for one in registry.models}:
        raise InputError(
            f"{given.place}: unknown model {given.model!r} in {registry.path}.",
            remedy="Add --model, or remove `model` from the list to compare it with the whole vector.",
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
    """Check models against the registry and against the rows of one date, by one scan of the date.

    Raises:
        InputError: The rows of the table have no date.
        NotThere: The table does not exist.
        OtherColumns: The table lacks a column, or the column has another type.
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


_WORST = 8


def print_models(judged: Judged, registry: Registry, stream: TextIO) -> None:
    """Print a line per model, and on a date the features that block models; then an empty line."""
    if not judged.models or (judged.day and not judged.day.rows):
        return
    verdicts = {finding.subject: f"{finding.severity} {finding.rule}" for finding in reversed(judged.findings)}
    if judged.day is None:
        headers: tuple[str, ...] = ("model", "family", "features", "positions", "external", "verdict")
        rows = [(*_inputs(one, registry), verdicts.get(one.name, "good")) for one in judged.models]
        print_table("", headers, rows, stream)
    else:
        headers = ("model", "can score", "verdict", "condition")
        rows = [_row(one, judged.day.rows, verdicts.get(one.model.name, "good")) for one in judged.day.models]
        print_table(heading(judged), headers, rows, stream)
        _print_blocking(judged.day, stream)
    stream.write("\n")


def is_of_rows(finding: Finding) -> bool:
    """Return whether a finding is about the rows that a model can score, which the table of models already has."""
    return finding.rule in ("FQ656", "FQ657", "FQ658")


def _inputs(model: Model, registry: Registry) -> tuple[object, ...]:
    by_name = {one.name: one.index for one in registry.features}
    positions = index_ranges([by_name[name] for name in model.needs])
    return (model.name, model.family or None, len(model.needs), positions, len(model.external))


def _row(one: ModelDay, rows: int, verdict: str) -> tuple[object, ...]:
    condition = None
    if one.required is not None and one.required < rows:
        condition = f"{one.model.requires} is true in {counted(one.required, 'row')}"
    return (one.model.name, Figure(one.usable), verdict, condition)


def _print_blocking(day: ReadyDay, stream: TextIO) -> None:
    """Print the features that are defaulted in the most rows, each once, with the models that need it."""
    blocked: dict[Feature, int] = {}
    needed_by: dict[Feature, list[str]] = {}
    for one in day.models:
        for feature, count in one.blocked:
            blocked[feature] = count
            needed_by.setdefault(feature, []).append(one.model.name)
    if not blocked:
        return
    worst = sorted(blocked, key=lambda feature: (-blocked[feature], feature.index))
    stream.write("\n")
    rows = [(one.name, Figure(blocked[one]), ", ".join(needed_by[one])) for one in worst[:_WORST]]
    print_table("", ("defaulted feature", "rows", "needed by"), rows, stream)
    if len(worst) > _WORST:
        stream.write(
            f"{len(worst) - _WORST} more features are defaulted in at most {blocked[worst[_WORST]]:,} rows each.\n"
        )


def heading(judged: Judged) -> str:
    """Return the sentence about the checked models."""
    count = f"{len(judged.models)} model{'s' * (len(judged.models) != 1)}"
    day = judged.day
    if not judged.models:
        return "The registry declares no models."
    if day is None:
        return f"No problems found in {count}."
    if not day.rows:
        return f"{day.day}: no rows."
    parts = [f"{day.rows - day.scored:,} not scored"] if day.scored < day.rows else []
    parts += [f"{day.rows - day.shaped:,} with a vector of the wrong length or order"] if day.shaped < day.rows else []
    return f"{day.day}: {counted(day.rows, 'row')}{''.join(f', {one}' for one in parts)}; {count}."
