"""The conversation with BigQuery through Google's client: every exchange bounded, every job under a known id."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from google.api_core.exceptions import Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from google.cloud.bigquery.table import RowIterator

from fqtool.errors import FqtoolError, NotThere, StatementFailed, Unreachable
from fqtool.sql import Value
from fqtool.warehouse.bigquery_errors import (
    Place,
    judged,
    no_credentials,
    said,
    said_by_job,
    silence,
    translate,
)
from fqtool.warehouse.bigquery_network import Overdue, bounded
from fqtool.warehouse.bigquery_values import plain_row, query_parameters

T = TypeVar("T")
_PAGE = 10_000
_POLL_FIRST, _POLL_GROWTH, _POLL_LONGEST = 0.1, 1.5, 5.0

# Without a handler of their own, these print warnings to stderr that the error raised later says better.
for _noisy in ("google", "urllib3"):
    logging.getLogger(_noisy).addHandler(logging.NullHandler())


class Session:
    """One client, made at the first call and made anew after a call that had to be abandoned."""

    def __init__(
        self, project: str, dataset: str, location: str | None, *, timeout: float, job_timeout: float
    ) -> None:
        self.endpoint = emulator_endpoint(os.environ.get("BIGQUERY_EMULATOR_HOST", ""))
        # The address may hold a password; only host and port are shown.
        shown = urlsplit(self.endpoint or "").netloc.rpartition("@")[2]
        server = f"The BigQuery emulator at {shown}" if self.endpoint else "BigQuery"
        self.place = Place(project, dataset, server, bool(self.endpoint), timeout)
        self.location = location
        self.job_timeout = job_timeout
        self.dataset = bigquery.DatasetReference(project, dataset)
        self._client: bigquery.Client | None = None
        # Half of the time for one attempt leaves a black-holed connection a second chance.
        self._attempt = timeout / 2
        self._retry = DEFAULT_RETRY.with_timeout(timeout).with_delay(
            initial=timeout / 30, maximum=timeout / 3, multiplier=2
        )
        self._bounds: dict[str, Any] = {"retry": self._retry, "timeout": self._attempt}

    def close(self) -> None:
        """Close the client, if there is one."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]
            self._client = None

    # -- exchanges ---------------------------------------------------------------------------------------------

    def _connect(self) -> bigquery.Client:
        if self.endpoint:
            return bigquery.Client(
                project=self.place.project,
                credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
                client_options={"api_endpoint": self.endpoint},
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
            except Exception as error:
                raise no_credentials(error) from error
        return self._client

    def _ask(self, call: Callable[[bigquery.Client], T], *, passing: tuple[type[Exception], ...] = ()) -> T:
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

    # -- metadata ----------------------------------------------------------------------------------------------

    def table(self, name: str) -> dict[str, Any] | None:
        """Return the REST resource of a table or view from one tables.get, or None if the dataset lacks it."""
        try:
            found = self._ask(
                lambda client: client.get_table(self.dataset.table(name), **self._bounds), passing=(NotFound,)
            )
        except NotFound as error:
            told = said(error)
            if told.absent_table:
                return None
            raise judged(told, self.place) from error
        with self.reading():
            resource: dict[str, Any] = found.to_api_repr()
            if resource["tableReference"]["tableId"] != name:
                raise ValueError(name)
            self.location = self.location or resource.get("location")
        return resource

    def listed(self, resource: dict[str, Any], columns: tuple[str, ...]) -> list[dict[str, Value]]:
        """Return all rows of the table, from tabledata.list: no job, no cost."""
        with self.reading():
            table = bigquery.Table.from_api_repr(resource)
            wanted = {column.lower() for column in columns}
            # Values come by position in the table's order, whatever order is asked for.
            selected = [field for field in table.schema if field.name.lower() in wanted]
        listing = self._ask(lambda client: client.list_rows(table, selected_fields=selected, **self._bounds))
        rows = self._pages(listing)
        names = {field.name.lower(): field.name for field in selected}
        return [{column: row[names[column.lower()]] for column in columns} for row in rows]

    # -- jobs --------------------------------------------------------------------------------------------------

    def estimate(self, sql: str, parameters: Iterable[tuple[str, Value]]) -> int | None:
        """Return the bytes a statement would process; BigQuery checks it and runs nothing."""
        config = self._config(parameters)
        config.dry_run = True
        # A cached result would be estimated at no bytes at all.
        config.use_query_cache = False
        trial = self._ask(
            lambda client: client.query(sql, config, location=self.location, job_retry=None, **self._bounds)
        )
        processed: int | None = trial.total_bytes_processed
        return processed

    def run(
        self,
        sql: str,
        parameters: Iterable[tuple[str, Value]],
        *,
        job_id: str | None = None,
        max_bytes: int | None = None,
    ) -> bigquery.QueryJob:
        """Run a statement at most once under one job id, and return the finished job.

        A lost answer makes the client send the same id again, to which BigQuery answers 409: then the first job
        is the job (BIGQUERY 76). Nothing is ever sent again under another id.
        """
        job_id = job_id or f"fqtool-{uuid.uuid4().hex}"
        config = self._config(parameters)
        config.maximum_bytes_billed = max_bytes
        try:
            job = self._ask(
                lambda client: client.query(
                    sql, config, job_id=job_id, location=self.location, job_retry=None, **self._bounds
                ),
                passing=(Conflict,),
            )
        except Conflict as conflict:
            job = self._first(job_id, sql, conflict)
        except Unreachable as lost:
            raise self._with_job(lost, job_id, "so it is not known whether the job {} was started") from lost
        return self._ended(job, job_id)

    def results(self, job: bigquery.QueryJob) -> list[dict[str, Value]]:
        """Return the rows of a finished query job."""
        # Asking for a page of rows at once saves the exchange that would only ask whether there are any.
        return self._pages(self._ask(lambda _: job.result(page_size=_PAGE, job_retry=None, **self._bounds)))

    def _config(self, parameters: Iterable[tuple[str, Value]]) -> bigquery.QueryJobConfig:
        config = bigquery.QueryJobConfig(default_dataset=self.dataset)
        config.query_parameters = query_parameters(parameters)
        return config

    def _first(self, job_id: str, sql: str, conflict: Conflict) -> bigquery.QueryJob:
        """Return the job that took this id first. BigQuery may deny knowing it for a moment."""
        told = said(conflict)
        if "Already Exists" in told.message and "Already Exists: Job" not in told.message:
            raise judged(told, self.place) from conflict
        # Outside US and EU a job is found only with its location, which the refusal names.
        named = re.search(rf":([\w-]+)\.{re.escape(job_id)}\b", told.message)
        location = self.location or (named[1] if named else None)
        deadline = time.monotonic() + self.place.timeout
        while True:
            try:
                job = self._get(job_id, location)
                break
            except NotThere:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(self._attempt / 10)
        if not isinstance(job, bigquery.QueryJob) or (job.query and job.query != sql):
            raise StatementFailed(
                f"The job id {job_id} belongs to another statement, so this one was not run.",
                remedy="Run it as a new attempt, under an id of its own.",
            )
        return job

    def _get(self, job_id: str, location: str | None) -> Any:
        try:
            return self._ask(lambda client: client.get_job(job_id, location=location, **self._bounds))
        except Unreachable as lost:
            raise self._with_job(lost, job_id, "while the job {} may still be running") from lost

    def _ended(self, job: bigquery.QueryJob, job_id: str) -> bigquery.QueryJob:
        """Wait for the job's end. Polled, because the client's own wait is not bounded (BIGQUERY 78, 79)."""
        deadline = time.monotonic() + self.job_timeout
        pause = _POLL_FIRST
        while job.state != "DONE":
            if time.monotonic() >= deadline:
                raise Unreachable(
                    f"The job {job_id} did not end within {self.job_timeout:g} s and is still running.",
                    remedy=self._look(job_id, job.location),
                )
            time.sleep(pause)
            pause = min(pause * _POLL_GROWTH, _POLL_LONGEST)
            job = self._get(job_id, job.location or self.location)
        if job.error_result:
            raise judged(said_by_job(job.error_result), self.place)
        self.location = self.location or job.location
        return job

    def _with_job(self, lost: Unreachable, job_id: str, words: str) -> Unreachable:
        return Unreachable(
            f"{lost.message.rstrip('.')}, {words.format(job_id)}.", remedy=self._look(job_id, self.location)
        )

    def _look(self, job_id: str, location: str | None) -> str:
        where = f" --location={location}" if location else ""
        command = f"bq show{where} --project_id={self.place.project} -j {job_id}"
        return f"Look with `{command}`; a job of that id never runs twice."

    def _pages(self, listing: RowIterator | Any) -> list[dict[str, Value]]:
        """Read page by page, so that the deadline is for a page and not for all of them."""
        rows: list[dict[str, Value]] = []
        pages = listing.pages
        while (page := self._ask(lambda _: next(pages, None))) is not None:
            with self.reading():
                rows += [plain_row(row.values(), listing.schema) for row in page]
        return rows


def emulator_endpoint(host: str) -> str:
    """Return BIGQUERY_EMULATOR_HOST as a URL, "" if unset; the client would take `localhost:9050` as it stands."""
    host = host.strip().rstrip("/")
    return host if not host or "://" in host else f"http://{host}"


