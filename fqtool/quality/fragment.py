"""SQL of the warehouse inside SQL of ours: views and thresholds, whose text is put where it stands."""

from __future__ import annotations

from fqtool.quality.grammar import Unreadable
from fqtool.quality.lexer import cut, first_comment

_OPEN = {"(": ")", "[": "]", "{": "}"}
_QUERY = frozenset({"SELECT", "WITH"})
# What would end the expression and go on with the statement around it.
_CLAUSES = frozenset(
    {"AS", "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT"}
)


def check_fragment(text: str) -> None:
    """See to it that the text stays one expression wherever it is put, though its functions be unknown.

    Brackets and quotes are closed, no comment swallows what follows, and there is no query, clause or semicolon in it.
    Raises Unreadable with the place.
    """
    if (comment := first_comment(text)) is not None:
        raise Unreadable("a comment would swallow the SQL after it; write it as a comment of YAML", comment)
    waiting: list[str] = []
    before = ""
    for token in cut(text):
        word = token.word
        if word in _OPEN:
            waiting.append(_OPEN[word])
        elif word in _OPEN.values():
            if not waiting or waiting.pop() != word:
                raise Unreadable(f"{word} closes no bracket", token.start)
        elif word in {";", "'", '"', "`", "\\"}:
            wrong = "is never closed" if word in "'\"`" else "is not possible here"
            raise Unreadable(f"{word} {wrong}", token.start)
        elif word in _QUERY:
            raise Unreadable(f"{word} is not possible here: this is one expression, without queries", token.start)
        elif not waiting and (word == "," or (word in _CLAUSES and (before, word) != ("DISTINCT", "FROM"))):
            raise Unreadable(f"{word} is not possible here: this is one expression", token.start)
        before = word
    if waiting:
        raise Unreadable(f"{waiting[-1]} is missing", max(len(text.rstrip()) - 1, 0))
