"""Laws of model compatibility: every difference between a list and what is expected is told, and nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fqtool.diagnosis.readiness import ModelDay, Readiness
from fqtool.errors import InputError, NotThere, UsageError
from fqtool.finding import Finding
from fqtool.quality.build import desired_table
from fqtool.quality.feature_list import FeatureList, read_feature_list
from fqtool.quality.model_inputs import Comparison, Place, compared, inputs_of, vector_of
from fqtool.registry.judgement import Model
from fqtool.registry.model import Registry, Source
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.verbs.models import Judged, judge_list, judge_models, judge_rows, models_of
from fqtool.warehouse.duckdb import DuckDBWarehouse
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.stores import small_registry
from tests.test_diagnosis import COMPOSITE, DAY, NOW, registry, scored, store
from tests.test_statements_analysed import catalog

NAMES = st.lists(st.sampled_from([f"n{number}" for number in range(12)]), unique=True, max_size=12)


def codes(findings: Sequence[Finding]) -> list[str]:
    """The rules that found something."""
    return [one.rule for one in findings]


@given(NAMES, st.lists(st.sampled_from([f"n{number}" for number in range(15)]), max_size=16))
def test_a_comparison_holds_all_that_differs(expected: list[str], given_: list[str]) -> None:
    """What it tells, put right in the list, makes the expected one; it is empty for that one alone."""
    found = compared(expected, given_)
    assert bool(found) == (given_ != expected)
    again, extra, missing = ({one.name for one in ones} for ones in (found.repeated, found.extra, found.missing))
    assert all(given_[one.position] == one.name for one in (*found.repeated, *found.extra))
    assert all(given_.index(name) < len(given_) - 1 for name in again)
    kept = [name for name in dict.fromkeys(given_) if name not in extra]
    places = dict(zip(kept, (at for at, name in enumerate(expected) if name not in missing), strict=True))
    assert all(places[one.name] == one.position for one in found.moved)
    places |= {one.name: one.expected for one in found.moved} | {one.name: one.position for one in found.missing}
    assert sorted(places, key=places.__getitem__) == expected


@given(st.data(), NAMES)
def test_edits_are_told_as_what_they_are(data: st.DataObject, expected: list[str]) -> None:
    """Names taken out are missing, names put in are extra, names written again are repeated; none of them moves one."""
    out = data.draw(st.sets(st.sampled_from(expected))) if expected else set()
    edited = [name for name in expected if name not in out]
    for number in range(data.draw(st.integers(0, 3))):
        edited.insert(data.draw(st.integers(0, len(edited))), f"x{number}")
    own = [name for name in edited if name in expected]
    again = data.draw(st.lists(st.sampled_from(own), max_size=2)) if own else []
    edited += again
    found = compared(expected, edited)
    assert {one.name for one in found.missing} == out
    assert {one.name for one in found.extra} == set(edited) - set(expected)
    assert sorted(one.name for one in found.repeated) == sorted(again)
    assert found.moved == ()


@given(NAMES.flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_a_permutation_is_told_name_by_name(lists: tuple[list[str], list[str]]) -> None:
    """Exactly the names at other positions have moved, from where they stand to where they belong."""
    expected, shuffled = lists
    found = compared(expected, shuffled)
    assert found == Comparison(moved=found.moved)
    assert {(one.name, one.position, one.expected) for one in found.moved} == {
        (name, position, expected.index(name))
        for position, name in enumerate(shuffled)
        if expected.index(name) != position
    }


@given(st.data(), st.lists(st.booleans(), max_size=10))
def test_external_inputs_may_stand_anywhere_in_their_order(data: st.DataObject, pattern: list[bool]) -> None:
    """However needs and external alternate, a list with both in order fits; one that swaps two of a group does not."""
    needs = tuple(f"n{number}" for number in range(pattern.count(True)))
    external = tuple(f"e{number}" for number in range(pattern.count(False)))
    model = Model("m", needs, external)
    sources = {True: iter(needs), False: iter(external)}
    names = [next(sources[one]) for one in pattern]
    assert inputs_of(model, names) == tuple(names)
    if len(needs) > 1:
        a, b = data.draw(st.sampled_from([(a, b) for a in needs for b in needs if a < b]))
        swapped = [{a: b, b: a}.get(name, name) for name in names]
        found = compared(inputs_of(model, swapped), swapped)
        assert {one.name for one in found.moved} == {a, b}
        assert found == Comparison(moved=found.moved)


def test_a_missing_input_is_expected_before_the_one_that_follows_it() -> None:
    """Where a list lacks a name, its position is that between its neighbours of the same kind."""
    model = Model("m", ("a", "b", "c"), ("x", "y"))
    assert inputs_of(model, ["a", "x", "c"]) == ("a", "x", "b", "c", "y")
    assert inputs_of(model) == ("a", "b", "c", "x", "y")
    assert compared(inputs_of(model, ["a", "x", "c"]), ["a", "x", "c"]).missing == (Place("b", 2), Place("y", 4))


@pytest.mark.parametrize(
    ("text", "names", "model"),
    [
        ('["a", "b"]', ("a", "b"), ""),
        ('\ufeff{"feature_names": ["a"], "features": 1}', ("a",), ""),
        ('{"features": ["a"], "model": "m"}', ("a",), "m"),
        ('{"features": ["a"], "feature_names": ["a"]}', ("a",), ""),
    ],
)
def test_a_list_is_an_array_or_an_object_that_holds_one(text: str, names: tuple[str, ...], model: str) -> None:
    """Names come in their order, from either key, after a byte order mark or none."""
    assert read_feature_list(text, "list.json") == FeatureList("list.json", names, model)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "list.json:1:1: this is not JSON"),
        ('["a",\n "b"', "list.json:2:5: this is not JSON"),
        ("[]", "is empty"),
        ('["a", 5]', "5 at position 1 is not a name"),
        ('["a", ""]', "position 1"),
        ('["a", [["b"]]]', "an array at position 1"),
        ('"a"', 'it is "a", not an array'),
        ('{"names": ["a"]}', 'holds "names", not feature_names or features'),
        ("{}", "holds nothing"),
        ('{"features": 37}', "features is 37"),
        ('{"features": ["a"], "feature_names": ["b"]}', "two lists that differ"),
        ('{"features": ["a"], "model": 7}', "model is 7"),
        ("[" * 200_000, "nested too deep"),
        (f"[{'9' * 5000}]", "list.json"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_in_a_sentence(text: str, said: str) -> None:
    """The place, and what is wrong there."""
    with pytest.raises(InputError, match=r"list\.json") as told:
        read_feature_list(text, "list.json")
    assert said in told.value.message


def listed(*names: str, model: str = "", by: str = "") -> tuple[Finding, ...]:
    """What is found about a list beside the repository's registry."""
    return judge_list(registry(), FeatureList("list.json", names, model), by).findings


