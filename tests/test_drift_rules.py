"""Laws of drift as a value: every class of difference, its cause, its remedy, its level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from fqtool.commands.check_drift.compare import check_drift, find_drift
from fqtool.findings.finding import RULES, Finding, Severity
from fqtool.schema.build import base_table, desired_state
from fqtool.table.changes import AddColumn, DropColumn, SetDescription, fold
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.model import Partitioning, State, Table, View
from fqtool.table.parse import parse
from fqtool.table.typetext import column
from tests.bed.running import PROJECT, Emulator
from tests.in_process import fqtool
from tests.stores import small_registry
from tests.strategies import states

REGISTRY = small_registry()
DESIRED = desired_state(REGISTRY)
UNKNOWN = Type(Kind.UNKNOWN, name="QUATERNION")
BASE = frozenset({"item", "day", "vector", "made_at", "history"})


def told(live: State, **options: object) -> tuple[Finding, ...]:
    """The drift findings about a live state, with everything recorded and planned as desired."""
    levels = options.pop("levels", {})
    known = {"recorded": DESIRED, "planned": DESIRED, "renames": {}} | options
    return check_drift(find_drift(live, DESIRED, base=BASE, **known), levels)  # type: ignore[arg-type]


def table() -> Table:
    """The desired table."""
    assert DESIRED.table is not None
    return DESIRED.table


def changed(name: str, **new: object) -> State:
    """The desired state with one column otherwise."""
    made = [replace(one, **new) if one.name == name else one for one in table().columns]  # type: ignore[arg-type]
    return replace(DESIRED, table=table().with_columns(made))


def optioned(**new: object) -> State:
    """The desired state with one option otherwise."""
    return replace(DESIRED, table=replace(table(), options=replace(table().options, **new)))  # type: ignore[arg-type]


def first_field(struct: Type) -> Type:
    """The STRUCT with only its first field."""
    return replace(struct, fields=struct.fields[:1])


def partitioned(by: Partitioning | None) -> State:
    """The desired state with another layout."""
    return replace(DESIRED, table=replace(table(), partitioning=by))


CLASSES: list[tuple[str, str, Callable[[], State]]] = [
    ("FQ301", "tier", lambda: fold(DESIRED, [DropColumn("tier")])),
    ("FQ302", "rogue", lambda: fold(DESIRED, [AddColumn(column("rogue", "INT64"))])),
    ("FQ303", "tier", lambda: changed("tier", type=Type(Kind.INT64))),
    ("FQ303", "tier", lambda: changed("tier", type=UNKNOWN)),
    ("FQ315", "rogue", lambda: fold(DESIRED, [AddColumn(Column("rogue", UNKNOWN))])),
    ("FQ303", "history", lambda: changed("history", type=column("x", "STRUCT<seen STRING, days ARRAY<DATE>>").type)),
    ("FQ301", "history.days", lambda: changed("history", type=first_field(table().present("history").type))),
    ("FQ304", "item", lambda: changed("item", mode=Mode.NULLABLE)),
    ("FQ304", "alerts", lambda: changed("alerts", mode=Mode.NULLABLE)),
    ("FQ305", "score", lambda: changed("score", type=Type(Kind.NUMERIC, 4, 1))),
    ("FQ306", "tier", lambda: changed("tier", description="")),
    ("FQ307", "made_at", lambda: changed("made_at", default=None)),
    ("FQ309", "partitioning", lambda: partitioned(Partitioning("day", "MONTH"))),
    ("FQ309", "partitioning", lambda: partitioned(None)),
    ("FQ310", "clustering", lambda: replace(DESIRED, table=replace(table(), clustering=()))),
    ("FQ311", "item", lambda: changed("item", properties=(("policy_tags", "projects/p/policyTags/2"),))),
    ("FQ312", "require_partition_filter", lambda: optioned(require_partition_filter=False)),
    ("FQ312", "partition_expiration_days", lambda: optioned(partition_expiration_days=7.0)),
    ("FQ312", "expiration", lambda: optioned(expiration="2030-01-01T00:00:00Z")),
    ("FQ313", "v_quality", lambda: replace(DESIRED, views=())),
    ("FQ313", "v_quality", lambda: replace(DESIRED, views=(View("v_quality", "SELECT 1 AS x"),))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "subject", "live"), CLASSES, ids=[f"{c[0]}-{c[1]}-{n}" for n, c in enumerate(CLASSES)]
)
def test_each_class_is_one_finding_with_a_cause_and_a_remedy(
    code: str, subject: str, live: Callable[[], State]
) -> None:
    """One thing changed by hand is exactly one finding of its class, with subject, cause and a remedy to paste."""
    (found,) = told(live())
    assert (found.rule, found.subject) == (code, subject)
    assert found.cause == "changed by hand"
    assert str(found.remedy)
    assert found.severity is RULES[code].severity


def test_order_is_ignored_unless_asked_for() -> None:
    """Columns in another order give no finding by default; the registry's drift map can make them one."""
    live = replace(DESIRED, table=table().with_columns(reversed(table().columns)))
    assert told(live) == ()
    (found,) = told(live, levels={"FQ308": Severity.ERROR})
    assert (found.rule, found.severity) == ("FQ308", Severity.ERROR)


