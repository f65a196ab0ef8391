"""What a registry says about how many features there are, in words that one more feature may make wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.finding import Location
from fqtool.registry.edit import NewFeature
from fqtool.registry.judgement import Each
from fqtool.registry.model import Registry

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_LINE_END = re.compile(r"\r\n|\n|\r")
_LIMIT = re.compile(r"\bcritical: *\S+")  # of a threshold or a feature, and no count
_ARGUMENT = re.compile(r", *\d+\)")  # of a function or a type
_LISTED = re.compile(r"\bfeatures? \d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A line to look at: where it stands, what it says, and what may be wrong with it now."""

    at: Location
    line: str
    why: str


def mentions(registry: Registry, feature: NewFeature, after: str) -> tuple[Mention, ...]:
    """Return the lines of the text `after` that may be wrong once `feature` is appended in it, in their order.

    Sought are lines that hold the number of features, of those in its category or of the critical ones, beside the
    word it counts; entries that name their features one by one; models that read the whole vector so far.
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
            yield model.at.line, f"it reads every feature so far; retrained with {feature.name} it is another model"
    for one in registry.processors:
        if one.name == feature.processor and _LISTED.search(one.description) and registry.document:
            at = registry.document.at_key(("processors", one.name, "description"))
            yield at.line, f"it lists the features of {one.name}"
