"""Properties of BigQuery in the exports: each is where the format documents a place, or listed as left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fqtool.commands.export.dictionary import dictionary
from fqtool.commands.export.dictionary_pages import dictionary_markdown
from fqtool.commands.export.run import EXPORTS
from fqtool.registry.model import BaseColumn, Registry, TableSpec
from fqtool.table.properties import COLUMN_PROPERTIES, NAME_OF
from tests.bed.running import ROOT
from tests.exported_registries import KMS_KEY, OF_COLUMN, OF_TABLE, TAG, declaring, of
from tests.peers.running import peer
from tests.stores import BASE, small_registry
from tests.test_exports import tf_table
from tests.test_exports_by_tools import dbt_project, nodes

FORMATS = ("dbt", "odcs", "terraform")
FOREIGN = ((("item",), "d.items", ("id",)), (("item", "day"), "item_days", ("item", "day")))
OWN: dict[str, Any] = {  # keys of `table` itself
    "description": "All orders", "labels": (("team", "a"),), "require_partition_filter": True,
    "partition_expiration_days": 30.0,
}  # fmt: skip
KEYS: dict[str, Any] = {"primary_key": True, "foreign_keys": FOREIGN[:1]}


def rows() -> Iterator[tuple[str, list[str]]]:
    """Each property in the table of the docs page, with the key that each format has for it."""
    text = (ROOT / "docs/how-to/use-with-other-tools.md").read_text()
    _, _, below = text.partition("## Properties of BigQuery")
    for line in below.partition("\n## ")[0].splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
            yield name, cells


ROWS = dict(rows())


def contract(registry: Registry) -> dict[str, Any]:
    """The one object of the data contract."""
    found: dict[str, Any] = yaml.safe_load(of(registry, "odcs"))["schema"][0]
    return found


def custom(element: dict[str, Any]) -> dict[str, Any]:
    """The custom properties of an element of a data contract."""
    return {one["property"]: one["value"] for one in element.get("customProperties", ())}


def test_the_page_lists_every_property() -> None:
    """The docs page has a row for each property of a column and of a table, for the default, and for the keys."""
    assert set(ROWS) == COLUMN_PROPERTIES.keys() | NAME_OF.keys() | KEYS.keys() | {"default"}
    assert OF_COLUMN.keys() == COLUMN_PROPERTIES.keys()
    assert OF_TABLE.keys() | OWN.keys() == NAME_OF.keys()


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("name", ROWS)
def test_a_property_is_in_a_format_as_the_page_lists_it(name: str, target: str) -> None:
    """Declaring it adds the key of the page to the export; where the page has no key, it changes nothing."""
    key = ROWS[name][FORMATS.index(target)]
    bare = declaring({}, {}, require_partition_filter=None)
    if name == "default":
        declared = small_registry(base_columns=(replace(BASE[0], default="'x'"), *BASE[1:]), table=bare.table)
    elif name in OF_COLUMN:
        declared = declaring({name: OF_COLUMN[name]}, {}, require_partition_filter=None)
    elif name in OF_TABLE:
        declared = declaring({}, {name: OF_TABLE[name]}, require_partition_filter=None)
    else:
        declared = replace(bare, table=replace(bare.table, **{name: (OWN | KEYS)[name]}))
    before, after = of(bare, target), of(declared, target)
    if key in ("-", ""):
        assert before == after
    else:
        added = after.replace(before, "") if before in after else after
        assert before != after
        assert key in added
        assert target == "terraform" or before.count(key) < after.count(key)


def test_dbt_reads_keys_options_and_policy_tags(tmp_path: Path) -> None:
    """`dbt parse` accepts them without a warning: they are in the config, columns and constraints of the model."""
    registry = declaring(OF_COLUMN, OF_TABLE, **(OWN | KEYS | {"foreign_keys": FOREIGN}))
    dbt_project(tmp_path, registry)
    model_file = tmp_path / "models" / "store.sql"
    model_file.write_text("{{ config(materialized='table') }}" + model_file.read_text())
    done = peer(tmp_path, "dbt", "--no-use-colors", "parse", "--profiles-dir", ".")
    assert done.returncode == 0, done.stdout
    assert "Deprecat" not in done.stdout, done.stdout
    assert "WARN" not in done.stdout, done.stdout
    model = dict(nodes(tmp_path))["model.shop.store"]
    wanted = {
        "require_partition_filter": True, "partition_expiration_days": 30.0, "labels": {"team": "a"},
        "kms_key_name": KMS_KEY, "resource_tags": {"p/env": "prod"}, "enable_change_history": True,
        "persist_docs": {"relation": True, "columns": True}, "cluster_by": ["item"],
    }  # fmt: skip
    assert model["config"].items() >= wanted.items()
    assert model["columns"]["item"]["policy_tags"] == [TAG]
    keys = [(one["type"], one["columns"], one["expression"]) for one in model["constraints"]]
    assert keys == [
        ("primary_key", ["item", "day"], None),
        ("foreign_key", ["item"], "`d`.`items` (`id`)"),
        ("foreign_key", ["item", "day"], "`store`.`built`.`item_days` (`item`, `day`)"),
    ]
    assert not any(one["warn_unenforced"] for one in model["constraints"])


def test_the_contract_has_each_property(tmp_path: Path) -> None:
    """`datacontract lint` accepts them: policy tags as classification, foreign keys as relationships."""
    registry = declaring(OF_COLUMN, OF_TABLE, **(OWN | KEYS | {"foreign_keys": FOREIGN}))
    (tmp_path / "store.odcs.yaml").write_text(of(registry, "odcs"))
    done = peer(tmp_path, "datacontract", "lint", "store.odcs.yaml")
    assert done.returncode == 0, done.stdout
    assert "Data contract is valid" in done.stdout
    schema = contract(registry)
    assert schema["relationships"] == [
        {
            "type": "foreignKey", "from": "store.item", "to": "items.id",
            "customProperties": [{"property": "table", "value": "d.items"}],
        },
        {"type": "foreignKey", "from": ["store.item", "store.day"], "to": ["item_days.item", "item_days.day"]},
    ]  # fmt: skip
    assert schema["businessName"] == "Orders"
    assert custom(schema) == {
        "partitionBy": "`day`", "clusterBy": ["item"], "requirePartitionFilter": True,
        "partitionExpirationDays": 30.0, "labels": {"team": "a"}, "expirationTimestamp": "2030-01-01T00:00:00Z",
        "defaultCollation": "und:ci", "defaultRoundingMode": "ROUND_HALF_EVEN", "enableChangeHistory": True,
        "enableFineGrainedMutations": True, "kmsKeyName": KMS_KEY, "maxStaleness": "0-0 0 4:0:0",
        "tags": {"p/env": "prod"},
    }  # fmt: skip
    item = schema["properties"][0]
    assert item["classification"] == TAG
    assert custom(item) == {
        "collation": "und:ci", "dataPolicies": ["p.q"], "generated": "AI.EMBED(item)",
        "roundingMode": "ROUND_HALF_EVEN",
    }  # fmt: skip


def test_names_that_a_reference_cannot_have_are_a_custom_property(tmp_path: Path) -> None:
    """A foreign key to a table with a hyphen is valid in the contract, as the text of the constraint."""
    registry = declaring({}, {}, foreign_keys=((("item",), "old-items", ("id",)),))
    (tmp_path / "store.odcs.yaml").write_text(of(registry, "odcs"))
    done = peer(tmp_path, "datacontract", "lint", "store.odcs.yaml")
    assert done.returncode == 0, done.stdout
    assert "relationships" not in contract(registry)
    assert custom(contract(registry))["foreignKeys"] == ["FOREIGN KEY (item) REFERENCES old-items(id)"]


def test_fields_of_a_struct_have_their_properties() -> None:
    """Properties, default and description of a field are in the contract; the description also in record schemas."""
    struct = BaseColumn(
        "address", "STRUCT<city STRING>", field_descriptions=(("city", "Where"),),
        field_properties=(("city", (("policy_tags", (TAG,)), ("collation", "und:ci"), ("default", "'Bonn'"))),),
    )  # fmt: skip
    registry = small_registry(base_columns=(*BASE, struct))
    address = next(one for one in contract(registry)["properties"] if one["name"] == "address")
    (city,) = address["properties"]
    assert (city["description"], city["classification"]) == ("Where", TAG)
    assert custom(city) == {"collation": "und:ci", "default": "'Bonn'"}
    schema = json.loads(of(registry, "jsonschema"))["properties"]["address"]["anyOf"][0]
    assert schema["properties"]["city"]["description"] == "Where"
    assert "    # Where\n    city: str | None" in of(registry, "pydantic")


def test_a_generated_column_is_not_required_of_a_writer() -> None:
    """BigQuery writes it: in JSON Schema it is read-only, and NOT NULL does not make it a required field."""
    column = BaseColumn("meaning", "STRING", required=True, properties=(("generated", "AI.EMBED(item)"),))
    schema = json.loads(of(small_registry(base_columns=(*BASE, column)), "jsonschema"))
    assert schema["properties"]["meaning"]["readOnly"] is True
    assert "meaning" not in schema["required"]
    assert "readOnly" not in schema["properties"]["item"]


def test_partitions_by_number_and_by_ingestion() -> None:
    """Dbt has ranges of numbers, but ingestion time only with a column. Its tests filter by either partition."""
    base = (replace(BASE[0], type="INT64"), *BASE[1:])
    for expr, by, where in (
        ("RANGE_BUCKET(item, GENERATE_ARRAY(-5, 100, 10))",
         {"field": "item", "data_type": "int64", "range": {"start": -5, "end": 100, "interval": 10}}, "item >= -5"),
        ("_PARTITIONDATE", None, "_PARTITIONTIME >= CAST(CURRENT_DATE - {{ var('fqtool_days', 7) }} AS TIMESTAMP)"),
    ):  # fmt: skip
        spec = TableSpec("store", ("item", "day"), partition_expr=expr, require_partition_filter=True)
        registry = small_registry(base_columns=base, table=spec)
        model = yaml.safe_load(of(registry, "dbt"))["models"][0]
        assert model["config"].get("partition_by") == by
        assert model["data_tests"][0]["unique"]["config"]["where"] == where
        assert custom(contract(registry))["partitionBy"].replace("`", "") == expr


def test_terraform_has_keys_of_one_column() -> None:
    """A foreign key names project, dataset and table; one of two columns is left out."""
    registry = declaring({}, {}, primary_key=True, foreign_keys=(*FOREIGN, (("day",), "days", ("day",))))
    project, dataset = "${var.feature_store_project}", "${var.feature_store_dataset}"
    assert tf_table(registry)["table_constraints"] == {
        "primary_key": {"columns": ["item", "day"]},
        "foreign_keys": [
            {
                "referenced_table": {"project_id": project, "dataset_id": "d", "table_id": "items"},
                "column_references": {"referencing_column": "item", "referenced_column": "id"},
            },
            {
                "referenced_table": {"project_id": project, "dataset_id": dataset, "table_id": "days"},
                "column_references": {"referencing_column": "day", "referenced_column": "day"},
            },
        ],
    }


def test_terraform_has_the_labels_of_a_view() -> None:
    """Labels of a view are those of its resource."""
    registry = small_registry()
    views = (replace(registry.views[0], labels=(("team", "a"),)),)
    resources = json.loads(EXPORTS["terraform"].render(replace(registry, views=views)))["resource"]
    assert resources["google_bigquery_table"][views[0].name]["labels"] == {"team": "a"}


def test_the_dictionary_has_each_property() -> None:
    """The data dictionary shows the properties of the table and of a column, and the keys."""
    registry = declaring(OF_COLUMN, OF_TABLE, **(OWN | KEYS))
    page = dictionary_markdown("store", dictionary(registry))
    for text in ("kms key name", KMS_KEY, "p/env=prod", "rounding mode", "policy tags", TAG, "foreign key"):
        assert text in page
