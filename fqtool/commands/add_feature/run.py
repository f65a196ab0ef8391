"""fqtool add-feature: append the next feature of the vector to the registry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fqtool.errors import Refusal, RegistryError, UsageError
from fqtool.findings.finding import Location, Severity
from fqtool.lint.check import check_registry, open_registry
from fqtool.registry.load import load_registry
from fqtool.registry.model import Feature, Registry
from fqtool.registry.yaml.document import read_document
from fqtool.registry.yaml.edit import NewColumn, NewFeature, appended
from fqtool.registry.yaml.mentions import Mention, mentions
from fqtool.schema.build import base_columns
from fqtool.scoring.layout import Layout
from fqtool.scoring.places import Shape
from fqtool.workspace import RegistryEdit, edited_texts


@dataclass(frozen=True, slots=True)
class Addition(RegistryEdit):
    """A registry with one more feature.

    Attributes:
        feature: the feature.
        at: where its entry is.
        look_at: lines of the registry that may have to change too.
        columns: the base columns that hold its value and label, if they were not declared.
    """

    feature: NewFeature
    at: Location
    look_at: tuple[Mention, ...]
    columns: tuple[NewColumn, ...] = ()


def plan_addition(path: Path, name: str, *, column_type: str = "", **fields: Any) -> Addition:
    """Return the registry with one more feature. Nothing is written.

    Args:
        path: the registry file.
        name: the name of the feature.
        column_type: in a store with a column for each feature, the type of the column; "" is FLOAT64.
        fields: fields of NewFeature.

    Raises:
        UsageError: the category, processor or a label is not declared, or a type is given for no new column.
        Refusal: the name is taken.
        RegistryError: the registry has problems, or would have with the feature.
    """
    registry = open_registry(path)
    index = max((one.index for one in registry.features), default=-1) + 1
    feature = NewFeature(index, name, **fields)
    _require_free(registry, name)
    _require_declared(registry, feature)
    document = registry.document
    assert document is not None  # noqa: S101  it was read from a file
    text, columns = appended(document, feature), _new_columns(registry, feature, column_type)
    for column in columns:
        text = appended(read_document(text, registry.path), column)
    made = _checked(text, path, feature)
    entry = next(one for one in made.features if one.name == name)
    return Addition(*edited_texts(registry, text), feature, entry.at, mentions(registry, feature, text), columns)


def _new_columns(registry: Registry, feature: NewFeature, column_type: str) -> tuple[NewColumn, ...]:
    """The base columns for value and label where each feature has a column, without those that are declared."""
    layout, added = Layout(registry), Feature(feature.index, feature.name, feature.category)
    places = (layout.value_place(added), layout.label_place(added))
    declared = {one.name.lower() for one in base_columns(registry)}
    value, label = (
        place.column
        if place is not None and place.shape is Shape.WHOLE and place.column.lower() not in declared
        else ""
        for place in places
    )
    if column_type and not value:
        raise UsageError(
            f"--type needs a new column, and the value of {feature.name} is in a declared one.",
            remedy="Remove --type.",
        )
    columns = (
        (value, column_type or "FLOAT64", feature.description),
        (label, "STRING", f"Where the value of {feature.name} came from."),
    )
    return tuple(NewColumn(*column) for column in columns if column[0])


def _checked(text: str, path: Path, feature: NewFeature) -> Registry:
    """The registry of the new text. Its findings have no location, because the new text is not in the file."""
    made, findings = load_registry(text, str(path))
    if made is not None:
        findings = tuple(one for one in check_registry(made) if one.severity is Severity.ERROR)
    if made is None or findings:
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        raise RegistryError(
            f"With the feature {feature.name[:60]!r}, {path} would have {count}; nothing was written.",
            findings=tuple(replace(one, location=None) for one in findings),
        )
    return made


def _require_free(registry: Registry, name: str) -> None:
    taken = next((feature for feature in registry.features if feature.name.lower() == name.lower()), None)
    if taken is None:
        return
    if taken.retired:
        raise Refusal(
            f"`{taken.name}` is the retired feature at index {taken.index}; its name and index must not be reused.",
            remedy=f"Use another name, e.g. {taken.name}_v2.",
        )
    raise Refusal(
        f"`{taken.name}` exists already at index {taken.index}, in line {taken.at.line} of {registry.path}.",
        remedy=f"Use another name, e.g. {taken.name}_v2, or edit that entry.",
    )


def _require_declared(registry: Registry, feature: NewFeature) -> None:
    processors = [one.name for one in registry.processors]
    labels = [one.label for one in registry.sources]
    _require("category", feature.category, [one.name for one in registry.categories], "categories", registry)
    if feature.processor:
        _require("processor", feature.processor, processors, "processors", registry)
    elif processors:
        raise UsageError("--processor is missing.", remedy=f"Add --processor with one of: {_some(processors)}.")
    for label in feature.labels:
        _require("source label", label, labels, "sources", registry)


def _require(what: str, name: str, known: list[str], key: str, registry: Registry) -> None:
    if name in known:
        return
    by_lower = {one.lower(): one for one in known}
    near = [by_lower[one] for one in difflib.get_close_matches(name.lower()[:60], by_lower, 3, 0.5)]
    meant = f"Write {' or '.join(near)}" if near else f"Use one of {_some(known)}"
    meant = f"{meant}, or add it under `{key}`." if known else f"Add it under `{key}`."
    raise UsageError(f"Unknown {what} {name[:60]!r}: it is not under `{key}` in {registry.path}.", remedy=meant)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "") or "none"  # noqa: PLR2004
