"""fqtool migrate import: a history from the SQL files that a team ran before."""

from __future__ import annotations

from pathlib import Path

import pytest

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.commands.migrate.imported import Import, import_migrations
from fqtool.commands.migrate.plan import write_plan
from fqtool.errors import InputError, MigrationError, UsageError
from fqtool.registry.model import Registry
from fqtool.table.ddl import Statement
from fqtool.table.model import Table
from fqtool.table.parse import parse
from fqtool.table.script_order import in_order
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.migrated_stores import TOOL, drift, migrated
from tests.stores import planned_in, small_registry, workspace_in

CREATE = """
CREATE TABLE IF NOT EXISTS `proj-1.prod.store` (
  item STRING NOT NULL OPTIONS(description = 'Who'),
  day DATE NOT NULL OPTIONS(description = 'When'),
  vector ARRAY<FLOAT64> OPTIONS(description = 'The features in order'),
  made_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP(),
  history STRUCT<seen INT64 OPTIONS(description = 'How often'), days ARRAY<DATE>>,
  score NUMERIC(4, 1),
  old_name STRING
)
PARTITION BY day
CLUSTER BY item
OPTIONS (require_partition_filter = TRUE);
"""
FILES = {
    "V1__base.sql": CREATE,
    "V2__tier.sql": "#standardSQL\nALTER TABLE prod.store ADD COLUMN IF NOT EXISTS tier STRING;",
    "V3__wrong.sql": "ALTER TABLE prod.store ADD COLUMN mistake INT64;\nGRANT `r` ON TABLE prod.store TO 'user:a';",
    "V4__corrected.sql": "ALTER TABLE prod.store DROP COLUMN IF EXISTS mistake;\nUPDATE prod.store SET tier = 'x';",
    "V5__wider.sql": "ALTER TABLE prod.store ALTER COLUMN score SET DATA TYPE NUMERIC(5, 2);",
    "V10__defaults.sql": "ALTER TABLE prod.store ADD COLUMN defaults INT64, ADD COLUMN labels STRING;",
    "V11__rename.sql": "ALTER TABLE prod.store RENAME COLUMN old_name TO new_name;",
    "V12__again.sql": "ALTER TABLE prod.store ADD COLUMN IF NOT EXISTS tier INT64;",
    "V13__alerts.sql": "ALTER TABLE prod.store ADD COLUMN alerts ARRAY<STRING>;",
    "U13__alerts.sql": "ALTER TABLE prod.store DROP COLUMN alerts;",
    "R__other.sql": "CREATE TABLE prod.other (a INT64);",
}


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The folder of a team's files."""
    return written(tmp_path / "sql", FILES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where migrations go."""
    return tmp_path / "migrations"


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def imported(folder: Path, team: Path, registry: Registry | None = None, name: str = "") -> Import:
    """Import and write, as the command does."""
    workspace = workspace_in(folder, registry or small_registry())
    made = import_migrations(workspace, team, name)
    write_plan(workspace, made.planned)
    return made


def ran(warehouse: Warehouse, *statements: str) -> None:
    """Run the statements as the team did, without what only BigQuery's scripts have."""
    for text in statements:
        live = warehouse.describe("store")
        changes = parse(text)
        assert live is None or isinstance(live, Table)
        warehouse.run(Statement(text, changes))


AS_THE_TEAM = (
    CREATE.replace("IF NOT EXISTS ", "").replace("proj-1.prod.", "").replace(";\n", ""),
    "ALTER TABLE `store` ADD COLUMN tier STRING",
    "ALTER TABLE `store` ALTER COLUMN score SET DATA TYPE NUMERIC(5, 2)",
    "ALTER TABLE `store` ADD COLUMN defaults INT64, ADD COLUMN labels STRING",
    "ALTER TABLE `store` RENAME COLUMN old_name TO new_name",
    "ALTER TABLE `store` ADD COLUMN alerts ARRAY<STRING>",
)


def test_files_that_a_later_one_supersedes_become_one_migration(folder: Path, team: Path) -> None:
    """What a table no longer has is in no migration, and the versions give the order."""
    made = imported(folder, team)
    assert [(file.name, sources) for file, sources in made.made] == [
        (
            "0000_rename.sql",
            tuple(FILES)[:7],
        ),
        ("0001_alerts.sql", ("V13__alerts.sql",)),
    ]
    text = (folder / "0000_rename.sql").read_text(encoding="utf-8")
    assert "mistake" not in text
    assert "old_name" not in text
    assert "-- imported from: V1__base.sql, V2__tier.sql" in text


def test_files_that_last_stay_migrations_of_their_own(folder: Path, tmp_path: Path) -> None:
    """Without anything that is taken back, each file is a migration."""
    kept = ("V1__base.sql", "V2__tier.sql", "V5__wider.sql", "V10__defaults.sql", "V13__alerts.sql")
    made = imported(folder, written(tmp_path / "kept", {name: FILES[name] for name in kept}))
    assert [sources for _, sources in made.made] == [(name,) for name in kept]
    assert [file.name for file, _ in made.made] == [
        "0000_base.sql", "0001_tier.sql", "0002_wider.sql", "0003_defaults.sql", "0004_alerts.sql",
    ]  # fmt: skip


def test_every_statement_that_is_not_in_a_migration_is_named(folder: Path, team: Path) -> None:
    """Other statements, a script that reverts a version, an addition without effect, and other tables."""
    notes = "\n".join(imported(folder, team).notes)
    for words in (
        "U13__alerts.sql was not read: its name is that of a script that reverts",
        "V3__wrong.sql: line 2: `GRANT",
        "V4__corrected.sql: line 2: `UPDATE",
        "V12__again.sql: line 1: ADD COLUMN IF NOT EXISTS `tier` INT64 is left out: the column exists already as S",
        "Statements for other tables are left out: prod.other",
    ):
        assert words in notes, notes


def test_a_table_that_ran_the_files_is_accepted_as_it_is(warehouse: Warehouse, folder: Path, team: Path) -> None:
    """Migrate records every imported migration as found and runs no statement; the next plan has the rest."""
    ran(warehouse, *AS_THE_TEAM)
    before = warehouse.describe("store")
    imported(folder, team)
    done = migrated(folder, small_registry(), warehouse)
    assert [outcome for _, outcome in done.done] == ["adopted", "adopted"]
    assert warehouse.describe("store") == before
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    assert [one.rule for one in drift(folder, small_registry(), warehouse) if one.severity == "error"] == []


def test_a_new_target_gets_the_same_table(warehouse: Warehouse, folder: Path, team: Path) -> None:
    """The imported migrations create what the team's files created."""
    with open_target("duckdb:///:memory:") as other:
        ran(other, *AS_THE_TEAM)
        theirs = other.describe("store")
    imported(folder, team)
    migrated(folder, small_registry(), warehouse)
    ours = warehouse.describe("store")
    assert isinstance(ours, Table)
    assert isinstance(theirs, Table)
    assert {one.shape for one in ours.columns} == {one.shape for one in theirs.columns}
    assert (ours.partitioning, ours.clustering) == (theirs.partitioning, theirs.clustering)


def test_an_imported_history_verifies(folder: Path, team: Path) -> None:
    """Checksums, chain and contract hold; what the registry has besides is for the next plan."""
    imported(folder, team)
    with open_target("duckdb:///:memory:") as scratch:
        found = verify_migrations(workspace_in(folder, small_registry()), scratch, TOOL)
    assert {one.rule for one in found} == {"FQ404"}
    planned_in(folder, small_registry())
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, small_registry()), scratch, TOOL) == ()


