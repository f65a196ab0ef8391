"""Laws of models beside the rows of a date: what each can score is counted as a loop over the rows would count it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fqtool.commands.models.readiness import ModelDay, Readiness
from fqtool.commands.models.run import Judged, judge_rows, models_of
from fqtool.errors import InputError, NotThere, OtherColumns
from fqtool.findings.finding import Finding
from fqtool.registry.alerts_and_models import Model
from fqtool.registry.model import Registry, Source
from fqtool.schema.build import desired_table
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.machine import patient
from tests.test_diagnosis import COMPOSITE, DAY, NOW, registry, scored, store
from tests.test_statements_analysed import catalog


def codes(findings: Sequence[Finding]) -> list[str]:
    """The rules that found something."""
    return [one.rule for one in findings]


def judged(*incidents: Incident, model: str = "", **season: Any) -> Judged:
    """What the rows of the day show about the models."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY, 1, 0, **season).rows(incidents))
        return judge_rows(registry(), warehouse, models_of(registry(), model), DAY)


def on_day(kind: str, processor: str = COMPOSITE, **more: Any) -> Incident:
    """An incident of the day alone."""
    return Incident(kind, DAY, DAY, processor, **more)


def counted(model: Model, rows: list[dict[str, Any]]) -> int:
    """The rows that a model can score, counted one by one in Python."""
    features = [one for one in registry().features if one.name in model.needs and not one.optional]
    return sum(
        all(row[f"feature_{one.index}_source"] != "default" for one in features)
        and len(row["features"]) == len(registry().features)
        and (model.requires is None or row[model.requires] is True)
        for row in rows
    )


@pytest.mark.parametrize(
    "incidents", [(), (on_day("partial", share=0.4),), (on_day("wrong_length"),), (on_day("defaulted"),)]
)
def test_the_rows_are_those_that_plain_python_counts(incidents: tuple[Incident, ...]) -> None:
    """Per model, the query counts what a loop over the rows counts."""
    rows = list(scored(Season(registry(), DAY, 1).rows(incidents)))
    day = judged(*incidents).day
    assert day is not None
    assert (day.rows, day.scored) == (len(rows), len(rows))
    assert day.shaped == sum(len(row["features"]) == 37 for row in rows)
    assert [one.usable for one in day.models] == [counted(one.model, rows) for one in day.models]


def test_a_model_without_rows_is_an_error_and_one_with_few_a_warning() -> None:
    """None: error with what blocks and what to run; under half: warning; half or more: nothing."""
    (none,) = judged(on_day("defaulted"), model="catboost_v9").findings
    assert (none.rule, none.subject) == ("FQ656", "catboost_v9")
    assert none.cause.startswith("defaulted features: fatigue_score in ")
    assert str(none.remedy) == f"To find the cause, run: fqtool diagnose --date {DAY}"
    assert codes(judged(on_day("partial", share=0.7), model="catboost_v9").findings) == ["FQ657"]
    assert judged(model="catboost_v9").findings == ()
    assert judged(on_day("defaulted"), model="v2_14features").findings == ()


def test_a_models_own_condition_counts() -> None:
    """`requires` must hold as well; a model whose condition never holds scores nothing, and that is reported."""
    found = judged(model="v3_13features")
    (told,) = found.findings
    assert found.day is not None
    assert found.day.models[0].required == 0 < found.day.models[0].real
    assert told.cause.startswith("breakout_v3_features_available is true in 0 of")
    assert "breakout_v3_features_available" in str(told.remedy)


def test_an_optional_feature_blocks_nothing() -> None:
    """Half of the synthetic keys have no betting line, and none of the optional features is among what blocks."""
    day = judged(model="catboost_v8").day
    assert day is not None
    blocked = {feature.name for feature, _ in day.models[0].blocked}
    assert blocked
    assert not blocked & {one.name for one in registry().features if one.optional}


def test_rows_without_scores_score_nothing() -> None:
    """A date that is not scored is reported as such, with the command; a date without rows gives no finding."""
    with DuckDBWarehouse(":memory:") as warehouse:
        rows = [row | {"feature_sources": None} for row in Season(registry(), DAY, 1, rows_per_day=5).rows()]
        store(warehouse, rows)
        found = judge_rows(registry(), warehouse, models_of(registry(), "catboost_v8"), DAY)
        assert [(one.rule, one.cause, str(one.remedy)) for one in found.findings] == [
            ("FQ656", "5 of 5 rows are not scored", f"fqtool score --start {DAY}")
        ]
        assert judge_rows(registry(), warehouse, registry().models, DAY + timedelta(days=1)).findings == ()


FEATURED = "ANY_FEATURE(critical AND quality < 50) AND COUNT_FEATURES(is_default) < 3 AND AVG_OVER_FEATURES(value) > 0"


def asking(requires: str | None) -> tuple[Registry, Readiness]:
    """The repository's registry with one model more, and the question about all."""
    more = Model("asks", ("fatigue_score",), requires=requires)
    changed = replace(registry(), models=(*registry().models, more))
    return changed, Readiness(changed, changed.models)


