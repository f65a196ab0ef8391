"""Laws: values of a synthetic row that follow from other values, as the `equals` of the registry declares."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import date
from typing import Any

from fqtool.expressions.expression import Binary, Call, Expression, Literal, Name, Unary
from fqtool.registry.model import Feature

_EPOCH, _DAYS = date(2026, 1, 1), 10_000
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def value_of(e: Expression, values: Mapping[str, Any]) -> Any:
    """Return the value of an expression of numbers, names and ARRAY_LENGTH; None for any other expression.

    Args:
        e: The expression.
        values: Name in lower case -> value.
    """
    match e:
        case Literal(value):
            return value
        case Name(name):
            return values.get(name.lower())
        case Unary("-", operand):
            inner = value_of(operand, values)
            return None if inner is None else -inner
        case Binary(sign, left, right) if sign in _OPERATORS:
            first, second = value_of(left, values), value_of(right, values)
            if first is None or second is None or (sign == "/" and not second):
                return None
            return _OPERATORS[sign](first, second)
        case Call("ARRAY_LENGTH", (operand,)):
            inner = value_of(operand, values)
            return None if inner is None else len(inner)
    return None


def monotone_value(feature: Feature, level: float, day: date) -> float:
    """Return a value inside the range that moves a little in one direction each day, from the level of its key."""
    low, high = feature.range or (0.0, 100.0)
    moved = (day - _EPOCH).days / _DAYS * (1 if feature.monotone == "increasing" else -1)
    return low + (high - low) * min(max(0.5 + level / 20 + moved, 0.0), 1.0)
