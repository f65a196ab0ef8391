"""What tables.get shows, how a schema is read, the words of a 404, and the start of DuckDB.

Patches `_field_to_rest`, `_table_to_rest`, `_parse_schema_fields` and `resource_not_found` of
bqemulator.api.routes.tables, `resource_not_found` of .tabledata and .datasets, and `DuckDBEngine._load_spatial`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bqemulator.api.routes import datasets, tabledata
from bqemulator.api.routes import tables as routes
from bqemulator.catalog.models import TableFieldSchema, TableMeta
from bqemulator.domain.errors import NotFoundError, ResourceRef
from bqemulator.storage.engine import DuckDBEngine

from .hooks import override
from .resolved import WIRE

_NUMBERS = {"precision": "precision", "scale": "scale", "maxLength": "max_length",
            "timestampPrecision": "timestamp_precision"}  # fmt: skip
_TEXTS = {"defaultValueExpression": "default_value_expression", "roundingMode": "rounding_mode",
          "collation": "collation", "policyTags": "policy_tags", "dataPolicies": "data_policies",
          "generatedColumn": "generated_column"}  # fmt: skip


def _field(stock: Any) -> Any:
    def to_rest(field: TableFieldSchema) -> dict[str, Any]:
        made: dict[str, Any] = stock(field)  # nested fields come back here, as it calls itself by its global name
        numbers = {rest: getattr(field, name, None) for rest, name in _NUMBERS.items()}
        made |= {rest: str(value) for rest, value in numbers.items() if value}
        made |= {rest: getattr(field, name) for rest, name in _TEXTS.items() if getattr(field, name, None)}
        return made

    return to_rest


def _fields(stock: Any) -> Any:
    def parse(raw: list[dict[str, Any]]) -> tuple[TableFieldSchema, ...]:
        made = []
        for given, field in zip(raw, stock(raw), strict=True):
            more: dict[str, Any] = {n: int(given[r]) for r, n in _NUMBERS.items() if given.get(r)}
            more |= {n: given[r] for r, n in _TEXTS.items() if given.get(r)}
            more["type"] = WIRE.get(field.type.upper(), field.type.upper())  # INT64 is shown as INTEGER
            made.append(field.model_copy(update=more))
        return tuple(made)

    return parse


def _table(stock: Any) -> Any:
    def to_rest(table: TableMeta) -> dict[str, Any]:
        made: dict[str, Any] = stock(table)
        if getattr(table, "require_partition_filter", False):
            made["requirePartitionFilter"] = True
            made.setdefault("timePartitioning", {})["requirePartitionFilter"] = True
        if table.range_partitioning is not None:
            bounds = {name: str(getattr(table.range_partitioning, name)) for name in ("start", "end", "interval")}
            made["rangePartitioning"] = {"field": table.range_partitioning.field, "range": bounds}
        if table.expiration_time is not None:
            made["expirationTime"] = str(int(table.expiration_time.timestamp() * 1000))
        if table.table_type == "VIEW":
            text = getattr(table, "view_text", None) or table.view_query
            made["view"] = {"query": text, "useLegacySql": False}
        if getattr(table, "default_collation", None):
            made["defaultCollation"] = table.default_collation  # type: ignore[attr-defined]
        if constraints := getattr(table, "constraints", {}):
            made["tableConstraints"] = constraints
        made |= {key: value for key, value in getattr(table, "settings", {}).items() if value is not None}
        return made

    return to_rest


def _not_found(ref: ResourceRef) -> NotFoundError:
    """As BigQuery spells it: Not found: Table p:d.t."""
    name = f"{ref.project_id}:{ref.dataset_id}" + (f".{ref.resource_id}" if ref.resource_id else "")
    return NotFoundError(f"Not found: {ref.kind.capitalize()} {name}")


def _spatial_if_there(engine: DuckDBEngine) -> None:
    # Stock installs it first, which goes to the network; only GEOGRAPHY needs it.
    with suppress(Exception):
        engine.connection.execute("LOAD spatial")


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    override(routes, "_field_to_rest", _field(routes._field_to_rest))
    override(routes, "_table_to_rest", _table(routes._table_to_rest))
    override(routes, "_parse_schema_fields", _fields(routes._parse_schema_fields))
    for place in (routes, tabledata, datasets):
        override(place, "resource_not_found", _not_found)
    override(DuckDBEngine, "_load_spatial", _spatial_if_there)
