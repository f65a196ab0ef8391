"""A change in words, as something that was found to have happened."""

from __future__ import annotations

from typing import assert_never

from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    Reorder,
    SetClustering,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetPartitioning,
    SetPolicyTags,
    SetType,
)


def told(change: Change) -> str:
    """Say what happened, e.g. "column a was added as STRING"."""
    match change:
        case CreateTable(table):
            return f"table {table.name} was created"
        case AddColumn(column):
            return f"column {column.name} was added as {column.sql_type}{column.not_null}"
        case DropColumn(name):
            return f"column {name} was dropped"
        case RenameColumn(name, to):
            return f"column {name} was renamed to {to}"
        case SetType(name, new):
            return f"column {name} became {new}"
        case SetMode(name, mode):
            return f"column {name} became {mode}"
        case SetDefault(name, default):
            return f"column {name} got the default {default}" if default else f"column {name} lost its default"
        case SetDescription(path, _):
            return f"{'.'.join(path)} got another description"
        case SetPolicyTags(path, _):
            return f"{'.'.join(path)} got other policy tags"
        case Reorder():
            return "columns stand in another order"
        case SetPartitioning(partitioning):
            return f"partitioning became {partitioning.column if partitioning else 'none'}"
        case SetClustering(columns):
            return f"clustering became {', '.join(columns) or 'none'}"
        case SetOption(name, value):
            return f"option {name} became {value!r}"
        case PutView(view):
            return f"view {view.name} got another text"
        case DropView(name):
            return f"view {name} was dropped"
        case _:
            assert_never(change)
