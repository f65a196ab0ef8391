"""Read the answer of tables.get as a Table or a View (bigquery.md#reading)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from fqtool.errors import InputError, StatementFailed
from fqtool.table.change_fields import AddField
from fqtool.table.changes import Change, SetDescription
from fqtool.table.column import Column
from fqtool.table.model import ORDINARY, Options, Partitioning, Table, View
from fqtool.table.properties import table_properties
from fqtool.table.schema_json import column_of, field, number

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def described(resource: dict[str, Any]) -> Table | View:
    """Return the Table or View of a tables.get resource.

    A materialized view is a View. A snapshot or external table is a Table of that type, a clone an ordinary Table.
    Ingestion-time partitioning has the column _PARTITIONTIME, and integer ranges have the granularity
    RANGE(start, end, interval). A registry cannot describe these, so both are reported as a difference, as is a column
    type that this version does not know.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: The resource is not that of a table.
    """
    name = resource["tableReference"]["tableId"]
    view = resource.get("view") or resource.get("materializedView")
    if view:
        materialized = bool(resource.get("materializedView"))
        return View(name, view["query"], resource.get("description") or "", materialized=materialized)
    return Table(
        name,
        _columns(resource, name),
        _partitioning(resource),
        tuple((resource.get("clustering") or {}).get("fields") or ()),
        _options(resource),
        resource.get("type") or ORDINARY,
        *_keys(resource),
        table_properties(resource),
    )


def read_resource(text: str, place: str) -> Table | View | None:
    """Read the output of `bq show --format=prettyjson` for a table.

    Args:
        text: The output.
        place: The name of the file, for messages.

    Returns:
        The table or view; None if the text is not the resource of a table.

    Raises:
        InputError: The resource is malformed.
    """
    try:
        resource = json.loads(text)
        if not isinstance(resource, dict) or "tableReference" not in resource:
            return None
        return described(resource)
    except (RecursionError, json.JSONDecodeError):
        return None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: the file is not a table as `bq show` prints it: {error}.") from None


def _keys(resource: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the primary key, and the foreign keys as GoogleSQL."""
    constraints = resource.get("tableConstraints") or {}
    primary = tuple((constraints.get("primaryKey") or {}).get("columns") or ())
    return primary, tuple(map(_foreign_key, constraints.get("foreignKeys") or ()))


def _foreign_key(key: dict[str, Any]) -> str:
    table, pairs = key["referencedTable"], key["columnReferences"]
    path = ".".join(table[part] for part in ("projectId", "datasetId", "tableId") if table.get(part))
    own, other = (", ".join(pair[end] for pair in pairs) for end in ("referencingColumn", "referencedColumn"))
    return f"FOREIGN KEY ({own}) REFERENCES {path}({other})"


def with_fields_patched(fields: list[dict[str, Any]], changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return the fields of a table after changes of STRUCT fields. Everything else in them stays as it is.

    Args:
        fields: The fields of the table's resource.
        changes: Added fields and descriptions. A field that exists already is left as it is.

    Raises:
        StatementFailed: A STRUCT or field does not exist.
    """
    fields = deepcopy(fields)
    for change in changes:
        match change:
            case AddField(path, column):
                struct = _field_at(fields, path)
                if "fields" not in struct:
                    raise StatementFailed(f"{'.'.join(path)} is not a STRUCT.")
                inside = struct["fields"]
                if column.key not in (other["name"].lower() for other in inside):
                    inside.append(field(column))
            case SetDescription(path, text):
                described = _field_at(fields, path)
                if text != described.get("description", ""):
                    described["description"] = text
            case _:
                raise AssertionError(change)
    return fields


def _field_at(fields: list[dict[str, Any]], path: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] | None = {"fields": fields}
    for name in path:
        inside = found.get("fields") or [] if found else []
        found = next((other for other in inside if other["name"].lower() == name.lower()), None)
    if found is None:
        raise StatementFailed(f"The table has no field {'.'.join(path)}.")
    return found


def column_names(resource: dict[str, Any]) -> set[str]:
    """Return the top-level column names in lower case."""
    return {field["name"].lower() for field in _fields(resource)}


def _fields(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return (resource.get("schema") or {}).get("fields") or []


def _columns(resource: dict[str, Any], table: str) -> tuple[Column, ...]:
    try:
        return tuple(column_of(field, table) for field in _fields(resource))
    except InputError as error:
        raise ValueError(error.message) from None


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
    partition_ms = number(by_time, "expirationMs")
    expiration_ms = number(resource, "expirationTime")
    return Options(
        require_partition_filter=bool(resource.get("requirePartitionFilter") or by_time.get("requirePartitionFilter")),
        partition_expiration_days=partition_ms / _DAY_MS if partition_ms else None,
        expiration=_moment(expiration_ms) if expiration_ms else None,
        description=resource.get("description") or "",
        friendly_name=resource.get("friendlyName") or "",
        labels=tuple(sorted((resource.get("labels") or {}).items())),
    )


def _moment(milliseconds: int) -> str:
    """Return RFC 3339 in UTC, with a fraction only if it is not 0."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
