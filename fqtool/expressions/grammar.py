"""Parse text into an Expression, by precedence climbing over GoogleSQL's operators."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from math import isinf

from fqtool.errors import InputError
from fqtool.expressions.expression import (
    BINDING,
    Array,
    Between,
    Binary,
    Call,
    Case,
    Expression,
    Field,
    In,
    Index,
    Is,
    Literal,
    Lookup,
    Name,
    Parameter,
    Span,
    Unary,
)
from fqtool.table.tokens import RESERVED, Cursor, Token, cut, unquoted

_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?")
_DEPTH = 200
_LONGEST = 400
_ESCAPE = r"the text has an escape that GoogleSQL does not have: double the backslash, or write r'...'"
_STATEMENTS = ("SELECT", "FROM", "WITH", "EXISTS")


class Unreadable(InputError):
    """The text is not one expression; `at` is the offset of the mistake, from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@lru_cache(maxsize=2048)
def parse_expression(text: str) -> Expression:
    """Parse one GoogleSQL expression.

    Each text is parsed once: checks and scoring read the same expressions.

    Raises:
        Unreadable: The text is not one expression; the message has what was expected, `at` the place.
    """
    reader = _Reader(text, cut(text))
    made = reader.expression()
    if not reader.done:
        raise reader.expected("an operator or the end")
    return made


