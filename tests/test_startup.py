"""Laws of starting up: a command loads the libraries it uses and no other, and its help loads none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fqtool.app.lazy_commands import COMMANDS, GROUPS, command_named
from tests.bed.running import ROOT
from tests.machine import patient
from tests.test_docs import commands

LIMIT = 120.0
# What takes time to load, each by the module that is seen when it was.
HEAVY = ("google", "duckdb", "sqlglot", "jsonschema", "yaml", "requests", "jinja2", "vl_convert", "rich.progress")
_MAIN = """
import sys
from fqtool.app.app import main
try:
    main()
except SystemExit as end:
    code = end.code
own = [one for one in sys.modules if getattr(sys.modules[one], "app", None)]
own = [one for one in own if one.startswith(("fqtool.app.", "fqtool.commands."))]
assert len(own) <= 2, own
print(code or 0, *[one for one in {heavy!r} if one in sys.modules], file=open({out!r}, "w"))
"""
_HELP = r"""
import contextlib, io, re, sys
from fqtool.app.app import app
front = r"fqtool\.(cli|app|commands)(\.\w+)?|fqtool\.commands\.\w+\.command"
for name in {names!r}:
    sys.argv = [*name.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        app()
    assert "Usage:" in printed.getvalue(), name
    loaded = [one for one in sys.modules if one.partition(".")[0] in {heavy!r} or one in {heavy!r}]
    loaded += [one for one in sys.modules if one.startswith("fqtool.") and not re.fullmatch(front, one)]
    if loaded:
        sys.exit(f"{{name}} --help loads {{' '.join(sorted(loaded))}}")
"""
DUCK = {"yaml", "duckdb", "sqlglot"}
DESCRIBES = DUCK - {"sqlglot"}  # it asks DuckDB for nothing but the table's description
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
    "fqtool migrate": ([], 0, DESCRIBES),
    "fqtool migrate plan": ([], 0, DESCRIBES),
    "fqtool migrate status": ([], 0, DESCRIBES),
    "fqtool migrate verify": ([], 0, DUCK),
    "fqtool migrate import": (["store.sql", "--migrations", "imported", "--dry-run"], 0, DUCK),
    "fqtool check-drift": ([], 0, DESCRIBES),
    "fqtool score": (["--start", DAY], 0, DUCK),
    "fqtool backfill": (["--start", DAY, "--end", DAY, "--dry-run"], 0, DUCK),
    "fqtool check-code": (["feature_registry.yaml"], 0, {"yaml"}),
    "fqtool check-record": (["records.ndjson", "--sample", "1"], 1, {"yaml"}),
    "fqtool diagnose": (["--date", DAY], 1, DUCK),
    "fqtool daily": (["--date", DAY], 1, DUCK),
    "fqtool explain": (["--key", "player_lookup=x", "--date", DAY], 2, DUCK),
    "fqtool learn": (["--end", DAY, "--dry-run"], 1, DUCK),
    "fqtool doctor": ([], 0, DUCK),
    "fqtool models": ([], 0, {"yaml"}),
    "fqtool cost": (["--offline"], 0, DUCK),
    "fqtool diff": (["feature_registry.yaml", "feature_registry.yaml"], 0, {"yaml"}),
    "fqtool export": (["dbt"], 0, {"yaml"}),
    "fqtool docs": ([], 0, {"yaml"}),
    "fqtool report": (["--start", DAY, "--end", DAY, "--out", "r.html"], 1, DUCK),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real registry and a migrated table."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "feature_registry.yaml", folder)
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    (folder / "records.ndjson").write_text("{}\n")
    (folder / "store.sql").write_text("CREATE TABLE ml_feature_store_v2 (player_lookup STRING);\n")
    subprocess.run(
        [sys.executable, "-m", "fqtool", "migrate"], cwd=folder, env=environment(), check=True, timeout=patient(LIMIT)
    )
    return folder


def environment() -> dict[str, str]:
    """The environment of a command that runs elsewhere, without kept translations."""
    return os.environ | {"PYTHONPATH": str(ROOT), "FQTOOL_CACHE_DIR": ""}


def test_every_command_is_listed() -> None:
    """A new command must declare what it loads."""
    leaves = {name for name, one in commands() if not getattr(one, "commands", None)} | {"fqtool migrate"}
    assert set(LOADS) | WHOLE == leaves


def test_the_help_lists_each_command_in_its_own_words() -> None:
    """The line by which the help knows a command is the first of its own help, so none need be loaded for it."""
    assert {name: command_named(name).help.partition("\n\n")[0].replace("\n", " ") for name in COMMANDS} == COMMANDS


def test_the_help_groups_commands_on_one_line_each() -> None:
    """At 80 columns no line of a command wraps, and each group has its own panel."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "--help"],
        cwd=ROOT, env=environment() | {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}, capture_output=True, text=True,
        timeout=patient(LIMIT), check=True,
    )  # fmt: skip
    # A CI service may force colours.
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    for group, members in GROUPS.items():
        assert f" {group} " in shown
        for name, line in members.items():
            assert re.search(rf"\b{name} +{re.escape(line)} ", shown), name


def loads(project: Path, words: list[str], **variables: str) -> tuple[int, set[str]]:
    """The exit code of a command, and which of HEAVY it loads."""
    out = project / "loaded.txt"
    subprocess.run(
        [sys.executable, "-c", _MAIN.format(heavy=HEAVY, out=str(out)), *words],
        cwd=project,
        env=environment() | variables,
        capture_output=True,
        timeout=patient(LIMIT),
        check=True,
    )
    ended, *loaded = out.read_text().split()
    return int(ended), set(loaded)


@pytest.mark.parametrize("name", LOADS)
def test_a_command_loads_what_it_uses(name: str, project: Path) -> None:
    """Exactly what is listed is loaded, on DuckDB nothing of Google, and of the other commands no module."""
    words, code, expected = LOADS[name]
    assert loads(project, [*name.split()[1:], *words]) == (code, expected)


@pytest.mark.parametrize("name", [name for name, (_, _, loaded) in LOADS.items() if "sqlglot" in loaded])
def test_a_second_run_does_not_load_sqlglot(name: str, project: Path, tmp_path: Path) -> None:
    """Translations are kept between runs."""
    words, _, expected = LOADS[name]
    line = [*name.split()[1:], *words]
    first, second = (loads(project, line, FQTOOL_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first[1] == expected
    assert second == (first[0], expected - {"sqlglot"})


def test_reading_ddl_loads_no_sql_library(project: Path) -> None:
    """DDL is cut into tokens by fqtool itself: a registry from a CREATE TABLE is as quick as one from nothing."""
    ddl = project / "store.sql"
    ddl.write_text("CREATE TABLE store (day DATE, player STRING, features ARRAY<FLOAT64>) PARTITION BY day;\n")
    assert loads(project, ["init", "--from-ddl", str(ddl), "--out", "-"]) == (0, {"yaml"})


def test_help_loads_nothing() -> None:
    """`--help` of fqtool and of every command imports no heavy library, and of fqtool its command line alone."""
    names = [name for name, _ in commands()]
    assert len(names) > len(LOADS)
    done = subprocess.run(
        [sys.executable, "-c", _HELP.format(names=names, heavy=HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patient(LIMIT),
        check=False,
    )
    assert done.returncode == 0, done.stderr
