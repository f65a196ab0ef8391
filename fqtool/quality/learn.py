"""A table in, what a registry says of it out: the other direction of `build`.

Law: base_table of what was learned is the table, but for what `unsaid` tells.
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
_GRANULARITIES = ("HOUR", "DAY", "MONTH", "YEAR")
_NO_KEYS = frozenset({Kind.STRUCT, Kind.JSON, Kind.GEOGRAPHY, Kind.INTERVAL, Kind.RANGE})


@dataclass(frozen=True, slots=True)
class Learned:
    """A table as a registry describes it. `keys_stated` is False where `table.keys` had to be guessed.

    `vector` is the one ARRAY of numbers, where there is just one, else "". `unsaid` tells what a registry cannot say.
    """

    table: TableSpec
    columns: tuple[BaseColumn, ...]
    keys_stated: bool
    vector: str = ""
    unsaid: tuple[str, ...] = ()


def learned(table: Table, keys: tuple[str, ...] = ()) -> Learned:
    """Return what a registry says of a table; `keys` are its primary key where one is stated."""
    options, partitioning = table.options, table.partitioning
    columns = tuple(one for one in table.columns if _NAME.fullmatch(one.name))
    by_key = {one.key: one.name for one in columns}
    if partitioning and (partitioning.column.lower() not in by_key or partitioning.granularity not in _GRANULARITIES):
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
    """Something that is a column: the first required one, and the partition column."""
    whole = [one for one in columns if one.mode is not Mode.REPEATED and one.type.kind not in _NO_KEYS]
    partition = table.partitioning.column.lower() if table.partitioning else ""
    first = next((one for one in whole if one.mode is Mode.REQUIRED and one.key != partition), None)
    chosen = [one.name for one in whole if one is first or one.key == partition]
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
            yield f"The column {column.name!r} is left out: a name in a registry is letters, digits and _."
        elif _tagged(column):
            yield f"{column.name} has policy tags, of which a registry says nothing."
    if table.partitioning and not spec.partition_by:
        how = f"{table.partitioning.column}, {table.partitioning.granularity}"
        yield f"The table is partitioned by {how}, which a registry cannot say; check-drift tells it as FQ309."
    if table.options.expiration:
        yield f"The whole table expires at {table.options.expiration}, which a registry cannot say."
    if table.options.labels and not spec.labels:
        yield "The table's labels are left out: a registry cannot write all of their keys."


def _tagged(column: Column) -> bool:
    return bool(column.policy_tags) or any(map(_tagged, column.type.fields))
