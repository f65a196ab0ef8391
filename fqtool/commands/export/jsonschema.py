"""The record that a writer must produce, as JSON Schema 2020-12."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fqtool.records.check import RecordCheck
from fqtool.registry.model import Registry
from fqtool.table.column import Column, Kind, Mode, Type

_DATE = r"^\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}:\d{2}(\.\d{1,12})?"
_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_PRESENT = {"not": {"type": "null"}}
_TEXT = {"type": "string"}
_PLAIN: Mapping[Kind, Mapping[str, Any]] = {
    Kind.INT64: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, Kind.FLOAT64: {"type": "number"},
    Kind.BOOL: {"type": "boolean"}, Kind.DATE: {"type": "string", "format": "date", "pattern": f"{_DATE}$"},
    Kind.DATETIME: {"type": "string", "pattern": rf"{_DATE}[ T]{_CLOCK}$"},
    Kind.TIMESTAMP: {"type": "string", "pattern": rf"{_DATE}([ T]{_CLOCK}{_ZONE}|$)"},
    Kind.TIME: {"type": "string", "pattern": f"^{_CLOCK}$"}, Kind.INTERVAL: _TEXT, Kind.GEOGRAPHY: _TEXT,
    Kind.RANGE: {"type": "string", "pattern": r"^\[[^,]+,[^,]+\)$"}, Kind.JSON: {},
}  # fmt: skip


def jsonschema(registry: Registry) -> str:
    """Return the schema's text."""
    check = RecordCheck(registry)
    properties = {column.name: _property(column, check) for column in check.declared.values()}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Written by `fqtool export jsonschema`; change the registry, not this file.",
        "title": registry.table.name,
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name in check.required],
        "additionalProperties": False,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _property(column: Column, check: RecordCheck) -> dict[str, Any]:
    if versions := check.versions_of(column):
        return _described({"enum": [*versions, *_null(column, check)]}, column)
    schema = _typed(column)
    if column.name == check.layout.vector:
        size = len(check.registry.features)
        schema |= {"minItems": size, "maxItems": size}
    if column.name == check.registry.inputs.names:
        schema = {"enum": [[], [feature.name for feature in check.registry.features]]}
    if not _null(column, check):
        schema = schema or dict(_PRESENT)
    else:
        schema = {"anyOf": [schema, {"type": "null"}]} if schema else schema
    return _described(schema, column)


def _null(column: Column, check: RecordCheck) -> list[None]:
    return [] if column.name in check.required else [None]


def _described(schema: dict[str, Any], column: Column) -> dict[str, Any]:
    described = {"description": column.description} if column.description else {}
    return described | ({"readOnly": True} if column.generated else {}) | schema


def _typed(column: Column) -> dict[str, Any]:
    schema = _of(column.type)
    return {"type": "array", "items": schema} if column.mode is Mode.REPEATED else schema


def _of(of: Type) -> dict[str, Any]:
    match of.kind:
        case Kind.STRING:
            return _TEXT | ({} if of.length is None else {"maxLength": of.length})
        case Kind.BYTES:
            length = {} if of.length is None else {"maxLength": (of.length + 2) // 3 * 4}
            return _TEXT | length | {"contentEncoding": "base64", "pattern": _BASE64}
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            precision, scale = of.digits
            whole = precision - scale
            bound = 10**whole
            text = {"type": "string", "pattern": rf"^-?\d{{1,{max(whole, 1)}}}(\.\d+)?$"}
            return {"anyOf": [{"type": "number", "exclusiveMinimum": -bound, "exclusiveMaximum": bound}, text]}
        case Kind.STRUCT:
            properties = {field.name: _field(field) for field in of.fields}
            required = [field.name for field in of.fields if field.mode is Mode.REQUIRED]
            return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        case kind:
            return dict(_PLAIN.get(kind, {}))


def _field(field: Column) -> dict[str, Any]:
    schema = _typed(field)
    if field.mode is Mode.REQUIRED:
        return _described(schema or dict(_PRESENT), field)
    schema = {"anyOf": [schema, {"type": "null"}]} if schema else schema
    return _described(schema, field)
