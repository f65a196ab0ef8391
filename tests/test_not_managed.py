"""What a registry leaves to others: ignored attributes, defaults of the dataset, options of views."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fqtool.commands.check_drift.run import drift_of
from fqtool.commands.migrate.rules import judge
from fqtool.migrations.plan import satisfied
from fqtool.migrations.reconcile import reconcile
from fqtool.registry.load import load_registry
from fqtool.registry.model import Registry
from fqtool.schema.build import desired_state
from fqtool.table.change_options import SetOption
from fqtool.table.change_views import PutView
from fqtool.table.changes import AddColumn, CreateTable, Reorder
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.ddl import create_view
from fqtool.table.diff import diff
from fqtool.table.model import Options, Partitioning, State, Table, View
from fqtool.table.parse import parse
from fqtool.warehouse.bigquery.schema import described, inherited, may_inherit
from fqtool.warehouse.protocol import Warehouse
from tests.bed.running import Emulator
from tests.sample_table import found, open_bigquery, statement
from tests.stores import small_registry, workspace_in

REGISTRY = small_registry()


def ignoring(**patterns: tuple[str, ...]) -> Registry:
    """The small registry with `drift: ignore:`."""
    return replace(REGISTRY, not_managed=tuple(patterns.items()))


def live_state() -> State:
    """The table of the small registry, with a column that is otherwise and one that is not declared."""
    state = desired_state(REGISTRY)
    assert state.table is not None
    table = state.table.with_column("tier", description="by hand", properties=(("policy_tags", "t"),))
    table = table.with_column("item", description="by hand", mode=Mode.NULLABLE)
    return replace(state, table=table.longer([Column("raw_note", Type(Kind.STRING))]))


def differences(registry: Registry) -> list[str]:
    """What check-drift compares of the live state, as it was made."""
    live = live_state()
    wanted = reconcile(live, desired_state(registry), registry, include_base=True, keep_unknown=False)
    return [change.describe() for change in diff(live, wanted)]


def test_an_attribute_is_ignored_by_the_pattern_of_a_column() -> None:
    """`drift: ignore:` leaves out single attributes of the columns whose names fit, and undeclared columns."""
    everything = ["column item was changed to REQUIRED", "the description of item was changed",
                  "the description of tier was changed", "column raw_note was dropped"]  # fmt: skip
    assert differences(REGISTRY) == everything
    assert differences(ignoring(tier=("description",))) == [*everything[:2], everything[3]]
    assert differences(ignoring(**{"ite?": ("mode", "description")})) == everything[2:]
    assert differences(ignoring(**{"raw_*": ("undeclared",)})) == everything[:3]
    assert differences(ignoring(**{"*": ("description", "mode", "undeclared")})) == []


def test_an_ignored_type_and_field_are_left_as_they_are() -> None:
    """A pattern with a dot is for the field of a STRUCT; an ignored type is that of the table."""
    state = desired_state(REGISTRY)
    assert state.table is not None
    history = state.table.present("history")
    first = history.type.fields[0]
    table = state.table.with_field(("history", first.name), description="by hand").with_column(
        "score", type=Type(Kind.STRING)
    )
    live = replace(state, table=table)

    def changes(**patterns: tuple[str, ...]) -> int:
        registry = ignoring(**patterns)
        return len(diff(live, reconcile(live, desired_state(registry), registry, include_base=True)))

    assert changes() == 2
    assert changes(score=("type",)) == 1
    assert changes(**{"score": ("type",), f"history.{first.name}": ("description",)}) == 0


def test_ignore_is_read_from_the_registry() -> None:
    """The map is under `drift`, beside the levels of rules; an unknown attribute is an error."""
    drift = 'drift: {FQ306: note, ignore: {"feature_*": [description, policy_tags]}}\n'
    text = Path("feature_registry.yaml").read_text().replace("drift: {}\n", drift)
    registry, findings = load_registry(text, "r.yaml")
    assert registry is not None, findings
    assert registry.not_managed == (("feature_*", ("description", "policy_tags")),)
    assert [code for code, _ in registry.drift] == ["FQ306"]
    _, (finding,) = load_registry(text.replace("policy_tags]", "policy_tag]"), "r.yaml")
    assert "policy_tags" in str(finding.remedy)


RESOURCE = {
    "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"},
    "type": "TABLE",
    "creationTime": "1000",
    "schema": {"fields": [{"name": "day", "type": "DATE"}]},
    "timePartitioning": {"type": "DAY", "field": "day", "expirationMs": "86400000"},
    "expirationTime": "3000",
    "defaultCollation": "und:ci",
    "encryptionConfiguration": {"kmsKeyName": "k"},
}


def test_a_default_of_the_dataset_is_distinguished_from_a_value_set_by_hand() -> None:
    """Equal values are inherited; other values, and properties without a default, are not."""
    dataset = {
        "defaultPartitionExpirationMs": "86400000",
        "defaultTableExpirationMs": "2000",
        "defaultCollation": "",
        "defaultEncryptionConfiguration": {"kmsKeyName": "k2"},
    }
    assert may_inherit(RESOURCE)
    assert inherited(RESOURCE, dataset) == {"partition_expiration_days", "expiration"}
    assert inherited(RESOURCE, {}) == frozenset()
    assert not may_inherit({key: RESOURCE[key] for key in ("tableReference", "schema", "type")})


def test_a_plan_that_unsets_a_default_of_the_dataset_is_a_hazard() -> None:
    """FQ234 names the property; the same change of a value that was set by hand has no such finding."""
    table = described(RESOURCE)
    assert isinstance(table, Table)
    given = replace(table, inherited=frozenset({"partition_expiration_days", "default_collation"}))
    (finding,) = judge(State(given), SetOption("partition_expiration_days", None))
    assert (finding.rule, finding.message) == (
        "FQ234",
        "Unsets `partition_expiration_days`, which the table has from its dataset's default for new tables.",
    )
    assert "Replaces" in judge(State(given), SetOption("default_collation", "x"))[0].message
    assert judge(State(table), SetOption("partition_expiration_days", None)) == ()


def test_bigquery_is_asked_for_the_defaults_of_the_dataset(
    emulator: Emulator, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table whose partitions expire needs one datasets.get in all; another table needs none."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    client = emulator.client()
    place = client.get_dataset(dataset)
    place.default_partition_expiration_ms = 86_400_000
    client.update_dataset(place, ["default_partition_expiration_ms"])
    table = Table("t", (Column("day", Type(Kind.DATE)),), Partitioning("day"))
    with open_bigquery(emulator, dataset) as warehouse:
        for name, days in (("plain", None), ("one", 1.0), ("two", 2.0)):
            expiring = replace(table, name=name, options=Options(partition_expiration_days=days))
            warehouse.run(statement(name, CreateTable(expiring)))
        emulator.reset_log()
        live = [warehouse.describe(name) for name in ("plain", "one", "two")]
    inherits = [one.inherited for one in live if isinstance(one, Table)]
    assert inherits == [frozenset(), frozenset({"partition_expiration_days"}), frozenset()]
    assert sum(path.endswith(f"/datasets/{dataset}") for _, path in emulator.request_log) == 1


def test_labels_of_a_view_are_kept_where_it_is_replaced(warehouse: Warehouse, tmp_path: Path) -> None:
    """A view that others labelled is not drift, and another query keeps the labels; declared labels are compared."""
    state = desired_state(REGISTRY)
    assert state.table is not None
    (view,) = state.views
    labelled = replace(view, options=(("friendly_name", "Quality"), ("labels", (("team", "a"),))))
    warehouse.run(statement("store", CreateTable(state.table)))
    warehouse.run(statement("store", PutView(labelled)))
    live = warehouse.describe(view.name)
    assert isinstance(live, View)
    assert dict(live.options) == dict(labelled.options)
    assert drift_of(workspace_in(tmp_path, REGISTRY), warehouse) == ()
    found = State(state.table, (replace(live, query="SELECT 1 AS x"),))
    (change,) = diff(found, reconcile(found, state, REGISTRY))
    assert isinstance(change, PutView)
    assert dict(change.view.options) == dict(labelled.options)
    declared = replace(REGISTRY, views=(replace(REGISTRY.views[0], labels=(("team", "b"),)),))
    (finding,) = drift_of(workspace_in(tmp_path, declared), warehouse)
    assert (finding.rule, "other labels" in finding.message) == ("FQ313", True)


def test_a_view_in_legacy_sql_and_its_columns_are_read() -> None:
    """tables.get of a view: legacy SQL, labels, and the columns whose descriptions a replaced view loses."""
    fields = [{"name": "x", "type": "INTEGER", "description": "a number"}, {"name": "y", "type": "STRING"},
              {"name": "z", "type": "STRING", "policyTags": {"names": ["t"]}}]  # fmt: skip
    resource = RESOURCE | {"type": "VIEW", "view": {"query": "SELECT 1", "useLegacySql": True}, "labels": {"a": "b"},
                           "schema": {"fields": fields}}  # fmt: skip
    view = described({key: resource[key] for key in ("tableReference", "type", "view", "labels", "schema")})
    labels, words = (("labels", (("a", "b"),)),), (("x", "a number"),)
    assert view == View("t", "SELECT 1", legacy=True, options=labels, described=words)
    assert isinstance(view, View)
    assert view.of_columns == ("z",)
    new = PutView(View("t", "SELECT 1"))
    assert diff(State(views=(view,)), State(views=(new.view,))) == (new,)
    (note,) = judge(State(views=(view,)), new)
    assert "descriptions and policy tags of `x`, `z`" in note.message


def test_a_view_of_all_columns_is_created_again_after_a_column_was_added(
    emulator: Emulator, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BigQuery keeps the columns of a view as it was created: a plan creates it again, and check-drift reports it."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    whole = replace(REGISTRY, views=(replace(REGISTRY.views[0], include=("*",)),))
    state = desired_state(whole)
    assert state.table is not None
    fewer = state.table.with_columns(column for column in state.table.columns if column.name != "tier")
    (view,) = state.views
    with open_bigquery(emulator, dataset) as warehouse:
        warehouse.run(statement("store", CreateTable(fewer)))
        warehouse.run(statement("store", PutView(view)))
        live = warehouse.describe(view.name)
        assert isinstance(live, View)
        changes = diff(State(fewer, (live,)), state)
        add, again = (change for change in changes if not isinstance(change, Reorder))
        assert (add, again) == (AddColumn(state.table.present("tier")), PutView(view))
        warehouse.run(statement("store", add))
        assert not satisfied(found(warehouse, "store", view.name), [again])
        (finding,) = drift_of(workspace_in(tmp_path, whole), warehouse)
        assert (finding.rule, finding.message) == (
            "FQ313", f"The view `{view.name}` does not show the columns tier, which the table has.",
        )  # fmt: skip
        warehouse.run(statement("store", again))
        assert satisfied(found(warehouse, "store", view.name), [again])
        assert drift_of(workspace_in(tmp_path, whole), warehouse) == ()


def test_options_of_a_view_are_in_its_statement() -> None:
    """CREATE OR REPLACE VIEW has them, and is read back."""
    view = View("v", "SELECT 1 AS x", "words", options=(("friendly_name", "V"), ("labels", (("a", "b"),))))
    assert parse(create_view(view)) == (PutView(view),)
