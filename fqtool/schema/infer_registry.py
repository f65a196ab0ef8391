"""Infer registry entries from a table: the inverse of `build`.

`base_table` of the inferred entries equals the table, except for what `unsaid` lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fqtool.registry.model import BaseColumn, TableSpec
from fqtool.table.column import Column, Kind, Mode, refused_character
from fqtool.table.ddl_grammar import partition_sql
from fqtool.table.model import INGESTION_TIME, Table, key_parts
from fqtool.table.properties import (
    COLUMN_PROPERTIES,
    NAME_OF,
    TABLE_PROPERTIES,
    column_values,
    table_values,
    with_fields,
)
from fqtool.table.property import Written

_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_UNSTATED = "Not managed by a registry, and left unchanged"
_ASK = "--all-properties declares it."
_MANY = 20  # properties of columns that a first registry declares without --all-properties
_OWN_KEYS = frozenset({"description", "labels", "require_partition_filter", "partition_expiration_days"})
MANAGED = frozenset({"default", *(name for name, row in COLUMN_PROPERTIES.items() if row.written is not Written.OWNER)})
"""The properties of columns that a registry declares unless asked for more: their owner changes policy tags."""
_NO_KEYS = frozenset({Kind.STRUCT, Kind.JSON, Kind.GEOGRAPHY, Kind.INTERVAL, Kind.RANGE})


@dataclass(frozen=True, slots=True)
class Learned:
    """A table as a registry describes it.

    Args:
        table: The entry `table`.
        columns: The entries of `base_columns`.
        keys_stated: Whether the table has a primary key; otherwise the keys are guessed.
        vector: The only ARRAY of FLOAT64, or "" without exactly one.
        unsaid: A sentence for each property that a registry cannot describe.
    """

    table: TableSpec
    columns: tuple[BaseColumn, ...]
    keys_stated: bool
    vector: str = ""
    unsaid: tuple[str, ...] = ()


def learned(table: Table, *, every_property: bool = False) -> Learned:
    """Infer the registry entries of a table. Its keys are the primary key, or guessed if it has no primary key.

    Args:
        table: The table.
        every_property: Declare every property. Default: policy tags and data policies are not declared, because their
            owner changes them; and properties of columns only where there are few.
    """
    keys, options, partitioning = table.primary_key, table.options, table.partitioning
    columns = tuple(one for one in table.columns if not (refused_character(one.name) or one.type.unknown))
    by_key = {one.key: one.name for one in columns}
    if partitioning and partitioning.column != INGESTION_TIME and partitioning.column.lower() not in by_key:
        partitioning = None
    by_date = partitioning if partitioning and partitioning.stateable else None
    kind = table.find(partitioning.column) if partitioning else None
    labels = None if any(not _LABEL.fullmatch(key) for key, _ in options.labels) else options.labels
    spec = TableSpec(
        table.name,
        tuple(by_key.get(one.lower(), one) for one in keys) or _guessed_keys(table, columns),
        by_key[by_date.column.lower()] if by_date else None,
        by_date.granularity if by_date else "DAY",
        tuple(by_key.get(one.lower(), one) for one in table.clustering),
        options.require_partition_filter or None,
        options.partition_expiration_days,
        options.description or None,
        labels or None,
        partition_sql(partitioning, kind.type.kind if kind else Kind.DATE) if partitioning and not by_date else None,
        True if keys and all(one.lower() in by_key for one in keys) else None,
        tuple(map(key_parts, table.foreign_keys)) or None,
        tuple(_of_table(table)),
    )
    vectors = [one.name for one in columns if one.mode is Mode.REPEATED and one.type.kind is Kind.FLOAT64]
    vector = vectors[0] if len(vectors) == 1 else ""
    chosen = _declares(table, every_property=every_property)
    bases = tuple(as_base_column(table, one, chosen) for one in columns)
    return Learned(spec, bases, bool(keys), vector, tuple(_unsaid(table, spec, chosen)))


def _of_table(table: Table) -> Iterator[tuple[str, object]]:
    """Yield the properties of the table that are not keys of `table` themselves, as a registry declares them."""
    values = table_values(table)
    for word, name in sorted(NAME_OF.items()):
        row = TABLE_PROPERTIES[name]
        if name not in _OWN_KEYS and values[name] != row.unset:
            yield word, row.in_registry(values[name])


def _declares(table: Table, *, every_property: bool) -> frozenset[str]:
    """Return the names of the properties of columns that a registry declares."""
    names = frozenset({*COLUMN_PROPERTIES, "default"}) if every_property else MANAGED
    found = (field for column in table.columns for field in with_fields(column))
    many = sum(len(_known(table, path, field).keys() & names) for path, field in found) > _MANY
    return frozenset() if many and not every_property else names


def _known(table: Table, path: tuple[str, ...], field: Column) -> dict[str, str]:
    """The properties that a registry can declare; of collations only those that are not the table's default."""
    values = column_values(field, nested=len(path) > 1)
    default = dict(table.properties).get("default_collation", "")
    if values.get("collation") == default:
        del values["collation"]
    elif default and field.type.kind is Kind.STRING:
        values.setdefault("collation", "")
    return {name: text for name, text in values.items() if name == "default" or name in COLUMN_PROPERTIES}


