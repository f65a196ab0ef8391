"""Laws of the exception tree."""

from __future__ import annotations

import re

from fqtool import errors
from fqtool.errors import FqtoolError

_BRANCH = re.compile(r"^((?:[| ] {3})*)\+-- (\w+) +(?:\((\d)\) +)?\w", re.MULTILINE)


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    """Every error is in the drawing below its base, with the exit code where it differs from its base's."""
    above, drawn = [FqtoolError.__name__], dict[str, str]()
    codes = dict[str, int]()
    for indent, name, code in _BRANCH.findall(errors.__doc__ or ""):
        depth = len(indent) // 4 + 1
        drawn[name] = above[depth - 1]
        codes[name] = int(code or codes[drawn[name]])
        above[depth:] = [name]
    there = {name: one for name, one in vars(errors).items() if isinstance(one, type) and one is not FqtoolError}
    assert drawn == {name: one.__base__.__name__ for name, one in there.items()}
    assert codes == {name: one.exit_code for name, one in there.items()}
