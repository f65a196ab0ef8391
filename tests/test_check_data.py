"""Laws of check-drift --data: healthy rows are quiet, each way of contradicting the registry has its own rule."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.check_drift.audit import Audited
from fqtool.commands.check_drift.rules_data import check_data
from fqtool.commands.check_drift.run import audit_of
from fqtool.errors import InputError, NotThere, Refusal
from fqtool.findings.finding import Severity
from fqtool.migrations.plan import make_statement
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import Outcome
from tests.bed.running import ROOT
from tests.machine import patient
from tests.test_diagnosis import DAY, NOW, registry, scored, since

Row = dict[str, Any]
START = DAY - timedelta(days=1)


def fresh(*incidents: Incident) -> list[Row]:
    """Base rows of two dates."""
    return list(Season(registry(), START, 2, 5, rows_per_day=30).rows(incidents))


def audited(rows: list[Row], file: str = ":memory:") -> Audited:
    """What the rows are found to hold."""
    with DuckDBWarehouse(file) as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry())),)))
        load(warehouse, registry().table.name, rows)
        return audit_of(registry(), warehouse, START, DAY)


def told(found: Audited) -> list[tuple[str, str]]:
    """Rule and subject of what is more than a note."""
    return [(one.rule, one.subject) for one in check_data(found) if one.severity is not Severity.NOTE]


def unknown_label(rows: list[Row]) -> None:
    """An extractor writes a label that the registry lacks."""
    for row in rows[:3]:
        row["feature_sources"] = json.dumps(json.loads(row["feature_sources"]) | {"25": "bettingpros"})


def set_to(column: str, value: object, count: int = 3) -> Callable[[list[Row]], None]:
    """Write into a column of some rows, as another writer would."""

    def write(rows: list[Row]) -> None:
        for row in rows[:count]:
            row[column] = value

    return write


BEFORE: dict[str, tuple[Callable[[list[Row]], None], list[tuple[str, str]]]] = {
    "a label of which the registry knows nothing": (unknown_label, [("FQ701", "vegas_points_line")]),
}
AFTER: dict[str, tuple[Callable[[list[Row]], None], list[tuple[str, str]]]] = {
    "a tier of old": (set_to("quality_tier", "unusable"), [("FQ702", "quality_tier")]),
    "a level in capitals": (set_to("quality_alert_level", "RED"), [("FQ702", "quality_alert_level")]),
    "a raw label as source": (set_to("feature_4_source", "vegas"), [("FQ702", "games_in_last_7_days")]),
    "a quality of 250": (set_to("feature_7_quality", 250.0), [("FQ703", "pace_score")]),
    "a mean that does not follow": (set_to("matchup_quality_pct", 12.5), [("FQ704", "matchup_quality_pct")]),
    "a count that does not follow": (set_to("default_feature_count", 36), [("FQ704", "default_feature_count")]),
    "a mean that was removed": (set_to("vegas_quality_pct", None), [("FQ704", "vegas_quality_pct")]),
    "alerts that did not fire": (set_to("quality_alerts", ["invented"]), [("FQ704", "quality_alerts")]),
    "another map of reasons": (
        set_to("feature_fallback_reasons_json", '{"5":"invented"}'),
        [("FQ704", "feature_fallback_reasons_json")],
    ),
    "a column that is never written": (set_to("missing_processors", None, 99), [("FQ705", "missing_processors")]),
    "upstream's gate that is never written": (
        set_to("is_production_ready", None, 99),
        [("FQ705", "is_production_ready")],
    ),
    "written again after scoring": (set_to("created_at", NOW + timedelta(hours=2)), [("FQ709", "scoring")]),
    "another version of the vector": (set_to("feature_version", "v1_25features"), [("FQ712", "feature_version")]),
    "a count that is not the length of the vector": (set_to("feature_count", 36), [("FQ713", "feature_count")]),
    "another version": (set_to("quality_schema_version", "v1_hybrid"), [("FQ710", "schema_versions")]),
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_extractors_get_wrong(name: str) -> None:
    """It is reported by its rule and no other, though the rows stay scored."""
    spoil, expected = BEFORE[name]
    rows = fresh()
    spoil(rows)
    assert told(audited(list(scored(rows)))) == expected


@pytest.mark.parametrize("name", AFTER)
def test_what_writers_get_wrong(name: str) -> None:
    """It is reported by its rule and no other, with the number of rows that it holds for."""
    spoil, expected = AFTER[name]
    rows = list(scored(fresh()))
    spoil(rows)
    found = audited(rows)
    assert told(found) == expected
    messages = " ".join(one.message for one in check_data(found) if one.severity is not Severity.NOTE)
    assert "3 of 60 rows" in messages or "all 60 rows" in messages


def test_rows_with_the_keys_of_another_row_are_found() -> None:
    """Each surplus row is counted, and the fix scores only their date."""
    rows = list(scored(fresh()))
    found = audited([*rows, rows[0], rows[0], rows[1]])
    assert told(found) == [("FQ717", "rows")]
    finding = next(one for one in check_data(found) if one.rule == "FQ717")
    assert finding.message == "3 of 63 rows have the keys of another row."
    assert str(finding.remedy) == f"Delete the surplus rows, then: fqtool score --start {START}"


def test_healthy_rows_are_quiet() -> None:
    """Nothing but a note of what is constant; nothing at all where there are no rows."""
    found = audited(list(scored(fresh())))
    assert (found.rows, found.days, found.compared) == (60, 2, 60)
    assert [one.rule for one in check_data(found)] == ["FQ706"]
    assert check_data(audited([])) == ()


def test_an_incident_is_not_a_contradiction() -> None:
    """Rows full of defaults hold what the registry requires of them."""
    incidents = since(1, "defaulted"), since(1, "masked", "PlayerDailyCacheProcessor")
    assert told(audited(list(scored(fresh(*incidents))))) == []


def test_vectors_that_are_not_the_registry_s() -> None:
    """Length and order are reported; the columns that follow from other values are what scoring gives for them."""
    assert told(audited(list(scored(fresh(since(1, "wrong_length")))))) == [("FQ707", "the vector")]
    assert told(audited(list(scored(fresh(since(1, "reordered")))))) == [("FQ708", "the vector")]


def test_rows_that_wait() -> None:
    """Rows with sources and no quality are counted; those without sources are not."""
    rows = list(scored(fresh()))
    bare = fresh()
    rows[:4] = bare[:4]
    rows[4] = bare[4] | {"feature_sources": None}
    found = audited(rows)
    assert (found.waiting, found.compared) == (4, 55)
    assert told(found) == [("FQ711", "scoring")]
    (finding,) = (one for one in check_data(found) if one.rule == "FQ711")
    assert str(finding.remedy) == f"fqtool score --start {START}", "only the date of these rows"


def test_a_constant_that_can_have_no_other_value_is_not_reported() -> None:
    """A version, a list of names, a fixed number are expected; a test that always has one outcome is a note."""
    (note,) = check_data(audited(list(scored(fresh()))))
    assert "primary_data_source" in note.message
    fixed = {"feature_schema_version", "available_feature_names", "feature_store_age_hours"}
    assert not fixed & {*note.message.replace(",", " ").split()}


class Priced(DuckDBWarehouse):
    """DuckDB with the cost of a scan, as BigQuery reports it."""

    def run(self, *_: Any, **__: Any) -> Outcome:
        """A dry run of a known size."""
        return Outcome(bytes_processed=5_000)


def test_bytes_are_reported_and_bounded() -> None:
    """The bytes of a dry run are reported before the scan, and more than allowed is refused without one."""
    seen: list[int] = []
    with DuckDBWarehouse(":memory:") as plain, Priced(":memory:") as warehouse:
        with pytest.raises(NotThere, match="There is no table"):
            audit_of(registry(), plain, START, DAY)
        with pytest.raises(InputError, match="must not be earlier"):
            audit_of(registry(), plain, DAY, START)
        DuckDBWarehouse.run(warehouse, make_statement(State(), (CreateTable(desired_table(registry())),)))
        with pytest.raises(Refusal, match="5,000 bytes; --max-bytes allows 4,999 bytes"):
            audit_of(registry(), warehouse, START, DAY, max_bytes=4_999, on_bytes=seen.append)
        assert audit_of(registry(), warehouse, START, DAY, max_bytes=5_000, on_bytes=seen.append).rows == 0
        assert warehouse.rows(Query("SELECT 1 AS one")) == [{"one": 1}]
    assert seen == [5_000, 5_000]


def test_the_command(tmp_path: Path) -> None:
    """Exit 1 and a remedy to paste for what contradicts; 0 where nothing does; 2 where options do not fit."""
    rows = list(scored(fresh()))
    set_to("matchup_quality_pct", 12.5)(rows)
    audited(rows, str(tmp_path / "s.duckdb"))

    def run(*words: str) -> tuple[int, str]:
        given = ["check-drift", "--no-ledger", "--no-views", "--target", f"duckdb:///{tmp_path}/s.duckdb", *words]
        done = subprocess.run(
            [sys.executable, "-m", "fqtool", *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(60),
        )
        return done.returncode, done.stdout + done.stderr

    code, said = run("--data", "--start", str(START), "--end", str(DAY))
    assert code == 1
    assert "error FQ704 matchup_quality_pct" in said
    assert f"fqtool score --start {START} --end {DAY} --target duckdb:///{tmp_path}/s.duckdb" in said
    assert run("--data", "--end", "2020-01-01")[0] == 0
    assert "There are no rows from 2019-12-19 to 2020-01-01." in run("--data", "--end", "2020-01-01")[1]
    assert run("--start", str(START)) == (2, run("--start", str(START))[1])
    assert "Add --data." in run("--start", str(START))[1]
