"""Laws of the options that many commands take, and of remedies that repeat what was given."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fqtool.app.app import app
from fqtool.cli import options
from fqtool.cli.output import Run, start_run
from fqtool.findings.remedy import Commands, commands
from fqtool.registry.load import read_registry
from tests.test_docs import commands as every_command
from tests.test_scoring_reference import REGISTRY

BOUNDED = ["score", "backfill", "cost", "diff", "check-drift"]
DATES = ("--start", "2026-02-06", "--end", "2026-02-06")


@pytest.mark.parametrize("command", BOUNDED)
@pytest.mark.parametrize("option", ["--max-bytes=0", "--max-bytes=-1", f"--max-bytes={2**63}", "--timeout=inf"])
def test_a_number_that_no_request_can_carry_is_refused(command: str, option: str) -> None:
    """BigQuery takes a positive int64 as `maximumBytesBilled`, and no socket takes an endless timeout."""
    done = CliRunner().invoke(app, [command, *DATES, option])
    assert done.exit_code == 2
    assert f"Invalid value for '{option.split('=', maxsplit=1)[0]}'" in done.output


def test_a_remedy_repeats_the_options_that_its_command_takes() -> None:
    """Pasted, `fqtool score` reads the registry that was given, and is not handed an option that it does not have."""
    start_run(Run(options=["--registry", "my registry.yaml", "--migrations", "m"]))
    remedy = options.with_options(commands("migrate", "score --start 2026-02-06"))
    assert str(remedy) == (
        "fqtool migrate --registry 'my registry.yaml' --migrations m && "
        "fqtool score --start 2026-02-06 --registry 'my registry.yaml'"
    )


def test_the_registry_that_a_command_was_given_is_in_its_remedies(tmp_path: Path) -> None:
    """Also of commands that read no migrations."""
    start_run(Run())
    other = Path(shutil.copy(REGISTRY.path, tmp_path / "other.yaml"))
    with options.warehouse_of(read_registry(other), f"duckdb:///{tmp_path / 'x.duckdb'}", 5.0):
        remedy = str(options.with_options(commands("migrate")))
        assert remedy == f"fqtool migrate --registry {other}"


def test_a_remedy_gives_each_command_the_options_that_it_has() -> None:
    """Of registry, target and migrations; an option that a remedy states is not given again."""
    given = {"--registry": "r.yaml", "--target": "dev", "--migrations": "m"}
    start_run(Run(options=[word for pair in given.items() for word in pair]))
    for name, command in every_command():
        words = tuple(name.split())
        repeated = options.options_for(words)
        if hasattr(command, "commands") and not command.invoke_without_command:
            continue
        assert set(repeated[::2]) == given.keys() & {option for one in command.params for option in one.opts}, words
        assert not options.options_for((*words, *repeated)), words


def test_a_command_of_another_program_gets_no_options() -> None:
    """Pip and bq know none of them."""
    start_run(Run(options=["--target", "dev"]))
    assert str(options.with_options(Commands((("pip", "install", "duckdb"),)))) == "pip install duckdb"
