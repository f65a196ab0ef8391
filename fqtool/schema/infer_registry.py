"""Infer registry entries from a table: the inverse of `build`.

`base_table` of the inferred entries equals the table, except for what `unsaid` lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.registry.model import BaseColumn, TableSpec
from fqtool.table.column import Column, Kind, Mode
from fqtool.table.model import Table

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_UNSTATED = "Not managed by a registry, and left unchanged"
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


def learned(table: Table) -> Learned:
    """Infer the registry entries of a table. Its keys are the primary key, or guessed if it has no primary key."""
    keys, options, partitioning = table.primary_key, table.options, table.partitioning
    columns = tuple(one for one in table.columns if _NAME.fullmatch(one.name) and not one.type.unknown)
    by_key = {one.key: one.name for one in columns}
    if partitioning and (partitioning.column.lower() not in by_key or not partitioning.stateable):
        partitioning = None
    labels = None if any(not _LABEL.fullmatch(key) for key, _ in options.labels) else options.labels
    spec = TableSpec(
        table.name,
        tuple(by_key.get(one.lower(), one) for one in keys) or _guessed_keys(table, columns),
        by_key[partitioning.column.lower()] if partitioning else None,
        partitioning.granularity if partitioning else "DAY",
        tuple(by_key.get(one.lower(), one) for one in table.clustering),
        options.require_partition_filter,
        options.partition_expiration_days,
        options.description or None,
        labels or None,
    )
    vectors = [one.name for one in columns if one.mode is Mode.REPEATED and one.type.kind is Kind.FLOAT64]
    vector = vectors[0] if len(vectors) == 1 else ""
    return Learned(spec, tuple(map(_base, columns)), bool(keys), vector, tuple(_unsaid(table, spec)))


def _guessed_keys(table: Table, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Guess keys: the first required column and the partition column or a required DATE, or else any column."""
    whole = [one for one in columns if one.mode is not Mode.REPEATED and one.type.kind not in _NO_KEYS]
    required = [one for one in whole if one.mode is Mode.REQUIRED]
    dates = [one.key for one in required if one.type.kind is Kind.DATE]
    day = table.partitioning.column.lower() if table.partitioning else next(iter(dates), "")
    first = next((one for one in required if one.key != day), None)
    chosen = [one.name for one in whole if one is first or one.key == day]
    return tuple(chosen or [one.name for one in (*whole, *columns)][:1])


def _base(column: Column) -> BaseColumn:
    return BaseColumn(
        column.name,
        column.sql_type,
        required=column.mode is Mode.REQUIRED,
        description=column.description,
        default=column.default,
        field_descriptions=tuple(_described(column)),
    )


def _described(struct: Column, place: str = "") -> Iterator[tuple[str, str]]:
    for field in struct.type.fields:
        path = f"{place}{field.name}"
        if field.description:
            yield path, field.description
        yield from _described(field, f"{path}.")


def _unsaid(table: Table, spec: TableSpec) -> Iterator[str]:
    for column in table.columns:
        if not _NAME.fullmatch(column.name):
            yield f"The column {column.name!r} is left out: a name in a registry has only letters, digits and _."
        elif column.type.unknown:
            yield f"The column {column.name} is left out: fqtool does not know the type {column.type.unknown}."
    yield from _not_managed(table)
    if table.partitioning and not spec.partition_by:
        how = f"{table.partitioning.column}, {table.partitioning.granularity}"
        yield f"{_UNSTATED}: partitions by {how}."
    if table.options.expiration:
        yield f"{_UNSTATED}: the table expires at {table.options.expiration}."
    if table.options.friendly_name:
        yield f"{_UNSTATED}: friendly name of the table, {table.options.friendly_name}."
    if table.options.labels and not spec.labels:
        yield "The labels of the table are left out: a registry does not allow all of their keys."


def _not_managed(table: Table) -> Iterator[str]:
    """Yield a sentence for each property of the table and its columns that a registry does not manage."""
    for name, text in table.properties:
        yield f"{_UNSTATED}: {name} of the table, {text}."
    for key in table.foreign_keys:
        yield f"{_UNSTATED}: {key}."
    places: dict[str, list[str]] = {}
    for path, column in (pair for one in table.columns for pair in _with_fields(one)):
        tags = (("policy tags", ""),) if column.policy_tags else ()
        nested = (("default of a field", ""),) if column.default is not None and "." in path else ()
        for name, _ in (*tags, *nested, *column.properties):
            places.setdefault(name, []).append(path)
    for name, paths in places.items():
        yield f"{_UNSTATED}: {name} of {', '.join(paths)}."


def _with_fields(column: Column, place: str = "") -> Iterator[tuple[str, Column]]:
    path = f"{place}{column.name}"
    yield path, column
    for field in column.type.fields:
        yield from _with_fields(field, f"{path}.")
