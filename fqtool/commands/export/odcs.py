"""The registry as a data contract of the Open Data Contract Standard, version 3.1.

The standard has keys for the primary key, foreign keys, the classification of a column and the business name of a
table. Other properties of BigQuery are `customProperties` with the names of the registry in camel case, as the standard
asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fqtool.commands.export.contents import Held, contents, declared_column, declared_table, places, version_of
from fqtool.commands.export.text import yaml_text
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.ddl_grammar import partition_sql
from fqtool.table.model import Table, key_parts
from fqtool.warehouse.target import Target

_HEAD = "# Written by `fqtool export odcs`; change the registry, not this file.\n"
_LOGICAL: Mapping[Kind, str] = {
    Kind.INT64: "integer", Kind.FLOAT64: "number", Kind.NUMERIC: "number", Kind.BIGNUMERIC: "number",
    Kind.BOOL: "boolean", Kind.DATE: "date", Kind.DATETIME: "timestamp", Kind.TIMESTAMP: "timestamp",
    Kind.TIME: "time", Kind.STRUCT: "object", Kind.JSON: "object", Kind.RANGE: "object",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a table or column in a reference


def odcs(registry: Registry) -> str:
    """Return the text of the data contract."""
    table = desired_table(registry)
    properties = declared_table(table)
    schema: dict[str, Any] = {"name": table.name, "physicalName": table.name, "physicalType": "table"}
    for key, name in (("description", "description"), ("businessName", "friendly_name")):
        if text := properties.pop(name, None):
            schema[key] = text
    schema |= _relationships(table)
    schema |= _custom(dict(_layout(table)) | properties)
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


def _layout(table: Table) -> Iterator[tuple[str, Any]]:
    """Yield what `partitioned` does not describe, and foreign keys whose names a reference cannot have."""
    if table.partitioning:
        column = table.find(table.partitioning.column)
        yield "partition_by", partition_sql(table.partitioning, column.type.kind if column else Kind.TIMESTAMP)
    if table.clustering:
        yield "cluster_by", list(table.clustering)
    if others := [key for key in table.foreign_keys if not _is_reference(table, key)]:
        yield "foreign_keys", others


def _is_reference(table: Table, key: str) -> bool:
    own, other, columns = key_parts(key)
    return all(map(_NAME.fullmatch, (table.name, *own, other.rpartition(".")[2], *columns)))


def _relationships(table: Table) -> dict[str, Any]:
    found = []
    for key in table.foreign_keys:
        own, place, others = key_parts(key)
        if _is_reference(table, key):
            other = place.rpartition(".")[2]
            ends = [f"{table.name}.{name}" for name in own], [f"{other}.{name}" for name in others]
            start, end = ends if len(own) > 1 else (ends[0][0], ends[1][0])
            relationship = {"type": "foreignKey", "from": start, "to": end}
            found.append(relationship | (_custom({"table": place}) if place != other else {}))
    return {"relationships": found} if found else {}


def _custom(properties: Mapping[str, Any]) -> dict[str, Any]:
    if not properties:
        return {}
    camel = {re.sub("_(.)", lambda match: match[1].upper(), name): value for name, value in properties.items()}
    return {"customProperties": [{"property": name, "value": value} for name, value in camel.items()]}


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
    """Return type, description, properties and fields of a column, or of a field within it."""
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
    own = declared_column(column)
    if tags := own.pop("policy_tags", ()):
        properties["classification"] = ", ".join(tags)
    return properties | _custom(own)
