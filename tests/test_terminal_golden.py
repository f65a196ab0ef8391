"""What every command shows on terminals of 80 and of 120 columns; FQTOOL_RENEW=1 writes the files, to be read."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from tests.terminal import COMMANDS, command_names, session, shown

GOLDEN = Path(__file__).parent / "golden" / "terminal"
WIDTHS = (80, 120)
HELP = tuple(command_names())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stores of the module are."""
    return tmp_path_factory.mktemp("terminal")


@cache
def texts(folder: Path, width: int) -> dict[str, str]:
    """What the commands show at a width, in a store of their own."""
    place = folder / str(width)
    place.mkdir()
    return session(place, width)


def check(path: Path, text: str) -> None:
    """Compare with a golden file, or write it."""
    if os.environ.get("FQTOOL_RENEW"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "intended? then: make golden, and read the diff"


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_output(folder: Path, width: int, name: str) -> None:
    """Each command shows what was reviewed."""
    check(GOLDEN / str(width) / f"{name}.txt", texts(folder, width)[name])


@pytest.mark.parametrize("words", HELP, ids=" ".join)
def test_help(folder: Path, words: tuple[str, ...]) -> None:
    """The help of each command shows what was reviewed, at 80 columns, and no name in it is cut."""
    text = shown(folder, 80, *words, "--help")
    check(GOLDEN / "help" / f"{'-'.join(words) or 'fqtool'}.txt", text)
    assert "…" not in text
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_every_command_is_shown() -> None:
    """A command without a golden output fails here."""
    shown_words = {words[:length] for words in COMMANDS.values() for length in (1, 2)}
    assert [words for words in HELP if words and words not in shown_words] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_too_wide(folder: Path, width: int) -> None:
    """Sentences and tables end within the terminal; what is to be copied stays one line, and a name is never cut."""
    wide = [
        (name, line)
        for name, text in texts(folder, width).items()
        if name not in _SQL
        for line in text.splitlines()[1:]
        if len(line) > width and not _COPIED.match(line)
    ]
    assert wide == []


# These print a migration, which is a file of SQL.
_SQL = {"migrate-plan", "migrate-dry-run"}
# A remedy, a command, SQL, a line of a file or of a patch, and a name alone.
_COPIED = re.compile(
    r" *(fix: |Next(?: \(.*?\))?: |fqtool |\$ fqtool |\S+:\d+: |\d+ \| |[-+] |--fix: |ALTER TABLE |[^│]*: fqtool )"
    r"| *\S+$"
)


def test_no_line_breaks_within_a_name(folder: Path) -> None:
    """Each word on the narrow terminal is a word on the wide one."""
    narrow, wide = (texts(folder, width) for width in WIDTHS)
    cut = {name: sorted(_words(narrow[name]) - _words(wide[name])) for name in COMMANDS}
    assert {name: words for name, words in cut.items() if words} == {}


def _words(text: str) -> set[str]:
    return {word.strip(":,;.") for word in re.split(r"[\s│]+", text) if re.search(r"\w", word)}