def test_a_list_is_judged_by_its_model_or_by_the_vector() -> None:
    """The model comes from the command, else from the list, else the whole vector is meant; what fits is quiet."""
    vector = vector_of(registry())
    assert listed(*vector) == listed(*vector, by="catboost_v10") == listed(*vector[:33], model="catboost_v8") == ()
    assert codes(listed(*vector, model="catboost_v8")) == ["FQ653"]
    assert listed(*vector, model="catboost_v8", by="catboost_v10") == ()
    (short,) = listed(*vector[:33])
    assert short.remedy == "It is all that catboost_v8 or catboost_v9 reads: --model catboost_v8"
    with pytest.raises(UsageError, match="Did you mean catboost_v8"):
        listed(*vector, by="catbost_v8")
    with pytest.raises(InputError, match=r"list\.json: its model 'CatBoost' is not in"):
        listed(*vector, model="CatBoost")


def test_each_difference_is_a_finding_of_its_rule() -> None:
    """Missing, extra, moved and repeated names are told with positions; a typo and an old name with the right one."""
    (breakout,) = models_of(registry(), "v1_10features")
    names = list(inputs_of(breakout))
    names[3], names[4] = names[4], names[3]
    names[0] += "s"
    names.append(names[1])
    missing, extra, moved, repeated = listed(*names, by="v1_10features")
    assert codes((missing, extra, moved, repeated)) == ["FQ652", "FQ653", "FQ654", "FQ655"]
    assert "pts_vs_season_zscore (position 0)" in missing.message
    assert extra.remedy == "Did you mean pts_vs_season_zscore for pts_vs_season_zscores?"
    assert "back_to_back stands at 3, expected at 4; home_away stands at 4, expected at 3" in moved.message
    assert "points_std_last_10 (position 10)" in repeated.message

    first = replace(registry().features[0], renamed_from="old")
    renamed = replace(registry(), features=(first, *registry().features[1:]))
    given_ = FeatureList("list.json", ("old", *vector_of(renamed)[1:]))
    assert judge_list(renamed, given_).findings[1].remedy == f"old is {first.name} now."


