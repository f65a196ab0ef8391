"""A GoogleSQL expression as a value, and its text.

There is no node for a statement, a table or a query over one, so an `expr` of the registry cannot contain them.
`render` writes GoogleSQL with only the necessary parentheses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from fqtool.sql import ident, literal, name_sql


@dataclass(frozen=True, slots=True)
class Span:
    """The place of a node in the text of its expression: offsets from 0, `end` exclusive."""

    start: int = 0
    end: int = 0


_NOWHERE = Span()


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, TRUE, FALSE or NULL."""

    value: int | float | str | bool | None
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A column, or a name of the feature language."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, @name."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `name` is in upper case. CAST has the text of its type in `type`."""

    name: str
    arguments: tuple[Expression, ...]
    type: str = ""
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """NOT x or -x."""

    operator: str
    operand: Expression
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """x operator y; the operator is a word or sign of SQL."""

    operator: str
    left: Expression
    right: Expression
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Between:
    """x [NOT] BETWEEN low AND high."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool = False
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """x [NOT] IN (items)."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool = False
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Is:
    """x IS [NOT] NULL, TRUE or FALSE."""

    operand: Expression
    what: bool | None
    negated: bool = False
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """CASE WHEN ... THEN ... ELSE ... END."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None = None
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Array:
    """[a, b, c]. `element` is the type of an array that may be empty: without it, [] is an ARRAY<INT64>."""

    items: tuple[Expression, ...]
    element: str = ""
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """array[SAFE_OFFSET(n)]: `how` is OFFSET, ORDINAL or their SAFE_ forms."""

    operand: Expression
    how: str
    position: Expression
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """struct.name: a field of a STRUCT."""

    operand: Expression
    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """(SELECT result FROM UNNEST(array) WHERE key = value): a field of the first STRUCT that has this key."""

    array: Expression
    result: str
    key: str
    value: Expression
    span: Span = field(default=_NOWHERE, compare=False)


Expression: TypeAlias = (
    Literal | Name | Parameter | Call | Unary | Binary | Between | In | Is | Case | Array | Index | Field | Lookup
)

# Binding strength, weakest first; comparison operators do not chain.
BINDING = {
    "OR": 1, "AND": 2, "NOT": 3, "=": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "LIKE": 4, "BETWEEN": 4, "IN": 4,
    "IS": 4, "||": 6, "+": 7, "-": 7, "*": 8, "/": 8, "NEGATE": 9,
}  # fmt: skip
_ATOM = 10

TRUE, FALSE, NULL = Literal(True), Literal(False), Literal(None)


def render(expression: Expression) -> str:
    """Return the expression as GoogleSQL."""
    return _rendered(expression)[0]


def _rendered(e: Expression) -> tuple[str, int]:
    """Return the text and the binding strength of its outermost operator."""
    match e:
        case Literal(value):
            return literal(value), _ATOM
        case Name(name):
            return name_sql(name), _ATOM
        case Parameter(name):
            return f"@{name}", _ATOM
        case Call("CAST" | "SAFE_CAST", (operand,), kind):
            return f"{e.name}({render(operand)} AS {kind})", _ATOM
        case Call(name, arguments):
            return f"{name}({', '.join(map(render, arguments))})", _ATOM
        case Unary("-", operand):
            return f"-{_inside(operand, BINDING['NEGATE'])}", BINDING["NEGATE"]
        case Unary(operator, operand):
            return f"{operator} {_inside(operand, BINDING[operator])}", BINDING[operator]
        case Binary(operator, left, right):
            bind = BINDING[operator]
            # Operators are left-associative; comparisons are not associative.
            strict = bind + (bind == BINDING["="])
            return f"{_inside(left, strict)} {operator} {_inside(right, bind + 1)}", bind
        case Between(operand, low, high, negated):
            bind = BINDING["BETWEEN"]
            ends = " AND ".join(_inside(end, bind + 1) for end in (low, high))
            return f"{_inside(operand, bind + 1)} {'NOT ' * negated}BETWEEN {ends}", bind
        case In(operand, items, negated):
            bind = BINDING["IN"]
            return f"{_inside(operand, bind + 1)} {'NOT ' * negated}IN ({', '.join(map(render, items))})", bind
        case Is(operand, what, negated):
            bind = BINDING["IS"]
            return f"{_inside(operand, bind + 1)} IS {'NOT ' * negated}{literal(what)}", bind
        case Case(branches, otherwise):
            arms = "".join(f" WHEN {render(when)} THEN {render(then)}" for when, then in branches)
            end = f" ELSE {render(otherwise)}" if otherwise is not None else ""
            return f"CASE{arms}{end} END", _ATOM
        case Array(items, element):
            return f"{f'ARRAY<{element}>' if element else ''}[{', '.join(map(render, items))}]", _ATOM
        case Index(operand, how, position):
            return f"{_inside(operand, _ATOM)}[{how}({render(position)})]", _ATOM
        case Field(operand, name):
            return f"{_inside(operand, _ATOM)}.{ident(name)}", _ATOM
        case Lookup(array, result, key, value):
            # The first in the order of the array: BigQuery stops a query in which a scalar subquery has two rows.
            having = f"{_inside(Field(Name('item'), key), BINDING['='] + 1)} = {_inside(value, BINDING['='] + 1)}"
            return (
                f"(SELECT item.{ident(result)} FROM UNNEST({render(array)}) AS item WITH OFFSET AS place "
                f"WHERE {having} ORDER BY place LIMIT 1)"
            ), _ATOM


def _inside(e: Expression, least: int) -> str:
    text, binding = _rendered(e)
    return text if binding >= least else f"({text})"


def children(e: Expression) -> tuple[Expression, ...]:
    """Return the direct subexpressions of an expression."""
    match e:
        case Literal() | Name() | Parameter():
            return ()
        case Call(_, arguments):
            return arguments
        case Unary(_, operand) | Is(operand):
            return (operand,)
        case Binary(_, left, right):
            return left, right
        case Between(operand, low, high):
            return operand, low, high
        case In(operand, items):
            return operand, *items
        case Case(branches, otherwise):
            inner = tuple(part for branch in branches for part in branch)
            return (*inner, otherwise) if otherwise is not None else inner
        case Array(items):
            return items
        case Index(operand, _, position):
            return operand, position
        case Field(operand):
            return (operand,)
        case Lookup(array, _, _, value):
            return array, value


def names_in(e: Expression) -> frozenset[str]:
    """Return every name in an expression: columns and names of the feature language."""
    if isinstance(e, Name):
        return frozenset({e.name})
    return frozenset().union(*map(names_in, children(e)))


def chained(op: str, e: Expression) -> list[Expression]:
    """Return the operands of a chain of AND, or of OR.

    Args:
        op: "AND" or "OR".
        e: The expression; if it is not such a chain, it is the only operand.
    """
    parts: list[Expression] = []
    waiting = [e]
    while waiting:
        match waiting.pop():
            case Binary(found, left, right) if found == op:
                waiting += [right, left]
            case part:
                parts.append(part)
    return parts
