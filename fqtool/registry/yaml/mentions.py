"""Find the lines of a registry that an appended feature may make wrong, such as counts of features."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.findings.finding import Location
from fqtool.registry.alerts_and_models import Each
from fqtool.registry.model import Registry
from fqtool.registry.yaml.edit import NewFeature

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_LINE_END = re.compile(r"\r\n|\n|\r")
_LIMIT = re.compile(r"\bcritical: *\S+")  # of a threshold or a feature: not a count
_ARGUMENT = re.compile(r", *\d+\)")  # of a function or a type
_LISTED = re.compile(r"\bfeatures? \d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A line to review: its place, its text, and why it may be wrong now."""

    at: Location
    line: str
    why: str


def mentions(registry: Registry, feature: NewFeature, after: str) -> tuple[Mention, ...]:
    """Find the lines that may be wrong once a feature is appended.

    A line is reported if it has the number of features, of critical features or of features of the category, beside
    the word that is counted. Entries that list every feature by name, and models that read the whole vector, are
    reported too.

    Args:
        registry: The registry before the change.
        feature: The appended feature.
        after: The text of the file after the change.

    Returns:
        Mentions in the order of the lines of `after`.
    """
    document = registry.document
    if document is None:
        return ()
    lines = _LINE_END.split(document.text)
    begin = document.at_key(("features",)).line
    new = _LINE_END.split(after)
    changed = next((n for n, pair in enumerate(zip(lines, new, strict=False), 1) if len(set(pair)) > 1), len(lines) + 1)
    grown = len(new) - len(lines)
    found: dict[int, str] = {}
    for line, why in (*_counted(registry, feature, lines), *_listed(registry, feature)):
        if not begin <= line < changed:
            found.setdefault(line, why)
    return tuple(
        Mention(Location(registry.path, line + (grown if line >= changed else 0)), lines[line - 1].strip(), why)
        for line, why in sorted(found.items())
    )


def _counted(registry: Registry, feature: NewFeature, lines: list[str]) -> Iterator[tuple[int, str]]:
    active = registry.active_features
    kinds = [("features", "feature", len(active))]
    in_category = sum(one.category == feature.category for one in active)
    kinds.append((f"{feature.category} features", feature.category, in_category))
    if feature.critical:
        kinds.append(("critical features", "critical", sum(one.critical for one in active)))
    for number, whole in enumerate(lines, 1):
        line = _ARGUMENT.sub(")", _LIMIT.sub("", whole))
        for what, word, count in kinds:
            if count and word.lower() in line.lower() and _says(count, line, word):
                yield number, f"there were {count} {what}, and there are {count + 1} with {feature.name}"


def _says(count: int, line: str, word: str) -> bool:
    """Whether the line holds the number by itself, spelt out, or joined to the word as in v2_37features."""
    spelt = rf"|\b{_WORDS[count]}\b" if 1 < count < len(_WORDS) else ""
    alone = rf"(?<![\w.,:-]){count}(?![\w%]|[.,:-]\w)"
    return re.search(rf"{alone}|(?<!\d){count}[ _-]?{re.escape(word)}{spelt}", line, re.IGNORECASE) is not None


def _listed(registry: Registry, feature: NewFeature) -> Iterator[tuple[int, str]]:
    names = {one.name for one in registry.active_features}
    for column in registry.columns:
        if column.for_each is Each.FEATURE and names and names <= set(column.only):
            yield column.at.line, f"`only` names every feature so far, and not {feature.name}"
    for model in registry.models:
        if names and names <= set(model.needs):
            yield (
                model.at.line,
                f"{model.name} reads every feature. To use `{feature.name}`, retrain it under a new name",
            )
    for one in registry.processors:
        if one.name == feature.processor and _LISTED.search(one.description) and registry.document:
            at = registry.document.at_key(("processors", one.name, "description"))
            yield at.line, f"it lists the features of {one.name}"
