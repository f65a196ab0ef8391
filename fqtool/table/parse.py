"""Parse the GoogleSQL DDL of a migration file into Changes.

parse(render(change)) equals the change. Nothing is guessed: a statement that is not one of the known schema changes is
refused with its line and column. `read_ddl` reads scripts that people wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from fqtool.errors import InputError
from fqtool.table.change_fields import AddField
from fqtool.table.change_options import AddForeignKey, SetOption, SetPrimaryKey, SetProperty
from fqtool.table.change_rebuild import RenameTable
from fqtool.table.change_views import DropView, PutView
from fqtool.table.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    SetDefault,
    SetDescription,
    SetMode,
    SetType,
)
from fqtool.table.column import Mode
from fqtool.table.ddl import PATCH
from fqtool.table.ddl_cursor import NO_IF, DdlCursor
from fqtool.table.ddl_cursor import path as path_of
from fqtool.table.ddl_grammar import column, created_table, took_constraint, typed
from fqtool.table.ddl_options import named_column_options, table_options
from fqtool.table.model import View
from fqtool.table.rebuild_sql import parse_rows
from fqtool.table.tokens import Cursor, Token, tokens_of

_PATCHES = re.compile(rf"^{PATCH}ALTER TABLE [^\n]*(?:\n{PATCH}[^\n]*)*", re.MULTILINE)
_SCHEMA_ONLY = "A migration changes only the schema; change data in a separate job."


_FIELDS = "BigQuery has no statement for fields of a STRUCT: declare them in the registry and plan."


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement: its text without semicolon, its start in the file, the path of its object, and its changes."""

    sql: str
    start: int
    path: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """The last part of the path of the object."""
        return self.path[-1]


def parse_script(sql: str) -> tuple[Parsed, ...]:
    """Parse statements separated by semicolons.

    Raises:
        InputError: A statement is not a known schema change; the message has line and column.
    """
    # Of the same length, so that places in the text stay.
    bare = _PATCHES.sub(lambda match: match[0].replace(f"\n{PATCH}", "\n    ").replace(PATCH, "    ", 1), sql)
    return tuple(_statement(bare, tokens, sql) for tokens in statements(bare))


def statements(sql: str) -> Iterator[list[Token]]:
    """Yield the tokens of each non-empty statement, without its semicolon."""
    tokens = tokens_of(sql)
    for is_end, statement in groupby(tokens, lambda token: token.raw == ";"):
        if not is_end:
            yield list(statement)


def parse(sql: str) -> tuple[Change, ...]:
    """Parse exactly one statement into its changes. Raises InputError as `parse_script`, or for another number."""
    parsed = parse_script(sql)
    if len(parsed) != 1:
        raise InputError(f"Expected one statement, found {len(parsed)}.")
    return parsed[0].changes


def _statement(sql: str, tokens: list[Token], original: str) -> Parsed:
    cursor = DdlCursor(sql, tokens)
    changes: tuple[Change, ...]
    if cursor.took("CREATE", "TABLE"):
        path = path_of(cursor)
        changes = (CreateTable(created_table(cursor, path[-1])),)
    elif cursor.took("CREATE", "OR", "REPLACE", "VIEW") or cursor.took("CREATE", "VIEW"):
        path, changes = _create_view(cursor)
    elif cursor.took("DROP", "VIEW"):
        path = path_of(cursor)
        changes = (DropView(path[-1]),)
    elif cursor.took("ALTER", "TABLE"):
        path = path_of(cursor)
        renamed = cursor.took("RENAME", "TO")
        changes = (RenameTable(path[-1], cursor.name()),) if renamed else _actions(cursor)
    elif cursor.sees("MERGE") or cursor.sees("SELECT", "IF"):
        change = parse_rows(cursor)
        path, changes = (change.target,), (change,)
    else:
        raise cursor.wrong("CREATE TABLE, ALTER TABLE, CREATE VIEW or DROP VIEW", _SCHEMA_ONLY)
    if not cursor.done:
        raise cursor.wrong("the end of the statement")
    start = tokens[0].start
    marked = original[:start].endswith(PATCH)
    if any(change.by_patch is not marked for change in changes):
        cursor.at = 0
        raise cursor.wrong(f"a statement for fields of a STRUCT, and only that, after `{PATCH.strip()}`", _FIELDS)
    return Parsed(original[start - len(PATCH) * marked : tokens[-1].end], start, path, changes)


