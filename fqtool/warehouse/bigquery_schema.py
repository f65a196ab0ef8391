"""What tables.get answers, read as a Table or a View (BIGQUERY 54, 55)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fqtool.errors import WorldError
from fqtool.table.column import ALIASES, Column, Kind, Mode, Type
from fqtool.table.model import Options, Partitioning, Table, View

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def described(resource: dict[str, Any]) -> Table | View:
    """Return the Table or View a tables.get resource stands for.

    A materialized view is a View; a snapshot, clone or external table is a Table. Ingestion-time partitioning
    has the column _PARTITIONTIME, and integer ranges have the granularity RANGE(start, end, interval): neither
    can be planned, so both show up as a difference. Raises WorldError for a type this version does not know;
    KeyError, TypeError, ValueError or AttributeError for what is not a table's resource.
    """
    name = resource["tableReference"]["tableId"]
    view = resource.get("view") or resource.get("materializedView")
    if view:
        return View(name, view["query"], resource.get("description") or "")
    return Table(
        name,
        tuple(_column(field, name) for field in _fields(resource)),
        _partitioning(resource),
        tuple((resource.get("clustering") or {}).get("fields") or ()),
        _options(resource),
    )


def column_names(resource: dict[str, Any]) -> set[str]:
    """Return the top-level column names in lower case."""
    return {field["name"].lower() for field in _fields(resource)}


def _fields(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return (resource.get("schema") or {}).get("fields") or []


def _column(field: dict[str, Any], table: str) -> Column:
    return Column(
        field["name"],
        _type(field, table),
        Mode((field.get("mode") or "NULLABLE").upper()),
        field.get("description") or "",
        field.get("defaultValueExpression"),
        tuple((field.get("policyTags") or {}).get("names") or ()),
    )


def _type(field: dict[str, Any], table: str) -> Type:
    kind = _kind(field["type"], field["name"], table)
    match kind:
        case Kind.STRUCT:
            return Type(kind, fields=tuple(_column(inner, table) for inner in field["fields"]))
        case Kind.RANGE:
            return Type(kind, element=_kind(field["rangeElementType"]["type"], field["name"], table))
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return Type(kind, _number(field, "precision"), _number(field, "scale"))
        case Kind.STRING | Kind.BYTES:
            return Type(kind, length=_number(field, "maxLength"))
        case _:
            return Type(kind)


def _kind(word: str, column: str, table: str) -> Kind:
    kind = ALIASES.get(word.upper())
    if kind is None:
        raise WorldError(
            f"The column {column} of {table} has the type {word}, which this version of fqtool does not know.",
            remedy="Upgrade fqtool.",
        )
    return kind


def _number(holder: dict[str, Any], key: str) -> int | None:
    """REST writes 64-bit integers as JSON strings."""
    value = holder.get(key)
    return None if value is None else int(value)


def _partitioning(resource: dict[str, Any]) -> Partitioning | None:
    by_time, by_range = resource.get("timePartitioning"), resource.get("rangePartitioning")
    if by_time:
        return Partitioning(by_time.get("field") or "_PARTITIONTIME", by_time.get("type") or "DAY")
    if by_range:
        span = by_range["range"]
        return Partitioning(by_range["field"], f"RANGE({span.get('start', 0)}, {span['end']}, {span['interval']})")
    return None


def _options(resource: dict[str, Any]) -> Options:
    by_time = resource.get("timePartitioning") or {}
    partition_ms = _number(by_time, "expirationMs")
    expiration_ms = _number(resource, "expirationTime")
    return Options(
        require_partition_filter=bool(resource.get("requirePartitionFilter") or by_time.get("requirePartitionFilter")),
        partition_expiration_days=partition_ms / _DAY_MS if partition_ms else None,
        expiration=_moment(expiration_ms) if expiration_ms else None,
        description=resource.get("description") or "",
        friendly_name=resource.get("friendlyName") or "",
        labels=tuple(sorted((resource.get("labels") or {}).items())),
    )


def _moment(milliseconds: int) -> str:
    """Write RFC 3339 in UTC, with a fraction only where there is one."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
