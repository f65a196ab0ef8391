"""Read the answer of tables.get as a Table or a View (bigquery.md#reading)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from fqtool.errors import InputError, StatementFailed
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import SetProperty
from fqtool.table.changes import Change, SetDescription
from fqtool.table.column import Column
from fqtool.table.model import ORDINARY, Partitioning, Table, View, foreign_key
from fqtool.table.properties import (
    TABLE_PROPERTIES,
    table_options,
    table_properties,
    view_options,
    with_fields,
    write_property,
)
from fqtool.table.property import Property
from fqtool.table.schema_json import column_of, field


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
        columns = _columns(resource, name)
        worded = (path for column in columns for path, field in with_fields(column) if _is_lost(path, field))
        return View(
            name, view["query"], resource.get("description") or "", materialized=bool(resource.get("materializedView")),
            options=view_options(resource), legacy=bool(view.get("useLegacySql")),
            described=tuple((column.name, column.description) for column in columns if column.description) or None,
            columns=tuple(column.name for column in columns), of_columns=tuple(map(".".join, worded)),
        )  # fmt: skip
    return Table(
        name,
        _columns(resource, name),
        _partitioning(resource),
        tuple((resource.get("clustering") or {}).get("fields") or ()),
        table_options(resource),
        resource.get("type") or ORDINARY,
        *_keys(resource),
        table_properties(resource),
    )


def _is_lost(path: tuple[str, ...], field: Column) -> bool:
    """Whether a column or field of a view has something that CREATE OR REPLACE VIEW does not write."""
    return bool(field.properties or (len(path) > 1 and field.description))


def may_inherit(resource: dict[str, Any]) -> bool:
    """Return whether a table has a property that its dataset may have given it."""
    return any(row.dataset and row.raw(resource) for row in TABLE_PROPERTIES.values())


def inherited(resource: dict[str, Any], dataset: dict[str, Any]) -> frozenset[str]:
    """Return the names of the properties of a table that have the dataset's value for new tables.

    tables.get does not report whether a value was set on the table itself, so equal values are compared.

    Args:
        resource: The resource of the table.
        dataset: The resource of its dataset.
    """
    found = set()
    for name, row in TABLE_PROPERTIES.items():
        own, given = row.raw(resource), Property(tuple(row.dataset.split("."))).raw(dataset) if row.dataset else None
        if name == "expiration" and own and given:
            given = int(given) + int(resource.get("creationTime") or 0)
        if own and given and str(own) == str(given):
            found.add(name)
    return frozenset(found)


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
        resource = json.loads(text.removeprefix("\ufeff"))
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
    home = resource["tableReference"]
    return primary, tuple(_foreign_key(key, home) for key in constraints.get("foreignKeys") or ())


def _foreign_key(key: dict[str, Any], home: dict[str, Any]) -> str:
    """Return a foreign key as text, with the project and dataset of the other table only if they are others."""
    table, pairs = key["referencedTable"], key["columnReferences"]
    parts = [table.get(part) for part in ("projectId", "datasetId", "tableId")]
    if parts[0] in (None, home.get("projectId")):
        parts = parts[1:] if parts[1] not in (None, home.get("datasetId")) else parts[2:]
    own, other = ([pair[end] for pair in pairs] for end in ("referencingColumn", "referencedColumn"))
    return foreign_key(own, ".".join(map(str, parts)), other)


def with_fields_patched(fields: list[dict[str, Any]], changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return the fields of a table after changes of STRUCT fields. Everything else in them stays as it is.

    Args:
        fields: The fields of the table's resource.
        changes: Added fields, descriptions and properties. A field that exists already is left as it is.

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
            case SetProperty(path, name, value):
                write_property(name, value, _field_at(fields, path))
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
