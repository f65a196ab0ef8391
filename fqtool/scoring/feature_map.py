"""FEATURE_MAP: a JSON object keyed by feature index, as text, built by one CONCAT.

Constants are written into the SQL, so that a row computes only its own parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from fqtool.expressions.builders import if_
from fqtool.expressions.expression import (
    TRUE,
    Between,
    Binary,
    Call,
    Case,
    Expression,
    In,
    Is,
    Literal,
    Unary,
)
from fqtool.expressions.simplify import fold

_UNQUOTED = frozenset('"\\')
_TOLD_AS_TEXT = ("FORMAT_TIMESTAMP", "FORMAT_DATE")
_EMPTY = Literal("")


def detail_map(entries: Sequence[tuple[int, Expression, Expression]]) -> Expression:
    """Return the text of a JSON object of (index, value, condition of the entry); {} without entries."""
    if all(holds == TRUE for _, _, holds in entries):
        parts: list[Expression] = [Literal("{")]
        for number, (index, value, _) in enumerate(entries):
            parts += _entry(f'{"," * (number > 0)}"{index}":', value)
        return concat([*parts, Literal("}")])
    # Each entry begins with a comma; the first comma is cut off.
    listed = [if_(holds, concat(_entry(f',"{index}":', value)), _EMPTY) for index, value, holds in entries]
    return concat([Literal("{"), Call("SUBSTR", (concat(map(fold, listed)), Literal(2))), Literal("}")])


def concat(parts: Iterable[Expression]) -> Expression:
    """Concatenate texts; neighbouring constants become one."""
    made: list[Expression] = []
    for part in parts:
        match made[-1:], part:
            case [Literal(str() as before)], Literal(str() as text):
                made[-1] = Literal(before + text)
            case _:
                made.append(part)
    return made[0] if len(made) == 1 else Call("CONCAT", tuple(made))


def _entry(key: str, value: Expression) -> list[Expression]:
    match value:
        case Literal(constant):
            return [Literal(key + json.dumps(constant, ensure_ascii=False))]
        case _ if _is_bool(value):
            arms = (value, Literal(f"{key}true")), (fold(Unary("NOT", value)), Literal(f"{key}false"))
            return [Case(arms, Literal(f"{key}null"))]
        case Call(name, (Literal(str() as how), moment)) if name in _TOLD_AS_TEXT and not _UNQUOTED & set(how):
            text: Expression = Call(name, (Literal(f'"{how}"'), moment))
        case _:
            text = Call("TO_JSON_STRING", (value,))
    return [Literal(key), Call("IFNULL", (text, Literal("null")))]


def _is_bool(e: Expression) -> bool:
    match e:
        case Binary(operator):
            return operator in ("AND", "OR", "=", "!=", "<", "<=", ">", ">=", "LIKE")
        case Unary(operator):
            return operator == "NOT"
        case _:
            return isinstance(e, Between | In | Is)
