"""Laws of fqtool doctor: permissions are proved by looks and dry runs, what is missing is named, nothing is changed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fqtool import Registry
from fqtool.app.app import app
from fqtool.commands.doctor.run import ALLOWS, COMMANDS, Library, Need, examine, libraries, needs_of, outside
from fqtool.commands.migrate.lease import prepare_ledger
from fqtool.errors import RegistryError, Unreachable, UsageError
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.warehouse.bigquery.warehouse import BigQueryWarehouse
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import PROJECT, ROOT, Emulator
from tests.fault_proxy import FaultyServer, Pass, Request, Step, error
from tests.stores import small_registry
from tests.test_docs import commands

PAGE = ROOT / "docs" / "how-to" / "permissions.md"
# What BigQuery would refuse a person without the permission: words of the request that needs it.
ASKS = {
    Need.JOBS: r'"dryRun"',
    Need.READ: r"SELECT (?!@at)",
    Need.WRITE: r"UPDATE `",
    Need.ALTER: r"ALTER TABLE",
    Need.CREATE: r"CREATE TABLE",
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    """A small store."""
    return small_registry()


@pytest.fixture(scope="module")
def store(registry: Registry, emulator: Emulator) -> str:
    """A dataset of the emulator with the table."""
    from fqtool.migrations.plan import make_statement
    from fqtool.schema.build import desired_table
    from fqtool.table.model import State

    name = emulator.fresh_dataset()
    old = os.environ.get("BIGQUERY_EMULATOR_HOST")
    os.environ["BIGQUERY_EMULATOR_HOST"] = emulator.url
    try:
        with BigQueryWarehouse(PROJECT, name, url="bigquery://p/d") as warehouse:
            warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
    finally:
        os.environ.pop("BIGQUERY_EMULATOR_HOST")
        if old is not None:
            os.environ["BIGQUERY_EMULATOR_HOST"] = old
    return name


def refusing(need: Need) -> Step | object:
    """What the proxy answers: 403 in BigQuery's words where the request needs the permission."""

    def step(request: Request) -> Step:
        if re.search(ASKS[need].encode(), request.body):
            return error(403, "accessDenied", f"Access Denied: user does not have {need} permission.")
        return Pass()

    return step


