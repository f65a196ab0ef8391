"""Commands without --date: they use the newest date with rows and print it; the daily check refuses one that is old.

The date is found by queries that prune partitions, on DuckDB and on the emulated BigQuery.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import pytest

from fqtool.commands.daily.run import daily_of
from fqtool.commands.diagnose.newest_rows import newest_date_too_old
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.monitoring.newest_date import NewestDate, newest_date_queries
from fqtool.registry.load import load_registry
from fqtool.sql import Query
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from fqtool.warehouse.protocol import MINIMUM, Budget, within
from fqtool.warehouse.tracing import Request, TracedWarehouse
from fqtool.workspace import newest_date
from tests.bed.running import ROOT, Emulator
from tests.dated_stores import DAY, LAYOUTS, START, Layout, opened, put, put_day
from tests.in_process import fqtool
from tests.test_diagnosis import registry, store

AWAY = [(0, 1), (1, 1), (13, 1), (14, 2), (399, 2), (400, 3), (5000, 3)]
"""How many days the newest date is before today, and the queries that find it in a partitioned table."""
NEWEST = NewestDate(DAY, None)
EMULATED = [Layout("DATE", "DAY"), Layout("DATE", ""), Layout("TIMESTAMP", "HOUR"), Layout("DATETIME", "MONTH")]


def test_the_newest_date_is_found_in_every_layout() -> None:
    """By one query where the rows are recent, by at most three however old they are."""
    for layout in LAYOUTS:
        with opened(None, layout) as (warehouse, _):
            for away, expected in AWAY:
                requests: list[Request] = []
                traced = TracedWarehouse(warehouse, requests.append)
                assert newest_date(layout.registry, traced, DAY + timedelta(days=away)) == NEWEST, (layout, away)
                queries = [one for one in requests if one.kind == "rows"]
                assert len(queries) == (expected if layout.granularity else 1), (layout, away)


def test_a_later_date_than_today_is_not_the_newest() -> None:
    """It is reported beside the newest date up to today, in every layout; without rows up to today it stays alone."""
    for layout in LAYOUTS:
        with opened(None, layout) as (warehouse, _):
            for today in (DAY - timedelta(days=2), START):
                assert newest_date(layout.registry, warehouse, today) == NewestDate(today, DAY), (layout, today)
            before = START - timedelta(days=1)
            assert newest_date(layout.registry, warehouse, before) == NewestDate(None, DAY), layout
            put_day(warehouse, layout, DAY + timedelta(days=900))
            for away in (1, 14, 5000):
                found = newest_date(layout.registry, warehouse, DAY + timedelta(days=away))
                later = DAY + timedelta(days=900) if away < 900 else None
                newest = DAY if away < 900 else DAY + timedelta(days=900)
                assert found == NewestDate(newest, later), (layout, away)


@pytest.mark.parametrize("layout", EMULATED, ids=str)
def test_bigquery_finds_the_newest_date(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, layout: Layout) -> None:
    """Where the table requires a partition filter too; the budget of the command pays for the queries."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    with opened(emulator, layout) as (warehouse, _):
        for away in (1, 5000):
            budget = Budget(10 * MINIMUM)
            with within(warehouse, budget):
                assert newest_date(layout.registry, warehouse, DAY + timedelta(days=away)) == NEWEST
            assert budget.spent == MINIMUM  # what reads no partition bills nothing


