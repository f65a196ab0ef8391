"""GoogleSQL said in DuckDB's SQL."""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=256)
def to_duckdb(sql: str) -> str:
    """Return the same statement for DuckDB."""
    import sqlglot

    return sqlglot.parse_one(sql, read="bigquery").sql("duckdb")


@functools.lru_cache(maxsize=256)
def default_to_duckdb(expression: str) -> str:
    """Return a column's default for DuckDB."""
    return to_duckdb(f"SELECT {expression}").removeprefix("SELECT ")
