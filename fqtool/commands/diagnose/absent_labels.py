"""A date on which no row has labels: its rows can be neither scored nor judged."""

from __future__ import annotations

from collections.abc import Sequence

from fqtool.commands.diagnose.baseline import unbroken
from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.expressions.expression import names_in
from fqtool.expressions.grammar import parse_expression
from fqtool.registry.model import Registry
from fqtool.scoring.layout import Layout


def without_labels(day: Day) -> bool:
    """Return whether the rows of a date have no labels, and no score from earlier ones."""
    return not day.labelled and not day.scored


def labels_missing(registry: Registry, days: Sequence[Day]) -> Cause:
    """Return the root cause of the last date, on which no row has labels."""
    today, known = days[-1], Layout(registry).known
    since = days[-unbroken([without_labels(day) for day in days])].day
    earlier = sum(not without_labels(day) for day in days[:-1])
    evidence = (f"`{known}` is TRUE in no row", f"rows have labels on {earlier} of {len(days) - 1} earlier dates")
    columns = ", ".join(f"`{name}`" for name in sorted(names_in(parse_expression(known))))
    return Cause(Kind.NO_LABELS, today.day, since, today.rows, today.rows, (), None, None, evidence, detail=columns)
