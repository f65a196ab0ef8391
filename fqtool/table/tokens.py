"""A cursor over the tokens of GoogleSQL text, and string literals read back. sqlglot cuts the tokens."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from fqtool.errors import InputError

# GoogleSQL's reserved words: a name only in backticks (BIGQUERY 49).
RESERVED = frozenset(
    """
    ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS
    CUBE CURRENT DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE
    FETCH FOLLOWING FOR FROM FULL GRAPH_TABLE GROUP GROUPING GROUPS HASH HAVING IF IGNORE IN INNER
    INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO NOT NULL NULLS
    OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP
    ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION UNNEST USING WHEN WHERE
    WINDOW WITH WITHIN
    """.split()  # noqa: SIM905  a paragraph of words reads better than a list of ninety strings
)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xX]([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.DOTALL)
_SURROGATES = range(0xD800, 0xE000)
_QUOTED = re.compile(r"(?P<raw>[rR]?)(?P<quote>'''|\"\"\"|'|\"|`)(?P<body>.*)(?P=quote)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as written: its text in the source, quotes and all, and where it begins and ends."""

    raw: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token in upper case, for comparing with keywords; a quoted token never equals one."""
        return self.raw.upper()


def unquoted(raw: str) -> str:
    """Return the value of a string literal or backticked name.

    Raises ValueError if it is neither, or holds an escape that stands for no character of Unicode.
    """
    found = _QUOTED.fullmatch(raw)
    if not found:
        raise ValueError(raw)
    return found["body"] if found["raw"] else _ESCAPE.sub(_unescaped, found["body"])


def _unescaped(found: re.Match[str]) -> str:
    if code := found[1] or found[2] or found[3]:
        number = int(code, 16)
        if number > sys.maxunicode or number in _SURROGATES:
            raise ValueError(found[0])
        return chr(number)
    if found[4]:
        return chr(int(found[4], 8))
    return _SIMPLE.get(found[5], found[5])


def tokens_of(sql: str) -> list[Token]:
    """Cut GoogleSQL into tokens without comments. Raises InputError where it cannot be cut."""
    from sqlglot import tokenize
    from sqlglot.errors import SqlglotError

    try:
        cut = tokenize(sql, read="bigquery")
    except SqlglotError as error:
        raise InputError(f"This is not SQL that can be read: {str(error).splitlines()[0]}.") from None
    return [piece for token in cut for piece in _pieces(sql, token.start, token.end + 1)]


def _pieces(sql: str, start: int, end: int) -> list[Token]:
    """The tokeniser joins PARTITION BY and >> into one token; DDL reads better word by word."""
    raw = sql[start:end]
    if raw[0] in "'\"`rRbB" and not raw.isidentifier():
        return [Token(raw, start, end)]
    words = re.finditer(r">" if set(raw) == {">"} else r"\S+", raw)
    return [Token(found[0], start + found.start(), start + found.end()) for found in words]


class Cursor:
    """Walks tokens; every refusal says line and column of the place and what was expected there."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether all tokens are taken."""
        return self.at >= len(self.tokens)

    @property
    def place(self) -> int:
        """The offset of the next token, or the end of the text."""
        return self.tokens[self.at].start if not self.done else len(self.sql)

    def wrong(self, expected: str, remedy: str = "") -> InputError:
        """Build the refusal for what stands at the cursor."""
        line = self.sql.count("\n", 0, self.place) + 1
        column = self.place - (self.sql.rfind("\n", 0, self.place) + 1) + 1
        found = self.tokens[self.at].raw if not self.done else "the end"
        return InputError(f"line {line}, column {column}: expected {expected}, found {found[:60]}.", remedy=remedy)

    def sees(self, *words: str) -> bool:
        """Tell whether these words come next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return [token.word for token in ahead] == list(words)

    def took(self, *words: str) -> bool:
        """Step over these words if they come next."""
        if self.sees(*words):
            self.at += len(words)
            return True
        return False

    def take(self, *words: str) -> None:
        """Step over these words. Raises InputError if others come next."""
        if not self.took(*words):
            raise self.wrong(" ".join(words))

    def next(self, expected: str) -> Token:
        """Take the next token, whatever it is. Raises InputError at the end."""
        if self.done:
            raise self.wrong(expected)
        self.at += 1
        return self.tokens[self.at - 1]

    def name(self) -> str:
        """Take one identifier, quoted or not."""
        raw = self.next("a name").raw
        if raw.startswith("`"):
            try:
                return unquoted(raw)
            except ValueError:
                self.at -= 1
                raise self.wrong("a name in backticks") from None
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", raw) or raw.upper() in RESERVED:
            self.at -= 1
            raise self.wrong("a name (reserved words in backticks)")
        return raw

    def string(self) -> str:
        """Take one string literal and return its value."""
        raw = self.next("a string").raw
        try:
            return unquoted(raw)
        except ValueError:
            self.at -= 1
            raise self.wrong("a string in quotes") from None

    def until(self, *stops: str) -> str:
        """Take an expression's text up to a stop word or bracket at its own depth."""
        start, depth, last = self.place, 0, self.place
        while not self.done:
            token = self.tokens[self.at]
            if depth == 0 and token.word in stops:
                break
            depth += (token.raw in "([") - (token.raw in ")]")
            last = token.end
            self.at += 1
        if last == start:
            raise self.wrong("an expression")
        return self.sql[start:last]
