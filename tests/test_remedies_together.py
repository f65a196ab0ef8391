"""Remedies of one run fit each other: a plan makes all changes, so none runs before a person has decided."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from fqtool.findings.finding import Finding
from fqtool.findings.remedy import commands
from fqtool.findings.together import together
from tests.in_process import Done, fqtool

COLUMNS = """
  - {name: up, type: STRING, section: aggregate, description: d, owner: upstream}
  - {name: score, type: FLOAT64, section: aggregate, description: d, owner: upstream}
views:
  - {name: store_v, description: d, columns: [{name: tier, expr: quality_tier}, {name: s, expr: score}]}
"""
VIEW_GONE = "DROP VIEW store_v"
RENAMED = "ALTER TABLE feature_store RENAME COLUMN up TO up2"
RETYPED = "ALTER TABLE feature_store ALTER COLUMN score TYPE VARCHAR"
COMPUTED_RETYPED = "ALTER TABLE feature_store ALTER COLUMN default_feature_count TYPE VARCHAR"
BASE_RETYPED = "ALTER TABLE feature_store ALTER COLUMN note TYPE DATE"
DRIFT = ("check-drift",)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store with columns of upstream, a base column and a view."""
    folder = tmp_path_factory.mktemp("made")
    assert fqtool(folder, "init").code == 0
    registry = folder / "feature_registry.yaml"
    text = registry.read_text(encoding="utf-8")
    base = "\nbase_columns:\n"
    text = text.replace(base, f"{base}  - {{name: note, type: STRING(10)}}\n", 1)
    registry.write_text(text.rstrip() + COLUMNS, encoding="utf-8")
    for words in (("migrate", "plan"), ("migrate",)):
        done = fqtool(folder, *words)
        assert done.code == 0, done.said
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """A copy of the migrated store."""
    return Path(shutil.copytree(made, tmp_path / "store"))


