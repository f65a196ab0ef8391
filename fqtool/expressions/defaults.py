"""Whether the default of a column has a type that BigQuery assigns to the column."""

from __future__ import annotations

from fqtool.expressions.expression import Literal, Unary, names_in
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import Names
from fqtool.expressions.typecheck import infer
from fqtool.expressions.value_types import MOMENTS, Given, ValueType, fits
from fqtool.table.column import Kind

_OF_TEXT = (*MOMENTS, Kind.TIME, Kind.BYTES)  # a text literal is coerced to them
_OF_FRACTION = (Kind.NUMERIC, Kind.BIGNUMERIC)  # a literal such as 1.5 is coerced to them


_WITHOUT_BRACKETS = frozenset({"CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMESTAMP"})


def columns_of(default: str) -> list[str]:
    """Return the names in a default that are not functions, which BigQuery reads as columns and refuses.

    Args:
        default: The expression. One that only BigQuery reads, such as a STRUCT, has no names here.
    """
    try:
        return sorted(name for name in names_in(parse_expression(default)) if name.upper() not in _WITHOUT_BRACKETS)
    except Unreadable:
        return []


def unassignable(default: str, declared: ValueType) -> str:
    """Return the type of a default that BigQuery does not assign to a column; "" if it does, or is not known.

    Args:
        default: The expression.
        declared: The type of the column.
    """
    try:
        made = parse_expression(default)
    except Unreadable:
        return ""
    found, _ = infer(made, Names({}, parameters={}, open=True))
    if found is None or fits(Given(made, found), declared):
        return ""
    if found.repeated == declared.repeated:
        literal = made.operand if isinstance(made, Unary) else made
        value = literal.value if isinstance(literal, Literal) else None
        coerced = _OF_TEXT if isinstance(value, str) else _OF_FRACTION if isinstance(value, float) else ()
        # Items of an ARRAY and fields of a STRUCT are coerced one by one; a DATE is coerced to a DATETIME.
        if found.repeated or found.kind is declared.kind or declared.kind in coerced:
            return ""
        if (found.kind, declared.kind) == (Kind.DATE, Kind.DATETIME):
            return ""
    return str(found)
