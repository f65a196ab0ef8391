"""The record that a writer must produce, as an Avro schema that BigQuery loads into the table's types.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-avro#avro_conversions
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fqtool.errors import InputError
from fqtool.findings.remedy import commands
from fqtool.records.check import RecordCheck
from fqtool.registry.model import Registry
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.properties import with_fields

_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN: Mapping[Kind, Any] = {
    Kind.INT64: "long", Kind.FLOAT64: "double", Kind.BOOL: "boolean", Kind.STRING: "string", Kind.BYTES: "bytes",
    Kind.DATE: {"type": "int", "logicalType": "date"}, Kind.TIME: {"type": "long", "logicalType": "time-micros"},
    Kind.TIMESTAMP: {"type": "long", "logicalType": "timestamp-micros"},
    Kind.DATETIME: {"type": "long", "logicalType": "local-timestamp-micros"},
    Kind.JSON: {"type": "string", "sqlType": "JSON"}, Kind.GEOGRAPHY: {"type": "string", "sqlType": "GEOGRAPHY"},
    Kind.INTERVAL: {"type": "string", "sqlType": "INTERVAL"},
}  # fmt: skip


def avro(registry: Registry) -> str:
    """Return the schema's text.

    Raises:
        InputError: Avro does not allow the name of a column or field.
    """
    check = RecordCheck(registry)
    names = (path for column in check.declared.values() for path, _ in with_fields(column))
    if wrong := [".".join(path) for path in names if not _SYMBOL.fullmatch(path[-1])]:
        raise InputError(
            f"Avro allows only letters, digits and _ in a name, and no digit at its begin: {', '.join(wrong[:5])}.",
            remedy=commands("export jsonschema", first="Write records as JSON:"),
        )
    fields = [
        _field(column, column.name, required=column.name in check.required, labels=check.accepted.get(column.name, ()))
        for column in check.declared.values()
    ]
    doc = "Written by `fqtool export avro`; change the registry, not this file."
    schema = {"type": "record", "name": registry.table.name, "doc": doc, "fields": fields}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _field(column: Column, path: str, *, required: bool, labels: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {"name": column.name}
    if column.description:
        made["doc"] = column.description
    if labels and all(map(_SYMBOL.fullmatch, labels)):
        one: Any = {"type": "enum", "name": f"{path}_label", "symbols": list(labels)}
    else:
        one = _typed(column, path)
    if column.mode is Mode.REPEATED:
        one = {"type": "array", "items": one}
    if required:
        return made | {"type": one}
    return made | {"type": ["null", one], "default": None}


def _typed(column: Column, path: str) -> Any:
    of = column.type
    match of.kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            precision, scale = of.digits
            return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
        case Kind.STRUCT:
            fields = [
                _field(field, f"{path}_{field.name}", required=field.mode is Mode.REQUIRED) for field in of.fields
            ]
            return {"type": "record", "name": f"{path}_record", "fields": fields}
        case Kind.RANGE:
            bound = _PLAIN[of.element or Kind.DATE]
            ends = [{"name": end, "type": ["null", bound], "default": None} for end in ("start", "end")]
            return {"type": "record", "name": f"{path}_range", "sqlType": str(of), "fields": ends}
        case kind:
            return _PLAIN.get(kind, "string")
