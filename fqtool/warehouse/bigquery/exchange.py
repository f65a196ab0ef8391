"""Exchange requests with BigQuery through Google's client, with a deadline, and translate its errors."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from fqtool.errors import FqtoolError
from fqtool.warehouse.bigquery.errors import Place, no_answer, no_credentials, translate
from fqtool.warehouse.bigquery.network import Overdue, bounded, cap, listen

if TYPE_CHECKING:
    from fqtool.warehouse.tracing import Listener

T = TypeVar("T")

# Without a handler, these loggers print warnings to stderr, which the later error repeats more clearly.
for _noisy in ("google", "urllib3"):
    logging.getLogger(_noisy).addHandler(logging.NullHandler())


class Exchange:
    """A client, created at the first call, and created again after a call was abandoned.

    `bounds` are the keyword arguments that set the deadline of a call of the client.
    """

    def __init__(self, project: str, dataset: str, timeout: float, listener: Listener | None = None) -> None:
        self._listener = listener
        self._endpoint = emulator_endpoint(os.environ.get("BIGQUERY_EMULATOR_HOST", ""))
        # The address may contain a password; messages show only host and port.
        shown = urlsplit(self._endpoint).netloc.rpartition("@")[2]
        server = f"The BigQuery emulator at {shown}" if self._endpoint else "BigQuery"
        self.place = Place(project, dataset, server, bool(self._endpoint), timeout)
        self._client: bigquery.Client | None = None
        retry = DEFAULT_RETRY.with_timeout(timeout)
        self.bounds: dict[str, Any] = {
            "retry": retry.with_delay(initial=timeout / 30, maximum=timeout / 3, multiplier=2),
            # Half of the time for one attempt leaves time for a second attempt.
            "timeout": timeout / 2,
        }

    def close(self) -> None:
        """Close the client, if it was created."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]
            self._client = None

    def _connect(self) -> bigquery.Client:
        if self._endpoint:
            return bigquery.Client(
                project=self.place.project,
                credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
                client_options={"api_endpoint": self._endpoint},
            )
        return bigquery.Client(project=self.place.project)

    def _connected(self) -> bigquery.Client:
        if self._client is None:
            try:
                # google-auth warns about user credentials without a quota project, which is a choice of the user.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    # Outside Google's cloud, the search for credentials requests an address that may never answer.
                    self._client = bounded(self._connect, self.place.timeout)
                session = self._client._http  # noqa: SLF001  the client has no public access to its session
                cap(session, self.bounds["timeout"])
                if self._listener is not None:
                    listen(session, self._listener)
            except Exception as error:
                raise no_credentials(error) from error
        return self._client

    def ask(self, call: Callable[[bigquery.Client], T], *, passing: tuple[type[Exception], ...] = ()) -> T:
        """Make one exchange with a deadline.

        Args:
            call: The call of the client.
            passing: Errors of the client that are raised unchanged; others become errors of fqtool.
        """
        client = self._connected()
        try:
            # The client checks its retry deadline only between attempts, so an attempt may still be running.
            return bounded(lambda: call(client), self.place.timeout + min(5.0, self.place.timeout))
        except passing:
            raise
        except Overdue as error:
            self._client = None
            raise no_answer(self.place) from error
        except Exception as error:
            raise translate(error, self.place) from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Translate errors in the parsing of an answer to an error about the answer."""
        try:
            yield
        except FqtoolError:
            raise
        except Exception as error:
            raise translate(error, self.place) from error


def emulator_endpoint(host: str) -> str:
    """Return BIGQUERY_EMULATOR_HOST as a URL; "" if it is not set. The client would not add `http://` itself."""
    host = host.strip().rstrip("/")
    return host if not host or "://" in host else f"http://{host}"
