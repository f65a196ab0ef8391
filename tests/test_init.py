"""Laws of fqtool init: an existing table comes back from the registry, which loads, validates and shows no drift."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.add_feature.run import plan_addition
from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.commands.init.run import (
    scaffold_example,
    scaffold_live,
    write_scaffold,
)
from fqtool.commands.init.template import Scaffold, example, scaffold_text
from fqtool.commands.score.run import score_partitions
from fqtool.errors import InputError, NotThere, UsageError, WorldError
from fqtool.lint.check import check_registry
from fqtool.registry.load import read_registry
from fqtool.schema.build import base_table, desired_table
from fqtool.schema.infer_registry import learned
from fqtool.scoring.layout import Layout
from fqtool.sql import Query
from fqtool.table.change_views import PutView
from fqtool.table.changes import CreateTable
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import create_table
from fqtool.table.model import DATASET, Options, Partitioning, Table
from fqtool.table.read_ddl import read_ddl
from fqtool.table.schema_json import schema_json
from fqtool.warehouse.duckdb.catalog import remember
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Warehouse
from tests.commands import run
from tests.memory_warehouse import MemoryWarehouse
from tests.sample_table import STORE, VIEW, open_bigquery, statement
from tests.scaffolds import in_order, loaded
from tests.stores import workspace_in
from tests.strategies import tables, texts


def scaffolded(table: Table) -> str:
    """The scaffold of a table, without asking whether BigQuery would take its layout."""
    found = learned(table)
    return scaffold_text(
        Scaffold(found.table, found.columns, "a\nplace", found.keys_stated, found.vector, "", found.unsaid)
    )


@given(tables(depth=3))
def test_what_was_learned_is_the_table(table: Table) -> None:
    """Of any table, the scaffold loads, and its desired table is that table: types, modes, words, layout, options."""
    registry = loaded(scaffolded(table))
    assert desired_table(registry) == table
    assert base_table(registry) == table


@given(texts, texts, st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_word_of_a_table_can_break_the_file(words: str, label: str, default: str) -> None:
    """Descriptions, labels and defaults come back whatever characters they hold; comments cannot be left."""
    options = Options(description=words, labels=(("team", label),))
    table = Table("t", (Column("on", Type(Kind.STRING), description=words, default=default or None),), options=options)
    assert desired_table(loaded(scaffolded(table))) == table


def test_a_vector_named_by_a_reserved_word_is_read_in_backticks() -> None:
    """The expression of its value is one expression, and the file is YAML."""
    vector = Column("select", Type(Kind.FLOAT64), Mode.REPEATED)
    text = scaffolded(Table("t", (Column("day", Type(Kind.DATE)), vector)))
    assert loaded(text).inputs.value == "`select`[SAFE_OFFSET({index})]"


@given(tables(depth=2))
def test_sql_and_schema_files_agree(table: Table) -> None:
    """CREATE TABLE and schema JSON of a table are read as what the table itself is learned as."""
    (created,) = read_ddl([("t.sql", create_table(table))]).created
    assert created.problem is None
    assert learned(created.table).columns == learned(table).columns
    assert json.loads(schema_json(table.columns))[0]["name"] == table.columns[0].name


@pytest.fixture(params=["memory", "duckdb", "bigquery"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """An empty warehouse of each kind."""
    opened: Warehouse
    if request.param == "memory":
        opened = MemoryWarehouse()
    elif request.param == "duckdb":
        opened = DuckDBWarehouse(str(tmp_path / "store.duckdb"))
    else:
        emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
        opened = open_bigquery(emulator, request.getfixturevalue("dataset"))
    with opened:
        yield opened


def test_an_existing_table_has_no_drift_after_init(warehouse: Warehouse, tmp_path: Path) -> None:
    """On every warehouse: init reads the table, the registry has no problems, and check-drift finds nothing."""
    warehouse.run(statement("store", CreateTable(STORE)))
    made = scaffold_live(warehouse, "store")
    registry = in_order(made.text)
    assert desired_table(registry) == STORE
    assert warehouse.url in made.text
    if not isinstance(warehouse, MemoryWarehouse):  # it holds no rows, so no ledger
        assert drift_of(workspace_in(tmp_path / "none", registry), warehouse) == ()
        assert drift_of(workspace_in(tmp_path / "none", registry), warehouse, ledger=False) == ()


def test_the_primary_key_of_a_duckdb_table_is_its_keys() -> None:
    """Of a table that fqtool did not create; also after fqtool changed it."""
    with DuckDBWarehouse(":memory:") as warehouse:
        sql = "CREATE TABLE sales (item INT, site INT, day DATE, units INT, PRIMARY KEY (site, item, day))"
        warehouse.connection().execute(sql)
        made = scaffold_live(warehouse, "sales").made
        assert (made.keys_stated, made.table.keys) == (True, ("site", "item", "day"))
        remember(warehouse.connection(), "sales", warehouse.describe("sales"))
        assert scaffold_live(warehouse, "sales").made.table.keys == ("site", "item", "day")


def test_a_source_other_than_a_table_is_reported() -> None:
    """An absent table and a view are distinguished."""
    warehouse = MemoryWarehouse()
    with pytest.raises(NotThere, match="There is no table store"):
        scaffold_live(warehouse, "store")
    with pytest.raises(NotThere) as refused:
        scaffold_live(warehouse, "other.store")
    assert "--target bigquery://PROJECT/DATASET --from-table store" in str(refused.value.remedy)
    warehouse.run(statement("store", CreateTable(STORE)))
    warehouse.run(
        statement("store", PutView(replace(VIEW, name="v", query=f"SELECT 1 AS one FROM `{DATASET}`.`store`")))
    )
    with pytest.raises(InputError, match="is a view") as refused:
        scaffold_live(warehouse, "v")
    assert "Write its rows into a table each day" in str(refused.value.remedy)


def test_what_a_registry_cannot_hold_is_reported() -> None:
    """Names that BigQuery refuses, unusual labels and policy tags are left out and listed."""
    odd = Table(
        "t",
        (Column("a", Type(Kind.INT64), properties=(("policy_tags", "x"),)), Column("größe!", Type(Kind.INT64))),
        Partitioning("_PARTITIONTIME"),
        options=Options(expiration="2030-01-01T00:00:00Z", labels=(("ключ", "x"),)),
    )
    registry = in_order(scaffolded(odd))
    assert [one.name for one in registry.base_columns] == ["a"]
    assert (registry.table.partition_by, registry.table.labels, registry.table.keys) == (None, None, ("a",))
    assert registry.table.partition_expr == "_PARTITIONDATE"
    sentence = " ".join(learned(odd).unsaid)
    for word in ("größe!", "policy_tags", "labels"):
        assert word in sentence
        assert word in scaffolded(odd)


def test_a_nested_field_that_is_not_there_is_found() -> None:
    """field_descriptions of outer.inner come back, and one of a field that does not exist is FQ121."""
    leaf = Column("c", Type(Kind.STRING), description="inmost")
    struct = Column("s", Type(Kind.STRUCT, fields=(Column("b", Type(Kind.STRUCT, fields=(leaf,))),)))
    text = scaffolded(Table("t", (Column("k", Type(Kind.INT64)), struct)))
    assert "      b.c: inmost\n" in text
    assert desired_table(in_order(text)).columns[1] == struct
    findings = check_registry(loaded(text.replace("b.c:", "b.d:")))
    assert [(one.rule, str(one.remedy)) for one in findings] == [("FQ121", "Write b.c.")]


def uncommented(text: str) -> str:
    """The scaffold with its examples put in place of the empty entries and of the expressions that read nothing."""
    examples = set(re.findall(r"(?m)^#(\w+):", text))
    kept = []
    skipping = False
    for line in text.splitlines():
        key = re.match(r"(\w+):", line)
        skipping = bool(key and key[1] in examples) or (skipping and line.startswith("  "))
        if not skipping:
            kept.append(re.sub(r"^#(?! \S)(?=.)", "", line))
    return "\n".join(kept)


def test_the_examples_in_a_scaffold_can_be_used() -> None:
    """With the # removed, the examples are a registry without problems, and their columns are those of the store."""
    named = example("store")
    bare = Table("store", base_table(loaded(scaffold_text(named))).columns, Partitioning("day"))
    whole = in_order(uncommented(scaffolded(bare)).replace("bigquery://my-project/my_dataset", "duckdb:///x.duckdb"))
    assert [one.name for one in whole.features] == ["last_price"]
    assert len(desired_table(whole).columns) == len(bare.columns) + 6
    assert dict(whole.targets) == {"production": "duckdb:///x.duckdb"}


