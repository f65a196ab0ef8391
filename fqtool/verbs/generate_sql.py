"""fqtool generate-sql: what fqtool would run, as SQL to read or to put elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fqtool.errors import UsageError
from fqtool.quality.build import desired_state, desired_table
from fqtool.quality.detection import detection
from fqtool.quality.monitoring import monitoring
from fqtool.quality.question import Question
from fqtool.quality.scoring import Scoring
from fqtool.registry.model import Registry
from fqtool.sql import ident
from fqtool.table.ddl import create_table, create_view
from fqtool.table.model import Table

ToDuckDB = Callable[[str, Table], str]
"""Says one query over a table in DuckDB's words."""


def _scoring(registry: Registry) -> tuple[str, ...]:
    return (Scoring(registry).select(ident(registry.table.name), f"{registry.table.partition_by} = @date"),)


def _table(registry: Registry) -> tuple[str, ...]:
    return (create_table(desired_table(registry)),)


def _views(registry: Registry) -> tuple[str, ...]:
    return tuple(create_view(view) for view in desired_state(registry).views)


KINDS: Mapping[str, Callable[[Registry], tuple[str | Question, ...]]] = {
    "scoring": _scoring,
    "table": _table,
    "view": _views,
    "detection": detection,
    "monitoring": monitoring,
}
_DEFINITIONS = ("table", "view")


def generated_sql(registry: Registry, kind: str, dialect: str, to_duckdb: ToDuckDB) -> str:
    """Return SQL of one kind, its statements each ended by a semicolon. Raises UsageError for one that is none."""
    if kind not in KINDS:
        raise UsageError(f"There is no SQL of kind {kind!r}.", remedy=f"Use one of: {', '.join(KINDS)}.")
    if dialect not in ("bigquery", "duckdb"):
        raise UsageError(f"There is no dialect {dialect!r}.", remedy="Use bigquery or duckdb.")
    if dialect == "duckdb" and kind in _DEFINITIONS:
        raise UsageError(f"{kind} has no DuckDB text; fqtool migrate makes it there natively.")
    made = KINDS[kind](registry)
    if dialect == "bigquery":
        return "".join(f"{one};\n\n" for one in made).removesuffix("\n")
    table = desired_table(registry)
    said = (one if isinstance(one, str) else one.sql for one in made)
    heads = ("" if isinstance(one, str) else f"{one.head}\n" for one in made)
    return "".join(f"{head}{to_duckdb(sql, table)};\n\n" for head, sql in zip(heads, said, strict=True)).removesuffix(
        "\n"
    )
