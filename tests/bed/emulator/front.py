"""The outermost ASGI layer: a log of requests, which thread answers them, jobs in the background, errors as HTTP.

Patches `bqemulator.server.create_app`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from bqemulator import server
from bqemulator.domain.errors import DomainError
from starlette.responses import JSONResponse

from . import billing, permissions, tables
from .background import Background
from .hooks import override
from .quotas import QUOTAS
from .rows import MICROSECONDS
from .run import NOBODY
from .scope import DEFAULT_DATASET
from .strict import Strict
from .threads import SWAP, Writer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]

_QUERIES = re.compile(r".*/bigquery/v2/projects/([^/]+)/queries$")
_JOBS = re.compile(r".*/bigquery/v2/projects/([^/]+)/jobs$")
_JOB = re.compile(r".*/bigquery/v2/projects/([^/]+)/jobs/([^/]+)$")
_CANCEL = re.compile(r".*/bigquery/v2/projects/([^/]+)/jobs/([^/]+)/cancel$")
_RESULTS = re.compile(r".*/bigquery/v2/projects/([^/]+)/queries/([^/]+)$")
_TABLES = re.compile(r".*/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables(?:/([^/]+))?$")
_STATUS = {"notFound": 404, "duplicate": 409, "accessDenied": 403, "quotaExceeded": 403, "notImplemented": 501,
           "rateLimitExceeded": 403, "backendError": 503, "internalError": 500}  # fmt: skip
_OF_JOBS_QUERY = ("labels", "dryRun", "jobTimeoutMs")
_NOT_OF_JOBS = ("kind", "maxResults", "timeoutMs", "requestId", "location", "formatOptions", "jobCreationMode")
_RESULTS_WAIT, _JOB_WAIT = 10.0, 0.5
"""Seconds: BigQuery's own of getQueryResults; and a pause of jobs.get, so that a short job is asked for once."""


