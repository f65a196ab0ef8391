"""What the catalog keeps of a table beyond bqemulator's `TableMeta`, and the move of storage with it.

Patches `MemoryCatalogRepository` only through its public `get_table`, `create_table`, `update_table`, `delete_table`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import TableFieldSchema, TableMeta
from bqemulator.domain.errors import InvalidQueryError, NotFoundError
from bqemulator.sql.inner_query import rewrite_and_translate_statement
from bqemulator.sql.table_rewriter import rewrite_table_refs
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.sql_identifiers import quoted_table_ref

from .storage import quoted
from .threads import SWAP

Key = tuple[str, str, str]
"""Project, dataset and table id."""


class BedTable(TableMeta):
    """A table or view with everything tables.get shows of it."""

    require_partition_filter: bool = False
    view_text: str | None = None
    """The query as it was written; `view_query` is the same with every table name in full."""
    default_collation: str | None = None
    constraints: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    settings: dict[str, Any] = {}  # noqa: RUF012 - as above
    """Keys of the resource that are only kept."""


def fail(message: str) -> InvalidQueryError:
    """A refusal of the statement, as jobs report it."""
    return InvalidQueryError(message, location="query")


def key_of(table: TableMeta) -> Key:
    """Where a table is."""
    return table.project_id, table.dataset_id, table.table_id


def shown(key: Key) -> str:
    """`project:dataset.table`, as messages spell it."""
    return f"{key[0]}:{key[1]}.{key[2]}"


def bed_table(table: TableMeta, **changes: Any) -> BedTable:
    """The table with changes, a new etag and a new time of change."""
    kept = {name: getattr(table, name) for name in type(table).model_fields} | changes
    made = BedTable.model_construct(**kept)
    etag = generate_etag(*key_of(made), made.table_type, str(made.last_modified_time), str(kept))
    return made.model_copy(update={"etag": etag})


def existing(ctx: Any, key: Key) -> TableMeta:
    """The table or view, or BigQuery's 404."""
    if ctx.catalog.get_dataset(*key[:2]) is None:
        raise NotFoundError(f"Not found: Dataset {key[0]}:{key[1]} was not found in location US")
    table: TableMeta | None = ctx.catalog.get_table(*key)
    if table is None:
        raise NotFoundError(f"Not found: Table {shown(key)} was not found in location US")
    return table


def change_storage(ctx: Any, statements: Iterable[str]) -> None:
    """Runs DuckDB statements as one transaction: all of them happen, or none."""
    ctx.engine.execute("BEGIN")
    try:
        for statement in statements:
            ctx.engine.execute(statement)
        ctx.engine.execute("COMMIT")
    except Exception as error:
        with suppress(Exception):
            ctx.engine.execute("ROLLBACK")
        raise fail(f"Schema change failed: {error}") from error


def save(ctx: Any, table: TableMeta, *, was: TableMeta | None, statements: Iterable[str] = ()) -> None:
    """Storage first, then the catalog; no other request sees one without the other."""
    with SWAP:
        change_storage(ctx, statements)
        now = ctx.clock.now()
        made = bed_table(table, last_modified_time=now, creation_time=was.creation_time if was else now)
        if ctx.catalog.get_table(*key_of(made)) is None:
            ctx.catalog.create_table(made)
        else:
            ctx.catalog.update_table(made)
        empty_arrays(ctx, made)


def drop(ctx: Any, table: TableMeta) -> None:
    """Removes a table or view from storage and catalog."""
    kind = "VIEW" if table.table_type == "VIEW" else "TABLE"
    with SWAP:
        change_storage(ctx, [f"DROP {kind} IF EXISTS {quoted_table_ref(*key_of(table))}"])
        ctx.catalog.delete_table(*key_of(table), not_found_ok=True)
    ctx.snapshots.drop_snapshots_for_table(*key_of(table), include_user=False)


def settle_rows(ctx: Any, key: Key) -> None:
    """After rows were written: no array of a table is NULL in BigQuery, and `numRows` is up to date."""
    table = ctx.catalog.get_table(*key)
    if table is None or table.table_type != "TABLE":
        return
    empty_arrays(ctx, table)
    row = ctx.engine.execute(f"SELECT COUNT(*) FROM {quoted_table_ref(*key)}").fetchone()
    ctx.catalog.update_table(bed_table(table, num_rows=row[0], last_modified_time=ctx.clock.now()))


def empty_arrays(ctx: Any, table: TableMeta) -> None:
    """Makes every NULL array an empty one."""
    for field in table.schema_.fields:
        if field.mode == "REPEATED" and table.table_type == "TABLE":
            name = quoted(field.name)
            ctx.engine.execute(f"UPDATE {quoted_table_ref(*key_of(table))} SET {name} = [] WHERE {name} IS NULL")


async def make_view(ctx: Any, caller: Any, key: Key, query: str, columns: Iterable[str]) -> None:
    """The storage side of a view: `query` names its tables in full."""
    names = ", ".join(f"`{c}`" for c in columns)
    target = "`.`".join(key)
    text = f"CREATE OR REPLACE VIEW `{target}` ({names}) AS {query}"
    translated = await rewrite_and_translate_statement(
        text, project_id=key[0], ctx=ctx, caller=caller, translator=SQLTranslator()
    )
    ctx.engine.execute(rewrite_table_refs(translated, key[0]))


async def renew_views(ctx: Any, caller: Any, key: Key) -> None:
    """DuckDB refuses a view whose table changed; BigQuery reads the current table. So its views are created again."""
    changed = {key[2]}
    for dataset in ctx.catalog.list_datasets(key[0]):
        for view in ctx.catalog.list_tables(key[0], dataset.dataset_id):
            if view.table_type == "VIEW" and view.view_query and any(name in view.view_query for name in changed):
                changed.add(view.table_id)
                names = [field.name for field in view.schema_.fields]
                # A view that no longer fits its table fails when it is read, not when the table is altered.
                with suppress(Exception):
                    await make_view(ctx, caller, key_of(view), view.view_query, names)


def fields_by_name(table: TableMeta) -> dict[str, TableFieldSchema]:
    """Columns by lower-case name: BigQuery's column names ignore case."""
    return {field.name.lower(): field for field in table.schema_.fields}