def by_hand(store: Path, *statements: str) -> None:
    """Run statements in DuckDB."""
    with duckdb.connect(str(store / ".fqtool/local.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def found(store: Path, *words: str) -> tuple[Done, dict[str, dict[str, Any]]]:
    """The output of a command as text, and rule -> its finding."""
    text, document = fqtool(store, *words), fqtool(store, *words, "--format", "json")
    assert document.code == text.code == 1, text.said
    return text, {finding["rule"]: finding for finding in json.loads(document.out)["findings"]}


def follow(store: Path, finding: dict[str, Any]) -> None:
    """Run the commands of a finding, also those after a decision."""
    _, _, lines = finding["remedy"].rpartition("fqtool migrate plan")
    for line in f"fqtool migrate plan{lines}".split(" && "):
        done = fqtool(store, *line.split()[1:])
        assert done.code == 0, done.said


def test_the_command_after_a_dry_run_plans_the_same(store: Path) -> None:
    """It keeps every option but --dry-run: without --rebuild the plan would be refused."""
    by_hand(store, RETYPED)
    words = ("migrate", "plan", "--rebuild", "--name", "score as number")
    assert "Next: fqtool migrate plan --rebuild --name 'score as number'\n" in fqtool(store, *words, "--dry-run").err
    done = fqtool(store, *words)
    assert done.code == 0, done.said


@pytest.mark.parametrize(
    ("changed", "subject"),
    [(RENAMED, "up"), (RETYPED, "score"), (COMPUTED_RETYPED, "default_feature_count"), (BASE_RETYPED, "note")],
    ids=["renamed", "type of upstream", "type of a computed column", "type of a base column"],
)
def test_no_command_plans_what_a_person_has_to_decide(store: Path, changed: str, subject: str) -> None:
    """The missing view alone has a command; beside an open question it has none, and there is no line `Next:`."""
    by_hand(store, VIEW_GONE)
    text, rules = found(store, *DRIFT)
    assert rules["FQ313"]["commands"] == [["fqtool", "migrate", "plan"], ["fqtool", "migrate"]]
    assert "Next: fqtool migrate plan" in text.err
    by_hand(store, changed)
    text, rules = found(store, *DRIFT)
    assert rules["FQ313"]["commands"] == []
    assert rules["FQ313"]["remedy"].startswith(f"First decide what the fix of `{subject}` asks. ")
    assert "Next" not in text.err


def test_one_plan_also_makes_the_changes_of_base_columns(store: Path) -> None:
    """A missing base column and a missing view have the same command, which is printed once for both."""
    by_hand(store, VIEW_GONE, "ALTER TABLE feature_store DROP note")
    text, rules = found(store, *DRIFT)
    assert rules["FQ313"]["commands"] == rules["FQ301"]["commands"]
    assert "Next (fixes 2 of 2 findings): fqtool migrate plan --include-base" in text.err


def test_an_answered_question_leaves_a_column_with_its_values(store: Path) -> None:
    """The fix of the question renames the column back and creates the view."""
    by_hand(store, VIEW_GONE, RENAMED)
    _, rules = found(store, *DRIFT)
    registry = store / "feature_registry.yaml"
    text = registry.read_text(encoding="utf-8")
    registry.write_text(text.replace("{name: up,", "{name: up, renamed_from: up2,"), encoding="utf-8")
    follow(store, rules["FQ301"])
    assert fqtool(store, *DRIFT).code == 0


def test_each_command_allows_the_hazards_of_all() -> None:
    """One migration has the hazards of every finding, whichever is followed."""
    hazard = Finding("a", "m", remedy=commands("migrate plan", "migrate --allow FQ233"))
    plain = Finding("b", "m", remedy=commands("migrate plan", "migrate"))
    fixes = {str(finding.remedy) for finding in together((hazard, plain))}
    assert fixes == {"fqtool migrate plan && fqtool migrate --allow FQ233"}


def test_a_finding_that_plans_nothing_is_not_changed() -> None:
    """Planning again, and other commands, do not wait for a decision."""
    question = Finding("a", "m", remedy=commands("migrate plan", first="Decide. Then:"))
    others = tuple(Finding("b", "m", remedy=commands(line)) for line in ("migrate plan --redo", "migrate", "doctor"))
    assert together((question, *others)) == (question, *others)


@pytest.mark.parametrize("words", [DRIFT, ("migrate", "plan"), ("migrate",), ("migrate", "status")])
def test_a_table_with_the_name_of_a_view_is_a_finding(store: Path, words: tuple[str, ...]) -> None:
    """Every command that reads the views reports it; after the fix the view exists."""
    by_hand(store, VIEW_GONE, "CREATE TABLE store_v (x INT)")
    done = fqtool(store, *words)
    assert done.code == 1, done.said
    assert "FQ316 `store_v` is a table; the registry declares a view." in done.said
    if words == DRIFT:
        _, rules = found(store, *DRIFT)
        assert rules["FQ316"]["commands"] == []
        by_hand(store, "ALTER TABLE store_v RENAME TO store_v_table")
        follow(store, rules["FQ316"])
        assert fqtool(store, *DRIFT).code == 0


@pytest.mark.parametrize("words", [DRIFT, ("migrate", "plan"), ("migrate",)])
def test_a_view_with_the_name_of_the_table_is_a_finding(store: Path, words: tuple[str, ...]) -> None:
    """The details that fqtool stored of the table are not those of the view."""
    by_hand(store, VIEW_GONE, "DROP TABLE feature_store", "CREATE VIEW feature_store AS SELECT 1 AS x")
    done = fqtool(store, *words)
    assert done.code == 1, done.said
    assert "FQ316 `feature_store` is a view;" in done.said


def test_a_dropped_base_column_is_added_by_the_command(store: Path) -> None:
    """A record with the field and check-drift print the command that plans base columns."""
    by_hand(store, VIEW_GONE, "ALTER TABLE feature_store DROP COLUMN note")
    (store / "r.ndjson").write_text('{"item": "a", "day": "2026-01-01", "features": [1.0, 2.0], "note": "x"}\n')
    record = ("check-record", "r.ndjson", "--target", "duckdb:///.fqtool/local.duckdb")
    _, rules = found(store, *record)
    _, drift = found(store, *DRIFT)
    assert rules["FQ510"]["commands"][0][:4] == ["fqtool", "migrate", "plan", "--include-base"]
    assert drift["FQ301"]["commands"] == [["fqtool", "migrate", "plan", "--include-base"], ["fqtool", "migrate"]]
    follow(store, rules["FQ510"])
    assert fqtool(store, *record).code == 0
    assert fqtool(store, *DRIFT).code == 0


@pytest.mark.parametrize("name", ["a.b", "a[b"])
def test_a_name_that_cannot_be_declared_can_be_ignored(store: Path, name: str) -> None:
    """The printed entry of `drift: ignore:` is valid and ends the finding."""
    by_hand(store, f'ALTER TABLE feature_store ADD COLUMN "{name}" INT')
    _, rules = found(store, *DRIFT)
    before, _, entry = rules["FQ302"]["remedy"].rpartition("`ignore: ")
    assert before.startswith("Rename or drop the column: the registry cannot declare a name with the character ")
    registry = store / "feature_registry.yaml"
    ignored = f"drift:\n  ignore: {entry.removesuffix('`.')}\n"
    registry.write_text(registry.read_text(encoding="utf-8") + ignored, encoding="utf-8")
    assert fqtool(store, "validate").code == 0
    assert fqtool(store, *DRIFT).code == 0


def test_an_absent_table_is_created_again_only_by_decision(store: Path) -> None:
    """The command is in the fix, after the sentence about the rows; no line `Next:` prints it."""
    by_hand(store, VIEW_GONE, "DROP TABLE feature_store")
    text, rules = found(store, *DRIFT)
    assert rules["FQ408"]["commands"] == []
    assert rules["FQ408"]["remedy"].endswith(": fqtool migrate --allow FQ408")
    assert "Next" not in text.err
    assert fqtool(store, "migrate", "--allow", "FQ408").code == 0
    assert fqtool(store, *DRIFT).code == 0
