"""What BigQuery refuses of a table, whichever statement makes it. One entry of `RULES` for each reason.

Sources: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language,
https://cloud.google.com/bigquery/docs/reference/standard-sql/collation-concepts, https://cloud.google.com/bigquery/quotas
"""

from __future__ import annotations

from collections.abc import Iterator

from fqtool.table.change_options import key_refusal
from fqtool.table.ddl_grammar import range_of
from fqtool.table.model import Table
from fqtool.table.properties import COLUMN_PROPERTIES, TABLE_PROPERTIES, table_values, with_fields

_PARTITION_LIMIT = 10_000  # bigquery.md#limits


def refused_of(table: Table) -> Iterator[tuple[str, str]]:
    """Yield what BigQuery refuses of a table: the name of the column or of the part, and the reason as a clause."""
    for of_table in RULES:
        yield from of_table(table)


def _key(table: Table) -> Iterator[tuple[str, str]]:
    if why := key_refusal(table, table.primary_key):
        yield "primary_key", why


def _ranges(table: Table) -> Iterator[tuple[str, str]]:
    bounds = range_of(table.partitioning) if table.partitioning else {}
    count = -(-(bounds["end"] - bounds["start"]) // bounds["interval"]) if bounds and bounds["interval"] > 0 else 0
    if count > _PARTITION_LIMIT:
        yield "partition_expr", f"the table would have {count:,} partitions; at most {_PARTITION_LIMIT:,} are allowed"


def _collated_clustering(table: Table) -> Iterator[tuple[str, str]]:
    for name in table.clustering:
        column = table.find(name)
        if column and (collation := dict(column.properties).get("collation")):
            yield name, f"{name} has the collation {collation}, and the table cannot be clustered by it"


def _values_of_columns(table: Table) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        for path, field in with_fields(column) if column.properties or column.type.fields else ():
            for name, value in field.properties:
                row = COLUMN_PROPERTIES.get(name)
                if row and (why := row.refusal(value, field.type.kind)):
                    yield ".".join(path), f"{name} of {'.'.join(path)} {why}"


def _values_of_the_table(table: Table) -> Iterator[tuple[str, str]]:
    for name, value in table_values(table).items():
        row = TABLE_PROPERTIES.get(name)
        if row and (why := row.refusal(value)):
            yield row.sql or name, f"{row.sql or name} {why}"


RULES = (_key, _ranges, _collated_clustering, _values_of_columns, _values_of_the_table)
