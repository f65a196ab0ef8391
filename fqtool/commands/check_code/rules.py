"""What may be wrong with a list of names in code that repeats the feature vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.findings.finding import Finding, Group, Location, Severity, rule
from fqtool.findings.remedy import Remedy, commands

_IMPORT = "Import FEATURES instead of a list of your own, from"


@dataclass(frozen=True, slots=True)
class Copied:
    """A list that repeats the vector: its place, how many names it has, and where it disagrees first.

    `differ` counts the indices that disagree; `index`, `given` and `expected` are the first of them, `expected` is ""
    after the last feature. `last` is the last index of the list, `features` how many the registry has.
    """

    at: Location
    names: int
    differ: int
    index: int
    given: str
    expected: str
    last: int
    features: int


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file with a syntax that cannot be read, or a list with tags of a template."""

    at: Location
    is_template: bool = False


@rule("FQ541", group=Group.CODE)
def name_list_disagrees(copied: Copied) -> Iterator[Finding]:
    """A list of names in code repeats the feature vector and disagrees with the registry.

    Problem: Five or more names have the indices that the registry gives them, and another name of the list does
    not.

    Why: The list was written by hand and not changed with the registry, so code that uses it reads another feature.

    Example: Index 7 is `usage_spike_score` in validator.py and `basket_share` in the registry.

    Fix: In Python, import the list of `fqtool export python`. Elsewhere correct it. `fqtool: ignore FQ541` on the line
    of the list's first name keeps a list that is meant.
    """
    if copied.differ:
        expected = copied.expected or f"not a feature: the registry ends at {copied.features - 1}"
        others = f", the first of {copied.differ} that differ" if copied.differ > 1 else ""
        message = f"Index {copied.index} is {copied.given} here and {expected} in the registry{others}."
        if not copied.expected:
            message = f"Index {copied.index} is {copied.given} here, and the registry ends at {copied.features - 1}."
        yield Finding(copied.given, message, remedy=_correction(copied), location=copied.at)


def _correction(copied: Copied) -> Remedy:
    if copied.at.file.endswith((".py", ".pyi")):
        return commands("export python --out feature_store.py", first=_IMPORT)
    if not copied.expected:
        return f"Correct the index of {copied.given}, remove it, or append it to the registry first."
    others = f", and correct {copied.differ - 1} more" if copied.differ > 1 else ""
    return f"Write {copied.expected} at index {copied.index}{others}."


@rule("FQ542", Severity.NOTE, group=Group.CODE)
def name_list_ends_early(copied: Copied) -> Iterator[Finding]:
    """A list of names in code repeats the feature vector and ends before the registry does.

    Problem: The registry has features after the last name of the list.

    Why: The list is of an older version of the vector, or meant for a model that reads the first features.

    Example: 33 names where the registry has 37 features

    Fix: Nothing where a model reads these alone; else import the list of `fqtool export python`.
    """
    if not copied.differ and copied.last + 1 < copied.features:
        message = f"The list ends at index {copied.last}; the registry has {copied.features} features."
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
