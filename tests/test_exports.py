"""Laws of exports: every column once with its type, the same bytes every time, and every text as it was given."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fqtool.commands.export.contents import contents
from fqtool.commands.export.terraform import terraform
from fqtool.commands.generate_schema.run import generated_schema
from fqtool.errors import InputError
from fqtool.registry.model import Registry, TableSpec
from fqtool.schema.build import desired_state, desired_table, expand_columns
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.schema_json import read_schema
from fqtool.table.typetext import column
from tests.bed.running import ROOT
from tests.bed.zeta import analyze
from tests.exported_registries import HOSTILE, LIMIT, TARGETS, described, hostile, loaded, of, of_every_type, real
from tests.machine import patient
from tests.stores import BASE, small_registry, with_column
from tests.strategies import types as some_types
from tests.test_statements_analysed import catalog

pieces = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]))
)


texts = st.lists(pieces, max_size=4).map("".join)


def dbt_columns(registry: Registry) -> list[list[dict[str, Any]]]:
    """The columns of the source and those of the model."""
    made = yaml.safe_load(of(registry, "dbt"))
    return [made["sources"][0]["tables"][0]["columns"], made["models"][0]["columns"]]


def odcs_properties(registry: Registry) -> list[dict[str, Any]]:
    """The properties of the contract's one object."""
    found: list[dict[str, Any]] = yaml.safe_load(of(registry, "odcs"))["schema"][0]["properties"]
    return found


