"""The properties of columns and tables in BigQuery besides name, type, mode and layout: one row for each.

A row has the place of a property in the resource of tables.get, its form, and how a statement writes it. Everything
that reads, compares, declares, exports or writes a property uses its row. A property that a registry does not declare
is not managed. Sources: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables,
https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from fqtool.table.column import Column, Kind, Properties
from fqtool.table.model import Options, Table
from fqtool.table.property import Form, Property, Written

_COLLATIONS = ("und:ci",)
_ROUNDING = ("ROUND_HALF_AWAY_FROM_ZERO", "ROUND_HALF_EVEN")
_IN_PLACE = "BigQuery does not change the {} of an existing column"
COLUMN_PROPERTIES: Mapping[str, Property] = {
    "collation": Property(
        ("collation",),
        written=Written.CREATION,
        fixed=f"{_IN_PLACE.format('collation')}. Declare the live collation. Or add a column with the other one.",
        values=_COLLATIONS,
        kinds=(Kind.STRING,),
    ),
    "data_policies": Property(("dataPolicies",), Form.NAMES, each="name", written=Written.OWNER),
    "generated": Property(
        ("generatedColumn", "generatedExpressionInfo", "generationExpression"),
        written=Written.CREATION,
        fixed=f"{_IN_PLACE.format('expression')}. Declare the live expression. Or create the table again.",
    ),
    "policy_tags": Property(("policyTags", "names"), Form.NAMES, written=Written.OWNER),
    "rounding_mode": Property(("roundingMode",), values=_ROUNDING, kinds=(Kind.NUMERIC, Kind.BIGNUMERIC)),
}
TABLE_PROPERTIES: Mapping[str, Property] = {
    "description": Property(("description",)),
    "friendly_name": Property(("friendlyName",)),
    "labels": Property(("labels",), Form.LABELS),
    "require_partition_filter": Property(("requirePartitionFilter",), Form.BOOL),
    "partition_expiration_days": Property(
        ("timePartitioning", "expirationMs"), Form.DAYS, dataset="defaultPartitionExpirationMs"
    ),
    "expiration": Property(
        ("expirationTime",), Form.MOMENT, sql="expiration_timestamp", dataset="defaultTableExpirationMs"
    ),
    "default_collation": Property(
        ("defaultCollation",), written=Written.CLAUSE, dataset="defaultCollation", values=_COLLATIONS
    ),
    "default_rounding_mode": Property(("defaultRoundingMode",), dataset="defaultRoundingMode", values=_ROUNDING),
    "enable_change_history": Property(form=Form.WORD),
    "enable_fine_grained_mutations": Property(form=Form.WORD),
    "kms_key_name": Property(
        ("encryptionConfiguration", "kmsKeyName"), dataset="defaultEncryptionConfiguration.kmsKeyName"
    ),
    "max_staleness": Property(("maxStaleness",), Form.INTERVAL),
    "tags": Property(("resourceTags",), Form.TAGS),
}
OPTION_FIELDS = frozenset(field.name for field in fields(Options))
"""The rows whose value is a field of `Options`. Other rows are text in `Table.properties`."""
NAME_OF = {row.sql or name: name for name, row in TABLE_PROPERTIES.items()}
"""Name in OPTIONS and in the registry -> name of the row."""

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


def column_properties(resource: Mapping[str, Any]) -> Properties:
    """Return the properties of a TableFieldSchema. Raises TypeError, KeyError or ValueError if it is malformed.

    Properties that this version does not know are kept as JSON under the API's name.
    """
    return _read(COLUMN_PROPERTIES, resource, _FIELD_KEYS)


def table_properties(resource: Mapping[str, Any]) -> Properties:
    """Return the properties of a table's resource that are not fields of `Options`, as `column_properties` does."""
    rows = {name: row for name, row in TABLE_PROPERTIES.items() if name not in OPTION_FIELDS}
    return _read(rows, resource, _TABLE_KEYS)


def table_options(resource: Mapping[str, Any]) -> Options:
    """Return the options of a table's resource. Raises as `column_properties`."""
    options = Options(**{name: TABLE_PROPERTIES[name].read(resource) for name in OPTION_FIELDS})
    old_place = (resource.get("timePartitioning") or {}).get("requirePartitionFilter")
    return replace(options, require_partition_filter=True) if old_place else options