def test_every_class_can_be_set_to_another_level() -> None:
    """The drift map sets a class to error, warning or ignore."""
    key = "FQ306"
    live = changed("tier", description="other")
    assert [one.severity for one in told(live)] == [Severity.WARNING]
    assert [one.severity for one in told(live, levels={key: Severity.ERROR})] == [Severity.ERROR]
    assert told(live, levels={key: None}) == ()


def test_the_remedy_for_a_base_column_is_a_statement() -> None:
    """Fqtool leaves base columns alone, so their remedy is SQL to paste, and it parses."""
    (found,) = told(changed("item", description="other"))
    assert parse(str(found.remedy).rstrip(";"))


def test_the_remedy_for_a_missing_base_column_is_a_plan_of_base_columns() -> None:
    """A plan adds a base column only with --include-base, a default in a statement of its own."""
    (found,) = told(fold(DESIRED, [DropColumn("made_at")]))
    assert str(found.remedy) == "fqtool migrate plan --include-base && fqtool migrate"


def test_the_remedy_for_a_managed_column_with_a_default_is_a_plan() -> None:
    """A plan writes both statements, so the remedy is the same as without a default."""
    with_default = replace(DESIRED, table=table().with_column("tier", default="'gold'"))
    drifts = find_drift(
        fold(with_default, [DropColumn("tier")]),
        with_default,
        base=BASE,
        recorded=with_default,
        planned=with_default,
        renames={},
    )
    (found,) = check_drift(drifts, {})
    assert str(found.remedy) == "fqtool migrate plan && fqtool migrate"


def test_causes_distinguish_files_ledger_and_registry() -> None:
    """Not in the ledger but in a file: not applied. In no file: not planned. In the ledger, not live: by hand."""
    base = State(base_table(REGISTRY), DESIRED.views)
    causes = {
        "migration not applied": told(base, recorded=base),
        "in the registry, but in no migration": told(base, recorded=base, planned=base),
        "changed by hand": told(base),
        "migration not applied, or changed by hand": told(base, recorded=None),
    }
    for cause, found in causes.items():
        assert {one.cause for one in found} == {cause}
    extra = fold(DESIRED, [AddColumn(column("old", "INT64"))])
    (behind,) = told(extra, recorded=extra, planned=extra)
    assert behind.cause == "in a migration, but no longer in the registry"


def test_both_descriptions_are_shown() -> None:
    """That of the table and that of the registry, of a field of a STRUCT too."""
    (found,) = told(changed("tier", description="By hand"))
    declared = DESIRED.column("tier")
    assert declared
    assert f'is "By hand" in the table and "{declared.description}" in the registry.' in found.message
    (found,) = told(fold(DESIRED, [SetDescription(("history", "seen"), "")]))
    assert '`history.seen` is empty in the table and "How often" in the registry.' in found.message


def test_a_default_that_the_first_migration_may_have_found_has_both_causes() -> None:
    """The first migration accepts a table with other defaults, so either may be."""
    (found,) = told(changed("made_at", default=None), as_found=True)
    assert found.cause == "changed by hand, or different when the first migration found the table"


@given(states(), states())
def test_no_drift_exactly_where_nothing_differs(live: State, desired: State) -> None:
    """check_drift with every class turned on is empty if and only if the difference is."""
    levels = dict.fromkeys(RULES, Severity.NOTE)
    drifts = find_drift(live, desired, base=frozenset(), recorded=None, planned=None, renames={})
    extra_views = {view.key for view in live.views} - {view.key for view in desired.views}
    found = check_drift(drifts, dict(levels))
    assert len(found) == len(drifts) - len(extra_views)


def test_fixes_name_the_dataset_of_the_target(
    emulator: Emulator, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """check-drift and the refusal of a plan have the same command of `bq`."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    target = ("--target", f"bigquery://{PROJECT}/{dataset}")
    for words in (("init",), ("migrate", "plan", *target), ("migrate", *target)):
        assert fqtool(tmp_path, *words).code == 0
    path = tmp_path / "feature_registry.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("cluster_by: [item]", "cluster_by: [day]"))
    for words in (("check-drift",), ("migrate", "plan")):
        done = fqtool(tmp_path, *words, *target)
        assert done.code == 1
        assert f"bq update --clustering_fields=day {PROJECT}:{dataset}.feature_store" in done.said.replace("'", "")
