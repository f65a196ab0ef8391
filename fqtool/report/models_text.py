"""Models as a table: what each reads from the store and where, and what came of looking at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fqtool.report.diagnosis_text import indexes
from fqtool.report.table_text import print_table

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.diagnosis.readiness import ModelDay
    from fqtool.registry.judgement import Model
    from fqtool.registry.model import Registry
    from fqtool.verbs.models import Judged

_NAMED = 3


def print_models(judged: Judged, registry: Registry, stream: TextIO) -> None:
    """Print a line per model, then an empty one."""
    if not judged.models or (judged.day and not judged.day.rows):
        return
    if judged.day is None:
        wrong = {found.subject for found in judged.findings}
        verdicts = ["does not fit" if one.name in wrong else "fits" for one in judged.models]
        headers: tuple[str, ...] = ("model", "family", "features", "positions", "external", "verdict")
        rows = [(*_inputs(one, registry), word) for one, word in zip(judged.models, verdicts, strict=True)]
    else:
        headers = ("model", "rows", "real", "can score", "blocked most by")
        rows = [_row(one, judged.day.rows) for one in judged.day.models]
    print_table("", headers, rows, stream)
    stream.write("\n")


def _inputs(model: Model, registry: Registry) -> tuple[object, ...]:
    by_name = {one.name: one.index for one in registry.features}
    positions = indexes([by_name[name] for name in model.needs])
    return (model.name, model.family or None, len(model.needs), positions, len(model.external))


def _row(one: ModelDay, rows: int) -> tuple[object, ...]:
    blocked = [f"{feature.name} ({count})" for feature, count in one.blocked[:_NAMED]]
    if one.required is not None and one.required < rows:
        blocked.insert(0, f"requires ({rows - one.required})")
    return (one.model.name, rows, one.real, one.usable, ", ".join(blocked) or None)


def heading(judged: Judged) -> str:
    """Return what was looked at in one sentence, to stand above findings or for all being well."""
    count = f"{len(judged.models)} model{'s' * (len(judged.models) != 1)}"
    day = judged.day
    if not judged.models:
        return "The registry declares no models."
    if day is None:
        return f"{count}: what they need is in the registry."
    if not day.rows:
        return f"{day.day}: no rows."
    odd = [f"{day.rows - day.scored} without scores"] if day.scored < day.rows else []
    odd += [f"{day.rows - day.shaped} with a vector of another length"] if day.shaped < day.rows else []
    return f"{day.day}: {day.rows} rows{''.join(f', {one}' for one in odd)}; {count}."
