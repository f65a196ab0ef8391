"""Jobs with known ids: wait for them, find them again, and leave or cancel them after Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from fqtool.errors import FqtoolError, StatementFailed, Throttled, Unreachable
from fqtool.warehouse.bigquery.errors import judged, report_of, report_of_job
from fqtool.warehouse.bigquery.exchange import Exchange
from fqtool.warehouse.protocol import UnfinishedJob, Waiting

_POLL_FIRST, _POLL_GROWTH, _POLL_LONGEST = 0.1, 1.5, 5.0
# At most this many unfinished jobs of a user are checked.
_LISTED = 200
# Seconds until the first line of progress; the time doubles for each further line.
_PROGRESS_FIRST, _PROGRESS_LONGEST = 10.0, 60.0


class Jobs:
    """The jobs of a project. `waiting` has the longest wait and reports progress."""

    def __init__(self, exchange: Exchange, waiting: Waiting) -> None:
        self._exchange = exchange
        self._waiting = waiting

    def get(self, job_id: str, location: str | None) -> Any:
        """Return a job that BigQuery has accepted. BigQuery may report it as not found for a moment.

        Args:
            job_id: The id of the job.
            location: The location of the job, or None.

        Raises:
            Unreachable: BigQuery does not find the job, or does not answer. It is unknown whether the job ran.
        """
        deadline = time.monotonic() + self._exchange.place.timeout
        while True:
            try:
                return self._exchange.ask(
                    lambda client: client.get_job(job_id, location=location, **self._exchange.bounds),
                    passing=(NotFound,),
                )
            except NotFound as error:
                report = report_of(error)
                if not report.absent_job:
                    raise judged(report, self._exchange.place) from error
                if time.monotonic() >= deadline:
                    raise Unreachable(
                        f"BigQuery accepted the job {job_id} but does not find it now, so it is unknown whether it "
                        f"ran: {report.or_else('no reason given')}.",
                        remedy=self._look(job_id, location),
                    ) from error
                time.sleep(self._exchange.place.timeout / 20)
            except Unreachable as lost:
                raise self.with_job(lost, job_id, location, "while the job {} may still be running") from lost

    def unfinished(self) -> Iterator[bigquery.QueryJob]:
        """Yield the unfinished query jobs of the user: running ones, then pending ones, each newest first."""
        for state in ("running", "pending"):
            listed = self._exchange.ask(
                lambda client, state=state: list(  # type: ignore[misc]
                    client.list_jobs(state_filter=state, max_results=_LISTED, **self._exchange.bounds)
                )
            )
            yield from (job for job in listed if isinstance(job, bigquery.QueryJob))

    def ended(self, job: bigquery.QueryJob, job_id: str, location: str | None) -> bigquery.QueryJob:
        """Wait for the end of a job by polling: the client's own wait has no deadline (bigquery.md#timeouts).

        Raises:
            Unreachable: The job did not end in time, or requests about it were refused for longer than one exchange.
                Errors of the job are raised as errors of fqtool.
        """
        start, pause, reported, step = time.monotonic(), _POLL_FIRST, 0.0, _PROGRESS_FIRST
        refused = 0.0
        while not self._is_done(job):
            waited = time.monotonic() - start
            if waited >= self._waiting.longest:
                look = self._look(job_id, job.location)
                raise Unreachable(
                    f"The job {job_id} did not end within {self._waiting.longest:g} s and is still running.",
                    remedy=f"{look} To wait longer, write `--job-timeout SECONDS` before the command.",
                )
            if waited >= reported + step:
                reported, step = waited, min(step * 2, _PROGRESS_LONGEST)
                left = self._waiting.longest - waited
                self._waiting.report(
                    f"The job {job_id} is {job.state} after {waited:.0f} s; waiting {left:.0f} s more."
                )
            time.sleep(pause)
            pause = min(pause * _POLL_GROWTH, _POLL_LONGEST)
            try:
                job, refused = self.get(job_id, job.location or location), 0.0
            except Throttled as error:
                # The job continues without requests.
                refused = refused or time.monotonic()
                if time.monotonic() - refused >= self._exchange.place.timeout:
                    words = "so it is not known whether the job {} has ended"
                    raise self.with_job(Unreachable(error.message), job_id, job.location or location, words) from error
                pause = min(_POLL_LONGEST, self._exchange.place.timeout)
        if job.error_result:
            raise judged(report_of_job(job.error_result), self._exchange.place)
        return job

    @contextmanager
    def interruptible(self, job_id: str, location: Callable[[], str | None]) -> Iterator[None]:
        """In a block, ask at Ctrl-C whether to cancel the job; otherwise it continues to run.

        Args:
            job_id: The id of the job.
            location: Returns the location of the job, which may become known in the block.
        """
        project, unfinished = self._exchange.place.project, self._waiting.unfinished

        def described() -> UnfinishedJob:
            return UnfinishedJob(job_id, f"bq{_at(location())} --project_id={project} cancel {job_id}")

        unfinished[job_id] = described
        try:
            yield
        except Unreachable:
            # It may still be running, also if another thread has closed the connection.
            raise
        except KeyboardInterrupt:
            del unfinished[job_id]
            if self._waiting.cancels(described()):
                self._cancel(job_id, location())
            raise
        except BaseException:
            del unfinished[job_id]
            raise
        else:
            del unfinished[job_id]

    def _cancel(self, job_id: str, location: str | None) -> None:
        try:
            self._exchange.ask(lambda client: client.cancel_job(job_id, location=location, **self._exchange.bounds))
            self.ended(self.get(job_id, location), job_id, location)
        except StatementFailed as error:
            self._waiting.report(f"{job_id}: {error.message}")
        except FqtoolError as error:
            self._waiting.report(f"The job {job_id} may still be running: {error}")
        else:
            self._waiting.report(f"The job {job_id} ended before it could be cancelled.")

    def _is_done(self, job: bigquery.QueryJob) -> bool:
        with self._exchange.reading():
            check_state(job)
        return bool(job.state == "DONE")

    def with_job(self, lost: Unreachable, job_id: str, location: str | None, words: str) -> Unreachable:
        """Return the error with a clause about the job.

        Args:
            lost: The error.
            job_id: The id of the job.
            location: Its location, or None.
            words: The clause, with {} for the id.
        """
        return Unreachable(f"{lost.message.rstrip('.')}, {words.format(job_id)}.", remedy=self._look(job_id, location))

    def _look(self, job_id: str, location: str | None) -> str:
        command = f"bq{_at(location)} --project_id={self._exchange.place.project} show -j {job_id}"
        return f"Run `{command}` to see its state; a job with this id never runs twice."


def _at(location: str | None) -> str:
    """Return the option `--location`, which belongs to bq, not to its commands."""
    return f" --location={location}" if location else ""


def check_state(job: bigquery.QueryJob) -> None:
    """Raise ValueError for an answer without a state: it is not a job, and the wait would last until the deadline."""
    if job.state not in ("PENDING", "RUNNING", "DONE"):
        raise ValueError(job.state)
