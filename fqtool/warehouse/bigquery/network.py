"""Calls with a deadline, a limit on each wait, a report of each exchange, and the cause of a failed connection."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter

if TYPE_CHECKING:
    from fqtool.warehouse.tracing import Listener


T = TypeVar("T")
NO_ANSWER = "no answer"
_SLICE = 1.0  # seconds


class Overdue(TimeoutError):
    """The call was abandoned; the objects that it uses must not be used again."""


def bounded(call: Callable[[], T], seconds: float) -> T:
    """Run a call with a deadline.

    The timeout of a socket is not enough: it restarts with every byte of a slow answer, does not cover the resolution
    of a name, and the client extends some timeouts (bigquery.md#timeouts). An overdue call continues in a thread that
    does not keep the process alive.

    Args:
        call: The call.
        seconds: The deadline.

    Returns:
        The result of the call.

    Raises:
        Overdue: The call did not end in time. Errors of the call are raised too.
    """
    future = _begun(call)
    deadline = time.monotonic() + seconds
    # Each wait is short, because a Ctrl-C just before a wait is handled only at its end.
    while not wait([future], timeout=max(0.0, min(_SLICE, deadline - time.monotonic()))).done:
        if time.monotonic() >= deadline:
            raise Overdue
    return future.result()


def _begun(work: Callable[[], T]) -> Future[T]:
    """Start work in a thread and return its future. Unlike with an executor, the process does not wait for it."""
    future: Future[T] = Future()

    def to_its_end() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  raised again by Future.result
            future.set_exception(error)

    Thread(target=to_its_end, name="fqtool", daemon=True).start()
    return future


def breakdown(error: BaseException) -> str:
    """Return the cause of a network error: NO_ANSWER for a timeout, "" if unknown; never the text of an exception."""
    links = list(_links(error, set()))
    return next((words for kinds, words in _CAUSES if any(isinstance(link, kinds) for link in links)), "")


# The first entry that matches any exception of the chain wins, so specific entries come before general ones.
_CAUSES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLError, requests.exceptions.SSLError), "the TLS connection failed, often a proxy or a wrong clock"),
    ((requests.exceptions.ProxyError, urllib3.exceptions.ProxyError), "the proxy failed"),
    ((socket.gaierror, urllib3.exceptions.NameResolutionError), "its name cannot be resolved"),
    ((ConnectionRefusedError,), "the connection was refused"),
    (
        (
            ConnectionResetError,
            BrokenPipeError,
            http.client.HTTPException,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
            urllib3.exceptions.ProtocolError,
        ),
        "the connection was lost",
    ),
    ((TimeoutError, requests.exceptions.Timeout, urllib3.exceptions.TimeoutError), NO_ANSWER),
    ((requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema), "its address is not a URL"),
    ((requests.exceptions.TooManyRedirects,), "it redirects without end"),
)


def _links(error: object, seen: set[int]) -> Iterator[BaseException]:
    """Yield an exception, its causes and the exceptions that it wraps: requests has the reason in `args`."""
    if not isinstance(error, BaseException) or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for inner in (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args):
        yield from _links(inner, seen)


class _Wrapper(BaseAdapter):
    """Sends with the wrapped adapter."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self._inner = inner

    def close(self) -> None:
        """Close the wrapped adapter."""
        self._inner.close()


class _Capped(_Wrapper):
    """Waits no longer than `seconds` for the next byte."""

    def __init__(self, inner: BaseAdapter, seconds: float) -> None:
        super().__init__(inner)
        self._seconds = seconds

    def send(self, request: PreparedRequest, *words: Any, **options: Any) -> Response:
        """Send with a timeout that the client cannot extend."""
        timeout = options.get("timeout")
        options["timeout"] = min(timeout, self._seconds) if isinstance(timeout, int | float) else self._seconds
        return self._inner.send(request, *words, **options)


class _Reporting(_Wrapper):
    """Reports each exchange, also one without an answer.

    Headers (which contain tokens), bodies and query strings are not read.
    """

    def __init__(self, inner: BaseAdapter, listener: Listener) -> None:
        super().__init__(inner)
        self._listener = listener

    def send(self, request: PreparedRequest, *words: Any, **options: Any) -> Response:
        """Send, and report the seconds until the head of the answer arrived."""
        start = time.perf_counter()
        outcome: int | BaseException = 0
        try:
            answer = self._inner.send(request, *words, **options)
            outcome = answer.status_code
        except BaseException as error:
            outcome = error
            raise
        finally:
            path = urlsplit(request.url or "").path
            self._listener.exchange(request.method or "", str(path), time.perf_counter() - start, outcome)
        return answer


def cap(session: Session, seconds: float) -> None:
    """Limit each attempt to `seconds`: the client waits at least 120 s for getQueryResults (bigquery.md#timeouts)."""
    for prefix, adapter in tuple(session.adapters.items()):
        session.mount(prefix, _Capped(adapter, seconds))


def listen(session: Session, listener: Listener) -> None:
    """Report every exchange of this session to the listener. Tokens are fetched by another session."""
    for prefix, adapter in tuple(session.adapters.items()):
        session.mount(prefix, _Reporting(adapter, listener))
