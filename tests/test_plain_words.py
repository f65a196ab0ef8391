"""Plain words: messages, help, rule pages, docs, docstrings, comments and names of tests are plain English."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bed.running import ROOT
from tests.plain_words import MARK, Place, files, places

ROOTS = (
    "fqtool", "docs", "tests", "bench", "examples", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile",
    "pyproject.toml", "action.yml", "feature_registry.yaml", "migrations", "mkdocs.yml", ".github",
    ".ci", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml",
)  # fmt: skip


def found_in(path: Path) -> list[Place]:
    """The banned words of a file or below a folder."""
    return [place for file in files([path]) for place in places(file)]


@pytest.mark.parametrize("root", ROOTS)
def test_every_text_is_plain(root: str) -> None:
    """No banned word but in a marked quotation; the failure lists each place with the words to write instead."""
    assert (ROOT / root).exists()
    assert "\n".join(map(str, found_in(ROOT / root))) == ""


# quotation begins
@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("message.py", 'def f():\n    raise ValueError("the table tells nothing")\n', 2),
        ("formatted.py", 'x = 1\nprint(f"{x} is none")\n', 2),
        ("comment.py", "x = 1  # undo it\n", 1),
        ("docstring.py", 'def f():\n    """Say it.\n\n    All at once.\n    """\n', 2),
        ("further.py", 'def f():\n    """Return it.\n\n    All at once.\n    """\n', 4),
        ("test_name.py", "def test_a_house_stands():\n    pass\n", 1),
        ("page.md", "# Title\n\nNothing is mended.\n", 3),
        ("rules.toml", '[rule]\ntext = "whose fault"\n', 2),
        ("schema.json", '{"description": "Stand-ins"}\n', 1),
        ("golden.txt", "Nobody could tell.\n", 1),
        ("Makefile", "x:  # made anew\n", 1),
        ("template.sql", "-- nobody reads it\nSELECT 1\n", 1),
        ("page.html", "<p>Nothing is mended.</p>\n", 1),
    ],
)
def test_a_planted_word_is_found(tmp_path: Path, name: str, text: str, line: int) -> None:
    """In a message, a comment, a docstring, the name of a test and a page, with its line and a replacement."""
    path = tmp_path / name
    path.write_text(text)
    found = [place for file in files([path]) for place in places(file)]
    assert found
    assert found[0].line == line
    assert found[0].instead not in {"", "another word"}


@pytest.mark.parametrize(
    "text",
    [
        f'NAME = "undo"  # {MARK}: the key of another tool\n',
        f'# {MARK} of a release note\nNOTE = "nobody"\n',
        f'# {MARK} begins\nNOTES = (\n    "nobody",\n    "somebody",\n)\n# {MARK} ends\n',
    ],
)
def test_a_marked_quotation_passes(tmp_path: Path, text: str) -> None:
    """By a mark on its line, on the line before, or around it."""
    path = tmp_path / "quoted.py"
    path.write_text(text)
    assert list(places(path)) == []


def test_a_mark_covers_its_quotation_alone(tmp_path: Path) -> None:
    """A word two lines below a mark, and one after the end of a longer quotation, are found."""
    path = tmp_path / "page.md"
    lines = (f"<!-- {MARK} -->", "nobody", "nobody", f"<!-- {MARK} begins -->", "nobody", "", "nobody")
    path.write_text("\n".join((*lines, f"<!-- {MARK} ends -->", "nobody")))
    assert [place.line for place in places(path)] == [3, 9]


# quotation ends


@pytest.mark.parametrize("text", ["x is None", "Why there is none.", "stand_in = 1", "run `--told`", "a/door/b.py"])
def test_python_names_and_paths_pass(tmp_path: Path, text: str) -> None:
    """A word within an identifier, an option or a path, and Python's None, are not words of a sentence."""
    path = tmp_path / "page.md"
    path.write_text(text)
    assert list(places(path)) == []
