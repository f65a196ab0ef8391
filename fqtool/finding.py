"""Finding, Severity, Location: the one shape of everything the tool ever notices; and the table of rules."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ParamSpec

P = ParamSpec("P")


class Severity(StrEnum):
    """How much a finding matters: an `error` or `warning` makes a command exit 1, a `note` never does."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; `line` and `column` count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A change of a file: `text` takes the place of what stands from `start` up to, and without, `end`."""

    start: Location
    end: Location
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed.

    `subject` is the column, feature, file or option it is about; `message` says what is the case; `cause`
    why, where that is known; `remedy` what to paste or do. `rule` and `severity` are filled in by `@rule`. `patch` are
    the edits that mend it without anybody's judgement; () where it takes some.
    """

    subject: str
    message: str
    cause: str = ""
    remedy: str = ""
    location: Location | None = None
    rule: str = ""
    severity: Severity = Severity.ERROR
    patch: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `code` (FQ101), `name` (unknown-key), default severity, documentation page, and its check.

    `module` is where it is written: rules of one module look at the same kind of thing. `firm` rules cannot be
    silenced: what they find makes a file unreadable, a table or statement refused, or a row wrong. What a `dated` rule
    finds depends on the day.
    """

    code: str
    name: str
    severity: Severity
    page: str
    module: str
    check: Callable[..., tuple[Finding, ...]]
    firm: bool = False
    dated: bool = False


RULES: dict[str, Rule] = {}


def rule(
    code: str, severity: Severity = Severity.ERROR, *, firm: bool | None = None, dated: bool = False
) -> Callable[[Callable[P, Iterable[Finding]]], Callable[P, tuple[Finding, ...]]]:
    """Register a rule: the function yields Findings, its docstring is the rule's page.

    The decorated function returns a tuple of Findings that carry `code` and `severity`; the rule's name is
    the function's, with hyphens. An error is firm unless it is said not to be, anything else is not. Raises
    ValueError when a code is used twice or the page is missing.
    """

    def register(check: Callable[P, Iterable[Finding]]) -> Callable[P, tuple[Finding, ...]]:
        page = inspect.getdoc(check)
        name = check.__name__.replace("_", "-")
        if not page or code in RULES or name in {one.name for one in RULES.values()}:
            raise ValueError(f"{code}: a rule needs a docstring, and a code and a name of its own")

        @functools.wraps(check)
        def run(*args: P.args, **kwargs: P.kwargs) -> tuple[Finding, ...]:
            return tuple(replace(found, rule=code, severity=severity) for found in check(*args, **kwargs))

        held = severity is Severity.ERROR if firm is None else firm
        RULES[code] = Rule(code, name, severity, page, check.__module__, run, held, dated)
        return run

    return register


def rules_of(module: str) -> tuple[Rule, ...]:
    """Return the rules written in one module, in order of their codes."""
    return tuple(one for _, one in sorted(RULES.items()) if one.module == module)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the gravest severity among the findings, or None when there are none."""
    present = {found.severity for found in findings}
    return next((severity for severity in Severity if severity in present), None)


def blocking(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings that make a command exit 1: errors and warnings."""
    return (found for found in findings if found.severity is not Severity.NOTE)
