"""Laws of configuration: a flag goes before the environment, that before the registry, that before what is built in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bed.running import ROOT
from tests.machine import patient

NAMED = "targets: {default: 'duckdb:///named.duckdb', other: 'duckdb:///other.duckdb'}\n"


def told(folder: Path, *words: str, **environment: str) -> str:
    """The error of diagnose for an absent table names the target it looked at."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "diagnose", "--date", "2026-02-06", *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True, text=True, check=False, timeout=patient(60),
    )  # fmt: skip
    return done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the repository's registry, which names no default target."""
    (tmp_path / "feature_registry.yaml").write_text((ROOT / "feature_registry.yaml").read_text())
    return tmp_path


def test_the_order_of_targets(project: Path) -> None:
    """--target, then FQTOOL_TARGET, then the registry's default, then the file in .fqtool."""
    file = project / "feature_registry.yaml"
    text = file.read_text()
    before, _, after = text.partition("\ntargets:")
    rest = after.split("\n\n", 1)[1]
    assert "duckdb:///.fqtool/local.duckdb" in told(project)
    file.write_text(f"{before}\n{NAMED}\n{rest}")
    assert "duckdb:///named.duckdb" in told(project)
    assert "duckdb:///env.duckdb" in told(project, FQTOOL_TARGET="duckdb:///env.duckdb")
    assert "duckdb:///other.duckdb" in told(project, FQTOOL_TARGET="other")
    assert "duckdb:///flag.duckdb" in told(project, "-t", "duckdb:///flag.duckdb", FQTOOL_TARGET="other")


def test_the_order_of_registries(project: Path) -> None:
    """--registry, then FQTOOL_REGISTRY, then feature_registry.yaml."""
    (project / "feature_registry.yaml").unlink()
    for words, environment, name in (
        ((), {}, "feature_registry.yaml"),
        ((), {"FQTOOL_REGISTRY": "env.yaml"}, "env.yaml"),
        (("-r", "flag.yaml"), {"FQTOOL_REGISTRY": "env.yaml"}, "flag.yaml"),
    ):
        assert f"{name} does not exist" in told(project, *words, **environment)
