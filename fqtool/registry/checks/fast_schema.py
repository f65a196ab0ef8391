"""Compile a JSON Schema into a fast predicate.

Importing jsonschema takes longer than reading a registry. It runs only where the predicate is false, to explain why.
A keyword that is not supported here makes the predicate false, never true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Fits = Callable[[Any], bool]

# Keywords that do not affect validity.
_ANNOTATIONS = frozenset({"$schema", "title", "description", "examples", "default"})


def fits(schema: dict[str, Any]) -> Fits:
    """Compile a JSON Schema into a predicate.

    Args:
        schema: A JSON Schema, draft 2020-12.

    Returns:
        A function that is true only for data in which jsonschema finds no error.
    """
    try:
        return _compile(schema)
    except NotImplementedError:
        return lambda _: False


def _compile(schema: dict[str, Any]) -> Fits:
    rest = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    kind = rest.pop("type", None)
    match kind:
        case None:
            check = _const(rest.pop("const", None))
        case "object":
            check = _object(rest)
        case "array":
            check = _array(rest)
        case "string":
            check = _string(rest)
        case "number" | "integer":
            check = _number(rest, whole=kind == "integer")
        case "boolean":
            check = _boolean
        case _:
            raise NotImplementedError(kind)
    if rest:
        raise NotImplementedError(f"keywords {sorted(rest)}")
    return check


def _boolean(value: Any) -> bool:
    return type(value) is bool


def _const(expected: Any) -> Fits:
    if type(expected) is not int:
        raise NotImplementedError("const other than a whole number")
    return lambda value: type(value) in (int, float) and value == expected


def pattern_of(text: str) -> re.Pattern[str]:
    """Compile a pattern of JSON Schema, in which `$` does not match before a last newline as it does in Python."""
    return re.compile(f"{text[:-1]}\\Z" if text.endswith("$") else text)


def _string(rest: dict[str, Any]) -> Fits:
    if (words := rest.pop("enum", None)) is not None:
        allowed = frozenset(words)
        return lambda value: type(value) is str and value in allowed
    least = rest.pop("minLength", 0)
    if (pattern := rest.pop("pattern", None)) is not None:
        search = pattern_of(pattern).search
        return lambda value: type(value) is str and len(value) >= least and search(value) is not None
    return lambda value: type(value) is str and len(value) >= least


def _number(rest: dict[str, Any], *, whole: bool) -> Fits:
    least, most = rest.pop("minimum", float("-inf")), rest.pop("maximum", float("inf"))
    above = rest.pop("exclusiveMinimum", None)

    def check(value: Any) -> bool:
        kind = type(value)
        if kind is not int and (kind is not float or (whole and not value.is_integer())):
            return False
        return bool(least <= value <= most and (above is None or value > above))

    return check


def _array(rest: dict[str, Any]) -> Fits:
    item = _compile(rest.pop("items"))
    least, most = rest.pop("minItems", 0), rest.pop("maxItems", float("inf"))

    def check(value: Any) -> bool:
        return type(value) is list and least <= len(value) <= most and all(map(item, value))

    return check


def _object(rest: dict[str, Any]) -> Fits:
    required = rest.pop("required", ())
    properties = {name: _compile(schema) for name, schema in rest.pop("properties", {}).items()}
    names = rest.pop("propertyNames", None)
    named = pattern_of(names["pattern"]).search if names else None
    if names and set(names) != {"pattern"}:
        raise NotImplementedError("propertyNames")
    others = rest.pop("additionalProperties")
    other = _compile(others) if others else None
    least = rest.pop("minProperties", 0)

    def check(value: Any) -> bool:
        if type(value) is not dict or len(value) < least or not all(key in value for key in required):
            return False
        if named is not None and not all(map(named, value)):
            return False
        return all(_each(value))

    def _each(value: dict[str, Any]) -> Iterator[bool]:
        for key, inner in value.items():
            test = properties.get(key, other)
            yield test is not None and test(inner)

    return check
