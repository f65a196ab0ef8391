"""The words that no message, help text, page, docstring, comment or test name has, and what to write instead.

`python -m tests.plain_words PATH...` prints every place below the paths where one occurs. A quotation is marked by the
word `quotation` in a comment on the same line, or on the line before; a longer one by `quotation begins` and
`quotation ends`.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# quotation begins
INSTEAD = {
    r"stand-?ins?": "default value, defaulted feature, default rate",
    r"ways? back": "rollback",
    # `there is none` is plain, and `is None` is Python's.
    r"(?<!there )(is|are|was|were) (?-i:none)": "say what it is: `must be 0 or more`",
    r"(?<!there )(is|are|was|were) no(?! (longer|more than|fewer|later|earlier)\b)": "`is not a ...`; `unknown ...`",
    r"(is|are) nothing": "is not supported",
    r"(is|are) in order(?! of)": "no problems found",
    r"knows? no": "does not know",
    r"mend\w*": "fix, repair",
    r"anew": "again, from scratch",
    r"tell(s|ing)?|told|untold": "report, describe, list, print; tell apart: distinguish",
    r"say(s|ing)?|said": "report, describe, declare, print",
    r"speaks?|spoken?|speaking": "name, mention",
    r"hears?|heard|hearing": "receive, listen for",
    r"settl\w+": "reconcile, normalize",
    r"silenc\w+": "suppress",
    r"witness\w*": "reference, observation",
    r"faults? of": "caused by",
    r"whose fault": "likely cause",
    r"has a defect": "internal error",
    r"the world": "external service",
    # `standing` is a column of the ledger.
    r"stands?|stood|standing(?![`:])": "exist, be present",
    r"wants?|wanted|wanting": "require, expect; the expected ...",
    r"lies|lay": "be",
    r"go(es|ne)? away": "is dropped, is removed",
    r"tak(e|es|en|ing) away": "remove",
    r"holds? up": "is a partition or clustering column of",
    r"nobody|somebody|anybody": "name who: a user, a writer, a colleague, no one",
    r"undo(es|ne|ing)?": "revert, roll back",
    r"ways? out": "fix",
    r"at once": "immediately; in one run; at the same time",
    r"for ever": "permanently",
    r"letter by letter|to the letter": "exactly as printed",
    r"in vain": "without effect",
    r"on (its|the|their) way": "while; before it arrives",
    r"twins?": "counterpart",
    r"houses?": "store, folder",
    r"doors?": "interface, entry point",
    r"odd(ly)?": "unusual",
    r"deem\w*|reckon\w*": "count as, treat as",
    r"believ\w+|forgiv\w+|forgave": "accept, take as correct",
    r"shall|ought": "must, should",
    r"thus|hence|thereby|therein|thereof|hitherto|whence|hereby|lest|albeit": "so, because, in it",
    r"day of evidence|days of evidence": "daily statistics",
}
# quotation ends
"""A pattern of whole words, in any case, and what is written instead."""

BANNED = re.compile(r"(?<![\w./-])(?:" + "|".join(INSTEAD) + r")(?![\w/-])", re.IGNORECASE)
_EACH = tuple((re.compile(pattern, re.IGNORECASE), better) for pattern, better in INSTEAD.items())
MARK = "quotation"
_READ = {".py", ".md", ".yaml", ".yml", ".toml", ".j2", ".json", ".txt", ".sql", ".html", ".css", ".js"}
_QUOTED = {"store_0_1", "corpus"}
"""Folders of files that an earlier release wrote: a quotation as a whole, whose checksums allow no mark."""


@dataclass(frozen=True)
class Place:
    """Where a banned word occurs: the file, its line from 1, the word as written, and what to write instead."""

    path: Path
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        """The place as editors link it."""
        return f"{self.path}:{self.line}: `{self.word}`: write {self.instead}"


def places(path: Path) -> Iterator[Place]:
    """Every banned word of a file; of a Python file, in its strings, comments and names of tests."""
    text = path.read_text(encoding="utf-8")
    marked = set(_marked(text))
    pieces = _of_python(text) if path.suffix == ".py" else enumerate(text.splitlines(), 1)
    for first, piece in pieces:
        for offset, line in enumerate(piece.splitlines()):
            number = first + offset
            if number in marked:
                continue
            for match in BANNED.finditer(line):
                yield Place(path, number, match.group(), _instead(match.group()))


def _marked(text: str) -> Iterator[int]:
    """The lines of quotations."""
    within = False
    for number, line in enumerate(text.splitlines(), 1):
        within = (within or f"{MARK} begins" in line) and f"{MARK} ends" not in line
        if within or MARK in line:
            yield number
        if MARK in line and f"{MARK} ends" not in line:
            yield number + 1


def _instead(word: str) -> str:
    return next((better for pattern, better in _EACH if pattern.fullmatch(word)), "another word")


def _of_python(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each comment, string and test name."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Constant(value=str() as value):
                yield node.lineno, value
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield node.lineno, name.replace("_", " ")
            case _:
                pass


def files(roots: Iterable[Path]) -> Iterator[Path]:
    """The files below the roots that people read."""
    for root in roots:
        if root.is_file():
            yield root
        for path in sorted(root.rglob("*")):
            if path.suffix in _READ and path.is_file() and not _QUOTED & set(path.parts):
                yield path


if __name__ == "__main__":
    many = 0
    for file in files(map(Path, sys.argv[1:])):
        for place in places(file):
            many += 1
            sys.stdout.write(f"{place}\n")
    sys.stdout.write(f"{many} places\n")
    sys.exit(1 if many else 0)
