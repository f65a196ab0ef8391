"""Laws of what teams copy into their CI: it loads, its commands exist, and it does what it claims."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from fqtool.app.app import app
from fqtool.app.lazy_commands import COMMANDS, command_named
from tests.bed.running import ROOT
from tests.machine import patient

FILES = ("action.yml", ".pre-commit-hooks.yaml", "docs/examples/github-workflow.yml")
SCRIPT = ROOT / ".ci" / "check"
NAMES = "points_avg_season points_std_last_10 games_in_last_7_days fatigue_score shot_zone_mismatch_score pace_score"
RIGHT = {
    "player_lookup": "a", "game_date": "2026-02-06", "game_id": "g", "features": [1.0] * 37, "feature_count": 37,
    "feature_version": "v2_37features", "data_source": "mixed",
}  # fmt: skip
CODE = f"A = {[*NAMES.split(), 'usage_spike_score', 'rest_advantage', 'injury_risk']!r}\n"


def commands_in(text: str) -> list[list[str]]:
    """The fqtool commands of a text, without redirections and what a shell would fill in."""
    found = re.findall(r"(?<![\w/-])fqtool ((?:[a-z][\w-]*)(?: [^\n|>&;]*)?)", text)
    words = [shlex.split(re.sub(r"\$\{?\w+\}?", "filled-in", one), comments=True) for one in found]
    return [one for one in words if one and one[0] in _NAMES]


_GROUP: Any = typer.main.get_command(app)
_NAMES = set(_GROUP.commands)


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_yaml(name: str) -> None:
    """Each loads, and is a map or a list of hooks."""
    assert yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*FILES, ".ci/check"])
def test_every_command_exists_with_its_options(name: str) -> None:
    """Each fqtool line parses against the command line as it is."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if name.endswith("hooks.yaml"):
        hooks = yaml.safe_load(text)
        text = "\n".join(" ".join([hook["entry"], *hook.get("args", ()), *_changed(hook)]) for hook in hooks)
    found = commands_in(text)
    assert found or name == "action.yml"
    for words in found:
        group, rest = _GROUP, list(words)
        while hasattr(group, "commands") and rest and rest[0] in group.commands:
            name = rest.pop(0)
            group = command_named(name) if group is _GROUP and name in COMMANDS else group.commands[name]
        group.make_context("fqtool", rest, resilient_parsing=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with registry, migrations and schema JSON, and fqtool on its path."""
    shutil.copy(ROOT / "feature_registry.yaml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "fqtool").write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m fqtool "$@"\n')
    (bin_folder / "fqtool").chmod(0o755)
    return tmp_path


def checked(project: Path, **inputs: str) -> tuple[int, str, str]:
    """Run what the action runs: exit code, log, summary."""
    told = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    names = {"compare-with": "FQTOOL_COMPARE_WITH"}
    given = {names.get(key, f"FQTOOL_{key.upper()}"): str(one.get("default", "")) for key, one in told.items()}
    given = {key: value for key, value in given.items() if "PYTHON" not in key} | inputs
    summary = project / "summary.md"
    summary.unlink(missing_ok=True)
    environment = os.environ | {"PATH": f"{project}/bin:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(
        ["bash", str(SCRIPT)], cwd=project, env=environment | {k: v for k, v in given.items() if v},
        capture_output=True, text=True, check=False, timeout=patient(120),
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr, summary.read_text()


def test_the_action_checks_and_migrates(project: Path) -> None:
    """All well: exit 0, a page with a part for each check, and the target is migrated and without drift."""
    subprocess.run([project / "bin" / "fqtool", "generate-schema", "-o", "schema.json"], cwd=project, check=True)
    inputs = {
        "FQTOOL_SCHEMA": "schema.json", "FQTOOL_COMPARE_WITH": "HEAD", "FQTOOL_MIGRATE": "true",
        "FQTOOL_TARGET": f"duckdb:///{project}/store.duckdb",
    }  # fmt: skip
    code, log, page = checked(project, **inputs)
    assert code == 0, log + page
    titles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert titles == ["Registry", "Schema", "Changes since HEAD", "Migrations", "Migrate", "Drift"]
    assert (project / "store.duckdb").exists()


def test_the_action_goes_on_after_a_finding_and_fails(project: Path) -> None:
    """Something is wrong: every check is made all the same, the target is not migrated, and the code is the worst."""
    file = project / "feature_registry.yaml"
    file.write_text(file.read_text().replace("name: fatigue_score,", "name: tiredness, renamed_from: fatigue_score,"))
    target = f"duckdb:///{project}/store.duckdb"
    code, log, page = checked(project, FQTOOL_COMPARE_WITH="HEAD", FQTOOL_MIGRATE="true", FQTOOL_TARGET=target)
    assert code == 2, log
    assert "## Changes since HEAD" in page
    assert "## Migrate\n" not in page
    assert not (project / "store.duckdb").exists()


def _changed(hook: dict[str, Any]) -> list[str]:
    """The files that pre-commit passes to a hook."""
    return ["code.py"] if hook.get("pass_filenames", True) else []


def test_the_action_annotates_records_and_changed_code(project: Path) -> None:
    """A record that does not fit, and a list in a changed file, fail the job with annotations of file and line."""
    (project / "records.ndjson").write_text("{}\n")
    (project / "code.py").write_text(CODE)
    subprocess.run(["git", "add", "code.py"], cwd=project, check=True)
    inputs = {"FQTOOL_RECORDS": "records.ndjson", "FQTOOL_CODE": "changed", "FQTOOL_COMPARE_WITH": "HEAD"}
    code, log, page = checked(project, **inputs)
    assert (code, "file=records.ndjson,line=1" in log) == (1, True), log + page
    assert "Code: exit 0" in log
    (project / "code.py").write_text(CODE.replace("fatigue_score", "tiredness"))
    code, log, page = checked(project, FQTOOL_CODE="code.py")
    assert (code, "file=code.py,line=1" in log, "FQ541" in page) == (1, True, True), log + page


def test_the_hooks_find_what_they_are_for(project: Path) -> None:
    """Each hook's command passes on a sound project, and fails on one that is not."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    subprocess.run([project / "bin" / "fqtool", "generate-schema", "-o", "schema.json"], cwd=project, check=True)

    def codes() -> list[int]:
        return [
            subprocess.run(
                [project / "bin" / "fqtool", *hook["entry"].split()[1:], *hook.get("args", ()), *_changed(hook)],
                cwd=project, capture_output=True, check=False, timeout=patient(60),
            ).returncode
            for hook in hooks
        ]  # fmt: skip

    (project / "records.ndjson").write_text(json.dumps(RIGHT) + "\n")
    (project / "code.py").write_text(CODE)
    assert codes() == [0, 0, 0, 0, 0]
    file = project / "feature_registry.yaml"
    text = file.read_text()
    file.write_text(text.replace('description: "Mean quality 0-100', 'description: "Mean of quality 0-100', 1))
    (project / "records.ndjson").write_text("{}\n")
    (project / "code.py").write_text(CODE.replace("fatigue_score", "tiredness"))
    assert codes() == [0, 1, 1, 1, 1]
    file.write_text(text.replace("weight: 87", "weight: 870"))
    assert codes() == [1, 2, 2, 2, 2]
