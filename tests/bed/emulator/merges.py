"""MERGE: a target row that two source rows want to change is refused, and INSERT ROW is known.

DuckDB lets the first pass and has no word for the second. Mends nothing by name: it acts on the statement before
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

_MERGE = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*MERGE\b", re.IGNORECASE | re.DOTALL)


async def prepared(sql: str, params: Any, project: str, ctx: Any, caller: Any) -> str:
    """The statement as bqemulator can run it; `sql` names its tables in full. Any but a MERGE stays as it is."""
    if not _MERGE.match(sql):
        return sql
    try:
        merge = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return sql
    await _require_one_source(merge, params, project, ctx, caller)
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


async def _require_one_source(merge: exp.Expr, params: Any, project: str, ctx: Any, caller: Any) -> None:
    clauses = [w for w in merge.args["whens"].expressions if w.args.get("matched")]
    if not clauses:
        return
    alias = merge.this.alias_or_name
    wanted = exp.or_(*(w.args.get("condition") or exp.true() for w in clauses))
    matches = (
        exp.select("1").from_(merge.this.copy()).join(merge.args["using"].copy(), on=merge.args["on"].copy())
        .where(wanted).group_by(f"{alias}.rowid").having("COUNT(*) > 1").limit(1)
    )  # fmt: skip
    found = await executor._run_single_sql(project, matches.sql("bigquery"), params, ctx, caller=caller)
    if found.num_rows:
        raise fail("UPDATE/MERGE must match at most one source row for each target row")
