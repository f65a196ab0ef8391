"""The way back of a statement: its reverse, or why there is none and what time travel still gives."""

from __future__ import annotations

from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropView,
    PutView,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetOption,
    SetType,
)
from fqtool.table.ddl import render
from fqtool.table.model import State

_TIME_TRAVEL = "FOR SYSTEM_TIME AS OF a moment before it (2 to 7 days back)"


def way_back(before: State, changes: tuple[Change, ...]) -> str:
    """Return one reverse statement, or a sentence that begins with "irreversible" (BIGQUERY 16)."""
    name = before.table.name if before.table else ""
    match changes:
        case (AddColumn(), *_):
            return render(name, [DropColumn(add.column.name) for add in changes if isinstance(add, AddColumn)])
        case (RenameColumn(), *_):
            back = [RenameColumn(change.to, change.name) for change in changes if isinstance(change, RenameColumn)]
            return render(name, reversed(back))
        case (DropColumn(), *_):
            return f"irreversible: the values go away; until then read them {_TIME_TRAVEL}"
        case (CreateTable(table),):
            return f"irreversible by fqtool, which never drops a table; drop {table.name} by hand if it is empty"
        case (SetType(column, _),):
            return f"irreversible because BigQuery only widens; read the old {column} {_TIME_TRAVEL}"
        case (SetMode(column, _),):
            return f"irreversible because BigQuery cannot make {column} REQUIRED again"
        case _:
            return _restored(before, name, changes)


def _restored(before: State, name: str, changes: tuple[Change, ...]) -> str:
    """Changes whose reverse is to write what was there before."""
    match changes:
        case (SetDefault(column, _),) if before.table and (old := before.table.find(column)):
            return render(name, [SetDefault(column, old.default)])
        case (SetDescription((column,), _),) if before.table and (old := before.table.find(column)):
            return render(name, [SetDescription((column,), old.description)])
        case (SetOption(), *_) if before.table:
            options = before.table.options
            names = [change.name for change in changes if isinstance(change, SetOption)]
            return render(name, [SetOption(option, getattr(options, option)) for option in names])
        case (PutView(view),):
            olds = [old for old in before.views if old.key == view.key]
            return render(name, [PutView(olds[0]) if olds else DropView(view.name)])
        case (DropView(gone),):
            return render(name, [PutView(next(old for old in before.views if old.key == gone))])
        case _:
            return "irreversible because no statement undoes it"
