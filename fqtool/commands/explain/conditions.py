"""The conditions of gates, alerts and levels in parts, each a column that scoring computes with the others.

Scoring itself evaluates each part of a condition; there is no second evaluator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from fqtool.expressions.expression import TRUE, Binary, Call, Expression, Unary, children, names_in, render
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.value_types import BOOL, type_named
from fqtool.registry.model import ColumnSpec, Owner, Registry
from fqtool.schema.build import expand_columns
from fqtool.scoring.gates import derived_gates

_OVER = ("ANY_FEATURE", "COUNT_FEATURES", "ALL_FEATURES")


class Role(StrEnum):
    """What a condition decides."""

    GATE = "gate"
    ALERT = "alert"
    LEVEL = "alert level"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts that must all be true.

    Attributes:
        text: Its GoogleSQL.
        column: The column with its value.
        names: The names in it.
        which: The column that lists the features that it is about, "" without features.
    """

    text: str
    column: str
    names: tuple[str, ...]
    which: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the registry: its subject, its role, the column with its value, and its parts."""

    subject: str
    role: Role
    column: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Explained:
    """The conditions of a registry, and the registry with a column for each part of them."""

    registry: Registry
    conditions: tuple[Condition, ...]


def explained(registry: Registry) -> Explained:
    """Return every gate, alert and alert level in parts. A gate that fqtool cannot read is left out."""
    specs: list[ColumnSpec] = []

    def column(text: str, kind: str = "BOOL") -> str:
        specs.append(ColumnSpec(f"why_{len(specs)}", kind, "why", expr=text))
        return specs[-1].name

    conditions = []
    for subject, role, text in _conditions(registry):
        try:
            whole = parse_expression(text)
        except Unreadable:
            continue
        parts = []
        for part in _parts(whole):
            which = _which(part)
            parts.append(
                Part(
                    render(part), column(render(part)), tuple(sorted(names_in(part))),
                    column(which, "ARRAY<STRING>") if which else "",
                )
            )  # fmt: skip
        conditions.append(Condition(subject, role, column(render(whole)), tuple(parts)))
    return Explained(replace(registry, columns=(*registry.columns, *specs)), tuple(conditions))


def _conditions(registry: Registry) -> Iterator[tuple[str, Role, str]]:
    for one in expand_columns(registry):
        ours = one.expr and one.spec.owner is not Owner.UPSTREAM
        if ours and one.feature is None and type_named(one.spec.type) == BOOL:
            yield one.name, Role.GATE, one.expr or ""
    for name, expr in derived_gates(registry):
        yield name, Role.GATE, expr
    for alert in registry.alerts:
        yield alert.code, Role.ALERT, alert.when
    for level in registry.alert_levels:
        for text in level.when:
            yield level.name, Role.LEVEL, text


def _parts(e: Expression) -> Iterator[Expression]:
    """Yield the parts that must all be true: operands of AND, and for NOT (a OR b) each NOT."""
    match e:
        case Binary("AND", left, right):
            yield from _parts(left)
            yield from _parts(right)
        case Unary("NOT", Binary("OR", left, right)):
            yield from _parts(Unary("NOT", left))
            yield from _parts(Unary("NOT", right))
        case _:
            yield e


def _which(e: Expression) -> str:
    """The list of features that the first aggregate of an expression is about; "" without an aggregate."""
    if isinstance(e, Call) and e.name in _OVER and e.arguments and e.arguments[0] != TRUE:
        asked = e.arguments[0]
        return f"FEATURE_LIST(name, {render(Unary('NOT', asked) if e.name == 'ALL_FEATURES' else asked)})"
    return next((found for one in children(e) if (found := _which(one))), "")


def values_of(part: Part, scored: Mapping[str, object]) -> dict[str, object]:
    """Return the values of the names in a part that are columns of the row."""
    return {name: scored[name] for name in part.names if name in scored}