def test_a_scaffold_reads_values_without_labels() -> None:
    """A feature is a column of its name, or an item of the one vector; it is present, or missing where it is NULL."""
    price = Column("last_price", Type(Kind.FLOAT64))
    vector = Column("v", Type(Kind.FLOAT64), Mode.REPEATED)
    key = Column("day", Type(Kind.DATE), Mode.REQUIRED)
    for column, value in ((price, "last_price"), (vector, "v[SAFE_OFFSET(0)]")):
        text = scaffolded(Table("t", (key, column)))
        assert in_order(text).features == ()
        # The examples of where labels are stay comments.
        kept = re.sub(r"(?m)^#(inputs|sources|unknown_source):.*\n(?:#  .*\n)*", "", text)
        registry = in_order(uncommented(kept))
        (feature,) = registry.features
        assert Layout(registry).value(feature) == value
        assert Layout(registry).label(feature) == f"IF(({value}) IS NULL, 'missing', 'present')"


def test_the_example_store_is_complete(tmp_path: Path) -> None:
    """Without --from the registry has no problems, its table is the given one, and features can be added to it."""
    made = scaffold_example("mine")
    registry = in_order(made.text)
    assert registry.table.name == "mine"
    assert (len(registry.features), len(desired_table(registry).columns)) == (2, 14)
    file = tmp_path / "r.yaml"
    write_scaffold(file, made.text)
    plan_addition(file, "max_price", category="price", processor="PriceProcessor").write()
    assert [one.index for one in read_registry(file).features] == [0, 1, 2]
    assert check_registry(read_registry(file)) == ()