@pytest.mark.parametrize("need", ASKS)
def test_a_missing_permission_is_named(
    need: Need, registry: Registry, store: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: the permission that is refused, and it alone, is found missing, with every command that it stops."""
    with FaultyServer(upstream=emulator.url, rest=refusing(need)) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        with BigQueryWarehouse(PROJECT, store, url="bigquery://p/d") as warehouse:
            found = examine(registry, warehouse)
    assert [(one.rule, one.subject) for one in found.findings] == [("FQ901", need)]
    assert set(needs_of(())[need]) == {one for one in COMMANDS if need in COMMANDS[one]}
    assert all(command in found.findings[0].message for command in needs_of(())[need])
    held = {one.need: one.held for one in found.proofs}
    unknown = {one for one in held if held[one] is None}
    assert unknown == ({Need.READ, Need.WRITE, Need.ALTER, Need.CREATE} if need is Need.JOBS else set())


def test_everything_is_held_and_nothing_is_changed(
    registry: Registry, store: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: on a server without refusals all is held, each request is a look or a dry run, and no probe is left."""
    with FaultyServer(upstream=emulator.url) as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        with BigQueryWarehouse(PROJECT, store, url="bigquery://p/d") as warehouse:
            found = examine(registry, warehouse)
        assert all(one.method == "GET" or one.json["configuration"]["dryRun"] for one in server.requests)
        sent = [one.json["configuration"] for one in server.requests if one.method == "POST"]
        assert any(one["query"].get("queryParameters") for one in sent)
        assert all(one["labels"] and one["query"]["defaultDataset"] for one in sent)
        assert any("maximumBytesBilled" in one["query"] for one in sent)
    assert {one.need: one.held for one in found.proofs} == dict.fromkeys(Need, True)
    assert not found.findings


def test_a_file_that_is_not_there_is_not_made(registry: Registry, tmp_path: Path) -> None:
    """Law: on DuckDB too a look leaves nothing behind, and a table that is missing is a note."""
    path = tmp_path / "none.duckdb"
    with DuckDBWarehouse(path, "d") as warehouse:
        found = examine(registry, warehouse)
    assert not path.exists()
    assert [one.rule for one in found.findings] == ["FQ903"]
    assert {one.need for one in found.proofs if one.held is None} == {Need.READ, Need.WRITE, Need.ALTER}


def test_versions_are_reported_where_there_is_no_registry(tmp_path: Path) -> None:
    """Installed versions help where nothing else can be looked at; the registry's problem is reported after them."""
    done = CliRunner().invoke(app, ["doctor", "--registry", str(tmp_path / "none.yaml")])
    assert "duckdb" in done.stdout
    assert isinstance(done.exception, RegistryError)


def test_a_dry_run_on_no_file_makes_none(tmp_path: Path) -> None:
    """Law: a dry run of a schema change on DuckDB makes no file either."""
    path = tmp_path / "none.duckdb"
    with DuckDBWarehouse(path, "d") as warehouse:
        warehouse.run(Query("SELECT 1 AS one"), dry_run=True)
        assert not path.exists()
        prepare_ledger(warehouse)
    assert path.exists()


def test_only_what_a_command_needs_is_tried(registry: Registry, store: str, emulator: Emulator,
                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Law: with --for, an identity that may only look is not asked to write."""
    with FaultyServer(upstream=emulator.url, rest=refusing(Need.WRITE)) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        with BigQueryWarehouse(PROJECT, store, url="bigquery://p/d") as warehouse:
            found = examine(registry, warehouse, ("check-drift", "diagnose"))
    assert {one.need for one in found.proofs} == {Need.LOOK, Need.READ, Need.JOBS}
    assert not found.findings
    with pytest.raises(UsageError, match="Write check-drift"):
        _ = needs_of(("chek-drift",))


def test_a_target_that_does_not_answer_is_an_error(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: without an answer nothing can be proved, and the error of every other command is raised."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    with BigQueryWarehouse("p", "d", timeout=1, url="bigquery://p/d") as warehouse, pytest.raises(Unreachable):
        _ = examine(registry, warehouse)


def test_versions_outside_the_bounds_are_reported() -> None:
    """Law: what is older, newer or absent is a warning; what is installed here is inside the bounds."""
    found = [Library("a", "1.4", ">=1.5"), Library("b", "", ">=1"), Library("c", "2.0", ">=1,<3")]
    assert [one.subject for one in outside(found)] == ["a", "b"]
    assert {"duckdb", "sqlglot", "google-cloud-bigquery"} <= {one.name for one in libraries()}
    assert "jinja2" not in {one.name for one in libraries()}
    assert not outside(libraries())


def test_the_page_and_the_table_agree() -> None:
    """Law: the page on permissions has a row for each command, with the permissions that doctor proves."""
    rows = {}
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `"):
            command, needs, roles = (cell.strip() for cell in line.strip("|").split("|"))
            rows[command.strip("`")] = (set(re.findall(r"`([^`]+)`", needs)), roles)
    assert {name: needs for name, (needs, _) in rows.items()} == {
        name: set(map(str, COMMANDS[name])) for name in COMMANDS
    }
    for name, (_, roles) in rows.items():
        holding = [ALLOWS[need][1] for need in COMMANDS[name]]
        assert any(one in roles for one in holding), name
        assert ("Job User" in roles) == (Need.JOBS in COMMANDS[name])
        assert ("Data Editor" in roles) == (Need.WRITE in COMMANDS[name])


def test_every_command_that_asks_a_warehouse_is_in_the_table() -> None:
    """Law: a command that takes --target declares what it needs."""
    asking = {name.removeprefix("fqtool ") for name, one in commands()
              if any("--target" in parameter.opts for parameter in one.params)}  # fmt: skip
    known = {name.partition(" --")[0] for name in COMMANDS}
    assert asking <= known