def test_a_statement_that_bigquery_rejects_is_an_error_with_its_line(folder: Path, team: Path) -> None:
    """Nothing is written."""
    written(team, {"V14__required.sql": "ALTER TABLE prod.store\n  ADD COLUMN x INT64 NOT NULL;"})
    with pytest.raises(InputError, match=r"V14__required\.sql: .*line 2"):
        imported(folder, team)
    assert not folder.exists()


def test_a_history_begins_once(folder: Path, team: Path) -> None:
    """A folder with migrations is left as it is."""
    imported(folder, team)
    with pytest.raises(MigrationError, match="has migrations already"):
        imported(folder, team)


def test_a_table_of_two_datasets_is_chosen_by_name(folder: Path, team: Path) -> None:
    """Without --name both are listed."""
    written(team, {"V20__staging.sql": CREATE.replace("prod", "staging")})
    with pytest.raises(UsageError, match="2 tables named store"):
        imported(folder, team)
    assert imported(folder, team, name="staging.store").made[0][1] == ("V20__staging.sql",)


def test_a_folder_without_the_table_names_the_tables_that_it_has(folder: Path, tmp_path: Path) -> None:
    """The remedy names the option."""
    with pytest.raises(InputError, match=r"Tables in these files: prod\.other") as caught:
        imported(folder, written(tmp_path / "o", {"1.sql": FILES["R__other.sql"]}))
    assert "--name" in str(caught.value.remedy)


