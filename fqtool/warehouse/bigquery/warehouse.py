"""The BigQuery warehouse: tables.get for metadata, jobs.insert with known ids for statements, tabledata.list for rows.

Google's client is loaded, and the connection opened, at the first call, so that the constructor is fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from fqtool.errors import NoTable, StatementFailed
from fqtool.findings.remedy import commands
from fqtool.sql import Query, Value, WholeTable, ident
from fqtool.table.ddl import Statement
from fqtool.table.model import DATASET, Table, View
from fqtool.warehouse.protocol import Budget, Outcome, Pace, Waiting, Writing
from fqtool.warehouse.refused import table_of

if TYPE_CHECKING:
    from google.cloud.bigquery import QueryJob

    from fqtool.warehouse.bigquery.session import Session
    from fqtool.warehouse.tracing import Listener

# BigQuery requires full names of the tables in the text of a view, while a migration file must fit every target.
_HOME = ident(DATASET)


class BigQueryWarehouse:
    """A dataset of a project.

    Args:
        project: The project.
        dataset: The dataset.
        location: The location of the dataset; None: it is read from the first answer.
        timeout: Seconds for each exchange with BigQuery, retries included.
        job_timeout: Seconds to wait for the end of a job, and for attempts while other writers conflict. After that the
            job continues to run, and the error has the command that shows it.
        url: The URL of the target, for messages.

    Credentials are Application Default Credentials. With BIGQUERY_EMULATOR_HOST no credentials are used.
    """

    # BigQuery allows 5 and 50 per 10 s (bigquery.md#metadata); the rest is left for other writers of the table.
    pace: tuple[Pace, Pace] | None = (Pace(4, 10.0), Pace(40, 10.0))
    writing = Writing(Pace(20, 10.0))

    def __init__(
        self,
        project: str,
        dataset: str,
        *,
        location: str | None = None,
        timeout: float = 30.0,
        job_timeout: float = 600.0,
        url: str,
    ) -> None:
        self.project = project
        self.dataset = dataset
        self.location = location
        self.timeout = timeout
        self.url = url
        self._home = ident(project, dataset)
        self._opened: Session | None = None
        self.budget: Budget | None = None
        self.listener: Listener | None = None
        self.waiting = Waiting(job_timeout)

    @property
    def _session(self) -> Session:
        if self._opened is None:
            from fqtool.warehouse.bigquery.session import Session

            self._opened = Session(
                self.project, self.dataset, self.location,
                timeout=self.timeout, waiting=self.waiting, listener=self.listener,
            )  # fmt: skip
        return self._opened

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view with this name, or None: one tables.get, no query. Raises as in the protocol.

        A table with a property that its dataset may have given it needs one datasets.get too.
        """
        session = self._session
        resource = session.table(name)
        if resource is None:
            return None
        from fqtool.warehouse.bigquery.schema import described, inherited, may_inherit

        with session.reading():
            live = described(resource)
            if isinstance(live, Table) and may_inherit(resource):
                return replace(live, inherited=inherited(resource, session.dataset()))
        return replace(live, query=live.query.replace(self._home, _HOME)) if isinstance(live, View) else live

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return the rows of a query, or of a small table with tabledata.list and without a query job.

        A `WholeTable` without types needs a tables.get first. TIMESTAMP is a datetime in UTC, NUMERIC a Decimal, ARRAY
        a tuple, STRUCT a dict, JSON its text.

        Raises:
            StatementFailed, NotThere, Denied, Unreachable, Throttled: As in the protocol.
        """
        session = self._session
        match source:
            case Query():
                return session.results(self._done(source.sql, source.parameters))
            case WholeTable(name, columns, types) if types:
                return session.listed(self._known(name, columns, types), columns, source.added)
            case WholeTable(name, columns):
                resource = session.table(name)
                if resource is None:
                    raise NoTable(
                        f"There is no table {name} in {self.project}.{self.dataset}.",
                        remedy=commands("migrate", first="Check the name, or create it:"),
                    )
                with session.reading():
                    _check_columns(resource, name, columns)
                return session.listed(resource, columns)

    def _known(self, name: str, columns: tuple[str, ...], types: tuple[str, ...]) -> dict[str, object]:
        """Return the part of a table's resource that the listing of its rows needs."""
        fields = [{"name": column, "type": kind} for column, kind in zip(columns, types, strict=True)]
        reference = {"projectId": self.project, "datasetId": self.dataset, "tableId": name}
        return {"tableReference": reference, "schema": {"fields": fields}}

    def run(
        self,
        work: Statement | Query,
        *,
        job: str | None = None,
        dry_run: bool = False,
        max_bytes: int | None = None,
        rejoin: str = "",
    ) -> Outcome:
        """Apply a schema change or run DML, and wait for its end. Arguments are those of the protocol.

        If a job with the id `job` exists, from this process or an earlier one, its outcome is returned. If other
        writers conflict, the statement is tried again until the job timeout. A dry run is free, uses no id, and has the
        configuration of a run. `rejoin` uses jobs.list, which needs no permission for the user's own jobs.

        Raises:
            StatementFailed: BigQuery rejected the statement; the message has its words.
            Denied, NotThere, Throttled, Unreachable: As in the protocol.
        """
        match work:
            case Query(sql, parameters):
                pass
            case Statement() if work.by_patch:
                return self._patch(work, dry_run=dry_run)
            case Statement(sql):
                sql, parameters = sql.replace(_HOME, self._home), ()
        if dry_run:
            return Outcome(bytes_processed=self._session.estimate(sql, parameters, max_bytes=max_bytes))
        if rejoin and job is None:
            job = self._session.unfinished(sql, rejoin)
        done = self._done(sql, parameters, job, max_bytes)
        return Outcome(done.job_id, done.total_bytes_processed, done.num_dml_affected_rows)

    def _patch(self, statement: Statement, *, dry_run: bool) -> Outcome:
        """Write fields of STRUCTs by tables.patch. The outcome has the table's etag afterwards in place of a job."""
        from fqtool.warehouse.bigquery.schema import with_fields_patched

        def patched(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return with_fields_patched(fields, statement.changes)

        return Outcome(self._session.patch(table_of(statement.sql, statement.changes[0]), patched, dry_run=dry_run))

    def _done(
        self,
        sql: str,
        parameters: Iterable[tuple[str, Value]],
        job: str | None = None,
        max_bytes: int | None = None,
    ) -> QueryJob:
        """Run a statement within the budget, and add its bytes to the budget."""
        budget = self.budget
        if budget is not None:
            max_bytes = budget.left if max_bytes is None else min(max_bytes, budget.left)
        done = self._session.run(sql, parameters, job_id=job, max_bytes=max_bytes)
        if budget is not None:
            budget.pay(done.total_bytes_billed, done.total_bytes_processed)
        return done

    def close(self) -> None:
        """Close the connection, if it is open. A later call opens it again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_columns(resource: dict[str, object], name: str, columns: tuple[str, ...]) -> None:
    """Raise StatementFailed for unknown columns, which tabledata.list leaves out without an error."""
    from fqtool.warehouse.bigquery.schema import column_names

    missing = [column for column in columns if column.lower() not in column_names(resource)]
    if missing:
        raise StatementFailed(
            f"The table {name} has no column {', '.join(missing)}.",
            remedy="Another version of fqtool, or a manual change, may have created this table.",
        )
