"""fqtool generate-sql: the SQL that fqtool runs, to read or to use in another tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fqtool.errors import UsageError
from fqtool.findings.remedy import commands
from fqtool.monitoring.monitoring import detection, monitoring
from fqtool.monitoring.question import Question
from fqtool.records.writer_sql import batch_table, writer_merge
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state, desired_table
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.scoring import Scoring
from fqtool.sql import ident
from fqtool.table.ddl import create_table, create_view


def _scoring(registry: Registry) -> tuple[str, ...]:
    return (Scoring(registry).select(ident(registry.table.name), row_dates(registry).on("@date")),)


KINDS: Mapping[str, Callable[[Registry], tuple[str | Question, ...]]] = {
    "scoring": _scoring,
    "table": lambda registry: (create_table(desired_table(registry)),),
    "view": lambda registry: tuple(create_view(view) for view in desired_state(registry).views),
    "writer": lambda registry: (writer_merge(registry),),
    "detection": detection,
    "monitoring": monitoring,
}
_DEFINITIONS = ("table", "view")


def generated_sql(registry: Registry, kind: str, dialect: str) -> str:
    """Return the generated SQL.

    Args:
        registry: the registry.
        kind: a key of KINDS.
        dialect: `bigquery` or `duckdb`.

    Returns:
        The statements, each ended by a semicolon.

    Raises:
        UsageError: the kind or the dialect is unknown, or DuckDB has no SQL of this kind.
    """
    if kind not in KINDS:
        raise UsageError(f"Unknown kind of SQL {kind!r}.", remedy=f"Use one of: {', '.join(KINDS)}.")
    if dialect not in ("bigquery", "duckdb"):
        raise UsageError(f"Unknown dialect {dialect!r}.", remedy="Use bigquery or duckdb.")
    if dialect == "duckdb" and kind in _DEFINITIONS:
        raise UsageError(
            f"generate-sql {kind} has no DuckDB form.",
            remedy=commands("migrate", first="Use --dialect bigquery. To create the table and its views on DuckDB:"),
        )
    parts = [(part, "") if isinstance(part, str) else (part.sql, f"{part.head}\n") for part in KINDS[kind](registry)]
    if dialect == "bigquery":
        return "\n".join(f"{head}{sql};\n" for sql, head in parts)
    from fqtool.warehouse.duckdb.transpile.dialect import schema_of, to_duckdb

    table = desired_table(registry)
    schemas = (schema_of(table.name, table.columns), schema_of(batch_table(registry), table.columns))
    return "\n".join(f"{head}{to_duckdb(sql, schemas)};\n" for sql, head in parts)
