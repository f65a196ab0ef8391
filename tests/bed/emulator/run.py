"""Every query job goes through here: Google's analyser first, DDL by these mends, the rest by bqemulator.

Mends `execute_query_job`, `_apply_default_dataset`, `classify_statement_type` and `_destructive_dry_run_schema`
of bqemulator.api.routes.jobs.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from bqemulator.api.routes import jobs as routes
from bqemulator.catalog.models import JobMeta
from bqemulator.jobs import executor
from bqemulator.row_access.identity import CallerIdentity
from bqemulator.scripting.ast import SqlStmt

from . import alter, create, merges, resolved
from .catalog import renew_views, settle_rows
from .filters import require_filters
from .hooks import mend
from .scope import checked, locate, qualified, written

_KINDS = {
    "alter_table": "ALTER_TABLE", "alter_table_set_options": "ALTER_TABLE", "alter_view": "ALTER_VIEW",
    "create_table": "CREATE_TABLE", "create_table_as_select": "CREATE_TABLE_AS_SELECT",
    "create_view": "CREATE_VIEW", "drop": "DROP_TABLE",
}  # fmt: skip
_ALTER = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*ALTER\s+(TABLE|VIEW)\b", re.IGNORECASE | re.DOTALL)
NOBODY = CallerIdentity(principal="user:anonymous@bqemulator.local", is_authenticated=False)
"""Whom statements run for: row access policies are not part of the bed."""


class Jobs:
    """The replacement of `execute_query_job`, around the stock one."""

    def __init__(self, stock: Any) -> None:
        self._stock = stock
        self._one = asyncio.Lock()

    async def run(
        self, project_id: str, job_id: str, bq_sql: str, query_params: list[dict[str, Any]] | None, ctx: Any,
        *, use_cache: bool = True, caller: CallerIdentity | None = None,
    ) -> JobMeta:  # fmt: skip
        """Runs one job; a script of plain statements runs one by one, each seeing what the last one did."""
        script = executor._parse_script_or_raise(bq_sql)
        statements = [s.sql for s in script.statements if isinstance(s, SqlStmt)]
        if len(statements) != len(script.statements) or not statements:  # control flow is bqemulator's business
            text = qualified(bq_sql, project_id)
            done: JobMeta = await self._stock(
                project_id, job_id, text, query_params, ctx, use_cache=use_cache, caller=caller
            )
            return done
        async with self._one:
            if len(statements) == 1:
                return await self._statement(project_id, job_id, bq_sql, query_params, ctx, caller or NOBODY)
            for sql in statements:
                job = await self._statement(project_id, job_id, sql, query_params, ctx, caller or NOBODY)
        job.statistics["query"]["statementType"] = "SCRIPT"
        return job

    async def _statement(
        self, project: str, job_id: str, sql: str, params: Any, ctx: Any, caller: CallerIdentity
    ) -> JobMeta:
        kind, statement = resolved.read(checked(sql, project, ctx, params))
        if kind not in _KINDS:
            return await self._other(project, job_id, sql, params, ctx, caller)
        now, name, operation = ctx.clock.now(), _KINDS[kind], "ALTER"
        match kind:
            case "create_table" | "create_table_as_select":
                require_filters(sql, project, ctx)
                operation = await create.create_table(statement, sql, params, project, ctx, caller)
            case "create_view":
                operation = await create.create_view(statement, project, ctx, caller)
            case "drop":
                name = f"DROP_{statement.object_type.upper()}"
                if name not in ("DROP_TABLE", "DROP_VIEW"):
                    return await self._other(project, job_id, sql, params, ctx, caller)
                operation = create.drop_object(statement, project, ctx)
            case _:
                made = alter.plan(kind, statement, project, ctx)
                operation = "SKIP" if made is None else "ALTER"
                if made is not None:
                    alter.apply(made, ctx)
        if operation in ("ALTER", "REPLACE"):
            await renew_views(ctx, caller, locate(list(resolved.part(statement, "name_path")), project))
        return executor._build_ddl_job_meta(
            project_id=project, job_id=job_id, bq_sql=sql, statement_type=name,
            arrow_table=executor._EMPTY_ARROW, now=now, ctx=ctx, ddl_operation=operation,
        )  # fmt: skip

    async def _other(
        self, project: str, job_id: str, sql: str, params: Any, ctx: Any, caller: CallerIdentity
    ) -> JobMeta:
        require_filters(sql, project, ctx)
        text = await merges.prepared(qualified(sql, project), params, project, ctx, caller)
        job: JobMeta = await self._stock(project, job_id, text, params, ctx, caller=caller)
        if (key := written(sql, project)) is not None:
            settle_rows(ctx, key)
        return job


def _classify(stock: Any) -> Any:
    def classify(bq_sql: str) -> str:
        if head := _ALTER.match(bq_sql):
            return f"ALTER_{head[1].upper()}"
        return str(stock(bq_sql))

    return classify


def _dry_run(stock: Any) -> Any:
    def dry_run(*, bq_sql: str, statement_type: str, project_id: str, ctx: Any) -> Any:
        """Refuses what the real run would, and changes nothing."""
        kind, statement = resolved.read(checked(bq_sql, project_id, ctx))
        if kind.startswith("alter_"):
            alter.plan(kind, statement, project_id, ctx)
            return []
        require_filters(bq_sql, project_id, ctx)
        text = qualified(bq_sql, project_id)
        return stock(bq_sql=text, statement_type=statement_type, project_id=project_id, ctx=ctx)

    return dry_run


def install() -> None:
    """Mends bqemulator; once, before the server starts."""
    for place, name in [(executor, "_parse_script_or_raise"), (executor, "_build_ddl_job_meta"),
                        (executor, "_EMPTY_ARROW"), (executor, "_run_single_sql")]:  # fmt: skip
        mend(place, name, getattr(place, name, None))
    mend(routes, "execute_query_job", Jobs(executor.execute_query_job).run)
    mend(routes, "_apply_default_dataset", lambda bq_sql, _config, **_more: bq_sql)
    mend(routes, "classify_statement_type", _classify(executor.classify_statement_type))
    mend(routes, "_destructive_dry_run_schema", _dry_run(routes._destructive_dry_run_schema))
