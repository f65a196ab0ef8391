"""A translation is kept for the next run, and only where it is the translation that this version would make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fqtool.errors import InputError
from fqtool.warehouse.duckdb.transpile import dialect, translations

SQL = "SELECT SUM(a) AS total FROM t WHERE d = DATE '2026-02-06' AND a > @least"
SCHEMAS = (("t", (("a", "INT64"), ("d", "DATE"))),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing in the memory of the process."""
    monkeypatch.setenv(translations.FOLDER, str(tmp_path / "cache"))
    _forget()
    return tmp_path / "cache"


def _forget() -> None:
    dialect._transpiled.cache_clear()
    dialect._tables_in.cache_clear()


def _no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(sql: str) -> None:
        raise AssertionError(f"parsed {sql}")

    monkeypatch.setattr(dialect, "_parsed", parsed)


@pytest.mark.usefixtures("folder")
def test_a_second_run_neither_parses_nor_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, parameters and tables come from the folder, with the dates of the second statement."""
    first, tables = dialect.transpiled(SQL, SCHEMAS), dialect.tables_in(SQL)
    _forget()
    _no_parser(monkeypatch)
    assert (dialect.transpiled(SQL, SCHEMAS), dialect.tables_in(SQL)) == (first, tables)
    later = dialect.transpiled(SQL.replace("2026-02-06", "2026-02-07"), SCHEMAS)
    assert later.sql == first.sql.replace("2026-02-06", "2026-02-07")


def test_other_types_are_another_question(folder: Path) -> None:
    """A translation depends on the types of the columns."""
    known = dialect.transpiled("SELECT a = b AS same FROM t", (("t", (("a", "FLOAT64"), ("b", "FLOAT64"))),))
    _forget()
    other = dialect.transpiled("SELECT a = b AS same FROM t", (("t", (("a", "INT64"), ("b", "INT64"))),))
    assert known != other
    assert len(list(folder.iterdir())) == 2


@pytest.mark.usefixtures("folder")
def test_another_version_translates_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version kept is not read."""
    dialect.transpiled(SQL, SCHEMAS)
    _forget()
    monkeypatch.setattr(translations, "_version", lambda: b"another")
    _no_parser(monkeypatch)
    with pytest.raises(AssertionError, match="parsed"):
        dialect.transpiled(SQL, SCHEMAS)


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '{"sql": 1}', "[]", '["\\ud800'])
def test_a_damaged_file_is_written_again(folder: Path, text: str) -> None:
    """A file with other content is neither an error nor a translation."""
    first = dialect.transpiled(SQL, SCHEMAS)
    (path,) = folder.iterdir()
    kept = path.read_bytes()
    path.write_text(text, encoding="utf-8")
    _forget()
    assert dialect.transpiled(SQL, SCHEMAS) == first
    assert path.read_bytes() == kept


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="other systems have no modes")
def test_a_folder_that_others_can_write_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of the folder are run as SQL, so no other user may write them."""
    dialect.transpiled(SQL, SCHEMAS)
    _forget()
    folder.chmod(0o777)
    _no_parser(monkeypatch)
    with pytest.raises(AssertionError, match="parsed"):
        dialect.transpiled(SQL, SCHEMAS)
    assert translations.recall(("tables", SQL)) is None


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is where the folder should be."""
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv(translations.FOLDER, str(tmp_path / "cache"))
    _forget()
    assert "$least" in dialect.transpiled(SQL, SCHEMAS).sql


def test_an_empty_name_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable turns it off."""
    monkeypatch.setenv(translations.FOLDER, "")
    monkeypatch.chdir(tmp_path)
    _forget()
    dialect.transpiled(SQL, SCHEMAS)
    assert list(tmp_path.iterdir()) == []


def test_the_older_half_is_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder stays small."""
    monkeypatch.setattr(translations, "MOST", 4)
    for number in range(9):
        translations.keep(("tables", number), [str(number)])
        os.utime(folder / translations._name(("tables", number)), (number, number))
    assert len(list(folder.iterdir())) <= 4
    assert translations.recall(("tables", 8)) == ["8"]
    assert translations.recall(("tables", 0)) is None


def test_a_refused_statement_is_refused_again(folder: Path) -> None:
    """An error is not kept."""
    for _ in range(2):
        _forget()
        with pytest.raises(InputError, match="not valid"):
            dialect.transpiled("SELECT FROM WHERE", ())
    assert not folder.exists()
