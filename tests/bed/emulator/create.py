"""CREATE TABLE, CREATE TABLE AS, CREATE VIEW and DROP, with all that tables.get shows of them afterwards.

Patches what bqemulator loses: options, descriptions, defaults, parameters of types, clustering, the view's text.
"""

from __future__ import annotations

from typing import Any

import sqlglot
from bqemulator.catalog.models import TableMeta, TableSchema
from bqemulator.domain.errors import AlreadyExistsError, NotFoundError
from bqemulator.jobs import executor
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_enums_pb2 as enums

from . import resolved
from .alter import foreign_key
from .catalog import BedTable, Key, bed_table, drop, existing, fail, key_of, make_view, save, shown
from .options import table_changes
from .quotas import QUOTAS
from .scope import locate, qualified
from .storage import duck_column, quoted
from .threads import SWAP

_MODE = enums.ResolvedCreateStatementEnums


async def create_table(statement: Any, sql: str, params: Any, project: str, ctx: Any, caller: Any) -> str:
    """A table by its columns or by a query; returns the DDL operation performed."""
    key, old, operation = target(statement, project, ctx)
    if operation == "SKIP":
        return operation
    if old is not None:
        QUOTAS.update(old)
    if source := _source(statement):
        _copy(source, statement, key, old, project, ctx)
        return operation
    table = _table(statement, key, ctx)
    storage = f"CREATE TABLE {{}} ({', '.join(duck_column(f) for f in table.schema_.fields)})"
    query = _query_of(sql, project) if statement.DESCRIPTOR.name.startswith("ResolvedCreateTableAsSelect") else ""
    place, fresh = quoted_table_ref(*key), (*key[:2], key[2] + "__new")
    if query:  # the query may read the table it replaces, so it fills another one first
        ctx.engine.execute(storage.format(quoted_table_ref(*fresh)))
        try:
            names = ", ".join(f"`{f.name}`" for f in table.schema_.fields)
            insert = f"INSERT INTO `{'`.`'.join(fresh)}` ({names}) {query}"
            await executor._run_single_sql(project, insert, params, ctx, caller=caller)
        except BaseException:
            ctx.engine.execute(f"DROP TABLE IF EXISTS {quoted_table_ref(*fresh)}")
            raise
        statements = [f"ALTER TABLE {quoted_table_ref(*fresh)} RENAME TO {quoted(key[2])}"]
        row = ctx.engine.execute(f"SELECT COUNT(*) FROM {quoted_table_ref(*fresh)}").fetchone()
        table = table.model_copy(update={"num_rows": row[0]})
    else:
        statements = [storage.format(place)]
    with SWAP:
        if old is not None:
            drop(ctx, old)
        save(ctx, table, was=None, statements=statements)
    return operation


async def create_view(statement: Any, project: str, ctx: Any, caller: Any) -> str:
    """A view; its query is kept as it was written."""
    key, old, operation = target(statement, project, ctx)
    if operation == "SKIP":
        return operation
    if old is not None:
        QUOTAS.update(old)
    if old is not None and old.table_type != "VIEW":
        raise fail(f"{shown(key)} is not allowed for this operation because it is currently a {old.table_type}.")
    base = statement.parent
    text, given = base.sql, resolved.options(base.option_list)
    query = qualified(text, project)
    fields = [resolved.view_column(column) for column in base.output_column_list]
    notes = {d.name.lower(): d.annotations for d in base.column_definition_list}
    fields = [
        f.model_copy(update={"description": resolved.description(notes[f.name.lower()])})
        if f.name.lower() in notes else f
        for f in fields
    ]  # fmt: skip
    table = _empty(key, ctx, table_type="VIEW", schema_=TableSchema(fields=tuple(fields)))
    table = table.model_copy(update=table_changes(table, given) | {"view_text": text, "view_query": query})
    await make_view(ctx, caller, key, query, [field.name for field in fields])
    save(ctx, table, was=None)
    return operation


def drop_object(statement: Any, project: str, ctx: Any) -> str:
    """DROP TABLE and DROP VIEW."""
    table = dropped(statement, project, ctx)
    if table is None:
        return "SKIP"
    drop(ctx, table)
    return "DROP"