def test_the_example_store_can_be_scored_and_diagnosed() -> None:
    """A row of the example store gets the qualities that its labels are worth, and diagnose sees the default value."""
    registry, day = in_order(scaffold_example("mine").text), date(2026, 2, 6)
    labels = json.dumps({"0": "computed", "1": "default"})
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("mine", CreateTable(desired_table(registry))))
        warehouse.run(
            Query(
                "INSERT INTO mine (item, day, features, labels) VALUES ('a', @day, [1.0, 2.0], @labels)",
                (("day", day), ("labels", labels)),
            )
        )
        (scored,) = score_partitions(registry, warehouse, day, day, as_of=datetime(2026, 2, 7, tzinfo=UTC))
        (row,) = warehouse.rows(Query("SELECT feature_quality_score, feature_1_source, quality_tier FROM mine"))
        diagnosed = diagnosis_of(registry, warehouse, day)
    assert (scored.rows, float(str(row["feature_quality_score"])), row["feature_1_source"]) == (1, 70.0, "default")
    assert row["quality_tier"] == "bronze"
    assert diagnosed.today is not None
    assert [one.defaults for one in diagnosed.today.features.values()] == [0, 1]
    assert diagnosed.today.processors["PriceProcessor"].absent == 1


def test_a_store_without_columns_to_score_is_diagnosed_without_scoring() -> None:
    """A table with one column per feature: keys and values are inferred, and no fix runs a scoring that is refused."""
    required = (("courier", Kind.STRING), ("day", Kind.DATE))
    columns = (Column(name, Type(kind), Mode.REQUIRED) for name, kind in required)
    table = Table("deliveries", (*columns, Column("late_rate", Type(Kind.FLOAT64))))
    text = scaffolded(table).replace("categories: {}", "categories: {quality: {description: How well.}}")
    registry = in_order(text.replace("features: []", "features:\n  - {index: 0, name: late_rate, category: quality}"))
    assert registry.table.keys == ("courier", "day")
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(statement("deliveries", CreateTable(table)))
        rates = ((day, k, (k * 7 + day * 3) % 50 / 100 if day < 20 else 0.0) for day in range(1, 21) for k in range(50))
        rows = ({"courier": f"c{k}", "day": date(2026, 1, day), "late_rate": rate} for day, k, rate in rates)
        load(warehouse, "deliveries", rows)
        diagnosed = diagnosis_of(registry, warehouse, date(2026, 1, 20))
    assert [(one.rule, str(one.remedy)) for one in diagnosed.findings] == [
        (
            "FQ607",
            "Find why all rows have one value in the input of late_rate, repair it, and rebuild the rows of the store.",
        )
    ]


