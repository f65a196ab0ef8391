"""The registry as a data contract of the Open Data Contract Standard, version 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fqtool.commands.export.contents import Held, contents, places, version_of
from fqtool.commands.export.text import yaml_text
from fqtool.registry.model import Registry
from fqtool.table.column import Column, Kind, Mode
from fqtool.warehouse.target import Target

_HEAD = "# Written by `fqtool export odcs`; change the registry, not this file.\n"
_LOGICAL: Mapping[Kind, str] = {
    Kind.INT64: "integer", Kind.FLOAT64: "number", Kind.NUMERIC: "number", Kind.BIGNUMERIC: "number",
    Kind.BOOL: "boolean", Kind.DATE: "date", Kind.DATETIME: "timestamp", Kind.TIMESTAMP: "timestamp",
    Kind.TIME: "time", Kind.STRUCT: "object", Kind.JSON: "object", Kind.RANGE: "object",
}  # fmt: skip


def odcs(registry: Registry) -> str:
    """Return the text of the data contract."""
    table = registry.table
    schema: dict[str, Any] = {"name": table.name, "physicalName": table.name, "physicalType": "table"}
    if table.description:
        schema["description"] = table.description
    schema["properties"] = [_property(one, registry) for one in contents(registry)]
    contract: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": table.name,
        "name": table.name,
        "version": version_of(registry),
        "status": "active",
    }
    if servers := [_server(name, place) for name, place in places(registry)]:
        contract["servers"] = servers
    return _HEAD + yaml_text(contract | {"schema": [schema]})


def _server(name: str, place: Target) -> dict[str, str]:
    properties = {"server": name, "type": place.kind}
    if place.kind == "bigquery":
        return properties | {"project": place.project, "dataset": place.dataset}
    return properties | {"database": place.path, "schema": "main"}


def _property(one: Held, registry: Registry) -> dict[str, Any]:
    properties = {"name": one.name} | _typed(one.column)
    keys = registry.table.keys
    if one.name in keys:
        properties |= {"primaryKey": True, "primaryKeyPosition": keys.index(one.name) + 1}
    if one.name == registry.table.partition_by:
        properties |= {"partitioned": True, "partitionKeyPosition": 1}
    if one.bounds:
        properties["logicalTypeOptions"] = {"minimum": one.bounds[0], "maximum": one.bounds[1]}
    properties["tags"] = [one.section]
    if one.managed and one.managed.feature and one.managed.feature.upstream_table:
        properties["transformSourceObjects"] = [one.managed.feature.upstream_table]
    if one.managed and one.managed.expr:
        properties["transformLogic"] = one.managed.expr
    if one.accepted:
        known = {"metric": "invalidValues", "arguments": {"validValues": list(one.accepted)}, "mustBe": 0}
        properties["quality"] = [{"description": f"A {one.of} of the registry."} | known]
    return properties


def _typed(column: Column) -> dict[str, Any]:
    """Return type, description and fields of a column, or of a field within it."""
    if column.mode is Mode.REPEATED:
        properties: dict[str, Any] = {"logicalType": "array", "physicalType": column.sql_type}
        properties["items"] = _typed(Column(column.name, column.type))
    else:
        properties = {"logicalType": _LOGICAL.get(column.type.kind, "string"), "physicalType": column.sql_type}
        if column.type.length is not None and column.type.kind is Kind.STRING:
            properties["logicalTypeOptions"] = {"maxLength": column.type.length}
        if column.type.fields:
            properties["properties"] = [{"name": inner.name} | _typed(inner) for inner in column.type.fields]
    if column.mode is Mode.REQUIRED:
        properties["required"] = True
    if column.description:
        properties["description"] = column.description
    return properties
