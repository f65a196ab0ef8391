"""The outermost ASGI layer: a log of requests, one at a time, the default dataset, job ids used once, errors as HTTP.

Mends `bqemulator.server.create_app`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from bqemulator import server
from bqemulator.domain.errors import DomainError
from starlette.responses import JSONResponse

from . import tables
from .hooks import mend
from .run import NOBODY
from .scope import DEFAULT_DATASET

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]

_QUERIES = re.compile(r".*/bigquery/v2/projects/([^/]+)/queries$")
_JOBS = re.compile(r".*/bigquery/v2/projects/([^/]+)/jobs$")
_RESULTS = re.compile(r".*/bigquery/v2/projects/([^/]+)/queries/([^/]+)$")
_TABLES = re.compile(r".*/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables(?:/([^/]+))?$")
_STATUS = {"notFound": 404, "duplicate": 409, "accessDenied": 403, "quotaExceeded": 403, "notImplemented": 501}


class Front:
    """Wraps the whole application."""

    def __init__(self, app: Any, ctx: Any) -> None:
        self._app, self._ctx = app, ctx
        self._log: list[tuple[str, str]] = []
        # bqemulator reads in threads over one connection to DuckDB, where one result takes the place of another.
        self._one = asyncio.Lock()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        if path.startswith("/_bed/"):
            await self._bed(method, path)(scope, receive, send)
            return
        self._log.append((method, path))
        async with self._one:
            answer = await self._answer(method, path, scope, receive)
        if callable(answer):
            await answer(scope, receive, send)
        else:
            for message in answer:
                await send(message)

    def _bed(self, method: str, path: str) -> JSONResponse:
        match method, path:
            case "GET", "/_bed/requests":
                return JSONResponse(self._log)
            case "POST", "/_bed/reset":
                self._log.clear()
                return JSONResponse({})
        return JSONResponse({}, 404)

    async def _answer(self, method: str, path: str, scope: dict[str, Any], receive: Receive) -> Any:
        """The messages to send, or a response of our own."""
        if method == "POST" and (match := _QUERIES.match(path)):
            body = await _body(receive)
            _set_default(_json(body).get("defaultDataset"), match[1])
            return _error_as_status(await self._inner(scope, body))
        if method == "POST" and (match := _JOBS.match(path)):
            body = await _body(receive)
            if (refusal := self._used(match[1], _json(body))) is not None:
                return refusal
            _set_default(_json(body).get("configuration", {}).get("query", {}).get("defaultDataset"), match[1])
            return await self._inner(scope, body)
        if method in ("POST", "PATCH", "PUT", "DELETE") and (match := _TABLES.match(path)):
            return await self._write_table(method, match, scope, await _body(receive))
        if method == "GET" and (match := _RESULTS.match(path)):
            job = self._ctx.catalog.get_job(*match.groups())
            if job is not None and job.error_result:
                return _refusal(job.error_result)
        return await self._inner(scope, await _body(receive))

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

    def _used(self, project: str, job: dict[str, Any]) -> JSONResponse | None:
        job_id = job.get("jobReference", {}).get("jobId")
        if not job_id or self._ctx.catalog.get_job(project, job_id) is None:
            return None
        return _refusal({"reason": "duplicate", "message": f"Already Exists: Job {project}:US.{job_id}"})

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
    except ValueError:  # the application says what is wrong with it
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


def _refusal(error: dict[str, Any]) -> JSONResponse:
    code = _STATUS.get(error["reason"], 400)
    detail = {"domain": "global"} | error
    return JSONResponse({"error": {"code": code, "message": error["message"], "errors": [detail]}}, code)


def install() -> None:
    """Mends bqemulator; once, before the server starts."""

    def create(context: Any) -> Front:
        return Front(stock(context), context)

    stock = mend(server, "create_app", create)
