"""tables.insert, patch, update and delete: storage follows, and what BigQuery refuses is refused.

Replaces the stock handlers of POST, PATCH, PUT and DELETE; patches `_rest_to_table_meta` of
bqemulator.api.routes.tables, which forgets what it does not know.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bqemulator.api.routes import tables as routes
from bqemulator.catalog.models import RangePartitioning, TableFieldSchema, TableMeta, TableSchema
from bqemulator.domain.errors import AlreadyExistsError, DomainError, NotFoundError, ValidationError
from bqemulator.storage.sql_identifiers import quoted_table_ref

from . import resolved
from .alter import narrows
from .catalog import (
    BedTable,
    Key,
    bed_table,
    drop,
    existing,
    fields_by_name,
    key_of,
    make_view,
    renew_views,
    save,
    shown,
)
from .hooks import override
from .options import SETTINGS
from .quotas import QUOTAS
from .scope import checked, qualified
from .storage import duck_column, duck_type, quoted


class PreconditionFailedError(DomainError):
    """If-Match named an older state of the table."""

    http_status, bq_reason, grpc_status_name = 412, "conditionNotMet", "FAILED_PRECONDITION"


async def insert(project: str, dataset: str, body: dict[str, Any], ctx: Any, caller: Any) -> dict[str, Any]:
    """tables.insert."""
    table = _read(project, dataset, body, ctx, None)
    key = key_of(table)
    if ctx.catalog.get_dataset(project, dataset) is None:
        raise NotFoundError(f"Not found: Dataset {project}:{dataset}")
    if ctx.catalog.get_table(*key) is not None:
        raise AlreadyExistsError(f"Already Exists: Table {shown(key)}")
    if table.view_text:
        save(ctx, await _view(table, ctx, caller), was=None)
    else:
        columns = ", ".join(duck_column(f) for f in table.schema_.fields) or "__placeholder INTEGER"
        save(ctx, table, was=None, statements=[f"CREATE TABLE {quoted_table_ref(*key)} ({columns})"])
    return _shown(ctx, key)


async def patch(key: Key, body: dict[str, Any], if_match: str, ctx: Any, caller: Any) -> dict[str, Any]:
    """tables.patch and tables.update: what the body does not name stays."""
    table = existing(ctx, key)
    if if_match not in (table.etag, "*", ""):
        raise PreconditionFailedError("Precondition check failed.")
    if "labels" in body:  # a patch merges labels; null takes one away
        merged = table.labels | (body["labels"] or {}) if body["labels"] is not None else {}
        body["labels"] = {name: value for name, value in merged.items() if value is not None}
    QUOTAS.update(table)
    body.setdefault("tableReference", {"tableId": key[2]})
    new = _read(*key[:2], body, ctx, table)
    if new.view_text and new.view_text != getattr(table, "view_text", None):
        new = await _view(new, ctx, caller)
        save(ctx, new, was=table)
    else:
        statements = [] if table.table_type == "VIEW" else _moves(table, new.schema_.fields)
        save(ctx, new, was=table, statements=statements)
        await renew_views(ctx, caller, key)
    return _shown(ctx, key)


def delete(key: Key, ctx: Any) -> dict[str, Any]:
    """tables.delete."""
    table = ctx.catalog.get_table(*key)
    if table is None:
        raise NotFoundError(f"Not found: Table {shown(key)}")
    drop(ctx, table)
    return {}


def _shown(ctx: Any, key: Key) -> dict[str, Any]:
    made: dict[str, Any] = routes._table_to_rest(ctx.catalog.get_table(*key))
    return made


def _read(project: str, dataset: str, body: dict[str, Any], ctx: Any, old: TableMeta | None) -> BedTable:
    stock = routes._rest_to_table_meta(project, dataset, body, ctx.clock, old)
    part = body.get("timePartitioning") or {}
    kept = {name: getattr(old, name) for name in BedTable.model_fields if old is not None and hasattr(old, name)}
    told = TableMeta.model_fields.keys() - {"expiration_time", "range_partitioning"}
    kept |= {name: getattr(stock, name) for name in told}
    kept["view_text"] = (body.get("view") or {}).get("query", kept.get("view_text"))
    if "requirePartitionFilter" in body or "requirePartitionFilter" in part:
        asked = body.get("requirePartitionFilter", part.get("requirePartitionFilter"))
        kept["require_partition_filter"] = bool(asked)
    if "expirationTime" in body:
        raw = body["expirationTime"]
        kept["expiration_time"] = None if raw is None else datetime.fromtimestamp(int(raw) / 1000, UTC)
    kept["settings"] = kept.get("settings", {}) | {key: body[key] for key in SETTINGS if key in body}
    kept["default_collation"] = body.get("defaultCollation", kept.get("default_collation"))
    kept["constraints"] = body.get("tableConstraints", kept.get("constraints", {}))
    if given := body.get("rangePartitioning"):
        bounds = {name: int(value) for name, value in given["range"].items()}
        kept["range_partitioning"] = RangePartitioning(field=given["field"], **bounds)
    return bed_table(stock, **kept)


async def _view(table: BedTable, ctx: Any, caller: Any) -> BedTable:
    """Columns and storage of a view from its query."""
    project, dataset, name = key_of(table)
    text = table.view_text or ""
    statement = f"CREATE VIEW `{project}`.`{dataset}`.`{name}` AS {text}"
    _, made = resolved.read(checked(statement, project, ctx))
    fields = [resolved.view_column(column) for column in made.parent.output_column_list]
    told = {f.name.lower(): f.description for f in table.schema_.fields}
    fields = [f.model_copy(update={"description": told.get(f.name.lower())}) for f in fields]
    query = qualified(text, project)
    await make_view(ctx, caller, key_of(table), query, [f.name for f in fields])
    changes = {"schema_": TableSchema(fields=tuple(fields)), "view_query": query, "table_type": "VIEW"}
    return table.model_copy(update=changes)


def _moves(table: TableMeta, fields: tuple[TableFieldSchema, ...]) -> list[str]:
    """The storage side of a new schema: columns may be added, relaxed, widened and described."""
    old, new = fields_by_name(table), {f.name.lower(): f for f in fields}
    name, moves = shown(key_of(table)), []
    alter = f"ALTER TABLE {quoted_table_ref(*key_of(table))}"

    def refuse(why: str) -> ValidationError:
        return ValidationError(f"Provided Schema does not match Table {name}. {why}")

    for low in (low for low in old if low not in new):
        raise refuse(f"Field {old[low].name} is missing in new schema")
    for low, field in new.items():
        was = old.get(low)
        if was is None:
            if field.mode == "REQUIRED":
                raise refuse(f"Cannot add required fields to an existing schema. (field: {field.name})")
            moves.append(f"{alter} ADD COLUMN {quoted(field.name)} {duck_type(field)}")
            continue
        _same_or_grown(was, field, refuse)
        moves += _moved(alter, was, field)
    return moves


def _same_or_grown(was: TableFieldSchema, field: TableFieldSchema, refuse: Any) -> None:
    """A field keeps its type, at any depth; a RECORD may get fields at its end."""
    if field.mode != was.mode and (was.mode, field.mode) != ("REQUIRED", "NULLABLE"):
        raise refuse(f"Field {field.name} has changed mode from {was.mode} to {field.mode}")
    before, after = (resolved.type_text(f, parameters=True) for f in (was, field))
    names = [[f.name.lower() for f in one.fields] for one in (was, field)]
    bare = [resolved.type_text(f).split("<")[0] for f in (was, field)]
    if bare[0] != bare[1] or names[1][: len(names[0])] != names[0] or (not was.fields and narrows(was, field)):
        raise refuse(f"Field {field.name} has changed type from {before} to {after}")
    for new in field.fields[len(was.fields) :]:
        if new.mode == "REQUIRED":
            raise refuse(f"Cannot add required fields to an existing schema. (field: {new.name})")
    for old, new in zip(was.fields, field.fields, strict=False):
        _same_or_grown(old, new, refuse)


def _moved(alter: str, was: TableFieldSchema, field: TableFieldSchema) -> list[str]:
    moves = []
    if duck_type(was) != duck_type(field):
        moves.append(f"{alter} ALTER COLUMN {quoted(was.name)} SET DATA TYPE {duck_type(field)}")
    if was.mode != field.mode:
        moves.append(f"{alter} ALTER COLUMN {quoted(was.name)} DROP NOT NULL")
    return moves


def install() -> None:
    """Checks what this module leans on; once, before the server starts."""
    override(routes, "_rest_to_table_meta", routes._rest_to_table_meta)
