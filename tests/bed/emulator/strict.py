"""Around everything: a request that does not fit BigQuery's description of its API is refused, and so is an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import JSONResponse

from tests.bed.api_contract import check_answer, check_request, refusal
from tests.bed.records import Records

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]


class Strict:
    """Wraps the whole application, but for the control endpoints under /_bed/."""

    def __init__(self, app: Any) -> None:
        self._app, self._records = app, Records()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_bed/"):
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        path, query = (scope.get("raw_path") or scope["path"].encode()).decode(), scope["query_string"].decode()
        request = f"{scope['method']} {path}"
        checked = check_request(scope["method"], path, query, body)
        if checked.violations or checked.method is None:
            self._records.refusals(request, checked.violations)
            await JSONResponse(refusal(checked), checked.status)(scope, receive, send)
            return
        self._records.request(checked.shape)
        sent = await _answer(self._app, scope, body)
        if 200 <= sent[0]["status"] < 300:
            content = b"".join(message.get("body", b"") for message in sent[1:])
            if wrong := check_answer(checked.method, content, query):
                self._records.refusals(f"the answer to {request}", wrong)
                words = "; ".join(violation.reason for violation in wrong)
                error = {"code": 500, "message": words, "errors": [{"reason": "internalError", "message": words}]}
                await JSONResponse({"error": error}, 500)(scope, receive, send)
                return
        for message in sent:
            await send(message)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(app: Any, scope: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent
