"""The conversation with BigQuery: tables looked at and listed, every job run under an id that is known before."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from fqtool.errors import NotThere, StatementFailed, Unreachable
from fqtool.sql import Value
from fqtool.warehouse.bigquery_errors import judged, said, said_by_job
from fqtool.warehouse.bigquery_exchange import Exchange
from fqtool.warehouse.bigquery_values import plain_row, query_parameters

if TYPE_CHECKING:
    from fqtool.warehouse.told import Listener

_PAGE = 10_000
_LABEL = "fqtool"
_POLL_FIRST, _POLL_GROWTH, _POLL_LONGEST = 0.1, 1.5, 5.0


class Session:
    """What is asked of one dataset. Its location is learnt from the first answer that names it."""

    def __init__(
        self,
        project: str,
        dataset: str,
        location: str | None,
        *,
        timeout: float,
        job_timeout: float,
        listener: Listener | None = None,
    ) -> None:
        self._exchange = Exchange(project, dataset, timeout, listener)
        self._listener = listener
        self._dataset = bigquery.DatasetReference(project, dataset)
        self._location = location
        self._job_timeout = job_timeout
        self.reading = self._exchange.reading
        self.close = self._exchange.close

    def table(self, name: str) -> dict[str, Any] | None:
        """Return the REST resource of a table or view from one tables.get, or None if the dataset lacks it."""
        try:
            found = self._exchange.ask(
                lambda client: client.get_table(self._dataset.table(name), **self._exchange.bounds), passing=(NotFound,)
            )
        except NotFound as error:
            told = said(error)
            if told.absent_table:
                return None
            raise judged(told, self._exchange.place) from error
        with self.reading():
            resource: dict[str, Any] = found.to_api_repr()
            if resource["tableReference"]["tableId"] != name:
                raise ValueError(name)
            self._location = self._location or resource.get("location")
        return resource

    def listed(self, resource: dict[str, Any], columns: tuple[str, ...]) -> list[dict[str, Value]]:
        """Return all rows of the table, from tabledata.list: no job, no cost."""
        with self.reading():
            # How many rows there are is to be said by the listing itself.
            table = bigquery.Table.from_api_repr({key: resource[key] for key in resource if key != "numRows"})
            wanted = {column.lower() for column in columns}
            # Values come by position in the table's order, whatever order is asked for.
            selected = [field for field in table.schema if field.name.lower() in wanted]
        listing = self._exchange.ask(
            lambda client: client.list_rows(table, selected_fields=selected, **self._exchange.bounds)
        )
        rows = self._pages(listing)
        names = {field.name.lower(): field.name for field in selected}
        return [{column: row[names[column.lower()]] for column in columns} for row in rows]

    def estimate(self, sql: str, parameters: Iterable[tuple[str, Value]]) -> int | None:
        """Return the bytes a statement would process; BigQuery checks it and runs nothing."""
        config = self._config(parameters)
        config.dry_run = True
        # A cached result would be estimated at no bytes at all.
        config.use_query_cache = False
        trial = self._exchange.ask(
            lambda client: client.query(sql, config, location=self._location, job_retry=None, **self._exchange.bounds)
        )
        with self.reading():
            _check_state(trial)
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
        config.labels = {_LABEL: _mark(sql)}
        if self._listener is not None:
            self._listener.job(job_id)
        try:
            job = self._exchange.ask(
                lambda client: client.query(
                    sql, config, job_id=job_id, location=self._location, job_retry=None, **self._exchange.bounds
                ),
                passing=(Conflict,),
            )
        except Conflict as conflict:
            job = self._first(job_id, sql, conflict)
        except Unreachable as lost:
            raise self._with_job(lost, job_id, "so it is not known whether the job {} was started") from lost
        done = self._ended(job, job_id)
        if self._listener is not None:
            self._listener.job(job_id, done.total_bytes_processed)
        return done

    def results(self, job: bigquery.QueryJob) -> list[dict[str, Value]]:
        """Return the rows of a finished query job."""
        # Asking for a page of rows at once saves the exchange that would only ask whether there are any.
        return self._pages(
            self._exchange.ask(lambda _: job.result(page_size=_PAGE, job_retry=None, **self._exchange.bounds))
        )

    def _config(self, parameters: Iterable[tuple[str, Value]]) -> bigquery.QueryJobConfig:
        config = bigquery.QueryJobConfig(default_dataset=self._dataset)
        config.query_parameters = query_parameters(parameters)
        return config

    def _first(self, job_id: str, sql: str, conflict: Conflict) -> bigquery.QueryJob:
        """Return the job that took this id first. BigQuery may deny knowing it for a moment."""
        told = said(conflict)
        if "Already Exists" in told.message and "Already Exists: Job" not in told.message:
            raise judged(told, self._exchange.place) from conflict
        # Outside US and EU a job is found only with its location, which the refusal names.
        named = re.search(rf":([\w-]+)\.{re.escape(job_id)}\b", told.message)
        location = self._location or (named[1] if named else None)
        deadline = time.monotonic() + self._exchange.place.timeout
        while True:
            try:
                job = self._get(job_id, location)
                break
            except NotThere:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(self._exchange.place.timeout / 20)
        if not isinstance(job, bigquery.QueryJob) or job.labels.get(_LABEL, _mark(sql)) != _mark(sql):
            raise StatementFailed(
                f"The job id {job_id} belongs to another statement, so this one was not run.",
                remedy="Run it as a new attempt, under an id of its own.",
            )
        return job

    def _get(self, job_id: str, location: str | None) -> Any:
        try:
            return self._exchange.ask(lambda client: client.get_job(job_id, location=location, **self._exchange.bounds))
        except Unreachable as lost:
            raise self._with_job(lost, job_id, "while the job {} may still be running") from lost

    def _ended(self, job: bigquery.QueryJob, job_id: str) -> bigquery.QueryJob:
        """Wait for the job's end. Polled, because the client's own wait is not bounded (BIGQUERY 78, 79)."""
        deadline = time.monotonic() + self._job_timeout
        pause = _POLL_FIRST
        while self._runs(job):
            if time.monotonic() >= deadline:
                raise Unreachable(
                    f"The job {job_id} did not end within {self._job_timeout:g} s and is still running.",
                    remedy=self._look(job_id, job.location),
                )
            time.sleep(pause)
            pause = min(pause * _POLL_GROWTH, _POLL_LONGEST)
            job = self._get(job_id, job.location or self._location)
        if job.error_result:
            raise judged(said_by_job(job.error_result), self._exchange.place)
        self._location = self._location or job.location
        return job

    def _runs(self, job: bigquery.QueryJob) -> bool:
        with self.reading():
            _check_state(job)
        return bool(job.state != "DONE")

    def _with_job(self, lost: Unreachable, job_id: str, words: str) -> Unreachable:
        return Unreachable(
            f"{lost.message.rstrip('.')}, {words.format(job_id)}.", remedy=self._look(job_id, self._location)
        )

    def _look(self, job_id: str, location: str | None) -> str:
        where = f" --location={location}" if location else ""
        command = f"bq show{where} --project_id={self._exchange.place.project} -j {job_id}"
        return f"Look with `{command}`; a job of that id never runs twice."

    def _pages(self, listing: RowIterator | Any) -> list[dict[str, Value]]:
        """Read page by page, so that the deadline is for a page and not for all of them."""
        rows: list[dict[str, Value]] = []
        pages = listing.pages
        while (page := self._exchange.ask(lambda _: next(pages, None))) is not None:
            with self.reading():
                rows += [plain_row(row.values(), listing.schema) for row in page]
        with self.reading():
            # An answer without rows is an empty table's only if it says so.
            if listing.total_rows is None or len(rows) < listing.total_rows:
                raise ValueError(listing.total_rows)
        return rows


def _mark(sql: str) -> str:
    """Return what tells statements apart in a job's label.

    Parameters are left out: a resumed run may bring a new time stamp to the statement it resumes.
    """
    return hashlib.sha256(sql.encode()).hexdigest()[:32]


def _check_state(job: bigquery.QueryJob) -> None:
    """An answer without a state is no job's, and would be waited for until the deadline."""
    if job.state not in ("PENDING", "RUNNING", "DONE"):
        raise ValueError(job.state)
