"""BigQuery as a Warehouse: tables.get to look, jobs.insert under a known id to work, tabledata.list to read.

Google's client is loaded and a connection opened at the first call, so that constructing costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from fqtool.errors import NotThere, StatementFailed
from fqtool.sql import Query, Value, WholeTable, ident
from fqtool.table.model import DATASET, Table, View
from fqtool.table.statement import Statement
from fqtool.warehouse.protocol import Outcome, Pace, Writing

if TYPE_CHECKING:
    from fqtool.warehouse.bigquery_session import Session
    from fqtool.warehouse.told import Listener

# BigQuery wants the tables in a view's text named in full, while a migration file fits every target.
_HOME = ident(DATASET)


class BigQueryWarehouse:
    """One dataset of one project.

    `timeout` bounds each exchange with BigQuery, its retries included; `job_timeout` bounds the wait for a job's
    end, after which the job runs on and the error says where to look. Credentials are Application Default
    Credentials; none are looked for when BIGQUERY_EMULATOR_HOST names an emulator.
    """

    # BigQuery allows 5 and 50 in ten seconds (BIGQUERY 38); the distance is for whoever else works on the table.
    pace: tuple[Pace, Pace] | None = (Pace(4, 10.0), Pace(40, 10.0))
    writing = Writing(2, Pace(20, 10.0))

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
        self.job_timeout = job_timeout
        self.url = url
        self._home = ident(project, dataset)
        self._opened: Session | None = None
        self.listener: Listener | None = None

    @property
    def _session(self) -> Session:
        if self._opened is None:
            from fqtool.warehouse.bigquery_session import Session

            self._opened = Session(
                self.project, self.dataset, self.location,
                timeout=self.timeout, job_timeout=self.job_timeout, listener=self.listener,
            )  # fmt: skip
        return self._opened

    def describe(self, name: str) -> Table | View | None:
        """Return the table or view of that name, or None if the dataset has none: one tables.get, no query.

        Raises NotThere for an absent dataset or project, Denied, Unreachable, Throttled.
        """
        session = self._session
        resource = session.table(name)
        if resource is None:
            return None
        from fqtool.warehouse.bigquery_schema import described

        with session.reading():
            found = described(resource)
        return replace(found, query=found.query.replace(self._home, _HOME)) if isinstance(found, View) else found

    def rows(self, source: Query | WholeTable) -> list[dict[str, Value]]:
        """Return a query's rows, or a small table's without a query job: tabledata.list alone.

        Where the source does not say its types, a tables.get comes first.

        TIMESTAMP is an aware UTC datetime, NUMERIC a Decimal, ARRAY a tuple, STRUCT a dict, JSON its text.
        Raises StatementFailed, NotThere, Denied, Unreachable, Throttled.
        """
        session = self._session
        match source:
            case Query():
                return session.results(session.run(source.sql, source.parameters))
            case WholeTable(name, columns, types) if types:
                return session.listed(self._known(name, columns, types), columns)
            case WholeTable(name, columns):
                resource = session.table(name)
                if resource is None:
                    raise NotThere(
                        f"There is no table {name} in {self.project}.{self.dataset}.",
                        remedy="Check the name, or create it with `fqtool migrate`.",
                    )
                with session.reading():
                    _check_columns(resource, name, columns)
                return session.listed(resource, columns)

    def _known(self, name: str, columns: tuple[str, ...], types: tuple[str, ...]) -> dict[str, object]:
        """A table's resource as far as listing its rows needs it."""
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
    ) -> Outcome:
        """Make a schema change or run DML, and wait for its end.

        With `job` the work is done at most once: if a job of that id exists, its end is waited for and its
        outcome told, whether it was sent by this process or by an earlier one. A dry run is free and reserves
        no id. Raises StatementFailed with BigQuery's words, Denied, NotThere, Throttled, Unreachable.
        """
        match work:
            case Query(sql, parameters):
                pass
            case Statement(sql):
                sql, parameters = sql.replace(_HOME, self._home), ()
        if dry_run:
            return Outcome(bytes_processed=self._session.estimate(sql, parameters))
        done = self._session.run(sql, parameters, job_id=job, max_bytes=max_bytes)
        return Outcome(done.job_id, done.total_bytes_processed, done.num_dml_affected_rows)

    def close(self) -> None:
        """Close the connection, if one was opened; a later call opens another."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_columns(resource: dict[str, object], name: str, columns: tuple[str, ...]) -> None:
    """tabledata.list leaves unknown columns out without a word."""
    from fqtool.warehouse.bigquery_schema import column_names

    missing = [column for column in columns if column.lower() not in column_names(resource)]
    if missing:
        raise StatementFailed(
            f"The table {name} has no column {', '.join(missing)}.",
            remedy="Another version of fqtool, or another hand, may have made this table.",
        )
