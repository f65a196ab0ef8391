"""Finding, Severity and Location, which describe every problem that fqtool reports; and the table of rules."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, ParamSpec

from fqtool.findings.remedy import Remedy

P = ParamSpec("P")


class Severity(StrEnum):
    """The severity of a finding: with an `error` or `warning` a command exits 1, with only `note`s it exits 0."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """The place among the severities, the gravest first."""
        return [*Severity].index(self)


class Group(StrEnum):
    """What a rule checks, and so which command runs it. The rules of a group take the same arguments."""

    LOAD = "load"
    """The text of a registry: every command that reads one."""
    REGISTRY = "registry"
    """The registry: `validate`, and every command that reads one."""
    SUPPRESSIONS = "suppressions"
    """The suppressions in a registry: `validate`."""
    LEGALITY = "legality"
    """A change that BigQuery does not support: `migrate plan`."""
    PLAN = "plan"
    """A plan as a whole: `migrate plan`."""
    HAZARDS = "hazards"
    """A change that loses data or takes long: `migrate plan` and `migrate`."""
    HISTORY = "history"
    """Migration files compared with the ledger: `migrate` and its subcommands."""
    GENERATED = "generated"
    """A generated file that is out of date: `generate-schema --check`, `export --check`."""
    DRIFT = "drift"
    """A difference between table and registry: `check-drift`."""
    LIVE = "live"
    """The table or view with the table's name: `check-drift`, and every command that writes."""
    DATA = "data"
    """Stored rows: `check-drift --data`."""
    DIAGNOSIS = "diagnosis"
    """A root cause: `diagnose`."""
    DAILY = "daily"
    """The statistics of a date compared with the thresholds: `daily`."""
    MODELS = "models"
    """The inputs of a model compared with the registry and the rows of a date: `models`."""
    BACKFILL = "backfill"
    """The result of a backfill: `backfill`."""
    DIFFERENCES = "differences"
    """One difference between two registries: `diff`."""
    DIFF = "diff"
    """Two registries as a whole: `diff`."""
    RECORDS = "records"
    """A record that a writer sends: `check-record`, `registry.check`."""
    WRITER_SQL = "writer-sql"
    """A writer's own MERGE or INSERT: `generate-sql writer --check`."""
    CODE = "code"
    """A list of names in code: `check-code`."""
    SETUP = "setup"
    """The installation and the access to the target: `doctor`."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file.

    Args:
        file: The path as the user named it.
        line: Counts from 1; 0, the default, means the whole file.
        column: Counts from 1; 0, the default, means the whole line.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A change of a file: `text` replaces the text from `start` (inclusive) to `end` (exclusive)."""

    start: Location
    end: Location
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that fqtool reports.

    Args:
        subject: The column, feature, file or option that it is about.
        message: What is wrong.
        cause: Why, if that is known.
        remedy: How to fix it.
        location: Its place in a file.
        rule: The code of the rule, set by `@rule`.
        severity: The severity of the rule, set by `@rule`.
        patch: Edits that fix it without a decision of the user; () if a decision is needed.
        owner: The owner of the processor or feature that it is about, "" where none is declared.
        since: The first of the dates in sequence that have it, None where it is not about a date.
    """

    subject: str
    message: str
    cause: str = ""
    remedy: Remedy = ""
    location: Location | None = None
    rule: str = ""
    severity: Severity = Severity.ERROR
    patch: tuple[Edit, ...] = ()
    owner: str = ""
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `code` (FQ101), `name` (unknown-key), default severity, group, documentation page, and its check.

    A `firm` rule cannot be suppressed: its findings mean that a file is not readable, that the warehouse rejects a
    table or statement, or that a row is wrong. The findings of a `dated` rule depend on the date.
    """

    code: str
    name: str
    severity: Severity
    group: Group
    page: str
    check: Callable[..., tuple[Finding, ...]]
    firm: bool = False
    dated: bool = False

    def looks_at(self, value: object) -> bool:
        """Return whether the check accepts `value` as its last argument, by the annotation of the argument."""
        return isinstance(value, _last_annotation(self.check))


@functools.cache
def _last_annotation(check: Callable[..., object]) -> Any:
    *_, last = inspect.signature(check, eval_str=True).parameters.values()
    return last.annotation


RULES: dict[str, Rule] = {}


def rule(
    code: str,
    severity: Severity = Severity.ERROR,
    *,
    group: Group,
    firm: bool | None = None,
    dated: bool = False,
) -> Callable[[Callable[P, Iterable[Finding]]], Callable[P, tuple[Finding, ...]]]:
    """Register a function that yields findings as a rule. Its docstring is the page of the rule.

    Args:
        code: The code of the rule, such as FQ101.
        severity: The severity of its findings.
        group: What the rule checks.
        firm: Whether the rule cannot be suppressed. None: errors are firm, others are not.
        dated: Whether its findings depend on the date.

    Returns:
        A decorator. The decorated function returns a tuple of findings with `code` and `severity`. The name of the rule
        is that of the function, with hyphens.

    Raises:
        ValueError: The code or name is used twice, or the docstring is missing.
    """

    def register(check: Callable[P, Iterable[Finding]]) -> Callable[P, tuple[Finding, ...]]:
        page = inspect.getdoc(check)
        name = check.__name__.replace("_", "-")
        if not page or code in RULES or name in {one.name for one in RULES.values()}:
            raise ValueError(f"{code}: a rule needs a docstring, a unique code and a unique name")

        @functools.wraps(check)
        def run(*args: P.args, **kwargs: P.kwargs) -> tuple[Finding, ...]:
            return tuple(replace(found, rule=code, severity=severity) for found in check(*args, **kwargs))

        held = severity is Severity.ERROR if firm is None else firm
        RULES[code] = Rule(code, name, severity, group, page, run, held, dated)
        return run

    return register


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the highest severity of the findings, or None without findings."""
    present = {found.severity for found in findings}
    return next((severity for severity in Severity if severity in present), None)


def blocking(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings with which a command exits 1: errors and warnings."""
    return (found for found in findings if found.severity is not Severity.NOTE)