def test_bigquery_reads_one_column_of_the_recent_partitions(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DATE has 8 bytes. Rows before the last two weeks are not read where a later one exists."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.url)
    layout = Layout("DATE", "DAY")
    with opened(emulator, layout) as (warehouse, _):
        (row,) = warehouse.rows(Query("SELECT COUNT(*) AS n FROM store WHERE day > DATE '2000-01-01'"))
        today = DAY + timedelta(days=12)  # the window begins on the day before DAY
        processed = [
            warehouse.run(query, dry_run=True).bytes_processed for query in newest_date_queries(layout.registry, today)
        ]
        two_dates, rest, nothing = processed
        assert two_dates is not None
        assert rest is not None
        assert two_dates + rest == 8 * int(str(row["n"]))
        assert (two_dates, nothing) == (2 * 24 * 8, 0)


def test_an_empty_table_has_no_newest_date(tmp_path: Path) -> None:
    """Each command that needs one ends with exit 1 and what to do."""
    layout = Layout("DATE", "DAY")
    with DuckDBWarehouse(":memory:") as warehouse:
        put(warehouse, layout, layout.rows())
        warehouse.run(Query("DELETE FROM store WHERE TRUE"))
        assert newest_date(layout.registry, warehouse, DAY) == NewestDate(None, None)
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, ())
    for words in (("diagnose",), ("daily",), ("explain", "--key", "player_lookup=a"), ("report",)):
        done = fqtool(ROOT, *words, "--target", f"duckdb:///{tmp_path}/s.duckdb")
        assert done.code == 1, done.said
        assert done.err.startswith("error: ml_feature_store_v2 in duckdb:"), done.said
        assert "has no rows, so it has no newest date." in done.err
        assert f"fix: Load rows, or give {'--end' if words == ('report',) else '--date'}." in done.err
    for command in ("diagnose", "daily"):
        done = fqtool(ROOT, command, "--date", "today", "--target", f"duckdb:///{tmp_path}/s.duckdb")
        assert (done.code, "has no rows." in done.err) == (1, True), done.said


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store whose newest date is years ago."""
    path = tmp_path_factory.mktemp("old") / "s.duckdb"
    with DuckDBWarehouse(str(path)) as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=5), 6, 0, rows_per_day=30).rows())
    return f"duckdb:///{path}"


NOTICE = f"No --date given: using {DAY}, the newest date with rows.\n"


def test_a_command_without_a_date_uses_the_newest_and_prints_it(old: str) -> None:
    """On stderr, so that stdout is what it is with --date; --quiet leaves the notice out."""
    with DuckDBWarehouse(old.removeprefix("duckdb:///")) as warehouse:
        (row,) = warehouse.rows(
            Query(f"SELECT MIN(player_lookup) AS k FROM ml_feature_store_v2 WHERE game_date = DATE '{DAY}'")
        )
    for words in (("diagnose",), ("explain", "--key", f"player_lookup={row['k']}")):
        named, newest = (fqtool(ROOT, *words, *more, "--target", old) for more in (("--date", str(DAY)), ()))
        assert (newest.out, newest.code) == (named.out, named.code)
        assert newest.err == NOTICE + named.err
        assert fqtool(ROOT, "--quiet", *words, "--target", old).err == named.err


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store whose newest date is years ago, but for one row in the future."""
    path = tmp_path_factory.mktemp("ahead") / "s.duckdb"
    with DuckDBWarehouse(str(path)) as warehouse:
        rows = [*Season(registry(), DAY - timedelta(days=5), 6, 0, rows_per_day=30).rows()]
        store(warehouse, [*rows, rows[-1] | {"game_date": date(2999, 1, 1)}])
    return f"duckdb:///{path}"


def test_a_row_of_the_future_hides_no_stale_store(ahead: str) -> None:
    """The daily check uses the newest date up to today, is red for its age, and prints that there are later rows."""
    done = fqtool(ROOT, "daily", "--target", ahead, "--format", "json", "--fail-on", "error")
    assert done.code == 1
    assert done.err.splitlines()[0] == (
        f"No --date given: using {DAY}, the newest date with rows up to today. Later rows exist, up to 2999-01-01."
    )
    assert "FQ644" in {one["rule"] for one in json.loads(done.out)["findings"]}


def test_rows_of_the_future_alone_have_no_newest_date(ahead: str, tmp_path: Path) -> None:
    """The refusal names the last of their dates."""
    copy = tmp_path / "s.duckdb"
    shutil.copy(ahead.removeprefix("duckdb:///"), copy)
    with DuckDBWarehouse(str(copy)) as warehouse:
        warehouse.run(Query("DELETE FROM ml_feature_store_v2 WHERE game_date < DATE '2999-01-01'"))
    done = fqtool(ROOT, "daily", "--target", f"duckdb:///{copy}")
    assert done.code == 1, done.said
    assert "has no rows up to today (" in done.err
    assert "fix: Give --date; the last date with rows is 2999-01-01." in done.err


def test_json_has_the_date_that_is_used(old: str) -> None:
    """With --date and without."""
    with DuckDBWarehouse(old.removeprefix("duckdb:///")) as warehouse:
        (row,) = warehouse.rows(
            Query(f"SELECT MIN(player_lookup) AS k FROM ml_feature_store_v2 WHERE game_date = DATE '{DAY}'")
        )
    for words in (("diagnose",), ("daily",), ("explain", "--key", f"player_lookup={row['k']}")):
        for more in ((), ("--date", str(DAY))):
            document = json.loads(fqtool(ROOT, *words, *more, "--target", old, "--format", "json").out)
            assert document["date"] == str(DAY), (words, more)
            name = "explain/explanation" if words[0] == "explain" else ""
            file = f"fqtool/commands/{name}.schema.json" if name else "fqtool/output/findings.schema.json"
            jsonschema.validate(document, json.loads((ROOT / file).read_text(encoding="utf-8")))


