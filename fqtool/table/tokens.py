"""Split GoogleSQL into tokens, with a cursor over them, and read string literals.

Expressions and DDL share this module. It uses no SQL library, because every command reads the registry's expressions,
and importing a library would take longer than the rest of most commands.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from fqtool.errors import InputError

# GoogleSQL's reserved words, which are names only in backticks (bigquery.md#names).
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
# Blanks and comments; strings in single or triple quotes; names in backticks; numbers; words; operators.
_TOKEN = re.compile(
    r"""
    (?P<skipped>\s+|(?:--|\#)[^\r\n]*|/\*.*?\*/)
    | [rRbB]{0,2}(?:
        \'\'\'(?:\\.|[^\\])*?\'\'\' | "{3}(?:\\.|[^\\])*?"{3}
        | '(?!'')(?:\\.|[^'\\\r\n])*' | "(?!"")(?:\\.|[^"\\\r\n])*"
    )
    | `(?:\\.|[^`\\\r\n])*`
    | 0[xX][0-9a-fA-F]+ | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?
    | @+\w*
    | \w+
    | <=|>=|!=|<>|\|\||\|>|/\*
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = ("--", "#", "/*")
_UNCLOSED = frozenset({"'", '"', "`", "/*"})
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_SIMPLE = {**_CONTROL, **{character: character for character in "\\?\"'`"}}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xX]([0-9a-fA-F]{2})|([0-3][0-7]{2})|(.))", re.DOTALL)
_SURROGATES = range(0xD800, 0xE000)
_STRING = re.compile(r"[rR]?['\"]")
_QUOTED = re.compile(r"(?P<raw>[rR]?)(?P<quote>'''|\"\"\"|'|\"|`)(?P<body>.*)(?P=quote)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its text in the source, quotes included, and its start and end there."""

    raw: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token in upper case, to compare with keywords. A quoted token never equals a keyword."""
        return self.raw.upper()


def unquoted(raw: str) -> str:
    """Return the value of a string literal or backticked name.

    Raises:
        ValueError: It is neither, or it has an escape that GoogleSQL does not have, or that is not a character.
    """
    match = _QUOTED.fullmatch(raw)
    if not match:
        raise ValueError(raw)
    body = match["body"].replace("\r\n", "\n").replace("\r", "\n")  # in triple quotes, as Google reads it
    return body if match["raw"] else _ESCAPE.sub(_unescaped, body)


def _unescaped(match: re.Match[str]) -> str:
    if code := match[1] or match[2] or match[3]:
        number = int(code, 16)
        if number > sys.maxunicode or number in _SURROGATES:
            raise ValueError(match[0])
        return chr(number)
    if match[4]:
        return chr(int(match[4], 8))
    if match[5] not in _SIMPLE:
        raise ValueError(match[0])
    return _SIMPLE[match[5]]


def cut(text: str) -> list[Token]:
    """Return the tokens without blanks and comments, in the order of the text.

    Any other character is a token by itself, which the grammar refuses; so is a quote or comment that is not closed.
    """
    return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text) if not match["skipped"]]


def first_comment(text: str) -> int | None:
    """Return the offset of the first comment, closed or not; None without a comment."""
    return next((match.start() for match in _TOKEN.finditer(text) if match[0].startswith(_COMMENT)), None)


def tokens_of(sql: str) -> list[Token]:
    """Split DDL into tokens without comments. Raises InputError for a quote or comment that is not closed."""
    tokens = cut(sql)
    for at, token in enumerate(tokens):
        if token.raw in _UNCLOSED:
            where = Cursor(sql, tokens[at:]).where
            raise InputError(f"The SQL is not valid: {where}: {token.raw} is not closed.", remedy="Close it.")
    return tokens


class Cursor:
    """A position in a list of tokens. Every error has line, column and what was expected."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether all tokens are read."""
        return self.at >= len(self.tokens)

    @property
    def place(self) -> int:
        """The offset of the next token, or the end of the text."""
        return self.tokens[self.at].start if not self.done else len(self.sql)

    @property
    def line(self) -> int:
        """Line of the next token, counted from 1."""
        return self.line_at(self.at)

    def line_at(self, at: int) -> int:
        """Line of a token, counted from 1.

        Args:
            at: The number of the token, from 0.
        """
        place = self.tokens[at].start if at < len(self.tokens) else len(self.sql)
        return self.sql.count("\n", 0, place) + 1

    @property
    def where(self) -> str:
        """Line and column of the next token, counted from 1."""
        return f"line {self.line}, column {self.place - self.sql.rfind(chr(10), 0, self.place)}"

    def wrong(self, expected: str, remedy: str = "") -> InputError:
        """Return the error for an unexpected token at the cursor."""
        return InputError(f"{self.where}: expected {expected}, found {self.found}.", remedy=remedy)

    @property
    def found(self) -> str:
        """The next token as a message quotes it."""
        if self.done:
            return "the end"
        raw = self.tokens[self.at].raw[:60]
        return raw if raw.startswith("`") else f"`{raw}`"

    def refused(self, why: str, remedy: str) -> InputError:
        """Return the error for what BigQuery does not accept at the cursor."""
        return InputError(f"{self.where}: {why}", remedy=remedy)

    def no_type(self, why: str, remedy: str = "") -> InputError:
        """Return the error for the type at the cursor, with the reason as a clause."""
        return self.refused(f"{why[:1].upper()}{why[1:]}.", remedy)

    def sees(self, *words: str) -> bool:
        """Return whether these words come next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return [token.word for token in ahead] == list(words)

    def took(self, *words: str) -> bool:
        """Skip these words if they come next, and return whether they did."""
        if self.sees(*words):
            self.at += len(words)
            return True
        return False

    def take(self, *words: str) -> None:
        """Skip these words. Raises InputError if other words come next."""
        if not self.took(*words):
            raise self.wrong(f"`{' '.join(words)}`")

    def next(self, expected: str) -> Token:
        """Read the next token of any kind. Raises InputError at the end."""
        if self.done:
            raise self.wrong(expected)
        self.at += 1
        return self.tokens[self.at - 1]

    def name(self) -> str:
        """Read one identifier, with or without backticks."""
        raw = self.next("a name").raw
        if raw.startswith("`"):
            try:
                return unquoted(raw)
            except ValueError:
                self.at -= 1
                raise self.wrong("a name in backticks") from None
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", raw) or raw.upper() in RESERVED:
            self.at -= 1
            reserved = raw.upper() in RESERVED
            raise self.wrong("a name", f"`{raw}` is a reserved word: write it in backticks." if reserved else "")
        return raw

    def string(self) -> str:
        """Read a string literal and those directly after it, and return the joined value."""
        parts = list[str]()
        while not parts or (not self.done and _STRING.match(self.tokens[self.at].raw)):
            raw = self.next("a string").raw
            try:
                parts.append(unquoted(raw))
            except ValueError:
                self.at -= 1
                quoted = _STRING.match(raw)
                raise self.wrong("a string without unknown escapes" if quoted else "a string in quotes") from None
        return "".join(parts)

    def take_element_options(self) -> None:
        """Skip what may follow the type of an ARRAY's element, which is never NULL."""
        self.took("NOT", "NULL")

    def until(self, *stops: str) -> str:
        """Read the text of an expression.

        Args:
            stops: Words or brackets that end it at its own depth. A `<` is a bracket only after a type.
        """
        start, depth, last = self.place, 0, self.place
        types: list[int] = []
        while not self.done:
            token = self.tokens[self.at]
            if depth == 0 and token.word in stops:
                break
            if token.raw == "<" and self.tokens[self.at - 1].word in ("ARRAY", "STRUCT", "RANGE"):
                types.append(depth)
                depth += 1
            elif token.raw == ">" and types and types[-1] == depth - 1:
                depth = types.pop()
            depth += (token.raw in "([") - (token.raw in ")]")
            last = token.end
            self.at += 1
        if last == start:
            raise self.wrong("an expression")
        return self.sql[start:last]
