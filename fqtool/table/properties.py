"""Properties of columns and tables in BigQuery besides name, type, partitioning, clustering and options.

A property is text under its name in BigQuery's DDL. A registry does not manage these properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fqtool.table.column import Column, Properties
from fqtool.table.model import Table


@dataclass(frozen=True, slots=True)
class Property:
    """The place of a property in the API's resource: its path of keys, and the key in each entry of a list."""

    path: tuple[str, ...]
    each: str = ""

    def read(self, resource: Mapping[str, Any]) -> str:
        """Return the property as text; "" if the resource does not have it. Raises TypeError or ValueError."""
        value: Any = resource
        for key in self.path:
            value = (value or {}).get(key)
        if isinstance(value, dict):
            value = [f"{key}={text}" for key, text in sorted(value.items())]
        elif self.each:
            value = [entry[self.each] for entry in value or ()]
        if isinstance(value, list):
            value = ", ".join(value)
        if not isinstance(value, str | None):
            raise TypeError(self.path)
        return value or ""

    def write(self, text: str, resource: dict[str, Any]) -> None:
        """Write the property into a resource."""
        value: Any = [{self.each: part} for part in text.split(", ")] if self.each else text
        for key in self.path[:0:-1]:
            value = {key: value}
        resource[self.path[0]] = value


COLUMN_PROPERTIES: Mapping[str, Property] = {
    "collation": Property(("collation",)),
    "data_policies": Property(("dataPolicies",), each="name"),
    "generated": Property(("generatedColumn", "generatedExpressionInfo", "generationExpression")),
    "rounding_mode": Property(("roundingMode",)),
}
TABLE_PROPERTIES: Mapping[str, Property | None] = {  # None: BigQuery's API does not report it
    "default_collation": Property(("defaultCollation",)),
    "default_rounding_mode": Property(("defaultRoundingMode",)),
    "enable_change_history": None,
    "enable_fine_grained_mutations": None,
    "kms_key_name": Property(("encryptionConfiguration", "kmsKeyName")),
    "max_staleness": Property(("maxStaleness",)),
    "tags": Property(("resourceTags",)),
}

# Keys of a resource that are read elsewhere, or that are not settings.
_FIELD_KEYS = frozenset(
    """
    categories collation dataPolicies defaultValueExpression description fields generatedColumn maxLength mode name
    nameAlternative policyTags precision rangeElementType roundingMode scale timestampPrecision type
    """.split()  # noqa: SIM905  a paragraph of words reads better than a list
)
_TABLE_KEYS = frozenset(
    """
    cloneDefinition clustering creationTime defaultCollation defaultRoundingMode description encryptionConfiguration
    etag expirationTime externalDataConfiguration friendlyName id kind labels lastModifiedTime location materializedView
    materializedViewStatus maxStaleness model numActiveLogicalBytes numActivePhysicalBytes numBytes
    numCurrentPhysicalBytes numLongTermBytes numLongTermLogicalBytes numLongTermPhysicalBytes numPartitions
    numPhysicalBytes numRows numTimeTravelPhysicalBytes numTotalLogicalBytes numTotalPhysicalBytes partitionDefinition
    rangePartitioning replicas requirePartitionFilter resourceTags schema selfLink snapshotDefinition streamingBuffer
    tableConstraints tableReference timePartitioning type view
    """.split()  # noqa: SIM905  as above
)
_UNIT_PLACES = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_INTERVAL = re.compile(r"INTERVAL\s+(?:'([^']*)'|\"([^\"]*)\"|(\d+))\s+(\w+)(?:\s+TO\s+(\w+))?", re.IGNORECASE)


def column_properties(resource: Mapping[str, Any]) -> Properties:
    """Return the properties of a TableFieldSchema. Raises TypeError, KeyError or ValueError if it is malformed.

    Properties that this version does not know are kept as JSON under the API's name.
    """
    return _read(COLUMN_PROPERTIES, resource, _FIELD_KEYS)


def table_properties(resource: Mapping[str, Any]) -> Properties:
    """Return the properties of a table's resource, as `column_properties` does."""
    return _read(TABLE_PROPERTIES, resource, _TABLE_KEYS)


def write_property(name: str, text: str, resource: dict[str, Any]) -> None:
    """Write a property of a column into its TableFieldSchema.

    Args:
        name: The property, as BigQuery's API spells it.
        text: Its value as JSON, or as the known property writes it.
        resource: The TableFieldSchema, which is changed.
    """
    if known := COLUMN_PROPERTIES.get(name):
        known.write(text, resource)
    else:
        resource[name] = json.loads(text)


def unknown_properties(table: Table) -> Iterator[str]:
    """Yield the properties of the table and its columns that this version does not know."""
    yield from (name for name, _ in table.properties if name not in TABLE_PROPERTIES)
    for column in table.columns:
        yield from _unknown(column, "")


def _unknown(column: Column, place: str) -> Iterator[str]:
    path = f"{place}{column.name}"
    yield from (f"{name} of {path}" for name, _ in column.properties if name not in COLUMN_PROPERTIES)
    for field in column.type.fields:
        yield from _unknown(field, f"{path}.")


def with_unmanaged(desired: Column, live: Column) -> Column:
    """Copy what a registry does not manage from the live column: policy tags, properties and defaults of fields.

    Args:
        desired: The column that the registry describes.
        live: The column of the table.

    Returns:
        The desired column with the unmanaged settings of the live one, also in the fields of a STRUCT.
    """
    there = {field.key: field for field in live.type.fields}
    fields = (
        replace(with_unmanaged(field, there[field.key]), default=there[field.key].default)
        if field.key in there
        else field
        for field in desired.type.fields
    )
    kind = replace(desired.type, fields=tuple(fields)) if desired.type.fields else desired.type
    return replace(desired, type=kind, policy_tags=live.policy_tags, properties=live.properties)


def _read(known: Mapping[str, Property | None], resource: Mapping[str, Any], keys: frozenset[str]) -> Properties:
    found = {name: place.read(resource) for name, place in known.items() if place}
    found |= {key: json.dumps(value, sort_keys=True) for key, value in resource.items() if key not in keys and value}
    return tuple(sorted((name, text) for name, text in found.items() if text))


def interval(sql: str) -> str:
    """Return an INTERVAL literal in the format of the API, e.g. `0-0 0 4:0:0`; other text unchanged."""
    match = _INTERVAL.fullmatch(sql.strip())
    if not match or match[4].upper() not in _UNIT_PLACES:
        return sql
    places = dict.fromkeys(_UNIT_PLACES, "0")
    first = _UNIT_PLACES.index(match[4].upper())
    numbers = re.split(r"[-: ]", match[1] or match[2] or match[3])
    for unit, number in zip(_UNIT_PLACES[first:], numbers, strict=False):
        places[unit] = str(int(number)) if number.isdecimal() else number
    year, month, day, hour, minute, second = places.values()
    return f"{year}-{month} {day} {hour}:{minute}:{second}"
