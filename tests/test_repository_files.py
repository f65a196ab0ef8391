"""The repository's own files for GitHub and pre-commit: valid by their schemas, and the same commands as .ci/run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.bed.running import ROOT
from tests.machine import patient

LIMIT = 60.0
SCHEMAS = {
    ".github/workflows/ci.yml": "github-workflows",
    "docs/examples/github-workflow.yml": "github-workflows",
    "action.yml": "github-actions",
    ".github/ISSUE_TEMPLATE/bug.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/feature.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


def checked(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    """Validate a file by a schema that check-jsonschema brings along, so without network."""
    tool = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run(
        [tool, "--builtin-schema", f"vendor.{schema}", path],
        capture_output=True, text=True, timeout=patient(LIMIT), check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_the_files_for_github_are_valid(name: str, schema: str) -> None:
    """Each file fits the schema of its kind."""
    done = checked(ROOT / name, schema)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_invalid_workflow_is_noticed(tmp_path: Path) -> None:
    """The validation can fail: a job without a runner is refused."""
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    broken = tmp_path / "ci.yml"
    broken.write_text(re.sub(r"^    runs-on: .*\n", "", text, flags=re.MULTILINE))
    assert checked(broken, "github-workflows").returncode == 1


def test_the_workflow_runs_what_ci_runs() -> None:
    """Its run lines are the make commands of .ci/run, in the same order, with the browser required."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    script = (ROOT / ".ci" / "run").read_text()
    job = workflow["jobs"]["test"]
    lines = [step["run"] for step in job["steps"] if "run" in step]
    assert lines == re.findall(r"^make .*$", script, re.MULTILINE)
    assert all(f"export {name}={value}" in script for name, value in job["env"].items())


def test_the_workflow_tests_each_python_that_the_package_names() -> None:
    """The matrix, the classifiers and the README list the same versions, from the lowest that pip accepts."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    newest = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["newest"]
    prefix = "Programming Language :: Python :: "
    named = [line.removeprefix(prefix) for line in project["classifiers"] if line.startswith(prefix)]
    assert newest["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
    assert f"You need Python {', '.join(named[:-1])} or {named[-1]}," in (ROOT / "README.md").read_text()
    target = newest["steps"][-1]["run"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_each_pre_commit_hook_runs_a_tool_of_the_development_environment() -> None:
    """The hooks are local, need no download, and their tools and modules exist."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        program, *words = hook["entry"].split()
        assert hook["language"] == "system"
        assert shutil.which(Path(program).name, path=str(Path(sys.executable).parent)), hook["id"]
        assert all((ROOT / word).is_file() for word in words if word.endswith(".py")), hook["id"]
