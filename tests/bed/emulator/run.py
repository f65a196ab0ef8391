"""Every query job goes through here: Google's analyser first, DDL by these patches, the rest by bqemulator.

Patches `execute_query_job`, `_apply_default_dataset` and `classify_statement_type` of bqemulator.api.routes.jobs.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from bqemulator.api.routes import jobs as routes
from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import JobMeta
from bqemulator.jobs import executor
from bqemulator.row_access.identity import CallerIdentity
from bqemulator.scripting.ast import SqlStmt

from . import alter, billing, create, merges, permissions, resolved
from .catalog import renew_views, settle_rows
from .hooks import override
from .plans import plan_of
from .quotas import QUOTAS
from .scope import DEFAULT_DATASET, checked, locate, qualified, written
from .templates import checked_once

_KINDS = {
    "alter_table": "ALTER_TABLE", "alter_table_set_options": "ALTER_TABLE", "alter_view": "ALTER_VIEW",
    "create_table": "CREATE_TABLE", "create_table_as_select": "CREATE_TABLE_AS_SELECT",
    "create_view": "CREATE_VIEW", "drop": "DROP_TABLE",
}  # fmt: skip
_ALTER = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*ALTER\s+(TABLE|VIEW)\b", re.IGNORECASE | re.DOTALL)
_HEAD = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/|\()*(\w+)", re.DOTALL)
_HEADS = {"SELECT": "SELECT", "WITH": "SELECT", "INSERT": "INSERT", "UPDATE": "UPDATE", "DELETE": "DELETE",
          "MERGE": "MERGE", "TRUNCATE": "TRUNCATE_TABLE"}  # fmt: skip
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
            bill = billing.Bill()
            for sql in statements:
                job, cost = await self._statement(project_id, job_id, sql, query_params, ctx, caller or NOBODY)
                bill += cost
        bill.record(job.statistics)
        if len(statements) > 1:
            job.statistics["query"]["statementType"] = "SCRIPT"
        return job

    async def _statement(
        self, project: str, job_id: str, sql: str, params: Any, ctx: Any, caller: CallerIdentity
    ) -> tuple[JobMeta, billing.Bill]:
        kind, statement = judged(sql, params, project, ctx)
        bill = await cost_of(sql, (kind, statement), params, project, ctx, caller)
        bill.require_limit()
        if kind not in _KINDS or (kind == "drop" and statement.object_type.upper() not in ("TABLE", "VIEW")):
            return await self._other(project, job_id, sql, params, ctx, caller), bill
        return await self._ddl(kind, statement, project, job_id, sql, params, ctx, caller), bill

    async def _ddl(
        self, kind: str, statement: Any, project: str, job_id: str, sql: str, params: Any, ctx: Any,
        caller: CallerIdentity,
    ) -> JobMeta:  # fmt: skip
        now, name, operation = ctx.clock.now(), _KINDS[kind], "ALTER"
        match kind:
            case "create_table" | "create_table_as_select":
                operation = await create.create_table(statement, sql, params, project, ctx, caller)
            case "create_view":
                operation = await create.create_view(statement, project, ctx, caller)
            case "drop":
                name = f"DROP_{statement.object_type.upper()}"
                operation = create.drop_object(statement, project, ctx)
            case _:
                made = alter.plan(kind, statement, project, ctx)
                operation = "SKIP" if made is None else "ALTER"
                if made is not None:
                    QUOTAS.update(made.table)
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
        text = merges.prepared(qualified(sql, project), project, ctx)
        kind = statement_kind(sql)
        if kind and (target := written(sql, project)) is not None:
            QUOTAS.statement(target)
        if not kind:
            job: JobMeta = await self._stock(project, job_id, text, params, ctx, caller=caller)
            return job
        await merges.require_one_source(text, params, project, ctx, caller)
        now = ctx.clock.now()
        rows = await executor._run_single_sql(project, text, params, ctx, caller=caller)
        rows, affected, _ = executor._finalize_statement_result(rows, kind, bq_sql=text, project_id=project, ctx=ctx)
        if (key := written(sql, project)) is not None:
            settle_rows(ctx, key)
        return _finished(project, job_id, text, kind, rows, affected, now, ctx)


def judged(sql: str, params: Any, project: str, ctx: Any) -> tuple[str, Any]:
    """The kind and content of DDL, ("", None) of another statement; refuses what the analyser refuses."""
    if not statement_kind(sql):
        return resolved.read(checked(sql, project, ctx, params))
    declared = json.dumps([param.get("parameterType") for param in params or []])
    key = (project, DEFAULT_DATASET.get(), declared)
    checked_once("analysis", sql, key, lambda text: bool(checked(text, project, ctx, params)))
    return "", None


async def cost_of(
    sql: str, ddl: tuple[str, Any], params: Any, project: str, ctx: Any, caller: CallerIdentity
) -> billing.Bill:
    """What a statement costs; refuses one without a permission or a required filter. `ddl` is what `judged` returned.

    DDL that reads no rows is free.
    """
    kind, statement = ddl
    if kind:
        permissions.require_for_ddl(kind, statement, project)
    if kind and not kind.startswith(("create_table", "create_view")):
        return billing.Bill()
    plan = plan_of(sql, params, project, ctx, filtered=kind != "create_view")
    permissions.require_for_rows(sql, plan, project, ctx)
    return await billing.measure(plan, params, project, ctx, caller)


def statement_kind(sql: str) -> str:
    """The `statementType` of a query or of DML; "" of any other statement."""
    head = _HEAD.match(sql)
    return _HEADS.get(head[1].upper(), "") if head else ""


def _finished(
    project: str, job_id: str, sql: str, kind: str, rows: Any, affected: int | None, now: Any, ctx: Any
) -> JobMeta:
    anonymous = {"projectId": project, "datasetId": executor._ANONYMOUS_RESULTS_DATASET, "tableId": f"anon{job_id}"}
    executor.JOB_RESULTS[job_id] = rows
    executor.JOB_SCHEMAS[job_id] = executor.build_response_schema(rows.schema)
    return JobMeta(
        project_id=project, job_id=job_id, job_type="QUERY", state="DONE",
        configuration={"query": {"query": sql, "destinationTable": anonymous}},
        statistics=executor._build_query_statistics(
            total_rows=rows.num_rows, statement_type=kind, num_dml_affected_rows=affected
        ),
        creation_time=now, start_time=now, end_time=ctx.clock.now(), etag=generate_etag(project, job_id, str(now)),
    )  # fmt: skip


def _classify(stock: Any) -> Any:
    def classify(bq_sql: str) -> str:
        if head := _ALTER.match(bq_sql):
            return f"ALTER_{head[1].upper()}"
        return str(stock(bq_sql))

    return classify


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    for place, name in [(executor, "_parse_script_or_raise"), (executor, "_build_ddl_job_meta"),
                        (executor, "_EMPTY_ARROW"), (executor, "_run_single_sql"),
                        (executor, "_finalize_statement_result"), (executor, "_ANONYMOUS_RESULTS_DATASET"),
                        (executor, "_build_query_statistics")]:  # fmt: skip
        override(place, name, getattr(place, name, None))
    override(routes, "execute_query_job", Jobs(executor.execute_query_job).run)
    override(routes, "_apply_default_dataset", lambda bq_sql, _config, **_more: bq_sql)
    override(routes, "classify_statement_type", _classify(executor.classify_statement_type))
