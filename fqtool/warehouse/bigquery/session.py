"""Requests to BigQuery: read and list tables, and run every job with an id that is known before."""

from __future__ import annotations

import hashlib
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from fqtool.errors import (
    BytesLimitExceeded,
    Cancelled,
    ConcurrentUpdate,
    Denied,
    QuotaSpent,
    StatementFailed,
    Throttled,
    Unreachable,
)
from fqtool.sql import Value
from fqtool.warehouse.bigquery.errors import judged, report_of
from fqtool.warehouse.bigquery.exchange import Exchange
from fqtool.warehouse.bigquery.jobs import Jobs, check_state
from fqtool.warehouse.bigquery.values import plain_row, query_parameters
from fqtool.warehouse.protocol import Waiting

if TYPE_CHECKING:
    from fqtool.warehouse.tracing import Listener

_PAGE = 10_000
_LABEL = "fqtool"
# Seconds before another attempt if others write to the same table. Random, so that two writers do not conflict again.
_PAUSE_FIRST, _PAUSE_LONGEST = 1.0, 30.0
# Seconds after a rate limit: the interval in which BigQuery counts (bigquery.md#metadata).
_RATE_PAUSE = 10.0


class Session:
    """Requests to one dataset. Its location is read from the first answer that has it."""

    def __init__(
        self,
        project: str,
        dataset: str,
        location: str | None,
        *,
        timeout: float,
        waiting: Waiting,
        listener: Listener | None = None,
    ) -> None:
        self._exchange = Exchange(project, dataset, timeout, listener)
        self._listener = listener
        self._dataset = bigquery.DatasetReference(project, dataset)
        self._location = location
        self._waiting = waiting
        self._jobs = Jobs(self._exchange, waiting)
        self._unfinished: dict[str, str] | None = None
        self._described: dict[str, Any] | None = None
        self.reading = self._exchange.reading
        self.close = self._exchange.close

    def table(self, name: str) -> dict[str, Any] | None:
        """Return the REST resource of a table or view with one tables.get; None if it does not exist."""
        try:
            table = self._exchange.ask(
                lambda client: client.get_table(self._dataset.table(name), **self._exchange.bounds), passing=(NotFound,)
            )
        except NotFound as error:
            report = report_of(error)
            if report.absent_table:
                return None
            raise judged(report, self._exchange.place) from error
        with self.reading():
            resource: dict[str, Any] = table.to_api_repr()
            # A dataset may ignore case, and then returns the name in its original case (bigquery.md#names).
            if resource["tableReference"]["tableId"].casefold() != name.casefold():
                raise ValueError(name)
            resource["tableReference"]["tableId"] = name
            self._location = self._location or resource.get("location")
        return resource

    def dataset(self) -> dict[str, Any]:
        """Return the resource of the dataset with one datasets.get in the life of the session.

        Without the permission it is empty.
        """
        if self._described is None:
            try:
                found = self._exchange.ask(lambda client: client.get_dataset(self._dataset, **self._exchange.bounds))
                self._described = found.to_api_repr()
            except Denied:
                self._described = {}
        return self._described

    def patch(
        self, name: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], *, dry_run: bool = False
    ) -> str:
        """Change the fields of a table by tables.patch, and return the etag of the table afterwards.

        The request has the etag of the table that was read, so BigQuery rejects it if the table was changed since.
        The change is then applied to the changed table, until the job timeout. A change that the table has already
        sends no request, so it may be repeated.

        Args:
            name: The name of the table.
            change: Returns the fields to write for the fields of the table.
            dry_run: Only compute the fields.
        """
        start, pauses = time.monotonic(), _pauses()
        for attempt in count(1):
            resource = self.table(name)
            if resource is None:
                raise StatementFailed(f"There is no table {name}.")
            with self.reading():
                fields, etag = resource["schema"]["fields"], str(resource["etag"])
            new = change(fields)
            if new == fields or dry_run:
                return etag
            try:
                return self._schema_patched({**resource, "schema": {**resource["schema"], "fields": new}})
            except PreconditionFailed as changed:
                error = ConcurrentUpdate(
                    f"BigQuery did not change {name} because it was changed in the meantime: {changed.message}.",
                    remedy="Nothing was changed. Run the same command again.",
                )
                self._pause(next(pauses), attempt, start, error)
        raise AssertionError

    def _schema_patched(self, resource: dict[str, Any]) -> str:
        """Send the schema of a resource with its etag as If-Match, and return the new etag."""
        table = bigquery.Table.from_api_repr(resource)
        changed = self._exchange.ask(
            lambda client: client.update_table(table, ["schema"], **self._exchange.bounds),
            passing=(PreconditionFailed,),
        )
        return str(changed.etag)

    def listed(
        self, resource: dict[str, Any], columns: tuple[str, ...], added: tuple[str, ...] = ()
    ) -> list[dict[str, Value]]:
        """Return all rows of a table with tabledata.list: no job, no cost.

        Args:
            resource: The table, or what is known of it.
            columns: The columns to return.
            added: The last columns of the table, which it may lack; then they are None. No columns are selected then:
                whether BigQuery accepts an absent one is not documented.
        """
        with self.reading():
            # The number of rows must come from the listing itself.
            table = bigquery.Table.from_api_repr({key: resource[key] for key in resource if key != "numRows"})
            names = {column.lower() for column in columns}
            # Values are in the order of the table, whatever order is requested.
            selected = [field for field in table.schema if field.name.lower() in names]
        listing = self._exchange.ask(
            lambda client: client.list_rows(table, selected_fields=None if added else selected, **self._exchange.bounds)
        )
        rows = self._pages(listing, len(added))
        spelling = {field.name.lower(): field.name for field in selected}
        return [{column: row.get(spelling[column.lower()]) for column in columns} for row in rows]

    def estimate(
        self, sql: str, parameters: Iterable[tuple[str, Value]], *, max_bytes: int | None = None
    ) -> int | None:
        """Return the bytes that a statement would process. BigQuery checks the statement and does not run it.

        Args:
            sql: The statement.
            parameters: The names and values of its query parameters.
            max_bytes: The most bytes that may be billed.
        """
        config = self._config(sql, parameters, max_bytes)
        config.dry_run = True
        # A cached result would be estimated as 0 bytes.
        config.use_query_cache = False
        trial = self._exchange.ask(
            lambda client: client.query(sql, config, location=self._location, job_retry=None, **self._exchange.bounds)
        )
        with self.reading():
            check_state(trial)
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
        """Run a statement so that it takes effect at most once, and return the finished job.

        If BigQuery did not run a statement because of other writers or rate limits, it is sent again until the job
        timeout, with growing pauses. A failed id cannot be used again (bigquery.md#job-ids), so each attempt has a new
        id, derived from the first. A later process uses the same ids, and sends an id only after the one before it
        failed.
        """
        job_id, start = job_id or f"fqtool-{uuid.uuid4().hex}", time.monotonic()
        pauses = _pauses()
        for attempt in count():
            name = f"{job_id}-again{attempt}" if attempt else job_id
            sent, job = True, None
            try:
                with self._jobs.interruptible(name, lambda: self._location):
                    job, sent = self._sent(sql, parameters, name, max_bytes)
                    self._location = self._location or job.location
                    return self._ended(job, name)
            except (ConcurrentUpdate, Throttled) as error:
                # A throttled request was repeated already; a job that failed because of the rate was not.
                if isinstance(error, QuotaSpent) or (isinstance(error, Throttled) and job is None):
                    raise
                if sent:
                    pause = next(pauses) + (_RATE_PAUSE if isinstance(error, Throttled) else 0)
                    self._pause(pause, attempt + 1, start, error)
            except (BytesLimitExceeded, Cancelled):
                # A job of an earlier process may have had a smaller limit, or its user may have cancelled it.
                if sent:
                    raise
        raise AssertionError

    def unfinished(self, sql: str, table: str) -> str | None:
        """Return the id of a running job of the same statement from an earlier process, or None.

        Jobs are listed once, before this process changes the table. A job that started before the last change of the
        table is not returned, because it does not see rows that were written since.
        """
        if self._unfinished is None:
            jobs = [job for job in self._jobs.unfinished() if job.default_dataset == self._dataset]
            resource = (self.table(table) if jobs else None) or {}
            with self.reading():
                changed = int(resource.get("lastModifiedTime") or 0) / 1000
                current = [job for job in jobs if job.created.timestamp() >= changed]
            self._unfinished = {str(job.labels.get(_LABEL)): str(job.job_id) for job in current}
        job_id = self._unfinished.get(_mark(sql))
        if job_id is not None:
            self._waiting.report(f"The job {job_id} of an earlier run has not ended; waiting for it.")
        return job_id

    def _pause(self, seconds: float, attempts: int, start: float, error: ConcurrentUpdate | Throttled) -> None:
        """Wait before another attempt, or raise `error` if the job timeout leaves no time for it."""
        waited = time.monotonic() - start
        if waited + seconds > self._waiting.longest:
            words = f"{error.message.rstrip('.')}; {attempts} attempts in {waited:.0f} s."
            raise type(error)(words, remedy=error.remedy) from error
        self._waiting.report(f"{error.message} Attempt {attempts + 1} follows in {seconds:.0f} s.")
        time.sleep(seconds)

    def _sent(
        self, sql: str, parameters: Iterable[tuple[str, Value]], job_id: str, max_bytes: int | None
    ) -> tuple[bigquery.QueryJob, bool]:
        """Return the job with this id, and whether it was sent now.

        After a lost answer, the client sends the same id again, and BigQuery answers 409: the first job is then the
        result (bigquery.md#job-ids).
        """
        config = self._config(sql, parameters, max_bytes)
        if self._listener is not None:
            self._listener.job(job_id)
        try:
            return self._exchange.ask(
                lambda client: client.query(
                    sql, config, job_id=job_id, location=self._location, job_retry=None, **self._exchange.bounds
                ),
                passing=(Conflict,),
            ), True
        except Conflict as conflict:
            return self._first(job_id, sql, conflict), False
        except Unreachable as lost:
            words = "so it is not known whether the job {} was started"
            raise self._jobs.with_job(lost, job_id, self._location, words) from lost

    def results(self, job: bigquery.QueryJob) -> list[dict[str, Value]]:
        """Return the rows of a finished query job."""
        # The request for a page of rows saves an exchange that would only ask whether rows exist.
        return self._pages(
            self._exchange.ask(lambda _: job.result(page_size=_PAGE, job_retry=None, **self._exchange.bounds))
        )

    def _config(
        self, sql: str, parameters: Iterable[tuple[str, Value]], max_bytes: int | None
    ) -> bigquery.QueryJobConfig:
        """Return the configuration of a run, and of its dry run, so that both fail for the same reasons."""
        config = bigquery.QueryJobConfig(default_dataset=self._dataset)
        config.query_parameters = query_parameters(parameters)
        config.labels = {_LABEL: _mark(sql)}
        if max_bytes is not None:
            # The setter of the client is str(value): None would be sent as "None", which BigQuery rejects.
            config.maximum_bytes_billed = max_bytes
        return config

    def _first(self, job_id: str, sql: str, conflict: Conflict) -> bigquery.QueryJob:
        """Return the first job with this id. BigQuery may report it as not found for a moment."""
        report = report_of(conflict)
        if "Already Exists" in report.message and "Already Exists: Job" not in report.message:
            raise judged(report, self._exchange.place) from conflict
        # Outside US and EU a job is found only with its location, which the refusal names.
        named = re.search(rf":([\w-]+)\.{re.escape(job_id)}\b", report.message)
        job = self._jobs.get(job_id, self._location or (named[1] if named else None))
        if not isinstance(job, bigquery.QueryJob) or job.labels.get(_LABEL, _mark(sql)) != _mark(sql):
            raise StatementFailed(
                f"The job id {job_id} belongs to another statement, so this one was not run.",
                remedy="Run the statement again with a new id.",
            )
        return job

    def _ended(self, job: bigquery.QueryJob, job_id: str) -> bigquery.QueryJob:
        job = self._jobs.ended(job, job_id, self._location)
        if self._listener is not None:
            self._listener.job(job_id, job.total_bytes_processed)
        return job

    def _pages(self, listing: RowIterator | Any, optional: int = 0) -> list[dict[str, Value]]:
        """Read page by page, so that the deadline applies to each page. Rows may lack the last `optional` columns."""
        rows: list[dict[str, Value]] = []
        pages = listing.pages
        while (page := self._exchange.ask(lambda _: next(pages, None))) is not None:
            with self.reading():
                fields = [listing.schema[: len(listing.schema) - missing] for missing in range(optional + 1)]
                by_length = {len(present): present for present in fields}
                rows += [plain_row(row.values(), by_length[len(row)]) for row in page]
        with self.reading():
            # An answer without rows means an empty table only if its total is 0.
            if listing.total_rows is None or len(rows) < listing.total_rows:
                raise ValueError(listing.total_rows)
        return rows


def _mark(sql: str) -> str:
    """Return the label that identifies the statement of a job.

    Parameters are left out: a resumed run may have a new time for the same statement.
    """
    return hashlib.sha256(sql.encode()).hexdigest()[:32]


def _pauses() -> Iterator[float]:
    """Yield pauses in seconds that double up to the longest, each a random value between half of it and all of it."""
    longest = _PAUSE_FIRST
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311  nothing secret
        longest = min(longest * 2, _PAUSE_LONGEST)
