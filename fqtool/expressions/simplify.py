"""Simplify expressions when SQL is generated: substitute names, then fold constants by SQL's three-valued logic.

On every row the simplified expression has the value of the original.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace

from fqtool.expressions.expression import (
    FALSE,
    NULL,
    TRUE,
    Array,
    Between,
    Binary,
    Call,
    Case,
    Expression,
    Field,
    In,
    Index,
    Is,
    Literal,
    Lookup,
    Name,
    Parameter,
    Unary,
)
from fqtool.expressions.functions import null_makes_null

_COMPARE: Mapping[str, Callable[[object, object], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
}


def substitute(e: Expression, names: Mapping[str, Expression]) -> Expression:
    """Replace names by expressions, and fold constants.

    Args:
        e: The expression.
        names: Name -> expression; other names are kept.
    """
    return fold(_mapped(e, names))


def _mapped(e: Expression, names: Mapping[str, Expression]) -> Expression:
    if isinstance(e, Name):
        return names.get(e.name, e)
    return rebuilt(e, lambda inner: _mapped(inner, names))


def rebuilt(e: Expression, go: Callable[[Expression], Expression]) -> Expression:
    """Return the expression with `go` applied to each direct subexpression."""
    match e:
        case Name() | Literal() | Parameter():
            return e
        case Call(_, arguments):
            return replace(e, arguments=tuple(map(go, arguments)))
        case Unary(_, operand) | Is(operand):
            return replace(e, operand=go(operand))
        case Binary(_, left, right):
            return replace(e, left=go(left), right=go(right))
        case Between(operand, low, high):
            return replace(e, operand=go(operand), low=go(low), high=go(high))
        case In(operand, items):
            return replace(e, operand=go(operand), items=tuple(map(go, items)))
        case Case(branches, otherwise):
            arms = tuple((go(when), go(then)) for when, then in branches)
            return replace(e, branches=arms, otherwise=None if otherwise is None else go(otherwise))
        case Array(items):
            return replace(e, items=tuple(map(go, items)))
        case Index(operand, _, position):
            return replace(e, operand=go(operand), position=go(position))
        case Field(operand):
            return replace(e, operand=go(operand))
        case Lookup(array, _, _, value):
            return replace(e, array=go(array), value=go(value))


def fold(e: Expression) -> Expression:
    """Fold constants, innermost first."""
    match e:
        case Unary(op, operand):
            return _unary(op, fold(operand))
        case Binary("AND" | "OR" as op, left, right):
            return logical(op, fold(left), fold(right))
        case Binary(op, left, right):
            return _binary(op, fold(left), fold(right))
        case Between(operand, low, high, negated):
            ends = fold(operand), fold(low), fold(high)
            if not all(isinstance(end, Literal) for end in ends):
                return Between(*ends, negated)
            both = logical("AND", _binary(">=", ends[0], ends[1]), _binary("<=", ends[0], ends[2]))
            return _unary("NOT", both) if negated else both
        case In(operand, items, negated):
            return _in(fold(operand), tuple(map(fold, items)), negated)
        case Is(operand, what, negated):
            inner = fold(operand)
            if isinstance(inner, Literal):
                return Literal((inner.value is what) is not negated)
            return Is(inner, what, negated)
        case Call(name, arguments):
            return _call(replace(e, arguments=tuple(map(fold, arguments))), name)
        case Case(branches, otherwise):
            return _case(branches, otherwise)
        case Array(items):
            return replace(e, items=tuple(map(fold, items)))
        case Index() | Field() | Lookup():
            return rebuilt(e, fold)
        case Literal() | Name() | Parameter():
            return e


def logical(op: str, left: Expression, right: Expression) -> Expression:
    """Return AND or OR of folded operands: FALSE AND x is FALSE, TRUE AND x is x, and the opposite for OR.

    Args:
        op: `AND` or `OR`.
        left: The first operand, already simplified.
        right: The second one, likewise.
    """
    ruling, neutral = (FALSE, TRUE) if op == "AND" else (TRUE, FALSE)
    if ruling in (left, right):
        return ruling
    if left == neutral:
        return right
    if right == neutral:
        return left
    return NULL if left == right == NULL else Binary(op, left, right)


def _unary(op: str, operand: Expression) -> Expression:
    match op, operand:
        case "NOT", Literal(bool() as value):
            return Literal(not value)
        case "-", Literal(int() | float() as value) if not isinstance(value, bool):
            return Literal(-value)
        case _, Literal(None):
            return NULL
        case "NOT", Unary("NOT", inner):
            return inner
        case "NOT", Binary("=" | "!=" as compare, left, right):
            return Binary("!=" if compare == "=" else "=", left, right)
        case _:
            return Unary(op, operand)


def _binary(op: str, left: Expression, right: Expression) -> Expression:
    if NULL in (left, right):
        return NULL
    if op in _COMPARE and isinstance(left, Literal) and isinstance(right, Literal):
        return Literal(_COMPARE[op](left.value, right.value))
    return Binary(op, left, right)


def _in(operand: Expression, items: tuple[Expression, ...], negated: bool) -> Expression:
    if isinstance(operand, Literal) and all(isinstance(item, Literal) for item in items):
        found: Expression = FALSE
        for item in items:
            found = logical("OR", found, _binary("=", operand, item))
        return _unary("NOT", found) if negated else found
    return In(operand, items, negated)


def _call(e: Call, name: str) -> Expression:
    match name, e.arguments:
        case "IF", (Literal(value), then, otherwise):
            return then if value is True else otherwise
        case (("IFNULL" | "COALESCE"), arguments):
            kept = [argument for argument in arguments if argument != NULL]
            if not kept:
                return NULL
            return kept[0] if len(kept) == 1 or isinstance(kept[0], Literal) else replace(e, arguments=tuple(kept))
        case _, arguments if any(one == NULL and null_makes_null(name, n) for n, one in enumerate(arguments)):
            return NULL
        case _:
            return e


def _case(branches: tuple[tuple[Expression, Expression], ...], otherwise: Expression | None) -> Expression:
    kept: list[tuple[Expression, Expression]] = []
    end = NULL if otherwise is None else fold(otherwise)
    for when, then in branches:
        condition = fold(when)
        if condition in (FALSE, NULL):
            continue
        if condition == TRUE:
            end = fold(then)
            break
        kept.append((condition, fold(then)))
    return Case(tuple(kept), end) if kept else end
