"""fqtool add-feature: the next feature of the vector, written into the registry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fqtool.errors import Refusal, RegistryError, UsageError
from fqtool.finding import Finding, Location, Severity
from fqtool.registry.counts import Mention, mentions
from fqtool.registry.edit import NewFeature, appended
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.rules.about_registry import check_registry
from fqtool.verbs.workspace import open_registry
from fqtool.warehouse.disk import read_text, write_text

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Addition:
    """A registry file before and after a feature is appended, and the lines that may be wrong then."""

    path: Path
    before: str
    after: str
    feature: NewFeature
    at: Location
    look_at: tuple[Mention, ...]

    @property
    def diff(self) -> str:
        """The change as a unified diff."""
        old, new = (one.splitlines(keepends=True) for one in (self.before, self.after))
        lines = difflib.unified_diff(old, new, str(self.path), str(self.path))
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def plan_addition(path: Path, name: str, **said: Any) -> Addition:
    """Return the registry with one feature more; nothing is written. `said` are fields of NewFeature.

    Raises UsageError for a category, processor or label that is not declared, Refusal for a name that is taken,
    RegistryError where the registry has problems, or would have with the feature.
    """
    registry = open_registry(path)
    index = max((one.index for one in registry.features), default=-1) + 1
    feature = NewFeature(index, name, **said)
    _require_free(registry, name)
    _require_declared(registry, feature)
    document = registry.document
    assert document is not None  # noqa: S101  it was read from a file
    text = appended(document, feature)
    made = _checked(text, path, feature)
    entry = next(one for one in made.features if one.name == name)
    mark = _MARK if read_text(path).startswith(_MARK) else ""
    return Addition(path, mark + document.text, mark + text, feature, entry.at, mentions(registry, feature, text))


def write_addition(addition: Addition) -> None:
    """Write the file whole, through a link where it is one. Raises WorldError; InputError if it was changed since."""
    if read_text(addition.path) != addition.before:
        raise UsageError(f"{addition.path} was changed meanwhile; nothing was written.", remedy="Run it again.")
    write_text(addition.path, addition.after)


def _checked(text: str, path: Path, feature: NewFeature) -> Registry:
    """The registry of the new text. A finding keeps no place: the text it points into is not in the file."""
    made, findings = load_registry(text, str(path))
    if made is not None:
        findings = tuple(one for one in check_registry(made) if one.severity is Severity.ERROR)
    if made is None or findings:
        raise RegistryError(
            f"With {feature.name[:60]!r} {path} would have {_problems(findings)}; nothing was written.",
            findings=tuple(replace(one, location=None) for one in findings),
        )
    return made


def _problems(findings: tuple[Finding, ...]) -> str:
    return f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"


def _require_free(registry: Registry, name: str) -> None:
    for one in registry.features:
        if one.name.lower() != name.lower():
            continue
        if one.retired:
            raise Refusal(
                f"{one.name} was the feature at index {one.index} and is retired: neither its index nor its name is "
                f"used again.",
                remedy=f"Take another name, e.g. {one.name}_v2.",
            )
        raise Refusal(
            f"{one.name} is the feature at index {one.index} already, in line {one.at.line} of {registry.path}.",
            remedy=f"Take another name, e.g. {one.name}_v2, or edit that entry.",
        )


def _require_declared(registry: Registry, feature: NewFeature) -> None:
    processors = [one.name for one in registry.processors]
    labels = [one.label for one in registry.sources]
    _require("category", feature.category, [one.name for one in registry.categories], "categories", registry)
    if feature.processor:
        _require("processor", feature.processor, processors, "processors", registry)
    elif processors:
        raise UsageError("A feature has a processor.", remedy=f"Give --processor: {_some(processors)}.")
    for label in feature.labels:
        _require("source label", label, labels, "sources", registry)


def _require(what: str, name: str, known: list[str], key: str, registry: Registry) -> None:
    if name in known:
        return
    by_lower = {one.lower(): one for one in known}
    near = [by_lower[one] for one in difflib.get_close_matches(name.lower()[:60], by_lower, 3, 0.5)]
    meant = f"Did you mean {' or '.join(near)}?" if near else f"Declared: {_some(known)}."
    raise UsageError(f"There is no {what} {name[:60]!r} under {key} in {registry.path}.", remedy=meant)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "") or "none"  # noqa: PLR2004
