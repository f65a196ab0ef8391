"""What stored rows weigh in bytes, by BigQuery's logical sizes, per partition and column.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime
from typing import Any

from bqemulator.catalog.models import TableFieldSchema, TableMeta
from bqemulator.storage.sql_identifiers import quoted_table_ref

from .catalog import key_of
from .storage import quoted

_FIXED = {
    "INTEGER": 8, "INT64": 8, "FLOAT": 8, "FLOAT64": 8, "DATE": 8, "DATETIME": 8, "TIME": 8, "TIMESTAMP": 8,
    "BOOLEAN": 1, "BOOL": 1, "NUMERIC": 16, "BIGNUMERIC": 32, "INTERVAL": 16, "RANGE": 16,
}  # fmt: skip
_TABLES_KEPT = 256

Partition = tuple[int, ...] | int | None
"""A partition's place in its table; None holds the rows without one."""
Sizes = dict[Partition, dict[str, int]]
"""Bytes of each column, by its lower-case name, in each partition."""

_kept: OrderedDict[tuple[Any, ...], Sizes] = OrderedDict()


def sizes(table: TableMeta, ctx: Any) -> Sizes:
    """The stored sizes; computed once for each state of a table."""
    # insertAll leaves the etag as it was and changes the count of rows.
    version = (*key_of(table), table.etag, table.last_modified_time, table.num_rows)
    if version not in _kept:
        _kept[version] = _measured(table, ctx)
        while len(_kept) > _TABLES_KEPT:
            _kept.popitem(last=False)
    return _kept[version]


def partition_of(value: Any, table: TableMeta) -> Partition:
    """The partition that a value of the partition column belongs to."""
    if value is None:
        return None
    if table.range_partitioning is not None:
        return int((value - table.range_partitioning.start) // table.range_partitioning.interval)
    assert table.time_partitioning is not None
    parts = {"YEAR": 1, "MONTH": 2, "DAY": 3, "HOUR": 4}[str(table.time_partitioning.type)]
    assert isinstance(value, date)
    place = (value.year, value.month, value.day, value.hour if isinstance(value, datetime) else 0)
    return place[:parts]


def _measured(table: TableMeta, ctx: Any) -> Sizes:
    fields = table.schema_.fields
    sums = ", ".join(f"COALESCE(SUM({_size(quoted(field.name), field)}), 0)" for field in fields)
    source = quoted_table_ref(*key_of(table))
    if not sums or table.table_type != "TABLE":
        return {}
    group = _group(table)
    rows = ctx.engine.execute(f"SELECT {group}, {sums} FROM {source} GROUP BY 1").fetchall()
    found: Sizes = {}
    for value, *bytes_of in rows:
        part = found.setdefault(partition_of(value, table) if group != "NULL" else None, {})
        for field, size in zip(fields, bytes_of, strict=True):
            name = field.name.lower()
            part[name] = part.get(name, 0) + int(size)
    return found


def _group(table: TableMeta) -> str:
    time, numbers = table.time_partitioning, table.range_partitioning
    if numbers is not None:
        return quoted(numbers.field)
    if time is None or not time.field:  # rows by their time of arrival are taken for one partition
        return "NULL"
    return f"date_trunc('{time.type}', {quoted(time.field)})"


def _size(value: str, field: TableFieldSchema, depth: int = 0) -> str:
    """DuckDB's expression for the bytes of one value; NULL has none."""
    if field.mode == "REPEATED":
        element = _size(f"e{depth}", field.model_copy(update={"mode": "NULLABLE"}), depth + 1)
        return f"COALESCE(list_sum(list_transform({value}, lambda e{depth}: {element})), 0)"
    kind = field.type.upper()
    if kind in ("RECORD", "STRUCT"):
        inner = [_size(f"struct_extract({value}, '{f.name}')", f, depth) for f in field.fields]
        return f"({' + '.join(inner)})"
    if kind in _FIXED:
        return f"CASE WHEN {value} IS NULL THEN 0 ELSE {_FIXED[kind]} END"
    length = f"octet_length({value})" if kind == "BYTES" else f"strlen(CAST({value} AS VARCHAR))"
    return f"COALESCE({0 if kind == 'JSON' else 2} + {length}, 0)"