def test_a_table_that_was_dropped_begins_again(folder: Path, team: Path) -> None:
    """The history begins with the last CREATE TABLE."""
    written(team, {"V30__new.sql": "DROP TABLE prod.store;", "V31__base.sql": CREATE})
    assert [sources for _, sources in imported(folder, team).made] == [("V31__base.sql",)]


@pytest.mark.parametrize(
    "names",
    [
        ["V1__a.sql", "V1.1__b.sql", "V2__c.sql", "V10__d.sql", "R__e.sql"],
        ["001_a.sql", "002-b.sql", "010 c.sql", "z.sql"],
        ["20240101120000_a.sql", "20240102090000_b.sql"],
        ["1.sql", "2.sql", "11.sql"],
        ["B2__all.sql", "V3__a.SQL", "step_2.ddl", "step_10.ddl"],
    ],
)
def test_files_run_in_the_order_of_their_versions(names: list[str]) -> None:
    """Numbers are compared as numbers; files without one come last."""
    assert [path.name for path in in_order(map(Path, sorted(names)))[0]] == names


def test_what_reverts_a_version_is_left_out(folder: Path, tmp_path: Path) -> None:
    """A file by its name, and the part of a file after its mark; files may end in .SQL and .ddl too."""
    drop = "ALTER TABLE prod.store DROP COLUMN made_at;"
    files = {
        "000001_base.up.SQL": CREATE,
        "000001_base.down.sql": "DROP TABLE prod.store;",
        "000002_tier.ddl": f"-- +goose Up\nALTER TABLE prod.store ADD COLUMN tier STRING;\n-- +goose Down\n{drop}",
        "000003_more.sql": f"-- migrate:up\nALTER TABLE prod.store ADD COLUMN more STRING;\n-- migrate:down\n{drop}",
    }
    made = imported(folder, written(tmp_path / "sql", files))
    assert [sources for _, sources in made.made] == [(name,) for name in files if "down" not in name]
    assert any("000001_base.down.sql was not read" in note for note in made.notes)


def test_keys_and_properties_are_imported(folder: Path, tmp_path: Path) -> None:
    """What DDL writes is in the history: a new target gets the same keys, collation and options."""
    team = written(
        tmp_path / "sql",
        {
            "V1__base.sql": "CREATE TABLE prod.store (item STRING COLLATE 'und:ci' NOT NULL, day DATE NOT NULL, "
            "price NUMERIC OPTIONS(rounding_mode = 'ROUND_HALF_EVEN'), PRIMARY KEY (item) NOT ENFORCED) "
            "DEFAULT COLLATE 'und:ci' OPTIONS(friendly_name = 'Store', kms_key_name = 'k')",
            "V2__keys.sql": "ALTER TABLE prod.store DROP PRIMARY KEY; "
            "ALTER TABLE prod.store ADD PRIMARY KEY (item, day) NOT ENFORCED, "
            "ADD FOREIGN KEY (item) REFERENCES prod.items(id) NOT ENFORCED;",
            "V3__options.sql": "ALTER TABLE prod.store SET OPTIONS (max_staleness = INTERVAL 15 MINUTE)",
        },
    )
    made = imported(folder, team)
    assert [sources for _, sources in made.made] == [("V1__base.sql", "V2__keys.sql"), ("V3__options.sql",)]
    with open_target("duckdb:///:memory:") as warehouse:
        migrated(folder, small_registry(), warehouse)
        table = warehouse.describe("store")
    assert isinstance(table, Table)
    assert (table.primary_key, table.foreign_keys) == (
        ("item", "day"), ("FOREIGN KEY (item) REFERENCES items(id)",),
    )  # fmt: skip
    assert dict(table.properties) == {
        "default_collation": "und:ci", "kms_key_name": "k", "max_staleness": "0-0 0 0:15:0",
    }  # fmt: skip
    assert table.options.friendly_name == "Store"
    assert dict(table.present("item").properties) == {"collation": "und:ci"}
    assert dict(table.present("price").properties) == {"rounding_mode": "ROUND_HALF_EVEN"}
