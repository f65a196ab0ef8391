"""Rows of a program into a DuckDB table in bulk."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fqtool.errors import NotThere
from fqtool.table.model import Table
from fqtool.warehouse.duckdb import DuckDBWarehouse
from fqtool.warehouse.duckdb_errors import judged
from fqtool.warehouse.duckdb_files import rows_in
from fqtool.warehouse.duckdb_texts import all_right
from fqtool.warehouse.duckdb_types import quoted


def load(warehouse: DuckDBWarehouse, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows into a table that stands, all or none, and return how many; columns that a row lacks are NULL.

    Values are what JSON says, and dates and times. Raises NotThere, StatementFailed, WorldError.
    """
    table = warehouse.describe(name)
    if not isinstance(table, Table):
        raise NotThere(f"There is no table {name} in {warehouse.url}.", remedy="fqtool migrate")
    with tempfile.TemporaryDirectory(prefix="fqtool-") as folder, judged(warehouse.path):
        file, count, named = Path(folder) / "rows.ndjson", 0, dict[str, None]()
        with file.open("w") as stream:
            for count, row in enumerate(rows, 1):  # noqa: B007  counted for the return
                stream.write(json.dumps(row, default=str) + "\n")
                named |= dict.fromkeys(row)
        columns = [one for one in table.columns if one.name in named]
        if columns:
            connection = warehouse.connection()
            listed = ", ".join(quoted(one.name) for one in columns)
            source = all_right(rows_in(connection, file, "json", columns).sql)
            connection.execute(f"INSERT INTO {quoted(name)} ({listed}) {source}")
    return count
