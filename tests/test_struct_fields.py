"""Fields of STRUCTs: new ones at the end and descriptions by tables.patch, wider ones by SET DATA TYPE."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.migrate.apply import verify_migrations
from fqtool.errors import InputError, Refusal, Unreachable
from fqtool.migrations.ledger import ROWS, entries_of
from fqtool.registry.model import BaseColumn, ColumnSpec, Owner, Registry
from fqtool.sql import Query
from fqtool.table.change_fields import AddField
from fqtool.table.changes import SetDescription, SetType, fold
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.diff import diff
from fqtool.table.model import State, Table
from fqtool.table.parse import parse_script
from fqtool.table.typetext import column
from fqtool.warehouse.bigquery.schema import with_fields_patched
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.migrated_stores import TOOL, by_hand, drift, migrated
from tests.stores import BASE, planned_in, small_registry, workspace_in

OLD = "STRUCT<seen INT64, days ARRAY<STRUCT<day DATE>>>"
NEW = "STRUCT<seen NUMERIC, days ARRAY<STRUCT<day DATE, runs INT64>>, last STRUCT<at TIMESTAMP, names ARRAY<STRING>>>"


def registry(details: str) -> Registry:
    """The small store with a STRUCT that another job writes."""
    made = small_registry()
    return replace(made, columns=(*made.columns, ColumnSpec("details", details, "legacy", owner=Owner.UPSTREAM)))


def details(warehouse: Warehouse) -> Column:
    """The column as the table has it."""
    table = warehouse.describe("store")
    assert isinstance(table, Table)
    return table.present("details")


def texts(folder: Path) -> str:
    """The newest migration."""
    return max(folder.glob("*.sql")).read_text(encoding="utf-8")


def test_new_fields_come_before_wider_types() -> None:
    """One column that gets fields at three levels and a wider type is a list of changes that leads to it."""
    before, after = (State(Table("t", (column("details", text),))) for text in (OLD, NEW))
    changes = diff(before, after)
    assert [type(change) for change in changes] == [AddField, AddField, SetType]
    assert [change.full_name for change in changes[:2] if isinstance(change, AddField)] == [
        "details.days.runs",
        "details.last",
    ]
    state = before
    for change in changes:
        assert change.refusal(state) == ""
        state = fold(state, [change])
    assert state == after


@pytest.mark.parametrize(
    "new",
    [
        "STRUCT<runs INT64, seen INT64, days ARRAY<STRUCT<day DATE>>>",
        "STRUCT<seen INT64>",
        "STRUCT<seen2 INT64, days ARRAY<STRUCT<day DATE>>>",
        "STRUCT<seen INT64, days ARRAY<STRUCT<day TIMESTAMP>>>",
        "STRUCT<seen INT64, days ARRAY<STRUCT<day DATE>>, runs INT64 NOT NULL>",
    ],
    ids=["in front", "dropped", "renamed", "inside an array", "required"],
)
def test_what_bigquery_does_not_change_inside_a_struct_is_refused_by_name(
    warehouse: Warehouse, folder: Path, new: str
) -> None:
    """The plan names the column and writes nothing."""
    planned_in(folder, registry(OLD), warehouse)
    migrated(folder, registry(OLD), warehouse)
    with pytest.raises(Refusal) as caught:
        planned_in(folder, registry(new), warehouse)
    (found,) = caught.value.findings
    assert (found.rule, found.subject) in {("FQ201", "details"), ("FQ203", "details.runs")}


def test_a_struct_grows_and_widens_and_keeps_its_values(warehouse: Warehouse, folder: Path) -> None:
    """Plan, migrate, replay and drift agree, and rows written before have the new fields as NULL."""
    planned_in(folder, registry(OLD), warehouse)
    migrated(folder, registry(OLD), warehouse)
    row = "'i', DATE '2026-02-06', STRUCT(7 AS seen, [STRUCT(DATE '2026-02-05' AS day)] AS days)"
    warehouse.run(Query(f"INSERT INTO store (item, day, details) VALUES ({row})"))
    found = drift(folder, registry(NEW), warehouse)
    assert {(one.rule, one.subject) for one in found if one.rule.startswith("FQ3")} == {
        ("FQ301", "details.days.runs"),
        ("FQ301", "details.last"),
        ("FQ303", "details"),
    }
    planned_in(folder, registry(NEW), warehouse)
    assert "--> ALTER TABLE `store`\n-->   ADD COLUMN `details`.`days`.`runs` INT64,\n" in texts(folder)
    assert "ALTER COLUMN `details` SET DATA TYPE STRUCT<`seen` NUMERIC" in texts(folder)
    migrated(folder, registry(NEW), warehouse)
    assert details(warehouse).type.shape == column("x", NEW).type.shape
    sql = "SELECT details.seen, details.days[OFFSET(0)].day AS day, details.days[OFFSET(0)].runs AS runs FROM store"
    (kept,) = warehouse.rows(Query(f"{sql} WHERE day = '2026-02-06'"))
    assert (int(kept["seen"]), str(kept["day"]), kept["runs"]) == (7, "2026-02-05", None)  # type: ignore[arg-type]
    assert drift(folder, registry(NEW), warehouse) == ()
    assert planned_in(folder, registry(NEW), warehouse).new == ()
    with open_target("duckdb:///:memory:") as scratch:
        assert verify_migrations(workspace_in(folder, registry(NEW)), scratch, TOOL) == ()


def test_a_description_inside_a_struct_is_written(warehouse: Warehouse, folder: Path) -> None:
    """Words about fields of a base column are planned with --include-base, all in one request."""
    words = (("seen", "How often it was seen"), ("days", "Which days"))
    base = tuple(replace(one, field_descriptions=words) if one.name == "history" else one for one in BASE)
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    described = small_registry(base_columns=base)
    found = drift(folder, described, warehouse)
    assert [one.subject for one in found] == ["history.seen", "history.days"]
    assert all("fqtool migrate plan --include-base && fqtool migrate" in str(one.remedy) for one in found)
    planned_in(folder, described, warehouse, include_base=True)
    assert texts(folder).count("--> ALTER TABLE") == 1
    migrated(folder, described, warehouse)
    assert drift(folder, described, warehouse) == ()


def test_widening_a_struct_keeps_the_descriptions_of_its_fields(warehouse: Warehouse, folder: Path) -> None:
    """SET DATA TYPE carries no descriptions, so the plan writes them again afterwards."""
    planned_in(folder, small_registry(), warehouse)
    migrated(folder, small_registry(), warehouse)
    wider = replace(BASE[4], type="STRUCT<seen NUMERIC, days ARRAY<DATE>>")
    assert BASE[4] == BaseColumn(
        "history", "STRUCT<seen INT64, days ARRAY<DATE>>", field_descriptions=(("seen", "How often"),)
    )
    widened = small_registry(base_columns=(*BASE[:4], wider, *BASE[5:]))
    planned_in(folder, widened, warehouse, include_base=True)
    migrated(folder, widened, warehouse)
    assert drift(folder, widened, warehouse) == ()


def test_a_field_added_by_hand_stops_no_later_migration(warehouse: Warehouse, folder: Path) -> None:
    """A legal change by hand is kept; where the registry then declares it, the file records it as found."""
    planned_in(folder, registry(OLD), warehouse)
    migrated(folder, registry(OLD), warehouse)
    added = AddField(("details",), Column("extra", Type(Kind.STRING)))
    by_hand(warehouse, added, before=State(Table("store", (column("details", OLD),))))
    more = replace(registry(OLD), columns=(*registry(OLD).columns, replace(registry(OLD).columns[-1], name="second")))
    planned_in(folder, more, warehouse)
    migrated(folder, more, warehouse)
    declared = f"{OLD[:-1]}, extra STRING>"
    later = replace(more, columns=(*registry(declared).columns, more.columns[-1]))
    planned_in(folder, later, warehouse)
    migrated(folder, later, warehouse)
    assert drift(folder, later, warehouse) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD COLUMN a.b INT64;",
        "ALTER TABLE t ALTER COLUMN a.b SET OPTIONS (description = 'x');",
        "--> ALTER TABLE t ADD COLUMN b INT64;",
        "--> ALTER TABLE t\n-->   ADD COLUMN a.b INT64, ADD COLUMN c INT64;",
    ],
)
def test_only_changes_of_fields_are_marked_as_patches(sql: str) -> None:
    """BigQuery would refuse the first two, and nothing would run the last two."""
    with pytest.raises(InputError, match="after `-->`"):
        parse_script(sql)


def test_a_text_with_the_mark_stays_a_text() -> None:
    """Comments and queries of views that begin with the mark are read as they are."""
    (view,) = parse_script("CREATE VIEW v AS\nSELECT 1 AS x\n--> not a patch\n;")
    assert "--> not a patch" not in view.sql or view.sql.count("-->") == 1
    (patch,) = parse_script("--> ALTER TABLE `t`\n-->   ALTER COLUMN `a`.`b` SET OPTIONS (description = '--> x');")
    assert patch.changes == (SetDescription(("a", "b"), "--> x"),)


def bigquery_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Warehouse:
    """A migrated store on BigQuery's API, with a pending patch."""
    from tests.bed.running import PROJECT

    emulator = request.getfixturevalue("emulator")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    opened = open_target(f"bigquery://{PROJECT}/{request.getfixturevalue('dataset')}")
    planned_in(folder, registry(OLD), opened)
    migrated(folder, registry(OLD), opened)
    planned_in(folder, registry(f"{OLD[:-1]}, extra STRING>"), opened)
    return opened


