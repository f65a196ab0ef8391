"""Laws of the daily check: bounds are those of the design, healthy dates pass, an incident that they miss fails."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.daily.run import Daily, daily_of, figure_rows
from fqtool.commands.diagnose.gate_falls import features_read
from fqtool.commands.diagnose.run import diagnosis_of
from fqtool.commands.score.run import score_partitions
from fqtool.monitoring.checks import Check, Verdict
from fqtool.registry.alerts_and_models import Threshold
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import ROOT
from tests.in_process import fqtool as in_process
from tests.machine import patient
from tests.test_diagnosis import DAY, registry, since, store

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
# The daily checks of the design: name, unit, a figure, what it means.
DESIGNED = [
    ("quality_ready_share", 0.80, "good"), ("quality_ready_share", 0.79, "warning"),
    ("quality_ready_share", 0.60, "warning"), ("quality_ready_share", 0.59, "critical"),
    ("red_share", 0.049, "good"), ("red_share", 0.05, "warning"), ("red_share", 0.15, "warning"),
    ("red_share", 0.16, "critical"), ("mean_matchup", 70, "good"), ("mean_matchup", 60, "warning"),
    ("mean_matchup", 49.9, "critical"), ("mean_player_history", 79.9, "warning"), ("mean_vegas", 25, "critical"),
    ("mean_defaults", 2.9, "good"), ("mean_defaults", 3, "warning"), ("mean_defaults", 6.1, "critical"),
    ("mean_score", 69.9, "critical"), ("training_contamination", 0.1, "warning"), ("rows_per_date", 400, "good"),
    ("rows_per_date", 401, "warning"), ("rows_per_date", 99, "warning"), ("rows_per_date", 49, "critical"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "verdict"), DESIGNED)
def test_the_registry_s_bounds_are_the_design_s(name: str, value: float, verdict: str) -> None:
    """Each figure of the design's table has the verdict that the table gives it, bounds included."""
    threshold = next(one for one in registry().thresholds if one.name == name)
    assert Check(threshold, value).verdict == verdict


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(-200, 200), st.floats(0, 50))
def test_worse_is_never_better(good: float, critical: float, value: float, worse: float) -> None:
    """A figure that is worse has no milder verdict, whichever way is worse."""
    order = [Verdict.GOOD, Verdict.WARNING, Verdict.CRITICAL]
    threshold = Threshold("x", "COUNT(*)", good, critical)
    then = value - worse if good > critical else value + worse
    assert order.index(Check(threshold, value).verdict) <= order.index(Check(threshold, then).verdict)
    assert Check(threshold, None).verdict is Verdict.UNKNOWN


def daily(*incidents: Incident) -> Daily:
    """The check of the day after a healthy week with these incidents."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=8), 9, 0).rows(incidents))
        return daily_of(registry(), warehouse, DAY)


def verdicts(found: Daily) -> dict[str, str]:
    """Check -> verdict of those that are not good."""
    return {one.threshold.name: one.verdict for one in found.checks if one.verdict is not Verdict.GOOD}


def test_healthy_dates_are_well() -> None:
    """Thirty dates in a row have all figures good and no finding; dates without rows have neither."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=43), 44, 11).rows())
        loud = {}
        for back in range(30):
            found = daily_of(registry(), warehouse, DAY - timedelta(days=back))
            if found.findings or verdicts(found):
                loud[found.diagnosis.day] = (found.findings, verdicts(found))
    assert loud == {}


def test_the_incident_is_critical() -> None:
    """Four defaults for all: the cause comes first, no row is ready, all are red, and the mean is only a warning."""
    found = daily(since(1, "defaulted"))
    assert found.findings[0].rule == "FQ601"
    assert verdicts(found) == {
        "quality_ready_share": "critical",
        "red_share": "critical",
        "mean_matchup": "warning",
        "mean_defaults": "warning",
        "training_contamination": "unknown",  # no row is left that training would take
    }
    assert [one.rule for one in found.findings] == ["FQ601", "FQ642", "FQ642", "FQ641", "FQ641"]
    behind = {one.subject: one.cause for one in found.findings[1:]}
    assert "fatigue_score is defaulted in 100% of the rows, usually " in behind["red_share"]
    assert behind["red_share"].endswith("and 1 more feature")


def test_what_the_date_before_has_too_is_not_new() -> None:
    """A root cause, and a figure whose verdict was as bad; a figure that was a warning and is critical is new."""
    found = daily(since(3, "defaulted"))
    first = DAY - timedelta(days=2)
    assert {one.since for one in found.findings} == {first}
    assert f"good is below 5% (critical since {first})." in next(
        one.message for one in found.findings if one.subject == "red_share"
    )
    assert ("red_share", f"critical since {first}") in [(row[0], row[-1]) for row in figure_rows(found.checks)[1]]
    worse = daily(since(2, "partial", share=0.12), since(1, "defaulted"))
    (red,) = [one for one in worse.findings if one.subject == "red_share"]
    assert (red.rule, red.since, red.message.endswith("below 5%.")) == ("FQ642", DAY, True)


