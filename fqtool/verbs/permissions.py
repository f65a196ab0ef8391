"""What each command needs on BigQuery: one table, which `fqtool doctor` proves and the page on permissions prints."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Need(StrEnum):
    """A permission of BigQuery, by its name there."""

    LOOK = "bigquery.tables.get"
    READ = "bigquery.tables.getData"
    JOBS = "bigquery.jobs.create"
    WRITE = "bigquery.tables.updateData"
    ALTER = "bigquery.tables.update"
    CREATE = "bigquery.tables.create"


# What each allows, and the narrowest predefined role that holds it, with where to grant it.
ALLOWS: Mapping[Need, tuple[str, str]] = {
    Need.LOOK: ("look at the table", "BigQuery Metadata Viewer on the dataset"),
    Need.READ: ("read rows", "BigQuery Data Viewer on the table"),
    Need.JOBS: ("run queries", "BigQuery Job User on the project"),
    Need.WRITE: ("change rows", "BigQuery Data Editor on the table"),
    Need.ALTER: ("alter the table", "BigQuery Data Editor on the dataset"),
    Need.CREATE: ("create tables", "BigQuery Data Editor on the dataset"),
}
_READER = (Need.LOOK, Need.READ, Need.JOBS)
# `check-drift` and `migrate status` read the ledger by tabledata.list, which is no job.
COMMANDS: Mapping[str, tuple[Need, ...]] = {
    "init --from-table": (Need.LOOK,),
    "check-drift --no-ledger": (Need.LOOK,),
    "check-drift": (Need.LOOK, Need.READ),
    "check-drift --data": _READER,
    "migrate plan": (Need.LOOK, Need.READ),
    "migrate status": (Need.LOOK, Need.READ),
    "migrate": (*_READER, Need.WRITE, Need.ALTER, Need.CREATE),
    "score": (*_READER, Need.WRITE),
    "backfill": (*_READER, Need.WRITE, Need.CREATE),
    "diagnose": _READER,
    "daily": _READER,
    "explain": _READER,
    "report": _READER,
    "models --date": _READER,
    "cost": _READER,
    "diff --start": _READER,
    "doctor": (Need.LOOK,),
}
