"""How a drift is told: its cause, and a remedy to paste."""

from __future__ import annotations

from fqtool.finding import Finding
from fqtool.rules.about_changes import refusals
from fqtool.rules.drift import UNAPPLIED, Drift
from fqtool.table.changes import (
    DropColumn,
)
from fqtool.table.ddl import NoStatement, render


def found_as(drift: Drift, subject: str, message: str, remedy: str = "") -> Finding:
    """Return the finding of a drift, with its cause and, unless another is given, its remedy."""
    return Finding(subject, message, cause=drift.cause, remedy=remedy or remedy_of(drift))


def remedy_of(drift: Drift) -> str:
    """What to paste: the statement where there is a legal one, else the way out that the refusal names."""
    stop = refusals(drift.live, drift.change)
    if stop:
        return stop[0].remedy
    if drift.cause.startswith(UNAPPLIED):
        return "fqtool migrate"
    if drift.ours and not isinstance(drift.change, DropColumn):
        return "fqtool migrate plan && fqtool migrate"
    name = drift.live.table.name if drift.live.table else ""
    try:
        return f"{render(name, [drift.change])};"
    except NoStatement:
        return "No statement does this; see the rule's page."
