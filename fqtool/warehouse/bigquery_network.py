"""Bounded calls, and why a connection failed, in words."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from typing import TypeVar

import requests
import urllib3.exceptions

from fqtool.warehouse.threads import begun

T = TypeVar("T")
SILENCE = "silence"


class Overdue(TimeoutError):
    """The call was abandoned; whatever it uses must not be used again."""


def bounded(call: Callable[[], T], seconds: float) -> T:
    """Return what the call returns, raise what it raises, or Overdue after so many seconds.

    A socket's timeout is not enough: it starts again with every byte of a slow answer, does not cover the look-up
    of a name, and the client itself lengthens some (BIGQUERY 79). An overdue call is left to end on its own in a
    thread that does not keep the process alive.
    """
    future = begun(call)
    if not wait([future], timeout=seconds).done:
        raise Overdue
    return future.result()


def breakdown(error: BaseException) -> str:
    """Say what the network did, SILENCE for a timeout, "" if unknown; never in the exceptions' own words."""
    links = list(_links(error, set()))
    return next((words for kinds, words in _CAUSES if any(isinstance(link, kinds) for link in links)), "")


# The first that fits any link of the chain wins, so the particular stands before the general.
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
        "the connection broke off",
    ),
    ((TimeoutError, requests.exceptions.Timeout, urllib3.exceptions.TimeoutError), SILENCE),
    ((requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema), "its address is not a URL"),
    ((requests.exceptions.TooManyRedirects,), "it redirects without end"),
)


def _links(error: object, seen: set[int]) -> Iterator[BaseException]:
    """Walk an exception, its causes and the exceptions it wraps: requests hides the reason in `args`."""
    if not isinstance(error, BaseException) or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for inner in (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args):
        yield from _links(inner, seen)