def test_a_report_ends_on_the_newest_date(old: str, tmp_path: Path) -> None:
    """And begins 29 days before it, or where --start names."""
    done = fqtool(ROOT, "report", "--target", old, "--out", str(tmp_path / "r.html"))
    assert done.err.startswith(f"No --end given: using {DAY}, the newest date with rows.\n"), done.said
    assert "6 dates" in done.err
    done = fqtool(ROOT, "report", "--target", old, "--out", str(tmp_path / "r.html"), "--start", str(DAY))
    assert "1 date, " in done.err


def test_the_daily_check_fails_where_the_newest_date_is_old(old: str) -> None:
    """As an error, beside what is found in the rows; a date that is named may be old."""
    done = fqtool(ROOT, "daily", "--target", old, "--format", "json", "--fail-on", "error")
    found = {one["rule"]: one for one in json.loads(done.out)["findings"]}
    assert done.code == 1
    assert NOTICE in done.err
    assert found["FQ644"]["severity"] == "error"
    assert found["FQ644"]["message"].startswith(f"The newest date with rows is {DAY}, ")
    assert found["FQ644"]["message"].endswith("; `max_age_days` is 1 by default.")
    named = fqtool(ROOT, "daily", "--date", str(DAY), "--target", old, "--format", "json")
    assert "FQ644" not in named.out


@pytest.mark.parametrize(
    ("allowed", "age", "too_old"),
    [(1, 0, 0), (1, 1, 0), (1, 2, 1), (0, 0, 0), (0, 1, 1), (7, 7, 0), (7, 8, 1), (1, -5, 0)],
)
def test_the_newest_date_may_be_max_age_days_old(allowed: int, age: int, too_old: int) -> None:
    """And no older; rows of later dates than today are not old."""
    today = date(2026, 3, 1)
    found = newest_date_too_old(replace(registry(), max_age_days=allowed), today - timedelta(days=age), today)
    assert len(found) == too_old


@pytest.mark.parametrize("days", [1, 2, 7, 8, 40])
def test_a_date_after_the_last_rows_is_as_old_as_today(tmp_path: Path, days: int) -> None:
    """`daily` and `diagnose` with such a date fail, however many dates have no rows."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=14), 15, 0, rows_per_day=20).rows())
    rule, severity = ("FQ644", "error") if days > 1 else ("FQ617", "warning")
    for command in ("daily", "diagnose"):
        day, target = str(DAY + timedelta(days=days)), f"duckdb:///{tmp_path}/s.duckdb"
        done = fqtool(ROOT, command, "--date", day, "--target", target, "--format", "json")
        (found,) = json.loads(done.out)["findings"]
        assert (found["rule"], found["severity"], done.code) == (rule, severity, 1)
        assert days == 1 or f"{DAY}, {days} days before {day}" in found["message"]


def test_a_date_in_a_gap_is_not_old() -> None:
    """Later rows exist, so that only its own rows are missing."""
    with DuckDBWarehouse(":memory:") as warehouse:
        rows = Season(registry(), DAY - timedelta(days=14), 15, 0, rows_per_day=20).rows()
        store(warehouse, [row for row in rows if not 1 <= (DAY - row["game_date"]).days <= 9])
        assert diagnosis_of(registry(), warehouse, DAY - timedelta(days=2)).findings == ()


def test_the_finding_points_at_the_key() -> None:
    """Where the registry has it, so that annotations appear there; 1 unless set."""
    text = (ROOT / "feature_registry.yaml").read_text(encoding="utf-8")
    loaded, _ = load_registry(f"{text}\nmax_age_days: 3\n", "r.yaml")
    assert registry().max_age_days == 1
    (found,) = newest_date_too_old(loaded, date(2026, 2, 1), date(2026, 2, 28))
    assert found.location is not None
    assert found.location.line == text.count("\n") + 2
    assert newest_date_too_old(registry(), date(2026, 2, 1), date(2026, 2, 28))[0].location is None


def test_an_old_date_alone_is_not_diagnosed(tmp_path: Path) -> None:
    """`diagnose` does not compare with today, so it is not the next command."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=9), 10, 0).rows())
    done = fqtool(ROOT, "daily", "--target", f"duckdb:///{tmp_path}/s.duckdb")
    assert ("FQ644" in done.out, "FQ641" in done.out, "FQ642" in done.out) == (True, False, False), done.said
    assert "fqtool diagnose" not in done.out


def test_the_check_of_an_old_date_still_reads_its_rows(old: str) -> None:
    """Its figures are judged as those of a date that is named."""
    with DuckDBWarehouse(old.removeprefix("duckdb:///")) as warehouse:
        named = daily_of(registry(), warehouse, DAY)
        newest = daily_of(registry(), warehouse, DAY, given=False)
    assert [one.measured for one in newest.checks] == [one.measured for one in named.checks]
    assert [one.rule for one in newest.findings] == ["FQ644", *(one.rule for one in named.findings)]
