"""Laws of base columns that a command reads: an absent or mistyped one is named before the warehouse fails on it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.in_process import fqtool

TARGET = ("--target", "duckdb:///store.duckdb")
DAY = "2026-02-06"
READING = {
    "diagnose": ("--date", DAY),
    "daily": ("--date", DAY),
    "score": ("--start", DAY),
    "explain": ("--key", "item=a", "--date", DAY),
    "learn": ("--start", DAY, "--end", DAY),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of two named columns, adopted from a table, with scores."""
    with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
        connection.execute("CREATE TABLE store (item VARCHAR, day DATE, price DOUBLE, units DOUBLE)")
        connection.execute(
            "INSERT INTO store SELECT chr(97 + i::INT), d::DATE, i * 3.5 + day(d), i + 1 "
            f"FROM range(DATE '{DAY}' - 20, DATE '{DAY}' + 1, INTERVAL 1 DAY) AS t(d), range(20) AS u(i)"
        )
    adopt = ("init", "--from-table", "store", "--learn", "20")
    for words in (adopt, ("migrate", "plan"), ("migrate",), ("score", "--start", DAY)):
        done = fqtool(tmp_path, *words, *TARGET)
        assert done.code == 0, done.said
    return tmp_path


@pytest.mark.parametrize("command", READING)
def test_an_absent_base_column_is_named(command: str, folder: Path) -> None:
    """Exit 1 with the column, and the command that finds all drift."""
    with duckdb.connect(str(folder / "store.duckdb")) as connection:
        connection.execute("ALTER TABLE store DROP COLUMN units")
    done = fqtool(folder, command, *READING[command], *TARGET)
    assert done.code == 1, done.said
    assert "`units` is in feature_registry.yaml but not in store in duckdb:///store.duckdb." in done.err
    assert f"fix: fqtool check-drift {' '.join(TARGET)}" in done.err


@pytest.mark.parametrize("command", READING)
def test_text_in_place_of_numbers_is_named(command: str, folder: Path) -> None:
    """Exit 1 with both types."""
    with duckdb.connect(str(folder / "store.duckdb")) as connection:
        connection.execute("ALTER TABLE store ALTER units TYPE VARCHAR")
    done = fqtool(folder, command, *READING[command], *TARGET)
    assert done.code == 1, done.said
    assert "`units` is STRING in store in duckdb:///store.duckdb, FLOAT64 in feature_registry.yaml." in done.err


def test_a_target_of_the_environment_excludes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a typed --target conflicts with an option that reads no target."""
    record = f'{{"item": "a", "day": "{DAY}", "price": 1.0, "units": 2.0}}\n'
    (folder / "rows.ndjson").write_text(record, encoding="utf-8")
    monkeypatch.setenv("FQTOOL_TARGET", TARGET[1])
    for words in (
        ("score", "--input", "rows.ndjson", "--output", "scored.ndjson"),
        ("cost", "--offline"),
        ("diff", "feature_registry.yaml", "feature_registry.yaml", "--rows", "rows.ndjson"),
    ):
        done = fqtool(folder, *words)
        assert done.code == 0, done.said
        refused = fqtool(folder, *words, *TARGET)
        assert refused.code == 2, refused.said


def test_a_file_that_does_not_exist_is_named(folder: Path) -> None:
    """A typing error of the target is not answered with the creation of an empty table alone."""
    done = fqtool(folder, "diagnose", "--date", DAY, "--target", "duckdb:///stroe.duckdb")
    assert done.code == 3
    assert "There is no table store in duckdb:///stroe.duckdb: the file does not exist." in done.err
    assert "fix: Correct --target." in done.err
