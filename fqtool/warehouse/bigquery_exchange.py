"""One exchange with BigQuery at a time: through Google's client, bounded, its errors told in fqtool's words."""

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
from fqtool.warehouse.bigquery_errors import Place, no_credentials, silence, translate
from fqtool.warehouse.bigquery_network import Overdue, bounded

if TYPE_CHECKING:
    from fqtool.warehouse.told import Listener

T = TypeVar("T")

# Without a handler of their own, these print warnings to stderr that the error raised later says better.
for _noisy in ("google", "urllib3"):
    logging.getLogger(_noisy).addHandler(logging.NullHandler())


class Exchange:
    """One client, made at the first call and made anew after a call that had to be abandoned.

    `bounds` are the keyword arguments that bound a call of the client's.
    """

    def __init__(self, project: str, dataset: str, timeout: float, listener: Listener | None = None) -> None:
        self._listener = listener
        self._endpoint = emulator_endpoint(os.environ.get("BIGQUERY_EMULATOR_HOST", ""))
        # The address may hold a password; only host and port are shown.
        shown = urlsplit(self._endpoint).netloc.rpartition("@")[2]
        server = f"The BigQuery emulator at {shown}" if self._endpoint else "BigQuery"
        self.place = Place(project, dataset, server, bool(self._endpoint), timeout)
        self._client: bigquery.Client | None = None
        retry = DEFAULT_RETRY.with_timeout(timeout)
        self.bounds: dict[str, Any] = {
            "retry": retry.with_delay(initial=timeout / 30, maximum=timeout / 3, multiplier=2),
            # Half of the time for one attempt leaves a black-holed connection a second chance.
            "timeout": timeout / 2,
        }

    def close(self) -> None:
        """Close the client, if there is one."""
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
                # google-auth warns of user credentials without a quota project; that is the user's own choice.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    # Off Google's cloud, the search for credentials asks an address that may never answer.
                    self._client = bounded(self._connect, self.place.timeout)
                if self._listener is not None:
                    from fqtool.warehouse.bigquery_wire import listen

                    listen(self._client._http, self._listener)  # noqa: SLF001  the client shows its session nowhere else
            except Exception as error:
                raise no_credentials(error) from error
        return self._client

    def ask(self, call: Callable[[bigquery.Client], T], *, passing: tuple[type[Exception], ...] = ()) -> T:
        """Make one bounded exchange; raise fqtool's errors, and those of `passing` as they are."""
        client = self._connected()
        try:
            # The client checks its retry deadline between attempts only, so an attempt may still be under way.
            return bounded(lambda: call(client), self.place.timeout + min(5.0, self.place.timeout))
        except passing:
            raise
        except Overdue as error:
            self._client = None
            raise silence(self.place) from error
        except Exception as error:
            raise translate(error, self.place) from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Tell what goes wrong in understanding an answer as the fault of the answer."""
        try:
            yield
        except FqtoolError:
            raise
        except Exception as error:
            raise translate(error, self.place) from error


def emulator_endpoint(host: str) -> str:
    """Return BIGQUERY_EMULATOR_HOST as a URL, "" if unset; the client would take `localhost:9050` as it stands."""
    host = host.strip().rstrip("/")
    return host if not host or "://" in host else f"http://{host}"