class Front:
    """Wraps the whole application."""

    def __init__(self, app: Any, ctx: Any) -> None:
        self._app, self._ctx = app, ctx
        self._log: list[tuple[str, str]] = []
        self._reading = asyncio.Lock()
        self._writer = Writer()
        self._jobs = Background(ctx, self._writer)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        if path.startswith("/_bed/"):
            await (await self._bed(method, path, _json(await _body(receive))))(scope, receive, send)
            return
        self._log.append((method, path))
        permissions.take(scope["headers"])
        try:
            body = await _body(receive)
            permissions.require_for_request(method, path, _json(body))
            answer = await self._answer(method, path, scope, body)
        except DomainError as error:
            answer = JSONResponse(error.to_bigquery_error(), error.http_status)
        if callable(answer):
            await answer(scope, receive, send)
        else:
            for message in answer:
                await send(message)

    async def _bed(self, method: str, path: str, body: dict[str, Any]) -> JSONResponse:
        answer: Any = {}
        match method, path:
            case "GET", "/_bed/requests":
                answer = self._log
            case "POST", "/_bed/reset":
                self._log.clear()
            case "POST", "/_bed/hold":
                self._jobs.hold(body["text"])
            case "POST", "/_bed/release":
                self._jobs.release(body["text"])
            case "POST", "/_bed/held":
                answer = await self._jobs.held(body["count"])
            case "POST", "/_bed/quotas":
                if "stopped" in body:
                    QUOTAS.stop_clock(stopped=body["stopped"])
                QUOTAS.advance(body.get("advance", 0.0))
            case _:
                return JSONResponse({}, 404)
        return JSONResponse(answer)

    async def _answer(self, method: str, path: str, scope: dict[str, Any], body: bytes) -> Any:
        """The messages to send, or a response of our own."""
        query = dict(parse_qsl(scope["query_string"].decode()))
        content = _json(body)
        if method == "POST" and (match := _QUERIES.match(path)):
            _set_default(content.get("defaultDataset"), match[1])
            if content.get("dryRun"):
                return _error_as_status(await self._writer.run(self._inner(scope, body)))
            return await self._query(match[1], content, scope)
        if method == "POST" and (match := _JOBS.match(path)):
            return await self._insert(match[1], content, scope, body)
        if method == "GET" and (match := _JOBS.match(path)):
            return JSONResponse({"kind": "bigquery#jobList", "jobs": self._jobs.listed(match[1], query)})
        if method in ("POST", "PATCH", "PUT", "DELETE") and (match := _TABLES.match(path)):
            return await self._writer.run(self._write_table(method, match, scope, body))
        if method == "GET" and (match := _JOB.match(path)):
            self._jobs.require_found(match[1], match[2], query.get("location"))
            await self._jobs.settled(match[1], match[2], _JOB_WAIT)
            return JSONResponse(self._jobs.resource(match[1], match[2]))
        if method == "POST" and (match := _CANCEL.match(path)):
            self._jobs.require_found(match[1], match[2], query.get("location"))
            self._jobs.cancel(match[1], match[2])
            job = self._jobs.resource(match[1], match[2])
            return JSONResponse({"kind": "bigquery#jobCancelResponse", "job": job})
        if method == "GET" and (match := _RESULTS.match(path)):
            return await self._results(match[1], match[2], query, scope)
        if method != "GET":
            return await self._writer.run(self._inner(scope, body))
        return await self._read(scope)

    async def _read(self, scope: dict[str, Any]) -> list[dict[str, Any]]:
        """Reads go on beside the writer; none sees a table half changed."""
        asked = dict(parse_qsl(scope["query_string"].decode()))
        MICROSECONDS.set(asked.get("formatOptions.useInt64Timestamp", "").lower() == "true")
        async with self._reading:
            with SWAP:
                return await self._inner(scope, b"")

    async def _insert(self, project: str, job: dict[str, Any], scope: dict[str, Any], body: bytes) -> Any:
        configuration = job.get("configuration") or {}
        query = configuration.get("query")
        _set_default((query or {}).get("defaultDataset"), project)
        if query is None or configuration.get("dryRun"):
            self._jobs.require_unused(project, job.get("jobReference") or {})
            return await self._writer.run(self._inner(scope, body))
        return JSONResponse(self._jobs.insert(project, job))

    async def _query(self, project: str, request: dict[str, Any], scope: dict[str, Any]) -> Any:
        """jobs.query: a job that is waited for, and its first rows."""
        sent = {name: value for name, value in request.items() if name not in _NOT_OF_JOBS}
        configuration = {name: sent.pop(name) for name in _OF_JOBS_QUERY if name in sent} | {"query": sent}
        reference = {"location": request["location"]} if request.get("location") else {}
        job = self._jobs.insert(project, {"jobReference": reference, "configuration": configuration})
        job_id = job["jobReference"]["jobId"]
        asked = {name: str(request[name]) for name in ("maxResults", "timeoutMs") if name in request}
        if (request.get("formatOptions") or {}).get("useInt64Timestamp"):
            asked["formatOptions.useInt64Timestamp"] = "true"
        path = f"/bigquery/v2/projects/{project}/queries/{job_id}"
        get = scope | {"method": "GET", "path": path, "raw_path": path.encode()}
        answer = await self._results(project, job_id, asked | {"location": job["jobReference"]["location"]}, get)
        return _as_query_response(answer)

    async def _results(self, project: str, job_id: str, query: dict[str, str], scope: dict[str, Any]) -> Any:
        """getQueryResults: waits for the job, but not longer than it was asked to."""
        self._jobs.require_found(project, job_id, query.get("location"))
        seconds = int(query["timeoutMs"]) / 1000 if "timeoutMs" in query else _RESULTS_WAIT
        if not await self._jobs.done(project, job_id, seconds):
            reference = self._jobs.resource(project, job_id)["jobReference"]
            answer = {"kind": "bigquery#getQueryResultsResponse", "jobReference": reference, "jobComplete": False}
            return JSONResponse(answer)
        job = self._ctx.catalog.get_job(project, job_id)
        if job.error_result:
            return _refusal(job.error_result)
        asked = {name: value for name, value in query.items() if name != "timeoutMs"}
        sent = await self._read(scope | {"query_string": urlencode(asked).encode()})
        return _with_bytes(sent, job)

    async def _write_table(self, method: str, match: re.Match[str], scope: dict[str, Any], body: bytes) -> Any:
        project, dataset, name = match.groups()
        DEFAULT_DATASET.set(None)
        try:
            if name is None and method == "POST":
                made = await tables.insert(project, dataset, _json(body), self._ctx, NOBODY)
            elif name is not None and method == "DELETE":
                made = tables.delete((project, dataset, name), self._ctx)
            elif name is not None and method != "POST":
                if_match = dict(scope["headers"]).get(b"if-match", b"").decode()
                made = await tables.patch((project, dataset, name), _json(body), if_match, self._ctx, NOBODY)
            else:
                return await self._inner(scope, body)
        except DomainError as error:
            return JSONResponse(error.to_bigquery_error(), error.http_status)
        return JSONResponse(made)

    async def _inner(self, scope: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return sent


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _json(body: bytes) -> dict[str, Any]:
    try:
        made = json.loads(body or b"{}")
    except ValueError:  # the application reports what is wrong with it
        return {}
    return made if isinstance(made, dict) else {}


def _set_default(given: Any, project: str) -> None:
    named = isinstance(given, dict) and given.get("datasetId")
    DEFAULT_DATASET.set((given.get("projectId") or project, given["datasetId"]) if named else None)


def _error_as_status(sent: list[dict[str, Any]]) -> Any:
    """jobs.query answers 200 with "errors", which clients take for an empty result; BigQuery answers 4xx."""
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    if sent[0]["status"] == 200 and (errors := _json(content).get("errors")):
        return _refusal(errors[0])
    return sent


def _with_bytes(sent: list[dict[str, Any]], job: Any) -> Any:
    """bqemulator answers that no job processed any bytes."""
    if sent[0]["status"] != 200:
        return sent
    content = _json(b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body"))
    return JSONResponse(content | {"totalBytesProcessed": billing.processed_of(job)})


def _as_query_response(answer: Any) -> Any:
    if not isinstance(answer, JSONResponse) or answer.status_code != 200:
        return answer
    return JSONResponse(_json(bytes(answer.body)) | {"kind": "bigquery#queryResponse"})


def _refusal(error: dict[str, Any]) -> JSONResponse:
    code = _STATUS.get(error["reason"], 400)
    detail = {"domain": "global"} | error
    return JSONResponse({"error": {"code": code, "message": error["message"], "errors": [detail]}}, code)


def install() -> None:
    """Patches bqemulator; once, before the server starts."""

    def create(context: Any) -> Strict:
        return Strict(Front(stock(context), context))

    stock = override(server, "create_app", create)
