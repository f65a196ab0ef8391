"""fqtool generate-sql: what fqtool would run, as SQL to read or to put elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fqtool.errors import UsageError
from fqtool.quality.build import desired_state
from fqtool.quality.scoring import Scoring
from fqtool.registry.model import Registry
from fqtool.sql import ident
from fqtool.table.ddl import create_table, create_view

Dialect = Callable[[str], str]


def _scoring(registry: Registry) -> str:
    return Scoring(registry).select(ident(registry.table.name), f"{registry.table.partition_by} = @date")


def _table(registry: Registry) -> str:
    table = desired_state(registry).table
    return create_table(table) if table else ""


def _views(registry: Registry) -> str:
    return ";\n\n".join(create_view(view) for view in desired_state(registry).views)


KINDS: Mapping[str, Callable[[Registry], str]] = {"scoring": _scoring, "table": _table, "view": _views}


def generated_sql(registry: Registry, kind: str, dialect: str, to_duckdb: Dialect) -> str:
    """Return SQL of one kind. Raises UsageError for a kind or dialect that is none."""
    if kind not in KINDS:
        raise UsageError(f"There is no SQL of kind {kind!r}.", remedy=f"Use one of: {', '.join(KINDS)}.")
    if dialect not in ("bigquery", "duckdb"):
        raise UsageError(f"There is no dialect {dialect!r}.", remedy="Use bigquery or duckdb.")
    made = KINDS[kind](registry)
    if dialect == "duckdb":
        if kind != "scoring":
            raise UsageError(f"{kind} has no DuckDB text; fqtool migrate makes it there natively.")
        made = to_duckdb(made)
    return f"{made};\n"