class _Reader(Cursor):
    """The cursor of DDL, with the grammar of expressions."""

    depth = 0

    def expected(self, what: str) -> Unreadable:
        found = self.tokens[self.at].raw if not self.done else "the end"
        if found.upper() in _STATEMENTS:
            return Unreadable(
                f"{found.upper()} is not allowed here: write one expression over the row, without queries.",
                self.place,
            )
        if found == "=" and self.at and self.tokens[self.at - 1].raw == "=":
            return Unreadable("write = once to compare", self.place)
        expected = "a comma or a closing bracket" if what == "`,`" else what
        return Unreadable(f"expected {expected}, found {self.found}", self.place)

    def wrong(self, expected: str, remedy: str = "") -> InputError:  # noqa: ARG002  the cursor of DDL passes it
        return self.expected(expected)

    def expression(self, least: int = 0) -> Expression:
        """Parse operators that bind at least as strongly as `least`."""
        self.depth += 1
        if self.depth > _DEPTH:
            raise Unreadable(f"nested deeper than {_DEPTH} levels", self.place)
        start = self.place
        left = self._prefix()
        while (found := self._infix(left, start, least)) is not None:
            left = found
        self.depth -= 1
        return left

    def _span(self, start: int) -> Span:
        return Span(start, self.tokens[self.at - 1].end)

    def _prefix(self) -> Expression:
        start = self.place
        if self.took("NOT"):
            return Unary("NOT", self.expression(BINDING["NOT"]), self._span(start))
        if self.took("-"):
            operand = self.expression(BINDING["NEGATE"])
            return Unary("-", operand, self._span(start))
        return self._postfix(self._atom(), start)

    def _postfix(self, made: Expression, start: int) -> Expression:
        while not self.done:
            if self.took("."):
                made = Field(made, self.field(), self._span(start))
                continue
            if not self.took("["):
                break
            how = self.next("SAFE_OFFSET").word
            if how not in ("OFFSET", "SAFE_OFFSET", "ORDINAL", "SAFE_ORDINAL"):
                self.at -= 1
                raise self.expected("SAFE_OFFSET, OFFSET, SAFE_ORDINAL or ORDINAL")
            self.take("(")
            position = self.expression()
            self.take(")")
            self.take("]")
            made = Index(made, how, position, self._span(start))
        return made

    def field(self) -> str:
        """Read the name of a field of a STRUCT."""
        token = self.next("the name of a field")
        if token.raw.startswith("`"):
            return self._text(token)
        if not token.raw.isidentifier():
            self.at -= 1
            raise self.expected("the name of a field")
        return token.raw

    def _infix(self, left: Expression, start: int, least: int) -> Expression | None:
        """Extend `left` by the next operator if it binds strongly enough."""
        negated = self.sees("NOT", "IN") or self.sees("NOT", "BETWEEN") or self.sees("NOT", "LIKE")
        word = "" if self.done else self.tokens[self.at + negated].word
        word = {"<>": "!="}.get(word, word)
        bind = BINDING.get(word, -1)
        if bind < 0 or bind < least or word == "NOT":
            return None
        self.at += 1 + negated
        match word:
            case "IS":
                refuted = self.took("NOT")
                what = self.next("NULL, TRUE or FALSE").word
                if what not in ("NULL", "TRUE", "FALSE"):
                    self.at -= 1
                    raise self.expected("NULL, TRUE or FALSE")
                return Is(left, {"NULL": None, "TRUE": True, "FALSE": False}[what], refuted, self._span(start))
            case "BETWEEN":
                low = self.expression(bind + 1)
                self.take("AND")
                return Between(left, low, self.expression(bind + 1), negated, self._span(start))
            case "IN":
                self.take("(")
                items = self._list(")")
                if not items:
                    raise self.expected("at least one item")
                return In(left, items, negated, self._span(start))
            case _:
                made: Expression = Binary(word, left, self.expression(bind + 1), self._span(start))
                return Unary("NOT", made, made.span) if negated else made

    def _list(self, closing: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        while not self.took(closing):
            items.append(self.expression())
            if not self.sees(closing):
                self.take(",")
        return tuple(items)

    def _atom(self) -> Expression:
        start = self.place
        if self.took("("):
            if self.sees("SELECT"):
                return self._only_query(start)
            inner = self.expression()
            self.take(")")
            return replace(inner, span=self._span(start))
        if self.took("["):
            return Array(self._list("]"), span=self._span(start))
        if self.took("@"):
            return Parameter(self.next("a parameter's name").raw, self._span(start))
        if self.sees("CASE"):
            return self._case()
        token = self.next("an expression")
        if token.raw in ("'", '"', "`"):
            raise Unreadable(f"the quote {token.raw} is not closed", token.start)
        constant = {"TRUE": True, "FALSE": False, "NULL": None}
        if token.word in constant:
            return Literal(constant[token.word], self._span(start))
        if token.raw[0] in "'\"" or token.raw[:2].lower() in ("r'", 'r"'):
            return Literal(self._text(token), self._span(start))
        if _NUMBER.fullmatch(token.raw):
            return Literal(self._number(token), self._span(start))
        return self._named(token, start)

    def _only_query(self, start: int) -> Expression:
        before = self.at
        try:
            return self._lookup(start)
        except Unreadable:
            self.at = before
            raise Unreadable(
                f"{self.expected('').message} The only query allowed is (SELECT value FROM UNNEST(array) WHERE "
                "name = 'a'), with an array of STRUCTs.",
                self.place,
            ) from None

    def _lookup(self, start: int) -> Expression:
        """Read the item of an array that has this key, also as `render` writes it."""
        self.take("SELECT")
        result = self._field_of_item()
        self.take("FROM")
        self.take("UNNEST")
        self.take("(")
        array = self.expression()
        self.take(")")
        if self.took("AS"):
            self.take("ITEM")
        if self.took("WITH", "OFFSET"):
            self.take("AS", "PLACE")
        self.take("WHERE")
        key = self._field_of_item()
        self.take("=")
        value = self.expression()
        self.took("ORDER", "BY", "PLACE")
        self.took("LIMIT", "1")
        self.take(")")
        return Lookup(array, result, key, value, self._span(start))

    def _field_of_item(self) -> str:
        self.took("ITEM", ".")
        return self.field()

    def _text(self, token: Token) -> str:
        try:
            return unquoted(token.raw)
        except (ValueError, OverflowError):
            raise Unreadable(_ESCAPE, token.start) from None

    def _number(self, token: Token) -> int | float:
        if len(token.raw) > _LONGEST or isinf(float(token.raw)):
            raise Unreadable("this number is too large", token.start)
        return int(token.raw) if token.raw.isdecimal() else float(token.raw)

    def _named(self, token: Token, start: int) -> Expression:
        if token.raw.startswith("@") and token.raw[1:].isidentifier():
            return Parameter(token.raw[1:], self._span(start))
        if token.raw.startswith("`"):
            return Name(self._text(token), self._span(start))
        callable_ = token.word in ("IF", "CAST")
        if not token.raw.isidentifier() or (token.word in RESERVED and not callable_):
            self.at -= 1
            raise self.expected("an expression")
        if not self.took("("):
            return Name(token.raw, self._span(start))
        if token.word in ("CAST", "SAFE_CAST"):
            operand = self.expression()
            self.take("AS")
            kind = self.until(")")
            self.take(")")
            return Call(token.word, (operand,), kind.upper(), self._span(start))
        return Call(token.word, self._list(")"), "", self._span(start))

    def _case(self) -> Expression:
        start = self.place
        self.take("CASE")
        operand = None if self.sees("WHEN") else self.expression()
        branches: list[tuple[Expression, Expression]] = []
        while self.took("WHEN"):
            when = self.expression()
            self.take("THEN")
            branches.append((when if operand is None else Binary("=", operand, when, when.span), self.expression()))
        if not branches:
            raise self.expected("WHEN")
        otherwise = self.expression() if self.took("ELSE") else None
        self.take("END")
        return Case(tuple(branches), otherwise, self._span(start))
