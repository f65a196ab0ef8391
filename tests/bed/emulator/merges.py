"""MERGE: a target row that two source rows would change is refused, and INSERT ROW is known.

DuckDB lets the first pass and has no word for the second. Patches nothing by name: it acts on the statement before
bqemulator runs it.
"""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from bqemulator.jobs import executor
from sqlglot import exp

from . import resolved
from .catalog import fail
from .scope import checked, locate
from .templates import once

_MERGE = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*MERGE\b", re.IGNORECASE | re.DOTALL)


def prepared(sql: str, project: str, ctx: Any) -> str:
    """The statement as bqemulator can run it; `sql` names its tables in full. Any but a MERGE stays as it is."""
    if not _MERGE.match(sql):
        return sql
    return once("merge", sql, project, lambda text: _with_columns(text, project, ctx))


def _with_columns(sql: str, project: str, ctx: Any) -> str:
    """The MERGE with the columns that INSERT ROW means."""
    try:
        merge = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return sql
    rows = [w.args["then"] for w in merge.args["whens"].expressions if _inserts_row(w.args["then"])]
    if not rows:
        return sql
    source = merge.args["using"]
    values = resolved.output_names(checked(f"SELECT * FROM {source.sql('bigquery')}", project, ctx))
    target = ctx.catalog.get_table(*locate([part.name for part in merge.this.parts], project))
    for row in rows:
        row.set("this", exp.Tuple(expressions=[exp.column(f.name, quoted=True) for f in target.schema_.fields]))
        alias = source.alias_or_name
        row.set("expression", exp.Tuple(expressions=[exp.column(n, alias, quoted=True) for n in values]))
    return str(merge.sql("bigquery"))


def _inserts_row(action: Any) -> bool:
    return isinstance(action, exp.Insert) and action.this is not None and action.this.name.upper() == "ROW"


async def require_one_source(sql: str, params: Any, project: str, ctx: Any, caller: Any) -> None:
    """Refuses a MERGE, as `prepared` returned it, of which two source rows would change one target row."""
    if not _MERGE.match(sql):
        return
    located = await executor.rewrite_and_translate_statement(
        sql, project_id=project, ctx=ctx, caller=caller, translator=executor._translator
    )
    # Where there are materialized views, nothing is kept, and the tables are not located yet.
    located = executor.rewrite_table_refs(located, project)
    query = once("matches", located, None, _matches_query)
    if query:
        text, values = executor.bind_parameters(query, params)
        if ctx.engine.execute(text, values or None).fetchone():
            raise fail("UPDATE/MERGE must match at most one source row for each target row")


def _matches_query(sql: str) -> str:
    """DuckDB's query for a target row that several source rows change; empty where no clause changes rows."""
    merge = sqlglot.parse_one(sql, read="duckdb")
    clauses = [w for w in merge.args["whens"].expressions if w.args.get("matched")]
    if not clauses:
        return ""
    alias = merge.this.alias_or_name
    wanted = exp.or_(*(w.args.get("condition") or exp.true() for w in clauses))
    matches = (
        exp.select("1").from_(merge.this).join(merge.args["using"], on=merge.args["on"])
        .where(wanted).group_by(f'"{alias}".rowid').having("COUNT(*) > 1").limit(1)
    )  # fmt: skip
    return str(matches.sql("duckdb"))
