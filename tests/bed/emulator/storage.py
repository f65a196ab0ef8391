"""Columns as DuckDB keeps them."""

from __future__ import annotations

import sqlglot
from bqemulator.catalog.models import TableFieldSchema

# DuckDB's decimals end at 38 digits; NUMERIC's own 38 with scale 9 fit exactly, BIGNUMERIC's do not.
_DUCK = {
    "INTEGER": "BIGINT", "INT64": "BIGINT", "FLOAT": "DOUBLE", "FLOAT64": "DOUBLE", "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN", "STRING": "VARCHAR", "BYTES": "BLOB", "NUMERIC": "DECIMAL(38, 9)",
    "BIGNUMERIC": "DECIMAL(38, 18)", "DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ", "JSON": "JSON", "INTERVAL": "INTERVAL", "GEOGRAPHY": "VARCHAR",
}  # fmt: skip


def duck_type(field: TableFieldSchema) -> str:
    """The DuckDB type of a column."""
    if field.type.upper() in ("RECORD", "STRUCT"):
        inner = ", ".join(f"{quoted(f.name)} {duck_type(f)}" for f in field.fields)
        text = f"STRUCT({inner})"
    elif field.type.upper() == "RANGE" and field.range_element_type is not None:
        element = duck_type(field.range_element_type)
        text = f'STRUCT("start" {element}, "end" {element})'
    else:
        text = _DUCK[field.type.upper()]
    return text + ("[]" if field.mode == "REPEATED" else "")


def duck_column(field: TableFieldSchema) -> str:
    """A column of CREATE TABLE."""
    text = f"{quoted(field.name)} {duck_type(field)}"
    if field.default_value_expression:
        text += f" DEFAULT {duck_default(field)}"
    return text + (" NOT NULL" if field.mode == "REQUIRED" else "")


def duck_default(field: TableFieldSchema) -> str:
    """A default as DuckDB computes it."""
    (text,) = sqlglot.transpile(field.default_value_expression or "NULL", read="bigquery", write="duckdb")
    return text


def quoted(name: str) -> str:
    """A column name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'
