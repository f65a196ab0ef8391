"""The statement by which a writer puts a batch of records into the table: a MERGE that names every column."""

from __future__ import annotations

from fqtool.registry.model import Registry
from fqtool.schema.build import desired_table
from fqtool.schema.row_dates import dates_of, row_dates
from fqtool.sql import ident
from fqtool.table.column import Column


def batch_table(registry: Registry) -> str:
    """Return the name of the table that the records are loaded into first."""
    return f"{registry.table.name}_batch"


def writer_merge(registry: Registry) -> str:
    """Return the MERGE of a batch; of the rows of @date where rows have a date.

    The batch has every column. A column with a default value keeps what is stored, or gets the default, where the batch
    has NULL.
    """
    columns = desired_table(registry).columns
    keys = [key.lower() for key in registry.table.keys]
    listed = ",\n    ".join(ident(column.name) for column in columns)
    dated = dates_of(registry) is not None
    where = f"\n  WHERE {row_dates(registry).on('@date')}" if dated else ""
    matches = [f"t.{ident(key)} = s.{ident(key)}" for key in registry.table.keys]
    matches = [row_dates(registry).on("@date", "t"), *matches] if dated else matches
    updates = ",\n    ".join(
        f"{ident(column.name)} = {_updated(column)}" for column in columns if column.key not in keys
    )
    values = ",\n    ".join(map(_inserted, columns))
    return (
        f"MERGE {ident(registry.table.name)} AS t\nUSING (\n  SELECT\n    {listed}\n"
        f"  FROM {ident(batch_table(registry))}{where}\n) AS s\nON {' AND '.join(matches)}\n"
        f"WHEN MATCHED THEN\n  UPDATE SET\n    {updates}\n"
        f"WHEN NOT MATCHED THEN\n  INSERT (\n    {listed}\n  )\n  VALUES (\n    {values}\n  )"
    )


def _updated(column: Column) -> str:
    value = f"s.{ident(column.name)}"
    return value if column.default is None else f"IFNULL({value}, t.{ident(column.name)})"


def _inserted(column: Column) -> str:
    value = f"s.{ident(column.name)}"
    return value if column.default is None else f"IFNULL({value}, {column.default})"
