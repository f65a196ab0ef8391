"""A process that dies in the middle of a statement: `python -m tests.killed_statement FILE CASE STEP`.

It makes the statement of a case of `CHANGES` and sends itself SIGKILL before DuckDB's call number STEP of it, so that
nothing of Python's own clean-up runs. It prints how many calls there were, if it lives.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from fqtool.sql import Query
from fqtool.table.changes import AddColumn, Change, CreateTable, SetDescription, SetType
from fqtool.table.column import Column, Kind, Type
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.table.typetext import column
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse

TABLE = Table("t", (Column("k", Type(Kind.INT64)), Column("s", Type(Kind.STRING, length=9))))
_ADDED = (
    AddColumn(Column("new", Type(Kind.STRING, length=5), description="words")),
    AddColumn(column("many", "ARRAY<INT64>")),
)
# The columns of the second case are added by a rebuild of the table.
CHANGES: dict[str, tuple[Change, ...]] = {
    "few": (*_ADDED, SetType("k", Type(Kind.FLOAT64)), SetDescription(("s",), "reviewed")),
    "many": (*_ADDED, *(AddColumn(Column(f"c{n}", Type(Kind.INT64), description=f"{n}")) for n in range(160))),
}
JOB = "fqtool_0001_1"


class Counting:
    """A connection that kills its process before one of its calls."""

    def __init__(self, connection: Any, fatal: int) -> None:
        self._connection = connection
        self._fatal = fatal
        self.calls = 0

    def execute(self, *given: Any) -> Any:
        """Count, die or pass on."""
        if self.calls == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self.calls += 1
        return self._connection.execute(*given)

    def close(self) -> None:
        """Pass on."""
        self._connection.close()


def prepare(path: str) -> None:
    """Create the table with a row in it."""
    with DuckDBWarehouse(path) as warehouse:
        warehouse.run(Statement("", (CreateTable(TABLE),)))
        warehouse.run(Query("INSERT INTO t (k, s) VALUES (1, 'x')"))


def main(path: str, case: str, fatal: int) -> None:
    """Make the statement, or die."""
    with DuckDBWarehouse(path) as warehouse:
        counting = Counting(warehouse._connection(writing=True), fatal)
        warehouse._opened = counting  # type: ignore[assignment]
        warehouse.run(Statement("ALTER TABLE `t` ADD COLUMN", CHANGES[case]), job=JOB)
        sys.stdout.write(f"{counting.calls}\n")
        sys.stdout.flush()
        if fatal == counting.calls:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
