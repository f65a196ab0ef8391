"""Laws of starting up: a command loads the libraries it uses and no other, and its help loads none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fqtool.cli.commands import COMMANDS, command_named
from tests.bed.running import ROOT
from tests.test_docs import commands

LIMIT = 120.0
# What takes time to load, each by the module that is seen when it was.
HEAVY = ("google", "duckdb", "sqlglot", "jsonschema", "yaml", "requests", "jinja2", "vl_convert", "rich.progress")
_MAIN = """
import sys
from fqtool.cli.app import main
try:
    main()
except SystemExit as end:
    code = end.code
own = [one for one in sys.modules if getattr(sys.modules[one], "app", None) and one.startswith("fqtool.cli.")]
assert len(own) <= 2, own
print(code or 0, *[one for one in {heavy!r} if one in sys.modules], file=open({out!r}, "w"))
"""
_HELP = """
import contextlib, io, sys
from fqtool.cli.app import app
for name in {names!r}:
    sys.argv = [*name.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as told, contextlib.suppress(SystemExit):
        app()
    assert "Usage:" in told.getvalue(), name
    loaded = [one for one in sys.modules if one.partition(".")[0] in {heavy!r} or one in {heavy!r}]
    loaded += [one for one in sys.modules if one.startswith("fqtool.") and not one.startswith("fqtool.cli")]
    if loaded:
        sys.exit(f"{{name}} --help loads {{' '.join(sorted(loaded))}}")
"""
DUCK = {"yaml", "duckdb", "sqlglot"}
# It shows the whole story, so it loads whatever the others do.
WHOLE = {"fqtool demo"}
DAY = "2026-02-06"
# Each command: its words, its exit code, and what it loads on DuckDB. A new command must be added, or the test fails.
LOADS: dict[str, tuple[list[str], int, set[str]]] = {
    "fqtool validate": ([], 0, {"yaml"}),
    "fqtool generate-schema": ([], 0, {"yaml"}),
    "fqtool generate-sql": (["scoring"], 0, {"yaml"}),
    "fqtool rules": ([], 0, {"yaml"}),
    "fqtool rule": (["FQ301"], 0, {"yaml"}),
    "fqtool init": (["--out", "-"], 0, {"yaml"}),
    "fqtool add-feature": (
        ["new", "--category", "matchup", "--processor", "MLFeatureStoreProcessor", "--dry-run"],
        0,
        {"yaml"},
    ),
    "fqtool migrate": ([], 0, DUCK),
    "fqtool migrate plan": ([], 0, DUCK),
    "fqtool migrate status": ([], 0, DUCK),
    "fqtool migrate verify": ([], 0, DUCK),
    "fqtool check-drift": ([], 0, DUCK),
    "fqtool score": (["--start", DAY], 0, DUCK),
    "fqtool backfill": (["--start", DAY, "--end", DAY, "--dry-run"], 0, DUCK),
    "fqtool diagnose": (["--date", DAY], 0, DUCK),
    "fqtool daily": (["--date", DAY], 0, DUCK),
    "fqtool explain": (["--key", "player_lookup=x", "--date", DAY], 2, DUCK),
    "fqtool doctor": ([], 0, DUCK),
    "fqtool models": ([], 0, {"yaml"}),
    "fqtool cost": (["--offline"], 0, DUCK),
    "fqtool diff": (["feature_registry.yaml", "feature_registry.yaml"], 0, {"yaml"}),
    "fqtool export": (["dbt"], 0, {"yaml"}),
    "fqtool docs": ([], 0, {"yaml"}),
    "fqtool report": (["--start", DAY, "--end", DAY, "--out", "r.html"], 0, {*DUCK, "jinja2"}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real registry and a migrated table."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "feature_registry.yaml", folder)
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    subprocess.run([sys.executable, "-m", "fqtool", "migrate"], cwd=folder, env=house(), check=True, timeout=LIMIT)
    return folder


def house() -> dict[str, str]:
    """The environment of a command that runs elsewhere."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_every_command_is_listed() -> None:
    """A new command must say what it loads."""
    leaves = {name for name, one in commands() if not getattr(one, "commands", None)} | {"fqtool migrate"}
    assert set(LOADS) | WHOLE == leaves


def test_the_help_says_what_a_command_says() -> None:
    """The line by which the help knows a command is the first of its own help, so none need be loaded for it."""
    assert {name: command_named(name).help.partition("\n\n")[0].replace("\n", " ") for name in COMMANDS} == COMMANDS


@pytest.mark.parametrize("name", LOADS)
def test_a_command_loads_what_it_uses(name: str, project: Path) -> None:
    """Exactly what is listed is loaded, on DuckDB nothing of Google, and of the other commands no module."""
    words, code, expected = LOADS[name]
    out = project / "loaded.txt"
    script = _MAIN.format(heavy=HEAVY, out=str(out))
    done = subprocess.run(
        [sys.executable, "-c", script, *name.split()[1:], *words],
        cwd=project,
        env=house(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    ended, *loaded = out.read_text().split()
    assert int(ended) == code, done.stdout + done.stderr
    assert set(loaded) == expected


def test_help_loads_nothing() -> None:
    """`--help` of fqtool and of every command imports no heavy library, and of fqtool its command line alone."""
    names = [name for name, _ in commands()]
    assert len(names) > len(LOADS)
    done = subprocess.run(
        [sys.executable, "-c", _HELP.format(names=names, heavy=HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