def _guessed_keys(table: Table, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Guess keys: the first required column and the partition column or a required DATE, or else any column."""
    whole = [one for one in columns if one.mode is not Mode.REPEATED and one.type.kind not in _NO_KEYS]
    required = [one for one in whole if one.mode is Mode.REQUIRED]
    dates = [one.key for one in required if one.type.kind is Kind.DATE]
    by = table.partitioning
    # Ingestion time is not a column, and a range of numbers has no date.
    day = by.column.lower() if by and by.stateable else next(iter(dates), "")
    first = next((one for one in required if one.key != day), None)
    chosen = [one.name for one in whole if one is first or one.key == day]
    return tuple(chosen or [one.name for one in (*whole, *columns)][:1])


def as_base_column(table: Table, column: Column, chosen: frozenset[str] = MANAGED) -> BaseColumn:
    """Return the entry of `base_columns` that declares a column as it is.

    Args:
        table: The table of the column.
        column: The column.
        chosen: The names of the properties to declare. Default: those that are not access control.
    """
    inner = {path: _declared(_known(table, path, field), chosen) for path, field in with_fields(column)}
    return BaseColumn(
        column.name,
        column.sql_type,
        required=column.mode is Mode.REQUIRED,
        description=column.description,
        default=column.default,
        field_descriptions=tuple(_described(column)),
        properties=inner.pop((column.name,)),
        field_properties=tuple((".".join(path[1:]), declared) for path, declared in inner.items() if declared),
    )


def _declared(known: Mapping[str, str], chosen: frozenset[str]) -> tuple[tuple[str, object], ...]:
    values = ((name, text) for name, text in sorted(known.items()) if name in chosen)
    return tuple(
        (name, text if name == "default" else COLUMN_PROPERTIES[name].in_registry(text)) for name, text in values
    )


def _described(struct: Column) -> Iterator[tuple[str, str]]:
    for path, field in with_fields(struct):
        if field.description and len(path) > 1:
            yield ".".join(path[1:]), field.description


def _unsaid(table: Table, spec: TableSpec, chosen: frozenset[str]) -> Iterator[str]:
    for column in table.columns:
        if refused := refused_character(column.name):
            yield f"The column {column.name!r} is left out: BigQuery does not allow {refused!r} in a name."
        elif column.type.unknown:
            yield f"The column {column.name} is left out: fqtool does not know the type {column.type.unknown}."
    yield from _not_managed(table, chosen)
    if table.partitioning and not (spec.partition_by or spec.partition_expr):
        how = f"{table.partitioning.column}, {table.partitioning.granularity}"
        yield f"{_UNSTATED}: partitions by {how}."
    if table.options.labels and not spec.labels:
        yield "The labels of the table are left out: a registry does not allow all of their keys."


def _not_managed(table: Table, chosen: frozenset[str]) -> Iterator[str]:
    """Yield a sentence for each property of the table and its columns that the registry does not declare."""
    for name, text in table.properties:
        if name not in TABLE_PROPERTIES:
            yield f"{_UNSTATED}: {name} of the table, {text}."
    places: dict[str, list[str]] = {}
    for path, column in (pair for one in table.columns for pair in with_fields(one)):
        for name in column_values(column, nested=len(path) > 1).keys() - chosen:
            places.setdefault(name, []).append(".".join(path))
    for name, paths in sorted(places.items()):
        ask = f" {_ASK}" if name == "default" or name in COLUMN_PROPERTIES else ""
        yield f"{_UNSTATED}: {name} of {', '.join(paths)}.{ask}"
