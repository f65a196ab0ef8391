"""Laws of diagnosis: each way of breaking yields its cause and no other, at any seed; healthy dates yield none."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fqtool import load_registry
from fqtool.api import LoadedRegistry
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.root_causes import causes_of
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.errors import InputError, NotThere
from fqtool.findings.finding import Finding
from fqtool.migrations.plan import make_statement
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.machine import patient
from tests.test_statements_analysed import catalog

DAY = date(2026, 2, 6)
NOW = datetime(2026, 2, 7, tzinfo=UTC)
COMPOSITE, DEFENCE = "PlayerCompositeFactorsProcessor", "TeamDefenseZoneAnalysisProcessor"
SEEDS = (0, 3)


@cache
def registry() -> LoadedRegistry:
    """The repository's own."""
    return load_registry(ROOT / "feature_registry.yaml")


def scored(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows with their quality columns, as a processor would write them."""
    every = list(rows)
    for row, made in zip(every, registry().score(every, as_of=NOW), strict=True):
        yield row | made


def store(warehouse: DuckDBWarehouse, rows: Iterable[dict[str, Any]]) -> None:
    """The table with these rows, scored."""
    warehouse.run(make_statement(State(), (CreateTable(desired_table(registry())),)))
    load(warehouse, registry().table.name, scored(rows))


@cache
def healthy_store(seed: int) -> DuckDBWarehouse:
    """The day and fifteen dates before it, and the same rows under the name of healthy, to repair the table with."""
    warehouse = DuckDBWarehouse(":memory:")
    store(warehouse, Season(registry(), DAY - timedelta(days=15), 16, seed).rows())
    warehouse.connection().execute(f"CREATE TABLE healthy AS FROM {registry().table.name}")
    return warehouse


Spoil: TypeAlias = Callable[[list[dict[str, Any]]], object]


def found(
    *incidents: Incident, seed: int = 0, days: int = 14, spoil: Spoil = lambda _: None, scoring: bool = True
) -> tuple[Finding, ...]:
    """What is found on the day, after some days of health and these incidents; `spoil` changes the day's base rows."""
    first = min([one.first for one in incidents] + [DAY])
    broken = list(Season(registry(), first, (DAY - first).days, seed).rows(incidents))
    today = list(Season(registry(), DAY, 1, seed).rows(incidents))
    spoil(today)
    warehouse, table = healthy_store(seed), registry().table.name
    warehouse.run(Query(f"DELETE FROM {table} WHERE game_date >= DATE '{first}'"))
    load(warehouse, table, [*scored(broken), *(scored(today) if scoring else today)])
    try:
        return diagnosis_of(registry(), warehouse, DAY, days).findings
    finally:
        warehouse.run(Query(f"DELETE FROM {table} WHERE game_date >= DATE '{first}'"))
        warehouse.connection().execute(f"INSERT INTO {table} FROM healthy WHERE game_date >= DATE '{first}'")


def since(days: int, kind: str, processor: str = COMPOSITE, **more: Any) -> Incident:
    """An incident of that many dates to the day."""
    return Incident(kind, DAY - timedelta(days=days - 1), DAY, processor, **more)


SCENARIOS: dict[str, tuple[tuple[Incident, ...], list[tuple[str, str]], str]] = {
    "composite factors default": ((since(1, "defaulted"),), [("FQ601", COMPOSITE)], "features 5-8 "),
    "for three dates": ((since(3, "defaulted"),), [("FQ601", COMPOSITE)], "since {first}"),
    "all six default": (
        (since(1, "defaulted"), since(1, "defaulted", DEFENCE)),
        [("FQ601", COMPOSITE), ("FQ601", DEFENCE)],
        "features 13-14 ",
    ),
    "masked": ((since(1, "masked"),), [("FQ602", COMPOSITE)], "old or constant values"),
    "longer than half of the dates before": ((since(11, "defaulted"),), [("FQ601", COMPOSITE)], "since {first}"),
    "on all of the dates before": ((since(15, "defaulted"),), [("FQ601", COMPOSITE)], "since {first}"),
    "masked on all of the dates before": ((since(15, "masked"),), [("FQ602", COMPOSITE)], "since {first}"),
    "masked for three dates": ((since(3, "masked"),), [("FQ602", COMPOSITE)], "since {first}"),
    "a fifth of the rows": ((since(1, "partial", share=0.2),), [("FQ604", COMPOSITE)], "features 5-8 "),
    "half of the rows": ((since(1, "partial", share=0.5),), [("FQ604", COMPOSITE)], "features 5-8 "),
    "one constant": (
        (since(1, "constant", "", features=("fatigue_score",)),),
        [("FQ607", COMPOSITE)],
        "fatigue_score has one value",
    ),
    "a default under a good label": (
        (since(1, "silent", "", features=("pts_slope_10g",), share=0.6),),
        [("FQ611", "PlayerGameSummaryProcessor")],
        "feature 34 ",
    ),
    "a default under a good label for four dates": (
        (since(4, "silent", "", features=("pts_slope_10g",), share=0.6),),
        [("FQ611", "PlayerGameSummaryProcessor")],
        "since {first}",
    ),
    "another unit for four dates": (
        (since(4, "rescaled", "", features=("pct_paint",)),),
        [("FQ612", "PlayerShotZoneAnalysisProcessor")],
        "since {first}",
    ),
    "half of a processor's values": ((since(1, "silent", share=0.5),), [("FQ611", COMPOSITE)], "features 5-7 "),
    "another unit": (
        (since(1, "rescaled", "", features=("pct_paint",)),),
        [("FQ612", "PlayerShotZoneAnalysisProcessor")],
        "pct_paint is outside the range of the registry",
    ),
    "stale": ((since(1, "stale"),), [("FQ603", COMPOSITE)], "an earlier date"),
    "stale for three dates": ((since(3, "stale"),), [("FQ603", COMPOSITE)], "since {first}"),
    "late": ((since(1, "late"),), [("FQ606", COMPOSITE)], "were written"),
    "late for three dates": ((since(3, "late"),), [("FQ606", COMPOSITE)], "since {first}"),
    "short vectors": ((since(1, "wrong_length"),), [("FQ609", "feature vector")], "the wrong length"),
    "another order": ((since(1, "reordered"),), [("FQ610", "feature vector")], "the wrong order"),
    "cold start": ((since(15, "cold_start"),), [], ""),
    "the end of cold start": ((Incident("cold_start", DAY - timedelta(days=14), DAY - timedelta(days=1)),), [], ""),
    "defaulted in cold start": (
        (since(15, "cold_start"), since(1, "defaulted")),
        [("FQ601", COMPOSITE)],
        "features 5-8 ",
    ),
    "over since yesterday": (
        tuple(
            Incident(kind, DAY - timedelta(days=6), DAY - timedelta(days=1), who)
            for kind, who in (("masked", COMPOSITE), ("defaulted", DEFENCE))
        ),
        [],
        "",
    ),
    "ten dates of decline": (
        (since(10, "decline", share=0.5),),
        [("FQ605", COMPOSITE)],
        "worse input from date to date",
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_incident_has_its_cause_and_no_other(scenario: str, seed: int) -> None:
    """Rule and culprit are named, with the rows, the features and the first date; no further finding distracts."""
    incidents, expected, words = SCENARIOS[scenario]
    got = found(*incidents, seed=seed)
    # The first date may have no row by the season's own luck.
    first = next(row["game_date"] for row in Season(registry(), incidents[0].first, 15, seed).rows())
    assert sorted((one.rule, one.subject) for one in got) == sorted(expected)
    assert words.format(first=first) in " ".join(one.message for one in got)
    assert all("fqtool score --start 2026-0" in str(one.remedy) for one in got)


def no_run_recorded(rows: list[dict[str, Any]]) -> None:
    """Labels and values are good, and no row records a run."""
    for row in rows:
        row.update(source_composite_rows_found=0, source_composite_last_updated=None)


def three_days_old(rows: list[dict[str, Any]]) -> None:
    """The run that the rows record is three days older."""
    for row in rows:
        row["source_composite_last_updated"] -= timedelta(days=3)


def written_again(rows: list[dict[str, Any]]) -> None:
    """The store wrote its rows again two days later, from the same runs."""
    for row in rows:
        row["created_at"] += timedelta(days=2)


def zero_but_for_defaults(rows: list[dict[str, Any]]) -> None:
    """One feature is 0.0 wherever it is not a default value, which some rows hold."""
    for at, row in enumerate(rows):
        labels = json.loads(row["feature_sources"])
        labels["5"] = "default" if at < 3 else labels["5"]
        row["feature_sources"] = json.dumps(labels)
        row["features"][5] = 50.0 if labels["5"] == "default" else 0.0


def some_labelled(rows: list[dict[str, Any]]) -> None:
    """Some of the rows of a masked date are labelled as defaults; a run is recorded."""
    for at, row in enumerate(rows):
        labels = json.loads(row["feature_sources"])
        labels |= dict.fromkeys("5678", "default") if at % 8 == 0 else {}
        row["feature_sources"] = json.dumps(labels)
        row.update(
            source_composite_rows_found=200, source_composite_last_updated=row["created_at"] - timedelta(hours=9)
        )


def computed_from_the_cache(rows: list[dict[str, Any]]) -> None:
    """What is computed from a processor's table falls back silently."""
    for row in rows:
        row["features"][12] = row["features"][35] = row["features"][36] = 0.0


def one_short(rows: list[dict[str, Any]]) -> None:
    """One vector of many lacks its end."""
    rows[0]["features"] = rows[0]["features"][:-1]


def few(rows: list[dict[str, Any]]) -> None:
    """Four rows are all there are."""
    del rows[4:]


MISSING, CACHE = [("FQ601", COMPOSITE)], "PlayerDailyCacheProcessor"
SPOILT: dict[str, tuple[tuple[Incident, ...], Spoil, list[tuple[str, str]], str]] = {
    "no run recorded": ((), no_run_recorded, [("FQ602", COMPOSITE)], "record no run"),
    "an old run recorded": ((), three_days_old, [("FQ603", COMPOSITE)], "the last run was at 2026-02-02"),
    "written again": ((), written_again, [], ""),
    "zero but for defaults": ((), zero_but_for_defaults, [("FQ607", COMPOSITE)], "one value in all rows"),
    "masked, some labelled": (
        (since(1, "masked"),), some_labelled, [("FQ603", COMPOSITE), ("FQ604", COMPOSITE), ("FQ607", COMPOSITE)],
        "one value in all rows",
    ),
    "what is computed from it": (
        (since(1, "defaulted", CACHE),), computed_from_the_cache, [("FQ601", CACHE)], "pts_vs_season_zscore"
    ),
    "one short vector beside it": (
        (since(1, "defaulted"),), one_short, [*MISSING, ("FQ609", "feature vector")], "1 of "
    ),
    "few rows": ((since(1, "defaulted"),), few, [*MISSING, ("FQ615", "rows")], "4 of 4 rows"),
    "few healthy rows": ((), few, [("FQ615", "rows")], "4 rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILT)
def test_what_the_real_store_does_has_its_cause_too(case: str) -> None:
    """The record of a run, defaults among constants, what follows from an absent input, a date with few rows."""
    incidents, spoil, expected, words = SPOILT[case]
    got = found(*incidents, spoil=spoil)
    assert sorted((one.rule, one.subject) for one in got) == sorted(expected)
    assert words in " ".join(f"{one.message} {one.cause}" for one in got)


def test_labels_show_rows_that_are_not_scored() -> None:
    """The cause is the same before scoring, beside that the rows are not scored; of healthy rows only that is named."""
    assert [one.rule for one in found(since(1, "defaulted"), scoring=False)] == ["FQ601", "FQ643"]
    assert [one.rule for one in found(scoring=False)] == ["FQ643"]


@pytest.mark.parametrize("days", [0, 1, 3])
def test_a_young_store_is_healthy(days: int) -> None:
    """Without dates to compare with nothing usual is called wrong, and what is plain is still found."""
    assert found(days=days) == ()
    assert found(since(days + 1, "cold_start"), days=days) == ()
    assert [one.rule for one in found(since(1, "defaulted"), days=days)] == ["FQ601"]


def test_a_hundred_healthy_dates_are_quiet() -> None:
    """No finding on any of them: optional features come and go, dates without rows are between."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=113), 114, 7).rows())
        evidence = Evidence(registry())
        days = [evidence.read(row) for row in warehouse.rows(evidence.query(DAY - timedelta(days=113), DAY))]
    loud = {day.day: causes_of(registry(), _up_to(days, number)) for number, day in enumerate(days) if number >= 7}
    assert len(loud) >= 95
    assert {day: causes for day, causes in loud.items() if causes} == {}


@pytest.mark.parametrize("rows", [25, 60])
def test_small_stores_are_quiet_too(rows: int) -> None:
    """With few rows a date, a rare value may be absent or everywhere by chance; sixty such dates give no finding."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=73), 74, 5, rows_per_day=rows).rows())
        evidence = Evidence(registry())
        days = [evidence.read(row) for row in warehouse.rows(evidence.query(DAY - timedelta(days=73), DAY))]
    found = {day.day: causes_of(registry(), _up_to(days, number)) for number, day in enumerate(days) if number >= 7}
    assert {day: causes for day, causes in found.items() if causes} == {}


def _up_to(days: list[Day], number: int) -> list[Day]:
    """The fourteen days to one."""
    last = days[number].day
    return [day for day in days[: number + 1] if (last - day.day).days <= 14]


def test_the_question_is_one_scan_that_google_accepts() -> None:
    """Google's analyser accepts it, the query names the table once, and the filter names the partitions."""
    query = Evidence(registry()).query(DAY - timedelta(days=14), DAY)
    assert query.sql.count(registry().table.name) == 1
    assert "BETWEEN DATE '2026-01-23' AND DATE '2026-02-06'" in query.sql
    assert zeta.analyze(query.sql, catalog(desired_table(registry()))) is None
    by_label = Evidence(registry()).query(DAY, DAY, by_label=True)
    assert zeta.analyze(by_label.sql, catalog(desired_table(registry()))) is None


def test_the_vector_of_the_day_before_is_read_by_the_same_expression() -> None:
    """The column alone is exchanged, also where its name is part of another word."""
    own = registry()
    columns = tuple(replace(one, name="e") if one.name == "features" else one for one in own.base_columns)
    inputs = replace(own.inputs, value="e[SAFE_OFFSET({index})] / 1e2")
    sql = Evidence(replace(own, base_columns=columns, inputs=inputs)).query(DAY, DAY).sql
    assert "earlier_e[SAFE_OFFSET(0)] / 100.0) AS `before_0`" in sql


def test_a_store_that_cannot_be_queried_is_reported(tmp_path: Path) -> None:
    """No table, no such baseline: one sentence each."""
    with DuckDBWarehouse(str(tmp_path / "x.duckdb")) as warehouse:
        with pytest.raises(NotThere, match="There is no table"):
            diagnosis_of(registry(), warehouse, DAY)
        with pytest.raises(InputError, match="baseline"):
            diagnosis_of(registry(), warehouse, DAY, -1)
        with pytest.raises(InputError, match="There is no date 800000 days before 2026-02-06"):
            diagnosis_of(registry(), warehouse, DAY, 800000)


def test_the_command_names_the_incident(tmp_path: Path) -> None:
    """Exit 1 with culprit, strip, readiness and commands, and for a date after the newest rows; 0 for a healthy date.

    Where no date to compare with has rows either, it refuses with exit 1.
    """
    file = tmp_path / "store.duckdb"
    with DuckDBWarehouse(str(file)) as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=9), 10, 0).rows([since(1, "defaulted")]))

    def run(day: date, *more: str) -> tuple[int, str]:
        words = ["diagnose", "--date", str(day), *more, "--target", f"duckdb:///{file}", "-r", "feature_registry.yaml"]
        done = subprocess.run(
            [sys.executable, "-m", "fqtool", *words],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, timeout=patient(60),
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    code, told = run(DAY)
    assert code == 1
    assert f"error FQ601 PlayerCompositeFactorsProcessor did not run for {DAY}: features 5-8 are defaulted" in told
    assert re.search(r"matchup  ####[.-]{2}  5-8, 13-14", told)
    assert "  has_composite_factors               0 of" in told
    assert run(DAY - timedelta(days=1)) == (0, run(DAY - timedelta(days=1))[1])
    assert "No problems found." in run(DAY - timedelta(days=1))[1]
    late = DAY + timedelta(days=12)
    assert (run(late)[0], "FQ644" in run(late)[1]) == (1, True)
    long_before = DAY - timedelta(days=300)
    for day, more, span in (
        (long_before, (), f"from {long_before - timedelta(days=14)} to {long_before}"),
        (long_before, ("--baseline", "0"), f"on {long_before}"),
    ):
        code, told = run(day, *more)
        assert code == 1
        assert f"has no rows {span}.\n" in told
        assert "fix: Give another --date, or omit --date to use the newest date with rows." in told


def test_google_s_reference_implementation_sees_the_same() -> None:
    """The evidence of three dates, masked on the last, is equal on Google's executor and on DuckDB, row by row."""
    season = Season(registry(), DAY - timedelta(days=2), 3, rows_per_day=8)
    rows = list(scored(season.rows([since(1, "masked")])))
    query = Evidence(registry()).query(DAY - timedelta(days=2), DAY)
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry())),)))
        load(warehouse, registry().table.name, rows)
        ours = warehouse.rows(query)
    table = desired_table(registry())
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}
    theirs = [dict(zip(ours[0], row, strict=True)) for row in zeta.evaluate(query.sql, {table.name: (types, rows)})]
    assert [rounded(row) for row in ours] == [rounded(row) for row in theirs]
    assert [one.default_share for one in Evidence(registry()).read(ours[-1]).features.values()].count(1.0) == 0


def rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Sums of floats depend on their order in the last digits, and NaN equals nothing."""
    floats = {name: round(value, 9) for name, value in row.items() if isinstance(value, float)}
    return {**row, **{name: "NaN" if math.isnan(value) else value for name, value in floats.items()}}
