"""Which table or view a change of a statement is about: an ALTER's changes do not repeat its name."""

from __future__ import annotations

import re

from fqtool.errors import InputError
from fqtool.table.changes import Change, CreateTable, DropView, PutView
from fqtool.table.tokens import unquoted

_ALTER = re.compile(r"\s*ALTER\s+TABLE\s+(?P<path>(?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|\w+))*)", re.IGNORECASE)


def table_of(sql: str, change: Change) -> str:
    """Return the short name. Raises InputError where the SQL is no ALTER TABLE of a name."""
    match change:
        case CreateTable(table):
            return table.name
        case PutView(view):
            return view.name
        case DropView(name):
            return name
        case _:
            found = _ALTER.match(sql)
            if not found:
                raise InputError(f"{' '.join(sql.split())[:60]!r} alters no table that can be named.")
            last = re.findall(r"`[^`]+`|[\w-]+", found["path"])[-1]
            return (unquoted(last) if last.startswith("`") else last).rpartition(".")[2]
