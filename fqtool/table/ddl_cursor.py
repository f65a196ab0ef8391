"""Cursors over DDL, with the keys that a statement has declared so far; and the names in DDL."""

from __future__ import annotations

import re

from fqtool.table.tokens import Cursor, Token

NO_IF = "Remove IF [NOT] EXISTS: it compares only names, and hides other differences."
_DASHED = re.compile(r"[A-Za-z_]\w*(?:-\w+)+")
_BESIDE = re.compile(r"[ \t]*,?[ \t]*(?:(?:--|#)(?P<line>[^\r\n]*)|/\*(?P<block>[^\r\n]*?)\*/)")


class DdlCursor(Cursor):
    """A cursor over a statement. It has the keys that the statement has declared so far."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        super().__init__(sql, tokens)
        self.primary_key: tuple[str, ...] = ()
        self.foreign_keys: tuple[str, ...] = ()
        self.named_keys: dict[str, str] = {}  # name of a constraint -> its foreign key
        self.element_collation: str | None = None
        self.default_collation = ""

    def take_element_options(self) -> None:
        """Read the collation of an ARRAY's elements, which is that of the column."""
        if self.took("COLLATE"):
            self.element_collation = self.string()
        super().take_element_options()


class Foreign(DdlCursor):
    """A cursor over DDL that fqtool did not write.

    Args:
        comments: Use the comment after a column as its description if it has no description.
    """

    def __init__(self, sql: str, tokens: list[Token], *, comments: bool = False) -> None:
        super().__init__(sql, tokens)
        self.takes_comments = comments
        self.left_out = list[str]()
        self.commented = list[str]()
        self.lines = dict[str, int]()  # lower-case name of a column -> the line that declares or alters it

    def leave_out(self, what: str, why: str = "") -> None:
        """Record what is not kept, with its line."""
        self.left_out.append(f"line {self.line}: {what} is left out{why}.")

    def comment(self) -> str:
        """Return the comment after the last token on its line, or ""."""
        match = _BESIDE.match(self.sql, self.tokens[self.at - 1].end)
        return " ".join((match["line"] or match["block"] or "").split()) if match else ""


def path(cursor: Cursor) -> tuple[str, ...]:
    """Read the path of a table or view. In a script, a project with dashes may be without backticks."""
    if cursor.sees("IF"):
        raise cursor.wrong("a name", NO_IF)
    parts = _part(cursor)
    while cursor.tokens[cursor.at - 1].raw.endswith(".") or cursor.took("."):  # `project-1.` ends in a number `1.`
        parts += _part(cursor)
    return tuple(parts)


def _part(cursor: Cursor) -> list[str]:
    match = _DASHED.match(cursor.sql, cursor.place) if isinstance(cursor, Foreign) else None
    if not match:
        return cursor.name().split(".")
    while not cursor.done and cursor.place < match.end():
        cursor.at += 1
    return [match[0]]


def names(cursor: Cursor) -> list[str]:
    """Read names separated by commas."""
    found = [cursor.name()]
    while cursor.took(","):
        found.append(cursor.name())
    return found


def bracketed_names(cursor: Cursor) -> tuple[str, ...]:
    """Read names in brackets."""
    cursor.take("(")
    found = names(cursor)
    cursor.take(")")
    return tuple(found)
