"""A table with a bit of everything, and how statements are made of changes for every warehouse alike."""

from __future__ import annotations

from fqtool.sql import ident
from fqtool.table.changes import Change
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import NoStatement, Statement, render
from fqtool.table.model import DATASET, Options, Partitioning, State, Table, View
from fqtool.table.typetext import column
from fqtool.warehouse.protocol import Warehouse
from tests.bed.running import PROJECT, Emulator

INT, FLOAT, NUMERIC, STRING = (Type(kind) for kind in (Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.STRING))
STORE = Table(
    "store",
    (
        Column("item", Type(Kind.STRING, length=40), Mode.REQUIRED, "who"),
        Column("day", Type(Kind.DATE)),
        Column("count", INT, Mode.REQUIRED),
        Column("price", Type(Kind.NUMERIC, 5, 2), description='it\'s "quoted" and `ticked`\nin two lines'),
        Column("Seen", Type(Kind.TIMESTAMP), default="CURRENT_TIMESTAMP()"),
        Column("tags", STRING, Mode.REPEATED),
        column("made", "STRUCT<by STRING, runs ARRAY<INT64>, at STRUCT<x FLOAT64, y BIGNUMERIC>>"),
        column("raw", "JSON"),
        column("other", "ARRAY<STRUCT<a INT64, b BYTES>>"),
    ),
    Partitioning("day"),
    ("item",),
    Options(require_partition_filter=True, description="the store", labels=(("team", "a"),)),
)
HOME = ident(DATASET, "store")
VIEW = View("v_store", f"SELECT item, count * 2 AS twice FROM {HOME} WHERE day > '2020-01-01'", "a view")


def open_bigquery(emulator: Emulator, dataset: str) -> Warehouse:
    """BigQuery's API over HTTP; BIGQUERY_EMULATOR_HOST must name the emulator."""
    from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse

    assert emulator.url
    return BigQueryWarehouse(PROJECT, dataset, url=f"bigquery://{PROJECT}/{dataset}")


def statement(table: str, *changes: Change) -> Statement:
    """A statement with the SQL that BigQuery would be sent, or one that names the table where there is no SQL."""
    try:
        sql = render(table, changes)
    except (NoStatement, ValueError):
        sql = f"ALTER TABLE {ident(table)} OTHERWISE"
    return Statement(sql, changes)


def found(warehouse: Warehouse, table: str = "store", *views: str) -> State:
    """The tables and views of these names that exist."""
    live = warehouse.describe(table)
    assert live is None or isinstance(live, Table)
    seen = (warehouse.describe(name) for name in views)
    return State(live, tuple(view for view in seen if isinstance(view, View)))