def evaluated(template: str) -> str:
    """What Terraform makes of a string: `$${` and `%%{` mean themselves, and nothing else may begin a template."""
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", re.sub(r"\$\$\{|%%\{", "", template)), template
    return re.sub(r"(\$\$|%%)\{", lambda found: f"{found[1][0]}{{", template)


def tf_table(registry: Registry) -> dict[str, Any]:
    """The table's resource."""
    found: dict[str, Any] = json.loads(terraform(registry))["resource"]["google_bigquery_table"][registry.table.name]
    return found


def feast_columns(text: str, name: str) -> dict[str, tuple[str, str, str]]:
    """Name -> SQL, type and description of one of the tables in the Feast file, read without Feast."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and ast.unparse(node.targets[0]) == name:
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {
                ast.literal_eval(key): (ast.literal_eval(sql), ast.unparse(kind), ast.literal_eval(told))
                for key, value in pairs
                if isinstance(key, ast.expr) and isinstance(value, ast.Tuple)
                for sql, kind, told in [value.elts]
            }
    raise AssertionError(name)


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_registry_gives_the_same_bytes(target: str) -> None:
    """Two processes that order sets differently write one text, which ends in one newline."""
    command = [sys.executable, "-m", "fqtool", "export", target]
    runs = [
        subprocess.run(
            command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}, capture_output=True,
            timeout=patient(LIMIT), check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1] == of(real(), target).encode()
    assert runs[0].endswith(b"\n")
    assert not runs[0].endswith(b"\n\n")


@settings(max_examples=40)
@given(st.lists(some_types(), min_size=1, max_size=4), st.sampled_from(Mode))
def test_every_column_occurs_once_with_its_type(kinds: list[Any], mode: Mode) -> None:
    """In dbt, ODCS and Terraform a column's type is the table's, whatever type and mode, in table order."""
    registry = of_every_type(*(Column("x", kind.shape, mode) for kind in kinds))
    wanted = desired_table(registry).columns
    told = [(one.name, one.sql_type, one.mode is Mode.REQUIRED) for one in wanted]
    for columns in dbt_columns(registry):
        assert [(one["name"], one["data_type"]) for one in columns] == [one[:2] for one in told]
    needed = [one["name"] for one in dbt_columns(registry)[1] if "constraints" in one]
    assert needed == [name for name, _, required in told if required]
    properties = odcs_properties(registry)
    assert [(one["name"], one["physicalType"], one.get("required", False)) for one in properties] == told
    assert read_schema(evaluated(tf_table(registry)["schema"]), "schema") == wanted


@pytest.mark.parametrize("registry", [small_registry(), real()], ids=["small", "real"])
def test_feast_has_every_feature_and_quality_column(registry: Registry) -> None:
    """One view holds the features in index order, the other the managed columns, each with a type."""
    text = of(registry, "feast")
    assert list(feast_columns(text, "VALUES")) == [one.name for one in registry.active_features]
    managed = [one.name for one in contents(registry) if one.managed]
    assert list(feast_columns(text, "QUALITY")) == managed
    assert set(managed) == {one.name for one in expand_columns(registry)}


@pytest.mark.parametrize("registry", [small_registry(), real()], ids=["small", "real"])
def test_what_feast_selects_is_googlesql(registry: Registry) -> None:
    """Google's analyser reads the query of each view, over the current table."""
    text, table = of(registry, "feast"), desired_table(registry)
    for name in ("VALUES", "QUALITY"):
        columns = [f"{sql} AS `{one}`" for one, (sql, _, _) in feast_columns(text, name).items()]
        assert analyze(f"SELECT {', '.join(columns)} FROM `{table.name}`", catalog(table)) is None


@settings(max_examples=20)
@example(Type(Kind.INTERVAL), Mode.REPEATED)
@given(some_types(), st.sampled_from([Mode.NULLABLE, Mode.REPEATED]))
def test_feast_is_given_a_type_it_has(kind: Any, mode: Mode) -> None:
    """A managed column of any type is selected as one that Feast has, and Google's analyser reads how."""
    registry = with_column(small_registry(), "labels", type=Column("x", kind.shape, mode).sql_type)
    sql, told, _ = feast_columns(of(registry, "feast"), "QUALITY")["labels"]
    assert re.fullmatch(r"(Array\()?(Bool|Bytes|Float64|Int64|String|UnixTimestamp)\)?", told)
    table = desired_table(registry)
    if "RANGE<" not in str(kind):  # the analyser of the test bed has no RANGE
        assert analyze(f"SELECT {sql} AS x FROM `{table.name}`", catalog(table)) is None


@given(texts)
def test_a_description_survives_every_format(text: str) -> None:
    """What a tool reads is the description: after YAML and Jinja, JSON and Terraform's templates, and Python."""
    registry = described(text)
    wanted = desired_table(registry).by_key["score"].description
    for columns in dbt_columns(registry):
        told = next(one for one in columns if one["name"] == "score").get("description", "")
        made = jinja2.Environment(keep_trailing_newline=True, autoescape=False).from_string(told).render()  # noqa: S701
        assert made == wanted
    assert next(one for one in odcs_properties(registry) if one["name"] == "score").get("description", "") == wanted
    fields = read_schema(evaluated(tf_table(registry)["schema"]), "schema")
    assert next(one for one in fields if one.name == "score").description == wanted
    assert feast_columns(of(registry, "feast"), "QUALITY")["score"][2] == wanted
    assert loaded(of(registry, "python")).Row.__annotations__.keys() == desired_table(registry).by_key.keys()


def test_terraform_has_the_schema_of_generate_schema() -> None:
    """The schema's text is `generate-schema --full` to the byte, once Terraform has read it; so with every bad text."""
    for registry in (real(), small_registry(), hostile(real())):
        assert evaluated(tf_table(registry)["schema"]) == generated_schema(registry, full=True)


def test_terraform_has_the_layout() -> None:
    """Keys and values are those of google_bigquery_table; nothing that costs data can happen unasked."""
    made = tf_table(real())
    assert list(json.loads(terraform(real()))) == ["//", "variable", "resource"]
    assert made | {"schema": ""} == {
        "project": "${var.feature_store_project}",
        "dataset_id": "${var.feature_store_dataset}",
        "table_id": "ml_feature_store_v2",
        "schema": "",
        "time_partitioning": {"type": "DAY", "field": "game_date"},
        "clustering": ["player_lookup", "feature_version", "game_date"],
        "require_partition_filter": True,
        "deletion_protection": True,
    }
    table = TableSpec("9-lives", ("item",), "day", "MONTH", partition_expiration_days=1.5, labels=(("a", "b"),))
    odd = json.loads(terraform(small_registry(table=table)))["resource"]["google_bigquery_table"]
    assert odd["_9-lives"]["time_partitioning"] == {"type": "MONTH", "field": "day", "expiration_ms": 129_600_000}
    assert odd["_9-lives"]["labels"] == {"a": "b"}
    assert odd["v_quality"]["depends_on"] == ["google_bigquery_table._9-lives"]


def test_terraform_views_read_the_table_beside_them() -> None:
    """With the variables filled in, a view's query is what Google's analyser reads, and what migrate would make."""
    views = json.loads(terraform(real()))["resource"]["google_bigquery_table"]
    table = desired_table(real())
    for view in desired_state(real()).views:
        query = views[view.name]["view"]["query"]
        assert query.count("${") == 2 * view.text.count("${dataset}") > 0
        plain = query.replace("`${var.feature_store_project}.${var.feature_store_dataset}`.", "")
        assert analyze(plain, catalog(table)) is None
        assert views[view.name]["view"]["use_legacy_sql"] is False


@pytest.mark.parametrize("kind", ["DATE", "DATETIME", "TIMESTAMP"])
def test_where_of_dbt_is_googlesql_that_names_the_partition(kind: str) -> None:
    """Where a table requires a partition filter each test has one, over the bare column, that the analyser reads."""
    base = tuple(replace(one, type=kind) if one.name == "day" else one for one in BASE)
    registry = small_registry(base_columns=base)
    table = desired_table(registry)
    for columns in dbt_columns(registry):
        tests = [test for one in columns for test in one.get("data_tests", [])]
        assert tests
        for test in tests:
            ((_, told),) = test.items()
            where = told["config"]["where"].replace("{{ var('fqtool_days', 7) }}", "7")
            assert where.startswith("day >= ")
            assert analyze(f"SELECT 1 FROM `{table.name}` WHERE {where}", catalog(table)) is None


def test_without_a_filter_none_is_written() -> None:
    """A table that may be read whole is; its range tests ask for what is outside alone."""
    registry = small_registry(table=TableSpec("store", ("item",)))
    (source, _) = dbt_columns(registry)
    by_name = {one["name"]: one.get("data_tests") for one in source}
    assert by_name["item"] == [{"not_null": {}}]
    assert by_name["score"][0]["accepted_values"]["config"] == {"where": "(score < 0 OR score > 100)"}


def test_reserved_names_are_quoted_in_dbt() -> None:
    """A column named by a reserved word is quoted, in its entry and in conditions."""
    registry = with_column(small_registry(), "score", name="order")
    column_of = {one["name"]: one for one in dbt_columns(registry)[0]}
    assert column_of["order"]["quote"] is True
    assert "`order` < 0" in json.dumps(column_of["order"])


def test_lists_are_those_of_the_registry() -> None:
    """Sources, tiers and levels of the real registry are with exactly the columns that hold them."""
    held = {one.name: one for one in contents(real())}
    listed: Mapping[str, tuple[str, ...]] = {one.name: one.accepted for one in held.values() if one.accepted}
    assert listed["feature_5_source"] == ("phase4", "phase3", "calculated", "default")
    assert listed["quality_tier"] == listed["matchup_quality_tier"] == ("gold", "silver", "bronze", "poor", "critical")
    assert listed["quality_alert_level"] == ("red", "yellow", "green")
    assert len(listed) == 37 + 3 + 1
    bounded = {name for name, one in held.items() if one.bounds}
    assert len(bounded) == 37 + 1 + 5
    assert {"feature_0_quality", "feature_quality_score", "vegas_quality_pct"} <= bounded
    by_name = {one["name"]: one for one in odcs_properties(real())}
    assert by_name["feature_5_source"]["quality"][0]["arguments"] == {"validValues": list(listed["feature_5_source"])}
    assert by_name["feature_5_quality"]["logicalTypeOptions"] == {"minimum": 0, "maximum": 100}
    assert by_name["game_date"]["primaryKeyPosition"] == 2


def test_feast_takes_the_date_key_of_a_table_without_partitions() -> None:
    """It is the time of a row, and not an entity."""
    text = of(small_registry(table=TableSpec("store", ("item", "day"))), "feast")
    assert "CAST(`day` AS TIMESTAMP)" in text
    assert "entity_1" not in text


def test_feast_needs_a_time() -> None:
    """A table whose rows have no date and no time of writing is refused, with what to add."""
    with pytest.raises(InputError, match="time"):
        of(small_registry(table=TableSpec("store", ("item",))), "feast")


def test_column_types_read_back() -> None:
    """The type that an export writes is one that fqtool reads as the same type."""
    for one in desired_table(real()).columns:
        assert column(one.name, one.sql_type).type.shape == one.type.shape


def fqtool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run fqtool as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "fqtool", *words], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=patient(LIMIT), check=False,
    )  # fmt: skip


