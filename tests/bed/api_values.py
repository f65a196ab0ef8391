"""Whether one JSON value has the type and format that BigQuery's description of its API gives it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request or an answer."""

    place: str
    """The field, as in `job.configuration.query.query_parameters[0].name`; a query parameter as `?timeoutMs`."""
    reason: str


_LIMITS = {
    "int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1), "uint64": (0, 2**64 - 1),
}  # fmt: skip
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|NaN|-?Infinity")
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_WRAPPED = {"job.configuration.query.maximum_bytes_billed", "query_request.maximum_bytes_billed"}
"""Fields that the service's messages name with `.value`, for they are messages of one value there."""


def snake(name: str) -> str:
    """`maximumBytesBilled` as the service's messages spell it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def request_misfit(value: Any, spec: dict[str, Any], place: str) -> str | None:
    """What is wrong with a scalar of a request's body; None if it fits.

    The service takes an integer as a number or as a text of digits. It may take 2.0 as well; that is not documented.
    """
    if _fits(value, spec, integer_as=(int, str)):
        return None
    written = f"{place}.value" if place in _WRAPPED else place
    if isinstance(value, dict):
        return f"Invalid value at '{written}' ({_kind(spec)}), Starting an object on a scalar field"
    if spec.get("format") == "byte" and isinstance(value, str):
        return f"Invalid value at '{written}' (TYPE_BYTES), Base64 decoding failed for {json.dumps(value)}"
    return f"Invalid value at '{written}' ({_kind(spec)}), {json.dumps(value)}"


def response_misfit(value: Any, spec: dict[str, Any], place: str) -> str | None:
    """What is wrong with a scalar of an answer: 64-bit integers are texts there, smaller ones numbers."""
    wide = spec.get("format") in ("int64", "uint64")
    if _fits(value, spec, integer_as=(str,) if wide else (int,)):
        return None
    return f"the answer has {json.dumps(value)} at '{place}', which is not of {_kind(spec)}"


def query_misfit(text: str, spec: dict[str, Any], name: str) -> str | None:
    """What is wrong with a parameter of the query string. The official client writes Python's True."""
    value: Any = {"true": True, "false": False}.get(text.lower(), text) if spec["type"] == "boolean" else text
    if _fits(value, spec, integer_as=(str,)):
        return None
    return f"Invalid value at '{snake(name)}' ({_kind(spec)}), {json.dumps(text)}"


def _fits(value: Any, spec: dict[str, Any], integer_as: tuple[type, ...]) -> bool:
    kind, shape = spec["type"], spec.get("format", "")
    if kind == "any":
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if shape in _LIMITS:
        low, high = _LIMITS[shape]
        digits = isinstance(value, integer_as) and _INTEGER.fullmatch(str(value)) is not None
        return digits and low <= int(value) <= high
    if kind == "number":
        return isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)
    return isinstance(value, str) and _text_fits(value, spec, shape)


def _text_fits(value: str, spec: dict[str, Any], shape: str) -> bool:
    if any("\ud800" <= char <= "\udfff" for char in value):  # JSON can write half of a surrogate pair, UTF-8 cannot
        return False
    if "enum" in spec:
        return value in spec["enum"]
    match shape:
        case "byte":
            return _base64(value)
        case "date-time" | "google-datetime":
            return _MOMENT.fullmatch(value) is not None and _exists(value)
        case "google-duration":
            return _DURATION.fullmatch(value) is not None
    return True


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return False
    return True


def _exists(moment: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", moment))
    except ValueError:
        return False
    return True


def _kind(spec: dict[str, Any]) -> str:
    if "enum" in spec:
        return "TYPE_ENUM"
    names = {"boolean": "TYPE_BOOL", "number": "TYPE_DOUBLE", "byte": "TYPE_BYTES", "string": "TYPE_STRING"}
    shape = spec.get("format", "")
    if shape in _LIMITS:
        return f"TYPE_{shape.upper()}"
    return names.get(shape) or names.get(spec["type"], "TYPE_STRING")
