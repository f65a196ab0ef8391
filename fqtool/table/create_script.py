"""CREATE TABLE as people write it, read as a table and its primary key.

The parser of migration files refuses what a migration must not say. A file that only tells what stands may say more:
IF NOT EXISTS, OR REPLACE, keys, and other statements around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fqtool.errors import InputError
from fqtool.table.changes import CreateTable
from fqtool.table.model import Table
from fqtool.table.parse import parse_script
from fqtool.table.tokens import Cursor, Token, tokens_of

_OPENING, _CLOSING = frozenset("(<["), frozenset(")>]")


@dataclass(frozen=True, slots=True)
class Created:
    """A table that a script creates; `keys` is its primary key, () where none is stated."""

    table: Table
    keys: tuple[str, ...] = ()


def read_created(sql: str, place: str) -> tuple[Created, ...]:
    """Return the tables that the CREATE TABLE statements of a script make; other statements are passed over.

    Raises InputError, beginning with `place`, that names line and column of what cannot be read.
    """
    try:
        return tuple(_created(sql))
    except InputError as error:
        raise InputError(f"{place}: {error.message}", remedy=error.remedy) from None


def _created(sql: str) -> Iterator[Created]:
    statement: list[Token] = []
    for token in [*tokens_of(sql), Token(";", len(sql), len(sql))]:
        if token.raw != ";":
            statement.append(token)
            continue
        if (words := _head(statement)) is not None:
            keys, gone = _keys(sql, statement)
            blanked = _only(sql, statement[0].start, token.start, [*words, *gone])
            for parsed in parse_script(blanked):
                for change in parsed.changes:
                    if isinstance(change, CreateTable):
                        yield Created(change.table, keys)
        statement = []


def _head(statement: list[Token]) -> list[Token] | None:
    """The words between CREATE and the table's name that change nothing for us; None for another statement."""
    words = [token.word for token in statement[:8]]
    if words[:1] != ["CREATE"] or "TABLE" not in words[1:5]:
        return None
    at = words.index("TABLE")
    if any(word not in ("OR", "REPLACE") for word in words[1:at]):
        return None
    after = statement[at + 1 : at + 4] if words[at + 1 : at + 4] == ["IF", "NOT", "EXISTS"] else []
    return [*statement[1:at], *after]


def _keys(sql: str, statement: list[Token]) -> tuple[tuple[str, ...], list[Token]]:
    """The primary key, and the tokens of constraints: table-wide ones with the comma before them."""
    keys: list[str] = []
    gone: list[Token] = []
    depth = at = 0
    begin = 0  # of the column or constraint that the token belongs to
    while at < len(statement):
        token = statement[at]
        depth += (token.raw in _OPENING) - (token.raw in _CLOSING)
        if depth == 1 and token.raw in ("(", ","):
            begin = at + 1
        here = [one.word for one in statement[at : at + 2]]
        if depth == 1 and here in (["PRIMARY", "KEY"], ["FOREIGN", "KEY"]):
            cursor = Cursor(sql, statement)
            cursor.at = at + 2
            table_wide = cursor.sees("(")
            named = _names(cursor) if table_wide else [Cursor(sql, statement[begin:]).name()]
            keys += named if here[0] == "PRIMARY" else []
            if here[0] == "FOREIGN" and cursor.took("REFERENCES"):
                cursor.next("a table")
                _names(cursor)
            cursor.took("NOT", "ENFORCED")
            first = statement[begin - 1].raw == "("
            cursor.at += table_wide and first and cursor.sees(",")
            start = at if not table_wide else begin if first else begin - 1
            gone += statement[start : cursor.at]
            at = cursor.at
            continue
        at += 1
    return tuple(keys), gone


def _names(cursor: Cursor) -> list[str]:
    cursor.take("(")
    names = [cursor.name()]
    while cursor.took(","):
        names.append(cursor.name())
    cursor.take(")")
    return names


def _only(sql: str, start: int, end: int, gone: list[Token]) -> str:
    """The text of one statement at its own place, with blanks for all that is not to be read: lines stay lines."""
    kept = [*_blank(sql[:start]), *sql[start:end]]
    for token in gone:
        kept[token.start : token.end] = _blank(sql[token.start : token.end])
    return "".join(kept)


def _blank(text: str) -> str:
    return "".join(one if one == "\n" else " " for one in text)
