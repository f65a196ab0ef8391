"""An expression's text cut into tokens.

Every command checks the registry and so reads its expressions; importing a whole SQL parser for that would take longer
than all the rest of most commands.
"""

from __future__ import annotations

import re

from fqtool.table.tokens import Token

# Blanks and comments; strings, whose quotes may be threefold; names in backticks; numbers; words; signs.
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+)|(?P<comment>(?:--|\#)[^\r\n]*|/\*.*?\*/)
    | [rRbB]{0,2}(?:\'\'\'(?:\\.|[^\\])*?\'\'\'|"{3}(?:\\.|[^\\])*?"{3}|'(?:\\.|[^'\\\r\n])*'|"(?:\\.|[^"\\\r\n])*")
    | `(?:\\.|[^`\\\r\n])*`
    | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?
    | @+\w*
    | \w+
    | <=|>=|!=|<>|\|\||\|>
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


def cut(text: str) -> list[Token]:
    """Return the tokens without blanks and comments.

    What belongs to no token is one of its own, for the grammar to refuse; so is a quote that nothing closes.
    """
    return [Token(one[0], one.start(), one.end()) for one in _TOKEN.finditer(text) if one.lastgroup is None]


def first_comment(text: str) -> int | None:
    """Return the offset of the first comment, also of one that nothing closes; None if there is none."""
    before = ""
    for one in _TOKEN.finditer(text):
        if one["comment"]:
            return one.start()
        if before + one[0] == "/*":
            return one.start() - 1
        before = one[0]
    return None
