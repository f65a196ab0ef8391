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
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import PATCH
from fqtool.table.ddl_grammar import NO_IF, column, column_options, created_table, table_options, typed
from fqtool.table.ddl_grammar import path as path_of
from fqtool.table.model import View
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
    cursor = Cursor(sql, tokens)
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
        changes = _actions(cursor)
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


def _create_view(cursor: Cursor) -> tuple[tuple[str, ...], tuple[Change, ...]]:
    path = path_of(cursor)
    description = str(dict(table_options(cursor, {})).get("description", "")) if cursor.took("OPTIONS") else ""
    cursor.take("AS")
    query = cursor.sql[cursor.place : cursor.tokens[-1].end]
    cursor.at = len(cursor.tokens)
    return path, (PutView(View(path[-1], query, description)),)


def _actions(cursor: Cursor) -> tuple[Change, ...]:
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
            changes.append(_field_described(cursor, struct) if struct else alter_column(cursor))
        elif cursor.took("SET", "OPTIONS"):
            changes.extend(SetOption(name, value) for name, value in table_options(cursor, {}))
        else:
            raise cursor.wrong("ADD, DROP, RENAME or ALTER COLUMN, or SET OPTIONS")
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


def _field_described(cursor: Cursor, struct: tuple[str, ...]) -> SetDescription:
    path = (*struct, cursor.name())
    cursor.take("SET", "OPTIONS")
    return SetDescription(path, _description(cursor))


def alter_column(cursor: Cursor) -> Change:
    """Parse what follows ALTER COLUMN. Raises InputError if it is not a known change."""
    name = cursor.name()
    if cursor.took("SET", "DATA", "TYPE"):
        return SetType(name, typed(cursor, name).type)
    if cursor.took("DROP", "NOT", "NULL"):
        return SetMode(name, Mode.NULLABLE)
    if cursor.took("SET", "DEFAULT"):
        return SetDefault(name, cursor.until(","))
    if cursor.took("DROP", "DEFAULT"):
        return SetDefault(name, None)
    if cursor.took("SET", "OPTIONS"):
        return SetDescription((name,), _description(cursor))
    raise cursor.wrong("SET DATA TYPE, DROP NOT NULL, SET DEFAULT, DROP DEFAULT or SET OPTIONS")


def _description(cursor: Cursor) -> str:
    return column_options(cursor, Column("", Type(Kind.STRING))).description
