"""A store for DuckDB with every kind of detail that DuckDB cannot hold, and what people do to it by hand."""

from __future__ import annotations

import duckdb

from fqtool.sql import ident
from fqtool.table.changes import Change
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import Statement
from fqtool.table.model import DATASET, Options, Partitioning, Table, View
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

STORE = Table(
    "store",
    (
        Column("item", Type(Kind.STRING, length=40), Mode.REQUIRED, "who"),
        Column("day", Type(Kind.DATE), description="when"),
        Column("n", Type(Kind.INT64), default="7"),
        Column("place", Type(Kind.GEOGRAPHY), properties=(("policy_tags", "secret"),)),
        Column("exact", Type(Kind.BIGNUMERIC)),
        Column("tags", Type(Kind.STRING, length=9), Mode.REPEATED),
        Column("s", Type(Kind.STRUCT, fields=(Column("a", Type(Kind.STRING, length=3), description="deep"),))),
    ),
    Partitioning("day"),
    ("item",),
    Options(description="the store", labels=(("a", "b"),)),
)
VIEW = View("v", f"SELECT item, SAFE_DIVIDE(n, 2) AS half FROM {ident(DATASET, 'store')}", "seen")


def made(*changes: Change, table: str = "store") -> Statement:
    """A statement; its SQL need only name the table."""
    return Statement(f"ALTER TABLE {ident('project', 'dataset', table)} ...", changes)


def by_hand(warehouse: DuckDBWarehouse, sql: str) -> None:
    """Run a statement in a plain DuckDB connection, as DuckDB's own shell does."""
    warehouse.close()
    with duckdb.connect(warehouse.path) as connection:
        connection.execute(sql)