def _create_view(cursor: DdlCursor) -> tuple[tuple[str, ...], tuple[Change, ...]]:
    path = path_of(cursor)
    described = tuple(_view_columns(cursor)) if cursor.took("(") else None
    values = dict(table_options(cursor)) if cursor.took("OPTIONS") else {}
    description = str(values.pop("description", ""))
    cursor.take("AS")
    query = cursor.sql[cursor.place : cursor.tokens[-1].end]
    cursor.at = len(cursor.tokens)
    view = View(
        path[-1], query, description, options=tuple(values.items()),
        columns=tuple(name for name, _ in described or ()),
        described=described and tuple((name, text) for name, text in described if text),
    )  # fmt: skip
    return path, (PutView(view),)


def _view_columns(cursor: DdlCursor) -> Iterator[tuple[str, str]]:
    """Yield the columns of a view with their descriptions, after the opening bracket."""
    while not cursor.took(")"):
        name = cursor.name()
        options = dict(named_column_options(cursor)) if cursor.took("OPTIONS") else {}
        if options.keys() - {"description"}:
            raise cursor.wrong("only the description of a view's column")
        yield name, options.get("description", "")
        if not cursor.sees(")"):
            cursor.take(",")


def _actions(cursor: DdlCursor) -> tuple[Change, ...]:
    changes: list[Change] = []
    while True:
        if cursor.took("ADD", "COLUMN"):
            _no_if(cursor)
            struct = _struct_of(cursor)
            changes.append(AddField(struct, column(cursor)) if struct else AddColumn(column(cursor)))
        elif cursor.took("DROP", "COLUMN"):
            _no_if(cursor)
            changes.append(DropColumn(cursor.name()))
        elif cursor.took("RENAME", "COLUMN"):
            _no_if(cursor)
            old = cursor.name()
            cursor.take("TO")
            changes.append(RenameColumn(old, cursor.name()))
        elif cursor.took("ALTER", "COLUMN"):
            _no_if(cursor)
            struct = _struct_of(cursor)
            changes.append(_field_set(cursor, struct) if struct else alter_column(cursor))
        elif cursor.took("SET", "OPTIONS"):
            changes.extend(SetOption(name, value) for name, value in table_options(cursor))
        elif cursor.took("SET", "DEFAULT", "COLLATE"):
            changes.append(SetOption("default_collation", cursor.string()))
        elif cursor.took("DROP", "PRIMARY", "KEY"):
            changes.append(SetPrimaryKey(()))
        elif cursor.sees("ADD", "FOREIGN") and cursor.took("ADD") and took_constraint(cursor):
            changes.append(AddForeignKey(cursor.foreign_keys[-1]))
        elif cursor.sees("ADD", "PRIMARY") and cursor.took("ADD") and took_constraint(cursor):
            changes.append(SetPrimaryKey(cursor.primary_key))
        else:
            raise cursor.wrong("ADD, DROP, RENAME or ALTER COLUMN, a key, or SET OPTIONS")
        if not cursor.took(","):
            return tuple(changes)


def _no_if(cursor: Cursor) -> None:
    if cursor.sees("IF"):
        raise cursor.wrong("a column name", NO_IF)


def _struct_of(cursor: Cursor) -> tuple[str, ...]:
    """Read the path before the last name of a column or field: () for a column."""
    names = []
    while cursor.at + 1 < len(cursor.tokens) and cursor.tokens[cursor.at + 1].raw == ".":
        names.append(cursor.name())
        cursor.take(".")
    return tuple(names)


def _field_set(cursor: DdlCursor, struct: tuple[str, ...]) -> Change:
    path = (*struct, cursor.name())
    cursor.take("SET", "OPTIONS")
    return _option_set(cursor, path)


def alter_column(cursor: DdlCursor) -> Change:
    """Parse what follows ALTER COLUMN. Raises InputError if it is not a known change."""
    name = cursor.name()
    if cursor.took("SET", "DATA", "TYPE"):
        start, new = cursor.at, typed(cursor, name)
        if new.mode is Mode.REPEATED:
            cursor.at = start
            raise cursor.refused(f"BigQuery changes no column to {new.sql_type}.", "Add a column of this type instead.")
        return SetType(name, new.type)
    if cursor.took("DROP", "NOT", "NULL"):
        return SetMode(name, Mode.NULLABLE)
    if cursor.took("SET", "DEFAULT"):
        return SetDefault(name, cursor.until(","))
    if cursor.took("DROP", "DEFAULT"):
        return SetDefault(name, None)
    if cursor.took("SET", "OPTIONS"):
        return _option_set(cursor, (name,))
    raise cursor.wrong("SET DATA TYPE, DROP NOT NULL, SET DEFAULT, DROP DEFAULT or SET OPTIONS")


def _option_set(cursor: DdlCursor, path: tuple[str, ...]) -> Change:
    start = cursor.at
    options = named_column_options(cursor)
    if len(options) != 1:
        cursor.at = start
        raise cursor.wrong("one option of the column")
    ((name, value),) = options
    return SetDescription(path, value) if name == "description" else SetProperty(path, name, value)
