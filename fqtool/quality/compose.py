"""Small expressions put together: chains, conditions, arrays, and the columns of a feature."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from fqtool.quality.expression import FALSE, TRUE, Array, Binary, Call, Expression, In, Literal, Name
from fqtool.quality.fold import logical
from fqtool.registry.model import Feature, Registry

TEXT_LIMIT = 1_024_000  # characters of a statement: BIGQUERY 43
_CHAIN = 64
KNOWN = Name("sources_known")


def feature_column(feature: Feature, name: str) -> Name:
    """Return the column that holds a dynamic name of one feature, e.g. f5_quality."""
    return Name(f"f{feature.index}_{name}")


def stand_in(registry: Registry, feature: Feature) -> Expression:
    """Whether a feature holds a stand-in value; NULL in a row without sources.

    Where the stored source tells it, as it does unless a stand-in shares its name with a real source, it is asked.
    """
    told = {one.canonical for one in registry.sources if one.is_default} | {registry.unknown_source.canonical}
    if told & {one.canonical for one in registry.sources if not one.is_default}:
        return feature_column(feature, "is_default")
    source, names = feature_column(feature, "source"), tuple(map(Literal, sorted(told)))
    return Binary("=", source, names[0]) if len(names) == 1 else In(source, names)


def joined(op: str, parts: Sequence[Expression]) -> Expression:
    """Join by AND, OR or +; long chains in brackets of 64, since parsers recurse once per operator."""
    if len(parts) > _CHAIN:
        chunks = [parts[at : at + _CHAIN] for at in range(0, len(parts), _CHAIN)]
        return joined(op, [joined(op, chunk) for chunk in chunks])
    if op == "+":
        return reduce(lambda a, b: Binary("+", a, b), parts)
    start: Expression = TRUE if op == "AND" else FALSE
    return reduce(lambda a, b: logical(op, a, b), parts, start)


def if_(condition: Expression, then: Expression, otherwise: Expression) -> Call:
    """IF(condition, then, otherwise)."""
    return Call("IF", (condition, then, otherwise))


def summed(terms: Sequence[Expression]) -> Expression:
    """The terms joined by +."""
    return joined("+", terms)


def number(value: float) -> Literal:
    """A number, written whole where it is."""
    return Literal(int(value) if float(value).is_integer() else value)


def concatenated(parts: Sequence[Expression]) -> Expression:
    """One array of many."""
    return Call("ARRAY_CONCAT", tuple(parts)) if parts else Array((), "STRING")