@pytest.mark.parametrize(
    "requires",
    [
        None,
        FEATURED,
        "COUNT_FEATURES(raw_source = 'default') = 0",
        "TIER(feature_quality_score) = 'gold'",
        "ANY_FEATURE(sample_size < 3) OR ANY_FEATURE(last_updated IS NULL)",
    ],
)
def test_the_question_is_one_scan_that_google_accepts(requires: str | None) -> None:
    """Google's analyser accepts it, whatever a condition asks of features; it names the table once, by its date."""
    changed, readiness = asking(requires)
    query = readiness.query(DAY, NOW)
    assert query.sql.count(changed.table.name) == 1
    assert f"`game_date` = DATE '{DAY}'" in query.sql
    assert query.parameters == ()
    assert zeta.analyze(query.sql, catalog(desired_table(changed))) is None


def test_a_default_under_a_good_name_is_found_by_its_label() -> None:
    """Where a default shares its stored source with a real value, the raw label is asked, as scoring does."""
    shared = Source("copied", 50, "phase4", is_default=True)
    changed = replace(registry(), sources=(*registry().sources, shared))
    query = Readiness(changed, changed.models).query(DAY, NOW)
    assert "feature_sources" in query.sql
    assert zeta.analyze(query.sql, catalog(desired_table(changed))) is None


def test_google_s_reference_implementation_counts_the_same() -> None:
    """Every count is equal on Google's executor and on DuckDB, for a date with defaults and short vectors."""
    incidents = [on_day("partial", share=0.4), on_day("wrong_length", share=0.3)]
    rows = list(scored(Season(registry(), DAY, 1, rows_per_day=12).rows(incidents)))
    changed, readiness = asking("COUNT_FEATURES(is_default AND critical) = 0")
    query = readiness.query(DAY, NOW)
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=12).rows(incidents))
        (ours,) = warehouse.rows(query)
    table = desired_table(changed)
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in table.columns}
    (theirs,) = zeta.evaluate(query.sql, {table.name: (types, rows)})
    assert list(ours.values()) == list(theirs)
    asks = readiness.read(DAY, ours).models[-1]
    assert isinstance(asks, ModelDay)
    critical = [one.index for one in registry().features if one.critical]
    assert asks.required == sum(all(row[f"feature_{at}_source"] != "default" for at in critical) for row in rows)


def test_the_time_of_the_question_is_given_only_where_it_is_asked_for() -> None:
    """@computed_at in a condition is the time of asking."""
    _, readiness = asking("created_at < @computed_at")
    assert readiness.query(DAY, NOW).parameters == (("computed_at", NOW),)


def test_a_store_that_cannot_be_queried_is_reported() -> None:
    """No table, a column that is not there, no dates: one sentence each."""
    with DuckDBWarehouse(":memory:") as warehouse:
        with pytest.raises(NotThere, match="There is no table"):
            judge_rows(registry(), warehouse, registry().models, DAY)
        undated = replace(registry(), table=replace(registry().table, partition_by=None, keys=("player_lookup",)))
        with pytest.raises(InputError, match="no `partition_by`"):
            judge_rows(undated, warehouse, registry().models, DAY)
        store(warehouse, [])
        elsewhere = replace(registry(), models=(Model("m", ("fatigue_score",), requires="not_there"),))
        with pytest.raises(OtherColumns, match="lacks the column not_there"):
            judge_rows(elsewhere, warehouse, elsewhere.models, DAY)


def run(folder: Path, *words: str, stdin: str = "") -> tuple[int, str, str]:
    """Run the command on the repository's registry."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "models", "-r", str(ROOT / "feature_registry.yaml"), *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=patient(60), input=stdin,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_command_asks_the_rows_of_a_date(tmp_path: Path) -> None:
    """A table with the counts above the findings; what to run carries the target that was given."""
    target = f"duckdb:///{tmp_path}/store.duckdb"
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=20).rows([on_day("defaulted")]))
    code, told, _ = run(tmp_path, "--date", str(DAY), "--target", target, "--model", "catboost_v8")
    assert code == 1
    assert "catboost_v8          0  error FQ656" in told
    assert "--target " + target in told
    code, told, _ = run(tmp_path, "--date", str(date(2030, 1, 1)), "--target", target)
    assert (code, told) == (0, "2030-01-01: no rows.\n")


def test_a_healthy_date_is_named_once(tmp_path: Path) -> None:
    """The table has the date; the conclusion names the models alone."""
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=20).rows([]))
    code, told, _ = run(
        tmp_path, "--date", str(DAY), "--target", f"duckdb:///{tmp_path}/store.duckdb", "--model", "catboost_v8"
    )
    assert (code, told.count(str(DAY))) == (0, 1)
    assert told.endswith("\nNo problems found in 1 model.\n")


def test_a_date_without_rows_is_one_line(tmp_path: Path) -> None:
    """The command names the date."""
    target = f"duckdb:///{tmp_path}/store.duckdb"
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=20).rows([]))
    code, told, _ = run(tmp_path, "--date", str(date(2030, 1, 1)), "--target", target)
    assert (code, told) == (0, "2030-01-01: no rows.\n")