def etag(warehouse: Any) -> str:
    """The etag of the table."""
    return str(warehouse._session.table("store")["etag"])


def jobs_of_patches(warehouse: Warehouse) -> list[tuple[str, str]]:
    """State and job of the rows of the pending file's statement."""
    entries = entries_of(warehouse.rows(ROWS))
    return [(entry.standing, entry.job) for entry in entries if entry.version == "0002"]


def test_the_ledger_has_the_etag_of_a_patch(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Where a statement has the id of its job, a patch has the etag of the table that it left."""
    with bigquery_store(request, monkeypatch, folder) as warehouse:
        migrated(folder, registry(f"{OLD[:-1]}, extra STRING>"), warehouse)
        assert jobs_of_patches(warehouse) == [("applied", etag(warehouse))]


def test_a_patch_whose_answer_was_lost_is_found_by_the_next_run(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The row stays started; the next run finds the field in the table and records it, without another patch."""
    grown = registry(f"{OLD[:-1]}, extra STRING>")
    with bigquery_store(request, monkeypatch, folder) as warehouse:
        session: Any = warehouse._session  # type: ignore[attr-defined]
        sent, real = list[str](), session._schema_patched

        def losing(resource: dict[str, Any]) -> str:
            sent.append(real(resource))
            raise Unreachable("The answer was lost.")

        monkeypatch.setattr(session, "_schema_patched", losing)
        with pytest.raises(Unreachable):
            migrated(folder, grown, warehouse)
        assert [standing for standing, _ in jobs_of_patches(warehouse)] == ["started"]
        migrated(folder, grown, warehouse)
        assert [standing for standing, _ in jobs_of_patches(warehouse)] == ["applied"]
        assert len(sent) == 1
        assert drift(folder, grown, warehouse) == ()


def test_a_patch_keeps_what_another_process_wrote_in_the_meantime(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The etag makes BigQuery reject a patch of a table that changed; the change is applied to the new one."""
    grown = registry(f"{OLD[:-1]}, extra STRING>")
    with bigquery_store(request, monkeypatch, folder) as warehouse:
        session: Any = warehouse._session  # type: ignore[attr-defined]
        real, sent = session._schema_patched, list[str]()
        monkeypatch.setattr(session, "_pause", lambda *_: None)

        def overtaken(resource: dict[str, Any]) -> str:
            sent.append(resource["etag"])
            if len(sent) == 1:
                by_hand(warehouse, SetDescription(("details",), "written meanwhile"))
            return str(real(resource))

        monkeypatch.setattr(session, "_schema_patched", overtaken)
        with warehouse:
            migrated(folder, grown, warehouse)
            assert len(set(sent)) == 2
            assert details(warehouse).description == "written meanwhile"
            assert details(warehouse).type.fields[-1].name == "extra"


def test_a_new_field_inside_a_required_struct_is_nullable() -> None:
    """A patch keeps the modes of the fields around it."""
    before = State(Table("t", (replace(column("a", "STRUCT<b INT64>"), mode=Mode.REQUIRED),)))
    after = State(Table("t", (replace(column("a", "STRUCT<b INT64, c DATE>"), mode=Mode.REQUIRED),)))
    assert diff(before, after) == (AddField(("a",), column("c", "DATE")),)


def test_a_struct_with_policy_tags_inside_is_not_widened() -> None:
    """SET DATA TYPE repeats the STRUCT without them; adding a field by a patch keeps them."""
    field = Column("b", Type(Kind.INT64), properties=(("policy_tags", "projects/p/taxonomies/1/policyTags/2"),))
    state = State(Table("t", (Column("a", Type(Kind.STRUCT, fields=(field,))),)))
    wider = SetType("a", column("x", "STRUCT<b NUMERIC>").type)
    assert wider.refusal(state) == "a has policy tags or properties inside the STRUCT"
    assert AddField(("a",), column("c", "DATE")).refusal(state) == ""


def test_a_patch_leaves_everything_else_in_the_schema() -> None:
    """Settings that fqtool does not know, and the order and spelling of the fields, stay as BigQuery sent them."""
    inner = {"name": "B", "type": "INTEGER", "policyTags": {"names": ["x"]}, "newSetting": {"y": 1}}
    fields = [{"name": "A", "type": "RECORD", "mode": "REPEATED", "fields": [inner], "another": True}]
    changes = (AddField(("a",), column("c", "ARRAY<DATE>")), SetDescription(("a", "b"), "new"))
    (patched,) = with_fields_patched(fields, changes)
    assert patched == {
        **fields[0],
        "fields": [{**inner, "description": "new"}, {"name": "c", "type": "DATE", "mode": "REPEATED"}],
    }
    assert "description" not in inner
    assert with_fields_patched([patched], changes) == [patched]