def test_a_figure_names_the_features_of_its_columns() -> None:
    """A figure of a category names features of it, one of all features any; a number of rows has none."""
    metrics = {one.name: features_read(registry(), one.metric) for one in registry().thresholds}
    assert {one.category for one in metrics["mean_vegas"]} == {"vegas"}
    assert metrics["red_share"] == registry().active_features
    assert metrics["rows_per_date"] == ()


def test_what_no_figure_shows_still_fails() -> None:
    """Good labels on constant values leave every figure good; the diagnosis fails the date."""
    found = daily(since(1, "masked"))
    assert verdicts(found) == {}
    assert [one.rule for one in found.findings] == ["FQ602"]


def test_a_date_that_was_not_scored_is_reported_once() -> None:
    """One finding instead of one for each figure that is unknown."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, ())
        load(warehouse, registry().table.name, Season(registry(), DAY, 1, 0).rows())
        found = daily_of(registry(), warehouse, DAY)
        assert [one.rule for one in found.findings] == ["FQ643"]
        assert {one.threshold.name for one in found.checks if one.value} == {"rows_per_date"}


def test_dates_that_were_not_scored_are_scored_from_the_first_one() -> None:
    """Also where it is before the dates that are compared; a scored date before them ends the sequence."""
    first = DAY - timedelta(days=17)
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), first - timedelta(days=2), 2, 0, rows_per_day=20).rows())
        load(warehouse, registry().table.name, Season(registry(), first, 18, 0, rows_per_day=20).rows())
        (found,) = diagnosis_of(registry(), warehouse, DAY).findings
        assert (found.rule, found.since) == ("FQ643", first)
        assert str(found.remedy) == f"fqtool score --start {first} --end {DAY}"
        score_partitions(registry(), warehouse, first, DAY, as_of=NOW)
        assert diagnosis_of(registry(), warehouse, DAY).findings == ()


def test_rows_that_are_written_after_scoring_are_named() -> None:
    """The figures of the date leave them out."""
    with DuckDBWarehouse(":memory:") as warehouse:
        rows = [*Season(registry(), DAY - timedelta(days=8), 9, 0).rows()]
        store(warehouse, rows[:-30])
        load(warehouse, registry().table.name, rows[-30:])
        (found,) = diagnosis_of(registry(), warehouse, DAY).findings
    of_day = sum(row["game_date"] == DAY for row in rows)
    assert found.message.startswith(f"{of_day - 30} of {of_day} rows on {DAY} are scored, so the figures of the date ")


@pytest.mark.parametrize("words", [(), ("--verbose",), ("--format", "markdown")])
def test_a_store_without_thresholds_has_an_outcome(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A healthy date ends with the sentence that a reader looks for, and a broken one names the date."""
    text = (ROOT / "feature_registry.yaml").read_text()
    start = text.index("\nthresholds:")
    end = next(at for at in range(start + 13, len(text)) if text[at] == "\n" and text[at + 1 : at + 2].isalpha())
    (tmp_path / "feature_registry.yaml").write_text(text[:start] + text[end:])
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=8), 9, 0).rows([since(1, "defaulted")]))
    healthy, broken = (
        in_process(tmp_path, "daily", "--date", str(day), "--target", f"duckdb:///{tmp_path}/s.duckdb", *words)
        for day in (DAY - timedelta(days=1), DAY)
    )
    assert (healthy.code, "No problems found." in healthy.out) == (0, True), healthy.said
    assert (broken.code, "No problems found." in broken.out) == (1, False)
    assert broken.out.startswith("### fqtool daily: 1 error" if "--format" in words else f"{DAY}: 179 rows; compared")


def test_the_command(tmp_path: Path) -> None:
    """A table and exit 1 for a broken date, JSON alone on stdout; --fail-on error passes over warnings; gaps pass."""
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=8), 9, 0).rows([since(1, "partial", share=0.3)]))

    def run(*words: str) -> tuple[int, str]:
        given = ["daily", "--target", f"duckdb:///{tmp_path}/s.duckdb", *words]
        done = subprocess.run(
            [sys.executable, "-m", "fqtool", *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(60),
        )
        return done.returncode, done.stdout

    code, said = run("--date", str(DAY), "--fail-on", "warning")
    assert code == 1
    assert "FQ604" in said
    assert "quality_ready_share" in said
    assert ("mean_matchup" in said, "FQ641" in said or "FQ642" in said) == (False, False)
    verbose = run("--date", str(DAY), "--verbose")[1]
    assert ("mean_matchup" in verbose, "FQ641" in verbose or "FQ642" in verbose) == (True, True)
    assert run("--date", str(DAY - timedelta(days=1)))[0] == 0
    code, said = run("--date", str(DAY), "--format", "json")
    assert code == 1
    assert json.loads(said)["command"] == "daily"
    assert {one["severity"] for one in json.loads(said)["findings"]} >= {"warning"}
    before = str(DAY - timedelta(days=200))
    assert (run("--date", before)[0], run("--date", before, "--require-rows")[0]) == (0, 1)
