"""Check SQL of views, thresholds and defaults, which becomes part of generated statements unchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fqtool.expressions.grammar import Unreadable
from fqtool.table.tokens import RESERVED, Token, cut, first_comment

_OPEN = {"(": ")", "[": "]", "{": "}"}
_TYPES = ("ARRAY", "STRUCT", "RANGE")  # before a `<` that is a bracket
_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})
_NOT_HERE = frozenset({";", "|>", "'", '"', "`", "\\"})
_QUERY = frozenset({"SELECT", "WITH"})
# Words that start a query without SELECT: with a table, in pipe syntax, of a graph, or in DuckDB.
_NAMES_A_TABLE = frozenset({"TABLE", "VALUES", "GRAPH", "CALL", "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE", "SHOW"})
# The reserved words of an expression; any other would end it and continue the statement around it.
_OF_EXPRESSIONS = frozenset(
    """
    ALL AND ANY ARRAY BETWEEN CASE CAST COLLATE ELSE END EXISTS EXTRACT FALSE GROUPING IF IN INTERVAL IS LEFT LIKE NOT
    NULL OR OVER RANGE RIGHT SOME STRUCT THEN TRUE UNNEST WHEN
    """.split()  # noqa: SIM905  as RESERVED itself
)


def check_fragment(text: str) -> None:
    """Check that a text is one expression in any statement, even if its functions are unknown.

    Brackets and quotes must be closed. Comments, queries, clauses and semicolons are not allowed.

    Raises:
        Unreadable: The text is not one expression.
    """
    if (comment := first_comment(text)) is not None:
        raise Unreadable("a comment would hide the SQL after it; write it as a YAML comment", comment)
    tokens = cut(text)
    for token in tokens:
        if token.word in _NOT_HERE:
            wrong = "is not closed" if token.word in "'\"`" else "is not allowed here"
            raise Unreadable(f"{token.word} {wrong}", token.start)
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token.word == "<" and _word(tokens, at - 1) in _TYPES:
            opened.append(at)
        elif token.word == ">" and opened and tokens[opened[-1]].word == "<":
            opened.pop()
        elif token.word in _OPEN:
            opened.append(at)
        elif token.word in _OPEN.values():
            if not opened or _OPEN.get(tokens[opened.pop()].word) != token.word:
                raise Unreadable(f"{token.word} closes no bracket", token.start)
        elif _is_query(tokens, at, opened):
            raise Unreadable(f"{token.word} is not allowed here: write one expression, without queries", token.start)
        elif not opened and _ends_expression(tokens, at):
            raise Unreadable(f"{token.word} is not allowed here: write one expression", token.start)
    if opened:
        raise Unreadable(f"{_OPEN.get(tokens[opened[-1]].word, '>')} is missing", max(len(text.rstrip()) - 1, 0))


def is_fragment(text: str) -> bool:
    """Return whether a text is one expression, as `check_fragment`."""
    try:
        check_fragment(text)
    except Unreadable:
        return False
    return True


def _is_query(tokens: Sequence[Token], at: int, opened: Sequence[int]) -> bool:
    """Whether this word starts or continues a query."""
    word = tokens[at].word
    before, after = _word(tokens, at - 1), _word(tokens, at + 1)
    if word == "FROM":
        return before != "DISTINCT" and not (opened and _word(tokens, opened[-1] - 1) == "EXTRACT")
    named = re.match(r"[\w`'\"]", after) is not None and after not in RESERVED
    return word in _QUERY or (word in _NAMES_A_TABLE and (named or (word, after) == ("VALUES", "(")))


def _ends_expression(tokens: Sequence[Token], at: int) -> bool:
    word, before = tokens[at].word, _word(tokens, at - 1)
    if word == "TO" and {before, _word(tokens, at + 1)} <= _UNITS:  # INTERVAL '1-2' YEAR TO MONTH
        return False
    if (word, before) in {("FROM", "DISTINCT"), ("DISTINCT", "IS"), ("DISTINCT", "NOT")}:
        return False
    return word == "," or word in RESERVED - _OF_EXPRESSIONS


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].word if 0 <= at < len(tokens) else ""
