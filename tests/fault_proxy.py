"""A loopback HTTP server that fails as scripted, alone or as a proxy in front of the emulator."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import pytest

from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from tests.bed.api_contract import check_answer, check_request, refusal
from tests.bed.records import Records

_LONGEST = 20.0  # no request of a test is held longer than this


@dataclass(frozen=True)
class Request:
    """What came in; `path` has its query string."""

    method: str
    path: str
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """A whole answer, after a delay. A dict is sent as JSON.

    A dict with a status of 200 is what BigQuery would answer, and is held to that; `malformed` exempts it.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    content_type: str = "application/json; charset=UTF-8"
    delay: float = 0.0
    malformed: bool = False

    @property
    def claims_to_fit(self) -> bool:
        """Whether this is meant as an answer that BigQuery gives."""
        return self.status == 200 and isinstance(self.body, dict) and not self.malformed

    @property
    def payload(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Cut:
    """The headers promise the whole body, and the connection closes in the middle of it."""

    answer: Answer


@dataclass(frozen=True)
class Trickle:
    """The body comes byte by byte, each in time and the whole never."""

    answer: Answer
    pause: float = 0.1


@dataclass(frozen=True)
class NoAnswer:
    """The request is taken and never answered."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset before a word of the answer."""


@dataclass(frozen=True)
class Pass:
    """The answer of the server behind, after a delay in seconds."""

    delay: float = 0.0


@dataclass(frozen=True)
class Drop:
    """The connection is closed before a word of the answer."""


@dataclass(frozen=True)
class Lost:
    """The server behind does the work, and this is what comes back instead of its answer."""

    instead: Answer | Reset | NoAnswer


@dataclass(frozen=True)
class Mangled:
    """The server behind does the work, and `how` makes of its answer what comes back."""

    how: Callable[[Answer], Answer | Cut]


Step: TypeAlias = Answer | Cut | Trickle | NoAnswer | Reset | Drop | Pass | Lost | Mangled


def error(status: int, reason: str, message: str) -> Answer:
    """An error in BigQuery's shape."""
    entry = {"domain": "global", "reason": reason, "message": message}
    return Answer(status, {"error": {"code": status, "message": message, "errors": [entry], "status": "SCRIPTED"}})


class FaultyServer:
    """Answers request after request by `script`, then by `rest`; `where` selects the requests they apply to.

    It acts as BigQuery, and holds requests to its API, unless `bigquery` is false. Requests that
    are not meant go to `upstream`, if there is one. `requests` holds all that came.
    """

    def __init__(
        self,
        script: Sequence[Step] = (),
        *,
        rest: Step | Callable[[Request], Step] | None = None,
        upstream: str = "",
        where: Callable[[Request], bool] = lambda _: True,
        bigquery: bool = True,
    ) -> None:
        self.requests: list[Request] = []
        self._script: Iterator[Step] = iter(script)
        self._rest = rest or (Pass() if upstream else Answer(404, b"nothing here", "text/plain"))
        self._upstream = urlsplit(upstream)
        self._where = where
        self._bigquery, self._records = bigquery, Records()
        self._lock = Lock()
        self.stopping = Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def step(self, request: Request) -> Step:
        """Take note of the request and decide what happens to it."""
        with self._lock:
            self.requests.append(request)
            if not self._where(request):
                return Pass()
            after = self._rest(request) if callable(self._rest) else self._rest
            return next(self._script, after)

    def checked(self, request: Request, step: Step) -> Step:
        """Return the step, or a refusal if the request, or the answer that the step makes, does not fit BigQuery's API.

        What goes to the server behind is checked there.
        """
        if not self._bigquery:
            return step
        path, _, query = request.path.partition("?")
        checked = check_request(request.method, path, query, request.body)
        name = f"{request.method} {path}"
        if checked.violations or checked.method is None:
            self._records.refusals(name, checked.violations)
            return Answer(checked.status, refusal(checked))
        self._records.request(checked.shape)
        answer = step.answer if isinstance(step, Cut | Trickle) else step
        if (
            isinstance(answer, Answer)
            and not answer.malformed
            and answer.status == 200
            and isinstance(answer.body, dict)
        ):
            self._records.refusals(f"the answer to {name}", check_answer(checked.method, answer.payload, query))
        return step

    def behind(self, request: Request) -> Answer:
        """What the server behind answers."""
        assert self._upstream.hostname, "Pass and Lost need an upstream"
        upstream = http.client.HTTPConnection(self._upstream.hostname, self._upstream.port, timeout=_LONGEST)
        try:
            upstream.request(request.method, request.path, request.body, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            return Answer(answer.status, answer.read(), answer.getheader("Content-Type", "application/json"))
        finally:
            upstream.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, faulty: FaultyServer) -> None:
        self.faulty = faulty
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is not an error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _LONGEST
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Log nothing."""

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, body)
        faulty = self.server.faulty
        step = faulty.step(request)
        if isinstance(step, Lost):
            faulty.behind(request)
            step = step.instead
        elif isinstance(step, Mangled):
            step = step.how(faulty.behind(request))
        elif isinstance(step, Pass):
            step = replace(faulty.behind(request), delay=step.delay)
        else:
            step = faulty.checked(request, step)
        self._play(step)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

    def _play(self, step: Step) -> None:
        stopping = self.server.faulty.stopping
        match step:
            case Answer():
                stopping.wait(step.delay)
                self._head(step)
                self.wfile.write(step.payload)
            case Cut(answer):
                self._head(answer)
                self.wfile.write(answer.payload[: len(answer.payload) // 2])
                self.close_connection = True
            case Trickle(answer, pause):
                self._head(answer)
                for byte in answer.payload:
                    if stopping.wait(pause):
                        break
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
            case NoAnswer():
                stopping.wait(_LONGEST)
                self.close_connection = True
            case Drop():
                self.close_connection = True
            case Reset():
                # With a linger of zero seconds, closing sends RST.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.rfile.close()
                self.connection.close()

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.payload)))
        self.end_headers()


def inserts(request: Request) -> bool:
    """Whether a request is BigQuery's jobs.insert."""
    return request.method == "POST" and request.path.partition("?")[0].endswith("/jobs")


def through(server: FaultyServer, project: str, dataset: str, **more: Any) -> BigQueryWarehouse:
    """A BigQuery dataset as it is seen through the server."""
    warehouse = BigQueryWarehouse(project, dataset, url=f"bigquery://{project}/{dataset}", **more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        assert warehouse._session
    return warehouse
