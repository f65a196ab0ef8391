"""The functions of the registry, alerts, levels, models and processors, as expressions over columns of a row."""

from __future__ import annotations

from collections.abc import Callable

from fqtool.expressions.builders import KNOWN, concatenated, if_, joined, stand_in
from fqtool.expressions.expression import (
    FALSE,
    NULL,
    TRUE,
    Array,
    Binary,
    Call,
    Case,
    Expression,
    Is,
    Literal,
    Name,
    Unary,
)
from fqtool.expressions.grammar import parse_expression
from fqtool.expressions.simplify import fold, logical
from fqtool.registry.alerts_and_models import Alert
from fqtool.registry.model import Registry

Expand = Callable[[Expression], Expression]


def alert_level(registry: Registry, expand: Expand) -> Expression:
    """Return the first level that has a true condition; NULL for a row without sources."""
    arms: list[tuple[Expression, Expression]] = []
    otherwise: Expression = NULL
    for level in registry.alert_levels:
        if not level.when:
            otherwise = Literal(level.name)
            break
        conditions = [expand(parse_expression(text)) for text in level.when]
        arms.append((joined("OR", conditions), Literal(level.name)))
    return if_(KNOWN, Case(tuple(arms), otherwise), NULL)


def alert_code(alert: Alert, expand: Expand) -> Expression:
    """Return an array with the code of an alert that fires, else an empty array."""
    code: Expression = Literal(alert.code)
    if alert.number is not None:
        before, _, after = alert.code.partition("{number}")
        figure = Call("CAST", (expand(parse_expression(alert.number)),), "STRING")
        code = Call("CONCAT", (Literal(before), figure, Literal(after)))
    return if_(expand(parse_expression(alert.when)), Array((code,)), Array(()))


def compatible_models(registry: Registry, family: Expression, expand: Expand) -> Expression:
    """Return the models of a family whose features are all real and whose requirement is true.

    Args:
        registry: The registry.
        family: The family of the models, a string literal.
        expand: Replaces the functions of the registry in a requirement.
    """
    by_name = {feature.name: feature for feature in registry.active_features}
    parts: list[Expression] = []
    for model in registry.models:
        if family != Literal(model.family):
            continue
        needed = [by_name[name] for name in model.needs if name in by_name]
        defaults: list[Expression] = [stand_in(registry, one) for one in needed]
        if len(needed) < len(model.needs):
            defaults = [TRUE]
        usable = fold(Unary("NOT", joined("OR", defaults)))
        if model.requires:
            usable = logical("AND", usable, expand(parse_expression(model.requires)))
        parts.append(if_(usable, Array((Literal(model.name),)), Array(())))
    return concatenated(parts)


def processors(registry: Registry, *, missing: bool) -> Expression:
    """Return the expected processors that ran, or with `missing` did not run; NULL for a row that records no run."""
    expected = [one for one in registry.processors if one.expected and (one.last_updated or one.rows_found)]
    entries, told = [], list[Expression]()
    for one in expected:
        updated, rows = Name(one.last_updated), Name(one.rows_found)
        gone: Expression = Is(updated, None) if one.last_updated else FALSE
        if one.rows_found:
            gone = logical("OR", gone, Binary("=", Call("IFNULL", (rows, Literal(0))), Literal(0)))
            told += [Is(rows, None, negated=True), *([Is(updated, None, negated=True)] if one.last_updated else [])]
        entries.append(if_(gone if missing else Unary("NOT", gone), Literal(one.name), NULL))
    if not entries:
        return NULL
    listed = Call("ARRAY_TO_STRING", (Array(tuple(entries)), Literal(",")))
    return if_(joined("OR", told) if told else TRUE, listed, NULL)