def test_names_that_moved_together_are_told_together() -> None:
    """One name put in front is two moves: its own, and that of all others."""
    vector = vector_of(registry())
    (found,) = listed(vector[-1], *vector[:-1])
    assert found.message.endswith(
        "breakout_flag stands at 0, expected at 36; "
        "points_avg_last_5 to pts_vs_season_zscore stand at 1-36, expected at 0-35."
    )


def test_an_input_named_twice_is_found_without_a_warehouse() -> None:
    """In needs, in external, or in both; the models of the repository have none."""
    assert judge_models(registry().models) == Judged(registry().models, ())
    models = (Model("a", ("x", "y", "x")), Model("b", ("x",), ("x",)), Model("c", ("x",), ("y", "y")), Model("d", ()))
    found = judge_models(models).findings
    assert [(one.rule, one.subject) for one in found] == [("FQ651", "a"), ("FQ651", "b"), ("FQ651", "c")]


def judged(*incidents: Incident, model: str = "", **season: Any) -> Judged:
    """What the rows of the day say about the models."""
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
    assert none.cause.startswith("stand-ins: fatigue_score in ")
    assert none.remedy == f"fqtool diagnose --date {DAY}"
    assert codes(judged(on_day("partial", share=0.7), model="catboost_v9").findings) == ["FQ657"]
    assert judged(model="catboost_v9").findings == ()
    assert judged(on_day("defaulted"), model="v2_14features").findings == ()


def test_a_models_own_condition_counts() -> None:
    """`requires` must hold as well; a model whose condition never holds scores nothing, and that is said."""
    found = judged(model="v3_13features")
    (told,) = found.findings
    assert found.day is not None
    assert found.day.models[0].required == 0 < found.day.models[0].real
    assert told.cause.startswith("breakout_v3_features_available holds in 0 of")
    assert "breakout_v3_features_available" in told.remedy


def test_an_optional_feature_blocks_nothing() -> None:
    """Half of the synthetic keys have no betting line, and none of the optional features stands among what blocks."""
    day = judged(model="catboost_v8").day
    assert day is not None
    blocked = {feature.name for feature, _ in day.models[0].blocked}
    assert blocked
    assert not blocked & {one.name for one in registry().features if one.optional}