def test_a_registry_without_columns_has_nothing_to_score() -> None:
    """Scoring by a scaffold that declares no columns yet ends with a sentence, not with the warehouse's words."""
    registry = in_order(scaffolded(STORE))
    with pytest.raises(InputError, match="has no column that fqtool computes") as refused:
        score_partitions(registry, MemoryWarehouse(), date(2026, 2, 6), date(2026, 2, 6), as_of=datetime.now(UTC))
    assert "Declare the features. Add to `columns`: {name: score, type: FLOAT64," in str(refused.value.remedy)


def test_the_first_feature_can_be_added_to_a_scaffold(tmp_path: Path) -> None:
    """Once a category is declared, add-feature writes feature 0 in place of the empty list."""
    file = tmp_path / "r.yaml"
    text = scaffolded(
        Table("t", (Column("day", Type(Kind.DATE), Mode.REQUIRED), Column("last_price", Type(Kind.FLOAT64))))
    )
    file.write_text(text.replace("categories: {}", "categories: {price: {}}"))
    plan_addition(file, "last_price", category="price").write()
    assert [(one.index, one.name) for one in in_order(file.read_text()).features] == [(0, "last_price")]


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """Without force nothing is written over a file or through a link; with it the link stays one."""
    file, link, lost = (tmp_path / name for name in ("r.yaml", "link.yaml", "lost.yaml"))
    file.write_text("mine")
    link.symlink_to(file)
    lost.symlink_to(tmp_path / "nowhere.yaml")
    for path in (file, link, lost):
        with pytest.raises(UsageError, match="exists already") as caught:
            write_scaffold(path, "new")
        assert "--force" in str(caught.value.remedy)
    assert file.read_text() == "mine"
    write_scaffold(link, "new", force=True)
    assert (link.is_symlink(), file.read_text()) == (True, "new")
    with pytest.raises(UsageError, match="is a folder"):
        write_scaffold(tmp_path, "new", force=True)


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """A folder that cannot be made, and one that may not be written, are reported with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"r\.yaml cannot be written"):
        write_scaffold(tmp_path / "file" / "r.yaml", "new")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if not os.access(closed, os.W_OK):  # root may write anywhere
        with pytest.raises(WorldError, match="Permission denied"):
            write_scaffold(closed / "r.yaml", "new")


def test_the_command_line(tmp_path: Path) -> None:
    """init, migrate, init from that table, check-drift: each ends with 0; - is stdout; a file there ends with 2."""
    run(tmp_path, "init")
    run(tmp_path, "migrate", "plan")
    run(tmp_path, "migrate")
    sentence = run(tmp_path, "init", "--from-table", "feature_store", "--out", "live.yaml").stderr
    assert "fqtool check-drift --registry live.yaml" in sentence
    run(tmp_path, "check-drift", "--registry", "live.yaml", "--migrations", "none", "--no-ledger")
    assert run(tmp_path, "init", "--out", "-").stdout == (tmp_path / "feature_registry.yaml").read_text()
    assert "exists already" in run(tmp_path, "init", code=2).stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--from-ddl", "a.sql", "--from-schema", "a.json"], 2, "Only one --from option"),
        (["--from-ddl", "none.sql"], 2, "none.sql does not exist"),
        (["--name", "two words"], 2, "a registry with errors"),
        (["--from-table", "t", "--learn", "0"], 2, "--learn must be 1 or more."),
    ],
)
def test_wrong_words_are_reported(tmp_path: Path, words: list[str], code: int, sentence: str) -> None:
    """Each ends with its code and a sentence, and no file."""
    assert sentence in " ".join(run(tmp_path, "init", *words, code=code).stderr.split())
    assert list(tmp_path.iterdir()) == []