def view_options(resource: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return the properties of a view's resource that are set, besides its description. Raises as the others."""
    rows = ((name, row, row.read(resource)) for name, row in TABLE_PROPERTIES.items() if row.path)
    return tuple((name, value) for name, row, value in rows if value != row.unset and name != "description")


def _read(rows: Mapping[str, Property], resource: Mapping[str, Any], keys: frozenset[str]) -> Properties:
    found = {name: row.read(resource) for name, row in rows.items() if row.path}
    found |= {key: json.dumps(value, sort_keys=True) for key, value in resource.items() if key not in keys and value}
    return ordered(found)


def ordered(properties: Mapping[str, str]) -> Properties:
    """Return the properties that are set, in the order of names."""
    return tuple(sorted((name, text) for name, text in properties.items() if text))


def write_property(name: str, text: str, resource: dict[str, Any]) -> None:
    """Write a property of a column into its TableFieldSchema.

    Args:
        name: The name of the row, or an unknown property as BigQuery's API spells it.
        text: Its value, or the JSON of an unknown property; "" removes it.
        resource: The TableFieldSchema, which is changed.
    """
    row = COLUMN_PROPERTIES.get(name)
    if row is None:
        resource[name] = json.loads(text)
    elif text:
        row.write(text, resource)
    else:
        resource.pop(row.path[0], None)


def table_values(table: Table) -> dict[str, Any]:
    """Return the value of each row of `TABLE_PROPERTIES` in a table, and the unknown properties as text."""
    known = {name: "" for name in TABLE_PROPERTIES if name not in OPTION_FIELDS}
    return {name: getattr(table.options, name) for name in TABLE_PROPERTIES if name in OPTION_FIELDS} | (
        known | dict(table.properties)
    )


def with_values(table: Table, values: Mapping[str, Any]) -> Table:
    """Return a table with other values of some rows of `TABLE_PROPERTIES`."""
    options = {name: value for name, value in values.items() if name in OPTION_FIELDS}
    others = {name: value for name, value in values.items() if name not in OPTION_FIELDS}
    properties = ordered(dict(table.properties) | others) if others else table.properties
    return replace(table, options=replace(table.options, **options), properties=properties)


def column_values(column: Column, *, nested: bool) -> dict[str, str]:
    """Return the properties of a column. For a field of a STRUCT its default is one of them."""
    default = {"default": column.default} if nested and column.default is not None else {}
    return dict(column.properties) | default


def with_value(column: Column, name: str, text: str) -> Column:
    """Return a column or field with another property; "" for none."""
    if name == "default":
        return replace(column, default=text or None)
    return replace(column, properties=ordered(dict(column.properties) | {name: text}))


def unknown_properties(table: Table) -> Iterator[str]:
    """Yield the properties of the table and its columns that this version does not know."""
    yield from (name for name, _ in table.properties if name not in TABLE_PROPERTIES)
    for column in table.columns:
        for path, field in with_fields(column):
            yield from (f"{name} of {'.'.join(path)}" for name, _ in field.properties if name not in COLUMN_PROPERTIES)


def with_fields(column: Column, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Column]]:
    """Yield a column and the fields of its STRUCT with their paths."""
    path = (*place, column.name)
    yield path, column
    for field in column.type.fields:
        yield from with_fields(field, path)


def with_unmanaged(
    desired: Column, live: Column, declared: Mapping[tuple[str, ...], frozenset[str]], place: tuple[str, ...] = ()
) -> Column:
    """Copy from the live column what a registry does not declare: properties, and defaults of fields.

    Args:
        desired: The column that the registry describes.
        live: The column of the table.
        declared: The names of the declared properties by lower-case path of the column or field.
        place: The path of the STRUCT around the field.
    """
    path = (*place, desired.key)
    stated = tuple((name, text) for name, text in desired.properties if name in declared.get(path, ()))
    desired = replace(desired, properties=stated)
    names, there = declared.get(path, frozenset()), {field.key: field for field in live.type.fields}
    fields = (
        with_unmanaged(field, there[field.key], declared, path) if field.key in there else field
        for field in desired.type.fields
    )
    made = replace(desired, type=replace(desired.type, fields=tuple(fields))) if desired.type.fields else desired
    for name, text in column_values(live, nested=bool(place)).items():
        made = made if name in names else with_value(made, name, text)
    return made


def with_collation(
    column: Column, collation: str, declared: Mapping[tuple[str, ...], frozenset[str]], place: tuple[str, ...] = ()
) -> Column:
    """Return a column with the collation that BigQuery gives to texts of a new table, itself and its fields.

    Args:
        column: The column that the registry describes.
        collation: The default collation of the table.
        declared: The names of the declared properties by lower-case path of the column or field.
        place: The path of the STRUCT around the field.
    """
    path = (*place, column.key)
    fields = tuple(with_collation(field, collation, declared, path) for field in column.type.fields)
    made = replace(column, type=replace(column.type, fields=fields)) if fields else column
    inherits = made.type.kind is Kind.STRING and "collation" not in declared.get(path, ())
    return with_value(made, "collation", collation) if inherits else made


def creatable(column: Column) -> Column:
    """Return a column without what no DDL writes: access control, unknown properties, and defaults of fields."""
    return _creatable(column, nested=False)


def _creatable(column: Column, *, nested: bool) -> Column:
    kept = ((name, text) for name, text in column.properties if name in COLUMN_PROPERTIES and not _by_owner(name))
    made = replace(column, properties=tuple(kept), default=None if nested else column.default)
    if not column.type.fields:
        return made
    inner = tuple(_creatable(field, nested=True) for field in column.type.fields)
    return replace(made, type=replace(column.type, fields=inner))


def _by_owner(name: str) -> bool:
    return COLUMN_PROPERTIES[name].written is Written.OWNER