def test_rows_without_scores_score_nothing() -> None:
    """A date that is not scored is told as such, with the command; a date without rows is no finding."""
    with DuckDBWarehouse(":memory:") as warehouse:
        rows = [row | {"feature_sources": None} for row in Season(registry(), DAY, 1, rows_per_day=5).rows()]
        store(warehouse, rows)
        found = judge_rows(registry(), warehouse, models_of(registry(), "catboost_v8"), DAY)
        assert [(one.rule, one.cause, one.remedy) for one in found.findings] == [
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
    """Google's analyser accepts it, whatever a condition asks of features; the table stands in it once, by its date."""
    changed, readiness = asking(requires)
    query = readiness.query(DAY, NOW)
    assert query.sql.count(changed.table.name) == 1
    assert f"`game_date` = DATE '{DAY}'" in query.sql
    assert query.parameters == ()
    assert zeta.analyze(query.sql, catalog(desired_table(changed))) is None


def test_a_stand_in_under_a_good_name_is_told_by_its_label() -> None:
    """Where a stand-in shares its stored source with a real one, the raw label is asked, as scoring does."""
    shared = Source("copied", 50, "phase4", is_default=True)
    changed = replace(registry(), sources=(*registry().sources, shared))
    query = Readiness(changed, changed.models).query(DAY, NOW)
    assert "feature_sources" in query.sql
    assert zeta.analyze(query.sql, catalog(desired_table(changed))) is None


def test_google_s_reference_implementation_counts_the_same() -> None:
    """Every count is equal on Google's executor and on DuckDB, for a date with stand-ins and short vectors."""
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


def test_a_store_that_cannot_be_asked_is_told() -> None:
    """No table, a column that is not there, no stored sources, no partitions: one sentence each."""
    with DuckDBWarehouse(":memory:") as warehouse:
        with pytest.raises(NotThere, match="There is no table"):
            judge_rows(registry(), warehouse, registry().models, DAY)
        with pytest.raises(InputError, match="no column stores each feature's source"):
            judge_rows(small_registry(), warehouse, (Model("m", ("f0",)),), DAY)
        unpartitioned = replace(registry(), table=replace(registry().table, partition_by=None))
        with pytest.raises(InputError, match="no partition_by"):
            judge_rows(unpartitioned, warehouse, registry().models, DAY)
        store(warehouse, [])
        elsewhere = replace(registry(), models=(Model("m", ("fatigue_score",), requires="not_there"),))
        with pytest.raises(NotThere, match="lacks the column not_there"):
            judge_rows(elsewhere, warehouse, elsewhere.models, DAY)


def run(folder: Path, *words: str, stdin: str = "") -> tuple[int, str, str]:
    """Run the command on the repository's registry."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "models", "-r", str(ROOT / "feature_registry.yaml"), *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=60, input=stdin,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_command_judges_registry_list_and_rows(tmp_path: Path) -> None:
    """Exit 0 and a line per model, 1 for findings, 2 for a wrong list, model or pair of options, 3 for no table."""
    code, told, _ = run(tmp_path)
    assert (code, told.count("fits"), "catboost_v10   points             37  0-36" in told) == (0, 6, True)
    vector = json.dumps(vector_of(registry()))
    assert run(tmp_path, "--features", "-", stdin=vector)[:2] == (
        0,
        "stdin is the whole vector: 37 features, in order.\n",
    )
    (tmp_path / "list.json").write_text(vector)
    code, told, _ = run(tmp_path, "--features", "list.json", "--model", "catboost_v9", "--format", "json")
    assert (code, [one["rule"] for one in json.loads(told)["findings"]]) == (1, ["FQ653"])
    assert run(tmp_path, "--features", "absent.json")[0] == 2
    assert run(tmp_path, "--model", "absent")[0] == 2
    assert run(tmp_path, "--features", "list.json", "--date", str(DAY))[0] == 2
    code, told, error = run(tmp_path, "--date", str(DAY))
    assert (code, told) == (3, "")
    assert "There is no table" in error


def test_the_command_asks_the_rows_of_a_date(tmp_path: Path) -> None:
    """A table with the counts above the findings; what to run carries the target that was given."""
    target = f"duckdb:///{tmp_path}/store.duckdb"
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        store(warehouse, Season(registry(), DAY, 1, rows_per_day=20).rows([on_day("defaulted")]))
    code, told, _ = run(tmp_path, "--date", str(DAY), "--target", target, "--model", "catboost_v8")
    assert code == 1
    assert "catboost_v8    20     0          0  fatigue_score (20)" in told
    assert "--target " + target in told
    code, told, _ = run(tmp_path, "--date", str(date(2030, 1, 1)), "--target", target)
    assert (code, told) == (0, "2030-01-01: no rows.\n")