def test_a_stale_file_is_a_finding(tmp_path: Path) -> None:
    """--check is clean after --out; a changed registry, an edited file and an absent one are FQ407 with the command."""
    given = ROOT / "feature_registry.yaml"
    (tmp_path / "feature_registry.yaml").write_text(given.read_text())
    words = ("export", "dbt", "--out", "models/store.yml")
    assert fqtool(tmp_path, *words, "--check").returncode == 1
    assert fqtool(tmp_path, *words).returncode == 0
    assert fqtool(tmp_path, *words, "--check").returncode == 0
    text = given.read_text().replace("Opponent's three-letter team code", "The other team")
    (tmp_path / "feature_registry.yaml").write_text(text)
    done = fqtool(tmp_path, *words, "--check")
    assert done.returncode == 1
    assert "FQ407" in done.stdout
    assert "fqtool export dbt --out models/store.yml" in done.stdout
    assert "The other team" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("export", "csv"), "Use one of: dbt, odcs, terraform, feast, python, jsonschema, pydantic, avro."),
        (("export", "dbt", "--check"), "--out models/feature_store.yml"),
        (("export", "dbt"), "feature_registry.yaml does not exist"),
    ],
)
def test_wrong_words_end_in_a_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    """An unknown tool, --check without a file and a folder without a registry: exit 2, cause and remedy."""
    done = fqtool(tmp_path, *words)
    assert done.returncode == 2
    assert sentence in done.stderr
