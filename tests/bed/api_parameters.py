"""Query parameters of a request: each has a type, and a value that is written as its type is."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_TIME = r"\d{1,2}:\d{1,2}:\d{1,2}(\.\d{1,6})?"
_ZONE = r"( ?UTC|Z|[+-]\d{1,2}(:\d\d)?)"
_FORMS = {
    "BOOL": re.compile(r"true|false", re.IGNORECASE),
    "FLOAT64": re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?|nan|[-+]?inf(inity)?", re.IGNORECASE),
    "DATE": re.compile(_DATE),
    "TIME": re.compile(_TIME),
    "DATETIME": re.compile(rf"{_DATE}([ T]{_TIME})?"),
    # Without a zone the service takes UTC, and who sent it may have meant another: fqtool always names it.
    "TIMESTAMP": re.compile(rf"{_DATE}[ T]{_TIME}{_ZONE}"),
}
_ALIASES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_PLAIN = {*_FORMS, "INT64", "NUMERIC", "BIGNUMERIC", "STRING", "BYTES", "JSON", "GEOGRAPHY", "INTERVAL", "RANGE"}
_INTEGER = re.compile(r"[-+]?\d+")
_DIGITS = {"NUMERIC": (29, 9), "BIGNUMERIC": (39, 38)}  # before and after the point


def types(content: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a QueryParameterType."""
    name = _name(content)
    if name not in _PLAIN | {"ARRAY", "STRUCT"}:
        yield f"Invalid value for type: {content.get('type')} is not a valid value"
    if (name == "ARRAY") != (content.get("arrayType") is not None):
        yield f"A parameter of type {name} needs an arrayType if it is an ARRAY, and only then"
    elif name == "ARRAY" and _name(content["arrayType"]) == "ARRAY":
        yield "Cannot construct array with element type ARRAY"
    if (name == "STRUCT") != bool(content.get("structTypes")):
        yield f"A parameter of type {name} needs structTypes if it is a STRUCT, and only then"


def values(content: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the value of a QueryParameter."""
    kind, value = content.get("parameterType"), content.get("parameterValue")
    if isinstance(kind, dict) and isinstance(value, dict):
        yield from _value(str(content.get("name") or ""), kind, value)


def _value(name: str, kind: dict[str, Any], value: dict[str, Any]) -> Iterator[str]:
    match _name(kind):
        case "ARRAY":
            if value.get("value") is not None:
                yield f"Query parameter '{name}' of type ARRAY has a single value"
            for item in value.get("arrayValues") or ():
                yield from _value(name, kind.get("arrayType") or {}, item)
        case "STRUCT":
            inner = {field.get("name"): field.get("type") or {} for field in kind.get("structTypes") or ()}
            given = value.get("structValues") or {}
            if given and set(given) != set(inner):
                yield f"Query parameter '{name}' has the fields {sorted(given)}, and its type {sorted(map(str, inner))}"
            for field in inner.keys() & given.keys():
                yield from _value(name, inner[field], given[field])
        case scalar:
            text = value.get("value")
            if value.get("arrayValues") or value.get("structValues"):
                yield f"Query parameter '{name}' of type {scalar} has several values"
            elif text is not None and not isinstance(text, str):
                if scalar != "FLOAT64" or isinstance(text, bool) or not isinstance(text, int | float):
                    yield f"Invalid value of query parameter '{name}' (TYPE_STRING), {json.dumps(text)}"
            elif text is not None and not _written(scalar, text):
                yield (
                    f"Unparseable query parameter `{name}` in type `TYPE_{scalar}`, "
                    f"Invalid {scalar.lower()}: '{text}' value: '{text}'"
                )


def _written(kind: str, text: str) -> bool:
    match kind:
        case "INT64":
            return _INTEGER.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63
        case "NUMERIC" | "BIGNUMERIC":
            return _decimal(text, *_DIGITS[kind])
        case "BYTES":
            return _base64(text)
        case "JSON":
            return _json(text)
    form = _FORMS.get(kind)
    return form is None or form.fullmatch(text) is not None


def _decimal(text: str, whole: int, scale: int) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    exponent = number.normalize().as_tuple().exponent
    return number.is_finite() and isinstance(exponent, int) and -exponent <= scale and number.adjusted() < whole


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _name(kind: dict[str, Any]) -> str:
    name = str(kind.get("type")).upper()
    return _ALIASES.get(name, name)
