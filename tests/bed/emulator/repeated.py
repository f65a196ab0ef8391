"""A repeated column keeps its ARRAY type where an expression's types are looked up.

Without it `features[SAFE_OFFSET(1)]` in a query that is also rewritten, as COUNTIF is, reads the value before.
Replaces `build_catalog_schema` of bqemulator.sql.inner_query.
"""

from __future__ import annotations

from typing import Any

import sqlglot
from bqemulator.sql import inner_query
from sqlglot import exp

from .hooks import override


def install() -> None:
    """Patches bqemulator; once, before the server starts."""

    def build(bq_sql: str, *, project_id: str, catalog: Any) -> dict[str, dict[str, str]]:
        schema = original(bq_sql, project_id=project_id, catalog=catalog)
        for table in sqlglot.parse_one(bq_sql, read="bigquery").find_all(exp.Table) if schema else ():
            columns = schema.get(table.name)
            if columns and table.db:
                meta = catalog.get_table(table.catalog or project_id, table.db, table.name)
                repeated = {field.name for field in meta.schema_.fields if field.mode == "REPEATED"}
                schema[table.name] = {name: f"{kind.removesuffix('[]')}{'[]' * (name in repeated)}" for name, kind in columns.items()}
        return schema

    original = override(inner_query, "build_catalog_schema", build)
