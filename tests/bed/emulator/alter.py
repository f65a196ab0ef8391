"""ALTER TABLE and ALTER VIEW: any legal list of actions, all or none, with the back end's own refusals.

Patches what bqemulator passes to DuckDB as it is (one action, no options) and forgets in its catalog.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bqemulator.catalog.models import TableFieldSchema, TableMeta, TableSchema
from bqemulator.domain.errors import AlreadyExistsError
from bqemulator.storage.sql_identifiers import quoted_table_ref

from . import resolved
from .catalog import BedTable, Key, bed_table, drop, existing, fail, fields_by_name, key_of, save, shown
from .options import table_changes
from .scope import locate
from .storage import duck_default, duck_type, quoted


@dataclass
class Plan:
    """What one ALTER makes of a table; nothing has happened yet."""

    table: TableMeta
    fields: dict[str, TableFieldSchema] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    storage: list[str] = field(default_factory=list)
    renamed: Key | None = None

    @property
    def name(self) -> str:
        """The table as messages spell it."""
        return shown(key_of(self.table))

    def alter(self, text: str) -> None:
        """Notes a change of storage."""
        if self.table.table_type != "VIEW":
            self.storage.append(f"ALTER TABLE {quoted_table_ref(*key_of(self.table))} {text}")


def plan(kind: str, statement: Any, project: str, ctx: Any) -> Plan | None:
    """The plan of a resolved ALTER; None where IF EXISTS finds nothing."""
    key = locate(list(resolved.part(statement, "name_path")), project)
    if resolved.part(statement, "is_if_exists") and ctx.catalog.get_table(*key) is None:
        return None
    table = existing(ctx, key)
    if (table.table_type == "VIEW") != (kind == "alter_view"):
        raise fail(f"{shown(key)} is not allowed for this operation because it is currently a {table.table_type}.")
    made = Plan(table, fields_by_name(table))
    if kind == "alter_table_set_options":
        made.changes |= table_changes(table, resolved.options(statement.option_list))
        return made
    for action in resolved.part(statement, "alter_action_list"):
        name = action.WhichOneof("node")
        node = getattr(action, name)
        if name == "resolved_alter_column_action_node":
            _alter_column(made, node)
        elif (act := _ACTIONS.get(name)) is not None:
            act(made, node, project, ctx)
        else:
            raise fail(f"ALTER action {name} is not supported on table {made.name}")
    return made


def apply(made: Plan, ctx: Any) -> None:
    """Carries out a plan in storage and catalog."""
    if made.renamed is None:
        save(ctx, _after(made), was=made.table, statements=made.storage)
        return
    project, dataset, name = made.renamed
    changes = {"project_id": project, "dataset_id": dataset, "table_id": name}
    save(ctx, bed_table(_after(made), **changes), was=made.table, statements=made.storage)
    drop(ctx, made.table)


def _after(made: Plan) -> BedTable:
    schema = TableSchema(fields=tuple(made.fields.values()))
    return bed_table(made.table, schema_=schema, **made.changes)


def _add(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    new = resolved.column(node.column_definition)
    if new.name.lower() in made.fields:
        return  # IF NOT EXISTS: the analyser refused it otherwise
    if new.mode == "REQUIRED":
        raise fail(
            f"Provided Schema does not match Table {made.name}. "
            f"Cannot add required fields to an existing schema. (field: {new.name})"
        )
    if new.default_value_expression:
        raise fail("Add field with default value to an existing table schema is not supported")
    made.fields[new.name.lower()] = new
    made.alter(f"ADD COLUMN {quoted(new.name)} {duck_type(new)}")


def _drop(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    old = made.fields.get(node.name.lower())
    if old is None:
        return
    _unpinned(made, "drop", old.name)
    del made.fields[node.name.lower()]
    made.alter(f"DROP COLUMN {quoted(old.name)}")
    if not made.fields:
        raise fail(f"Cannot drop all columns from table {made.name}")


def _rename(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    old = made.fields.get(node.name.lower())
    if old is None:
        return
    _unpinned(made, "rename", old.name)
    new = old.model_copy(update={"name": node.new_name})
    made.fields = {f.name.lower(): f for f in (new if f is old else f for f in made.fields.values())}
    made.alter(f"RENAME COLUMN {quoted(old.name)} TO {quoted(new.name)}")


def _unpinned(made: Plan, verb: str, name: str) -> None:
    table, low = made.table, name.lower()
    parts = [p.field for p in (table.time_partitioning, table.range_partitioning) if p is not None and p.field]
    if low in [p.lower() for p in parts]:
        raise fail(f"Cannot {verb} partitioning column {name} of table {made.name}")
    if table.clustering is not None and low in [c.lower() for c in table.clustering.fields]:
        raise fail(f"Cannot {verb} clustering column {name} of table {made.name}")
    if low in [c.lower() for c in _constraints(made).get("primaryKey", {}).get("columns", [])]:
        raise fail(f"Cannot {verb} column {name} of table {made.name}: it is part of the primary key")


def _set_options(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    made.changes |= table_changes(_after(made), resolved.options(node.option_list))


def _rename_to(made: Plan, node: Any, _project: str, ctx: Any) -> None:
    (name,) = ".".join(node.new_path).split(".")[-1:]
    project, dataset, _ = key_of(made.table)
    made.renamed = (project, dataset, name)
    if ctx.catalog.get_table(*made.renamed) is not None:
        raise AlreadyExistsError(f"Already Exists: Table {shown(made.renamed)}")
    made.alter(f"RENAME TO {quoted(name)}")


def _collate(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    made.changes["default_collation"] = resolved.constant(node.collation_name, "COLLATE")


def _constraints(made: Plan) -> dict[str, Any]:
    kept = made.changes.get("constraints", getattr(made.table, "constraints", {}))
    return {"primaryKey": kept["primaryKey"]} | kept if "primaryKey" in kept else dict(kept)


def _add_constraint(made: Plan, node: Any, project: str, ctx: Any) -> None:
    kept = _constraints(made)
    if node.constraint.HasField("resolved_primary_key_node"):
        if "primaryKey" in kept:
            raise fail(f"Table {made.name} already has a primary key")
        columns = list(node.constraint.resolved_primary_key_node.column_name_list)
        made.changes["constraints"] = kept | {"primaryKey": {"columns": columns}}
        return
    key = node.constraint.resolved_foreign_key_node
    entry = foreign_key(key, [field.name for field in made.fields.values()], project, ctx)
    made.changes["constraints"] = kept | {"foreignKeys": [*kept.get("foreignKeys", []), entry]}


def foreign_key(key: Any, columns: list[str], project: str, ctx: Any) -> dict[str, Any]:
    """A foreign key as tables.get has it."""
    other = existing(ctx, locate([key.referenced_table.full_name or key.referenced_table.name], project))
    names = [field.name for field in other.schema_.fields]
    pairs = zip(key.referencing_column_offset_list, key.referenced_column_offset_list, strict=True)
    return {
        "name": key.constraint_name or f"{other.table_id}.fk$1",
        "referencedTable": dict(zip(("projectId", "datasetId", "tableId"), key_of(other), strict=True)),
        "columnReferences": [
            {"referencingColumn": columns[own], "referencedColumn": names[there]} for own, there in pairs
        ],
    }


def _drop_primary_key(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    kept = _constraints(made)
    if kept.pop("primaryKey", None) is None and not node.is_if_exists:
        raise fail(f"Table {made.name} does not have a primary key")
    made.changes["constraints"] = kept


def _drop_constraint(made: Plan, node: Any, _project: str, _ctx: Any) -> None:
    kept = _constraints(made)
    left = [k for k in kept.get("foreignKeys", []) if k["name"].lower() != node.name.lower()]
    if len(left) == len(kept.get("foreignKeys", [])) and not node.is_if_exists:
        raise fail(f"Constraint {node.name} was not found on table {made.name}")
    made.changes["constraints"] = kept | {"foreignKeys": left}


def _alter_column(made: Plan, action: Any) -> None:
    name = action.WhichOneof("node")
    node = getattr(action, name)
    old = made.fields.get(resolved.part(node, "column").lower())
    if old is None:
        return  # IF EXISTS
    made.fields[old.name.lower()] = _COLUMN_ACTIONS[name](made, node, old)


def _column_options(_made: Plan, node: Any, old: TableFieldSchema) -> TableFieldSchema:
    given = resolved.options(node.option_list)
    return old.model_copy(update={k: v for k, v in given.items() if k in ("description", "rounding_mode")})


def _drop_not_null(made: Plan, _node: Any, old: TableFieldSchema) -> TableFieldSchema:
    if old.mode != "REQUIRED":
        raise fail(f"ALTER TABLE ALTER COLUMN DROP NOT NULL failed: column {old.name} is already nullable")
    made.alter(f"ALTER COLUMN {quoted(old.name)} DROP NOT NULL")
    return old.model_copy(update={"mode": "NULLABLE"})


def _set_type(made: Plan, node: Any, old: TableFieldSchema) -> TableFieldSchema:
    new = resolved.field(old.name, node.updated_type, node.updated_annotations, node.updated_type_parameters)
    if narrows(old, new):
        raise fail(
            "ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type "
            f"({resolved.type_text(old, parameters=True)}) is assignable to the new type "
            f"({resolved.type_text(new, parameters=True)})"
        )
    made.alter(f"ALTER COLUMN {quoted(old.name)} SET DATA TYPE {duck_type(new)}")
    kept = ("type", "precision", "scale", "max_length", "fields")
    return old.model_copy(update={name: getattr(new, name) for name in kept})


def narrows(old: TableFieldSchema, new: TableFieldSchema) -> bool:
    """Whether values of the column could be too long for the new type."""
    if old.type != new.type:
        return (old.type, new.type) == ("BIGNUMERIC", "FLOAT")
    if len(old.fields) != len(new.fields):
        return True
    if any(narrows(a, b) for a, b in zip(old.fields, new.fields, strict=True)):
        return True
    return any(a > b for a, b in zip(_room(old), _room(new), strict=True))


def _room(made: TableFieldSchema) -> tuple[int, int, int]:
    digits = made.precision is not None
    whole = (made.precision or 0) - (made.scale or 0) if digits else 10**9
    return made.max_length or 10**9, whole, (made.scale or 0) if digits else 10**9


def _set_default(made: Plan, node: Any, old: TableFieldSchema) -> TableFieldSchema:
    new = old.model_copy(update={"default_value_expression": node.default_value.sql})
    made.alter(f"ALTER COLUMN {quoted(old.name)} SET DEFAULT {duck_default(new)}")
    return new


def _drop_default(made: Plan, _node: Any, old: TableFieldSchema) -> TableFieldSchema:
    if not old.default_value_expression:
        raise fail(f"ALTER TABLE ALTER COLUMN DROP DEFAULT failed: column {old.name} has no default value")
    made.alter(f"ALTER COLUMN {quoted(old.name)} DROP DEFAULT")
    return old.model_copy(update={"default_value_expression": None})


_ACTIONS = {
    "resolved_add_column_action_node": _add,
    "resolved_drop_column_action_node": _drop,
    "resolved_rename_column_action_node": _rename,
    "resolved_rename_to_action_node": _rename_to,
    "resolved_set_options_action_node": _set_options,
    "resolved_set_collate_clause_node": _collate,
    "resolved_add_constraint_action_node": _add_constraint,
    "resolved_drop_constraint_action_node": _drop_constraint,
    "resolved_drop_primary_key_action_node": _drop_primary_key,
}
_COLUMN_ACTIONS = {
    "resolved_alter_column_options_action_node": _column_options,
    "resolved_alter_column_drop_not_null_action_node": _drop_not_null,
    "resolved_alter_column_set_data_type_action_node": _set_type,
    "resolved_alter_column_set_default_action_node": _set_default,
    "resolved_alter_column_drop_default_action_node": _drop_default,
}
