"""GoogleSQL said in DuckDB's SQL."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from fqtool.errors import InputError


@dataclass(frozen=True, slots=True)
class Transpiled:
    """A statement in DuckDB's SQL, and the names of the parameters it uses."""

    sql: str
    parameters: frozenset[str]


def to_duckdb(sql: str) -> str:
    """Return one GoogleSQL statement in DuckDB's SQL. Raises InputError naming what cannot be said there."""
    return transpiled(sql).sql


@functools.lru_cache(maxsize=256)
def transpiled(sql: str) -> Transpiled:
    """Return the same with the names of its parameters."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except SqlglotError as error:
        raise InputError(f"This is not SQL that can be read: {str(error).splitlines()[0]}") from None
    names = frozenset(one.name for one in tree.find_all(exp.Parameter))
    return Transpiled(tree.sql("duckdb"), names)


@functools.lru_cache(maxsize=256)
def default_to_duckdb(expression: str) -> str:
    """Return a column's default for DuckDB."""
    return to_duckdb(f"SELECT {expression}").removeprefix("SELECT ")
