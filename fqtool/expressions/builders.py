"""Build expressions from parts: chains, conditions, arrays, and the columns of a feature."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from fqtool.expressions.expression import FALSE, TRUE, Array, Binary, Call, Expression, In, Literal, Name
from fqtool.expressions.simplify import logical
from fqtool.registry.model import Feature, Registry

_CHAIN = 64
KNOWN = Name("sources_known")


def feature_column(feature: Feature, name: str) -> Name:
    """Return the column for a dynamic name of a feature, e.g. f5_quality."""
    return Name(f"f{feature.index}_{name}")


def stand_in(registry: Registry, feature: Feature) -> Expression:
    """Return the condition that a feature has its default value; it is NULL in a row without sources.

    The condition uses the stored source, unless a default source and a real source have the same canonical name.
    """
    defaults = {one.canonical for one in registry.sources if one.is_default} | {registry.unknown_source.canonical}
    if defaults & {one.canonical for one in registry.sources if not one.is_default}:
        return feature_column(feature, "is_default")
    source, names = feature_column(feature, "source"), tuple(map(Literal, sorted(defaults)))
    return Binary("=", source, names[0]) if len(names) == 1 else In(source, names)


def joined(op: str, parts: Sequence[Expression]) -> Expression:
    """Join by AND, OR or +. Long chains get brackets around every 64 parts, because parsers recurse per operator."""
    if len(parts) > _CHAIN:
        chunks = [parts[at : at + _CHAIN] for at in range(0, len(parts), _CHAIN)]
        return joined(op, [joined(op, chunk) for chunk in chunks])
    if op == "+":
        return reduce(lambda a, b: Binary("+", a, b), parts)
    start: Expression = TRUE if op == "AND" else FALSE
    return reduce(lambda a, b: logical(op, a, b), parts, start)


def if_(condition: Expression, then: Expression, otherwise: Expression) -> Call:
    """Return IF(condition, then, otherwise)."""
    return Call("IF", (condition, then, otherwise))


def summed(terms: Sequence[Expression]) -> Expression:
    """Return the terms joined by +."""
    return joined("+", terms)


def number(value: float) -> Literal:
    """Return a number as a literal; a whole number has no decimal point."""
    return Literal(int(value) if float(value).is_integer() else value)


def concatenated(parts: Sequence[Expression]) -> Expression:
    """Return the concatenation of arrays; an empty ARRAY<STRING> for no array."""
    return Call("ARRAY_CONCAT", tuple(parts)) if parts else Array((), "STRING")
