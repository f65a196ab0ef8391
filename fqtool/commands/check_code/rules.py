"""What may be wrong with a list of names in code that repeats the feature vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.findings.remedy import Remedy, commands

_LISTED = 5
_IMPORT = "Import FEATURES instead of a list of your own, from"


@dataclass(frozen=True, slots=True)
class Copied:
    """A list that repeats the vector: its place, and where it disagrees first.

    `given` is the first name that disagrees, at `position` of the list, and `differ` how many do. `index` is the index
    at which the registry has `expected` ("" after the last feature) instead; None for a name that is moved or too many.
    `own` is the index that the registry gives to `given`, None for another name; `repeated` is whether the list has it
    more than once. `left_out` are the features that the list does not have, `features` is how many the registry has.
    """

    at: Location
    given: str
    position: int
    differ: int
    index: int | None
    expected: str
    own: int | None
    repeated: bool
    left_out: tuple[tuple[int, str], ...]
    features: int


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file with a syntax that cannot be read, or a list with tags of a template."""

    at: Location
    is_template: bool = False


@rule("FQ541", group=Group.CODE)
def name_list_disagrees(copied: Copied) -> Iterator[Finding]:
    """A list of names in code repeats the feature vector and disagrees with the registry.

    Problem: Five or more names follow one another, or have indices, as in the registry, or most
    features are in the registry's order, and another name of the list is inserted, replaced, moved or repeated.
    Columns of SQL may have other columns between features.

    Why: The list was written by hand and not changed with the registry, so code that uses it reads another feature.

    Example: Index 7 is `usage_spike_score` in validator.py and `basket_share` in the registry.

    Fix: In Python, import the list of `fqtool export python`. Elsewhere correct it. `fqtool: ignore FQ541` on the line
    of the list's first name keeps a list that is meant.
    """
    if copied.differ:
        others = f", the first of {copied.differ} that differ" if copied.differ > 1 else ""
        yield Finding(copied.given, f"{_disagreement(copied)}{others}.", remedy=_correction(copied), location=copied.at)


def _disagreement(copied: Copied) -> str:
    if copied.index is None and copied.repeated:
        return f"{copied.given} is in the list more than once, at position {copied.position} too"
    if copied.index is None:
        known = "is not in the registry" if copied.own is None else f"has index {copied.own} in the registry"
        return f"Position {copied.position} of the list is {copied.given}, which {known}"
    if not copied.expected:
        return f"Index {copied.index} is {copied.given} here, and the registry ends at {copied.features - 1}"
    return f"Index {copied.index} is {copied.given} here and {copied.expected} in the registry"


def _correction(copied: Copied) -> Remedy:
    if copied.at.file.endswith((".py", ".pyi")):
        return commands("export python --out feature_store.py", first=_IMPORT)
    if copied.index is None and copied.own is None:
        return f"Remove {copied.given}, or append it to the registry and the list first."
    if copied.index is None:
        return "Write the names in the order of the registry, each once."
    if not copied.expected:
        return f"Correct the index of {copied.given}, remove it, or append it to the registry first."
    others = f", and correct {copied.differ - 1} more" if copied.differ > 1 else ""
    return f"Write {copied.expected} at index {copied.index}{others}."


@rule("FQ542", Severity.NOTE, group=Group.CODE)
def name_list_leaves_features_out(copied: Copied) -> Iterator[Finding]:
    """A list of names in code repeats the feature vector and leaves features out.

    Problem: All names are in the order of the registry, and features are absent at the start, between others or at the
    end.

    Why: The list is of an older version of the vector, or meant for a model that reads fewer features.

    Example: 33 names where the registry has 37 features

    Fix: Nothing where a model reads these alone; else import the list of `fqtool export python`.
    """
    if not copied.differ and copied.left_out:
        listed = [f"{name} (index {index})" for index, name in copied.left_out[:_LISTED]]
        names = ", ".join(listed) + (" and others" if len(copied.left_out) > _LISTED else "")
        count = f"{len(copied.left_out)} of {copied.features} features"
        message = f"The list leaves out {count}: {names}."
        yield Finding(copied.given, message, location=copied.at)


@rule("FQ543", Severity.NOTE, group=Group.CODE)
def code_not_read(copied: NotRead) -> Iterator[Finding]:
    """A file, or a list in a template of SQL, cannot be read, so it was not compared.

    Problem: The syntax is not that of the file's extension, the text is not UTF-8, or a list in SQL has tags such as
    {{ }} or {% %}.

    Why: It is a template, or of another version of Python.

    Example: A YAML file with {% if %}

    Fix: Nothing, or leave the file out.
    """
    message = "The file cannot be read, so its lists were not compared."
    if copied.is_template:
        message = "A list with tags of a template was not compared."
    yield Finding(copied.at.file, message, location=copied.at)
