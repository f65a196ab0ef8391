"""Dry runs: the statement is judged as the real run judges it, its bytes are counted, and nothing runs.

Patches `_dry_run_response` and `_build_dry_run_query_response` of bqemulator.api.routes.jobs, which forget parameters,
run SELECT and count no bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bqemulator.api.routes import jobs as routes
from bqemulator.api.routes import tables
from bqemulator.catalog.models import JobMeta
from bqemulator.jobs import ddl_result, executor
from bqemulator.scripting.ast import SqlStmt

from . import alter, billing, create, resolved
from .hooks import override
from .run import cost_of, judged, statement_kind
from .scope import checked, qualified


@dataclass
class _Trial:
    """One statement or script that is asked about."""

    project: str
    sql: str
    params: Any
    ctx: Any
    caller: Any

    async def judge(self) -> tuple[billing.Bill, list[dict[str, Any]]]:
        """Its bill and the columns of its result."""
        bill, columns = billing.Bill(), list[dict[str, Any]]()
        for statement in executor._parse_script_or_raise(self.sql).statements:
            if not isinstance(statement, SqlStmt):
                break  # what control flow does is known only when it runs
            text = statement.sql
            kind, ddl = judged(text, self.params, self.project, self.ctx)
            bill += await cost_of(text, (kind, ddl), self.params, self.project, self.ctx, self.caller)
            if kind:  # BigQuery looks no further than the first DDL of a script
                self._try(kind, ddl)
                return bill, []
            columns = self._columns(text)
        return bill, columns

    def _columns(self, text: str) -> list[dict[str, Any]]:
        if statement_kind(text) != "SELECT":
            return []
        raw = checked(text, self.project, self.ctx, self.params)
        return [tables._field_to_rest(column) for column in resolved.result_columns(raw)] if raw else []

    def _try(self, kind: str, statement: Any) -> None:
        """Refuses DDL that the real run would refuse."""
        if kind.startswith("alter_"):
            alter.plan(kind, statement, self.project, self.ctx)
        elif kind.startswith("create_"):
            create.target(statement, self.project, self.ctx)
        elif kind == "drop" and statement.object_type.upper() in ("TABLE", "VIEW"):
            create.dropped(statement, self.project, self.ctx)


def _preview(stock: Any) -> Any:
    async def preview(
        *, project_id: str, job_id: str, bq_sql: str, query_params: Any, ctx: Any, caller: Any, wire_shape: str
    ) -> dict[str, Any]:
        if not bq_sql.strip():
            empty: dict[str, Any] = await stock(
                project_id=project_id, job_id=job_id, bq_sql=bq_sql, query_params=query_params, ctx=ctx,
                caller=caller, wire_shape=wire_shape,
            )  # fmt: skip
            return empty
        bill, columns = await _Trial(project_id, bq_sql, query_params, ctx, caller).judge()
        kind = routes.classify_statement_type(bq_sql)
        if not columns:  # DML and CREATE show the columns of their table
            columns = routes._destructive_dry_run_schema(
                bq_sql=qualified(bq_sql, project_id), statement_type=kind, project_id=project_id, ctx=ctx
            )
        statistics: dict[str, Any] = {"query": {"cacheHit": False, "schema": {"fields": columns}}}
        bill.record(statistics, dry_run=True)
        if kind:
            statistics["query"]["statementType"] = kind
        if operation := ddl_result.ddl_operation_for(kind):
            statistics["query"]["ddlOperationPerformed"] = operation
        if wire_shape == "insert":
            return statistics
        shown = {key: statistics["query"][key] for key in ("totalBytesProcessed", "schema", "cacheHit")}
        return {"kind": "bigquery#queryResponse", "jobComplete": True, "jobReference": {"projectId": project_id},
                **shown}  # fmt: skip

    return preview


async def _as_job(
    *, project_id: str, job_id: str, config: dict[str, Any], now: Any, session_id: str | None, **asked: Any
) -> dict[str, Any]:
    """The answer of jobs.insert; BigQuery keeps no job of a dry run, so its id stays free."""
    statistics = await routes._dry_run_response(project_id=project_id, job_id=job_id, wire_shape="insert", **asked)
    routes._attach_session_info(statistics, session_id)
    job = JobMeta(
        project_id=project_id, job_id=job_id, job_type="QUERY", state="DONE", configuration=config,
        statistics=statistics, creation_time=now, start_time=now, end_time=now, etag="dry-run",
    )  # fmt: skip
    answer: dict[str, Any] = routes._build_job_response(project_id, job_id, job, config)
    return answer


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    for name in ("_destructive_dry_run_schema", "_attach_session_info", "_build_job_response"):
        override(routes, name, getattr(routes, name, None))
    override(routes, "_dry_run_response", _preview(routes._dry_run_response))
    override(routes, "_build_dry_run_query_response", _as_job)