def dropped(statement: Any, project: str, ctx: Any) -> TableMeta | None:
    """The table or view that a DROP removes; None where it may be absent and is."""
    key = locate(list(statement.name_path), project)
    table: TableMeta | None = ctx.catalog.get_table(*key)
    if table is None and statement.is_if_exists:
        return None
    table = existing(ctx, key)
    if (statement.object_type.upper() == "VIEW") != (table.table_type == "VIEW"):
        raise fail(f"{shown(key)} is not allowed for this operation because it is currently a {table.table_type}.")
    return table


def _source(statement: Any) -> str:
    """The table that LIKE, COPY or CLONE names."""
    for name in ("copy_from", "clone_from"):
        if name in statement.DESCRIPTOR.fields_by_name and (scan := getattr(statement, name)).WhichOneof("node"):
            return str(scan.resolved_table_scan_node.table.full_name)
    return str(statement.parent.like_table.full_name)


def _copy(source: str, statement: Any, key: Key, old: TableMeta | None, project: str, ctx: Any) -> None:
    """Everything of the source but its name, options that the statement gives instead, and, for LIKE, its rows."""
    kept = existing(ctx, locate([source], project))
    table = bed_table(kept, project_id=key[0], dataset_id=key[1], table_id=key[2], num_rows=0)
    table = table.model_copy(update=table_changes(table, resolved.options(statement.parent.option_list)))
    columns = ", ".join(duck_column(f) for f in table.schema_.fields)
    statements = [f"CREATE TABLE {quoted_table_ref(*key)} ({columns})"]
    if not statement.parent.like_table.name:
        rows = f"SELECT * FROM {quoted_table_ref(*key_of(kept))}"
        statements.append(f"INSERT INTO {quoted_table_ref(*key)} {rows}")
        table = table.model_copy(update={"num_rows": kept.num_rows})
    with SWAP:
        if old is not None:
            drop(ctx, old)
        save(ctx, table, was=None, statements=statements)


def target(statement: Any, project: str, ctx: Any) -> tuple[Key, TableMeta | None, str]:
    """Where a CREATE puts its table, the table that is there, and the operation; refuses one that may not be."""
    key = locate(list(resolved.part(statement, "name_path")), project)
    if ctx.catalog.get_dataset(*key[:2]) is None:
        raise NotFoundError(f"Not found: Dataset {key[0]}:{key[1]} was not found in location US")
    old: TableMeta | None = ctx.catalog.get_table(*key)
    mode = resolved.part(statement, "create_mode")
    if old is None:
        return key, None, "CREATE"
    if mode == _MODE.CREATE_IF_NOT_EXISTS:
        return key, old, "SKIP"
    if mode != _MODE.CREATE_OR_REPLACE:
        raise AlreadyExistsError(f"Already Exists: Table {shown(key)}")
    return key, old, "REPLACE"


def _empty(key: Key, ctx: Any, **more: Any) -> BedTable:
    now = ctx.clock.now()
    made = TableMeta(
        project_id=key[0], dataset_id=key[1], table_id=key[2], creation_time=now, last_modified_time=now, etag=""
    )
    return bed_table(made, **more)


def _table(statement: Any, key: Key, ctx: Any) -> BedTable:
    base, given = statement.parent, resolved.options(statement.parent.option_list)
    fields = tuple(resolved.column(d) for d in base.column_definition_list)
    time, numbers = resolved.partitioning(statement.partition_by_list, given)
    table = _empty(
        key, ctx, schema_=TableSchema(fields=fields), time_partitioning=time, range_partitioning=numbers,
        clustering=resolved.clustering(statement.cluster_by_list),
    )  # fmt: skip
    if list(base.primary_key.column_name_list):
        table.constraints["primaryKey"] = {"columns": list(base.primary_key.column_name_list)}
    if keys := [foreign_key(key, [f.name for f in fields], key_of(table)[0], ctx) for key in base.foreign_key_list]:
        table.constraints["foreignKeys"] = keys
    collation = resolved.constant(base.collation_name, "COLLATE") if base.HasField("collation_name") else None
    return table.model_copy(update=table_changes(table, given) | {"default_collation": collation})


def _query_of(sql: str, project: str) -> str:
    tree = sqlglot.parse_one(qualified(sql, project), read="bigquery")
    assert isinstance(tree, exp.Create)
    return str(tree.expression.sql("bigquery"))
