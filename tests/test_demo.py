"""Laws of the demo, and of the columns that it finds by what they compute."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fqtool import load_registry
from fqtool.commands.demo.run import LAST, WEEK, Step, run_demo, shipped
from fqtool.scoring.roles import Roles
from fqtool.workspace import open_workspace
from tests.bed.running import ROOT
from tests.machine import patient
from tests.stores import small_registry


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's table is."""
    return tmp_path_factory.mktemp("demo") / "demo.duckdb"


@pytest.fixture(scope="module")
def steps(file: Path) -> list[Step]:
    """The output of the demo."""
    return told_by_demo(file)


def told_by_demo(file: Path) -> list[Step]:
    """Run the demo of this repository."""
    told: list[Step] = []
    run_demo(open_workspace(ROOT / "feature_registry.yaml", ROOT / "migrations"), file, told.append)
    return told


def test_the_story_is_whole(steps: list[Step]) -> None:
    """Migrated and clean; a copy altered by hand, and found; filled, scored, diagnosed: each by its command."""
    assert [step.command.split(" --")[0] for step in steps] == [
        "fqtool migrate",
        "fqtool check-drift",
        "someone alters a copy of the table by hand",
        "fqtool check-drift",
        "the feature store writes its rows",
        "fqtool backfill",
        "",
        "fqtool diagnose",
        "fqtool report",
    ]
    assert steps[1].findings == ()
    assert [(found.rule, found.subject) for found in steps[7].findings or ()] == [
        ("FQ601", "PlayerCompositeFactorsProcessor")
    ]
    assert [found.rule for found in steps[3].findings or ()] == ["FQ301", "FQ302", "FQ303", "FQ312"]


def test_the_broken_date_is_visible(steps: list[Step]) -> None:
    """A line a date; every row of the last is red and four defaults up, no other date has a red row."""
    week, examples = steps[6].sheets
    assert (len(week.rows), week.headers[:4]) == (WEEK, ("date", "rows", "mean score", "mean defaults"))
    red = {row[0]: (row[1], row[4]) for row in week.rows}
    rows, of_last = red.pop(LAST)
    assert rows == of_last
    assert {count for _, count in red.values()} == {0}
    assert all("all_composite_factors_defaulted" in str(row[-1]) for row in examples.rows)


def test_a_second_demo_starts_from_scratch(file: Path, steps: list[Step]) -> None:
    """The file of an earlier demo is replaced, and the story is the same."""
    told = (steps, told_by_demo(file))
    # Means are summed by several threads, so their last digits are not.
    first, second = ([(one.command, one.lines, one.findings, one.sheets) for one in each] for each in told)
    assert first == second


def test_columns_are_found_by_what_they_compute() -> None:
    """Whatever they are called; a part that no column plays is empty."""
    roles = Roles(load_registry(ROOT / "feature_registry.yaml"))
    assert (roles.score, roles.tier) == ("feature_quality_score", "quality_tier")
    assert (roles.alert_level, roles.alert_codes) == ("quality_alert_level", "quality_alerts")
    assert roles.defaults == "default_feature_count"
    small = Roles(small_registry())
    assert (small.score, small.tier, small.defaults) == ("score", "tier", "defaults")
    assert small.alert_level == ""


def test_a_folder_without_a_registry_gets_the_one_that_comes_along() -> None:
    """What `fqtool demo` shows in an empty folder is there, loads, and is the store of this repository."""
    workspace = open_workspace(*shipped())
    assert workspace.registry.features == load_registry(ROOT / "feature_registry.yaml").features
    assert workspace.files


def test_diagnose_of_the_incident_fits_100_columns_in_20_lines(file: Path, steps: list[Step]) -> None:
    """Every line is at most 100 columns wide; features, gates, the finding with its fix and the next command fit."""
    assert steps
    shutil.copy(ROOT / "feature_registry.yaml", file.parent)
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "diagnose", "--date", str(LAST), "--target", f"duckdb:///{file.name}"],
        cwd=file.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TTY_COMPATIBLE": "1", "NO_COLOR": "1", "COLUMNS": "100"},
        capture_output=True, text=True, check=False, timeout=patient(60),
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines) <= 20) == (1, True), done.stdout
    assert [line for line in lines if len(line) > 100] == []
    text = " ".join(done.stdout.split())
    assert "PlayerCompositeFactorsProcessor did not run for 2026-02-06: features 5-8 are defaulted" in text
    assert "is_quality_ready 0 of 201 rows usually 100%" in text
    assert "fqtool score --start 2026-02-06 --target duckdb:///demo.duckdb" in text
    assert lines[-1] == "1 error. After the fix: fqtool daily --date 2026-02-06 --target duckdb:///demo.duckdb"
