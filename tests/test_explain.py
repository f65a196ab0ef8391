"""Laws of explain: what it prints about a row is what scoring gives, and what it promises comes true."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fqtool.commands.explain.conditions import Role, explained
from fqtool.commands.explain.run import Explanation, Verdict, explain_row, explanation_of, row_query
from fqtool.commands.explain.text import document
from fqtool.errors import Refusal
from fqtool.output.json_document import print_document
from fqtool.schema.build import desired_table
from fqtool.synthetic.incidents import Incident
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed import zeta
from tests.bed.running import ROOT
from tests.machine import patient
from tests.stores import small_registry
from tests.test_diagnosis import COMPOSITE, DAY, DEFENCE, NOW, registry, scored, store
from tests.test_statements_analysed import catalog

SCHEMA = json.loads((ROOT / "fqtool/commands/explain/explanation.schema.json").read_text())


@cache
def rows() -> list[dict[str, Any]]:
    """Scored rows of a date on which two processors left some out, and another kind of line is missing."""
    incidents = [
        Incident("partial", DAY, DAY, COMPOSITE, share=0.5),
        Incident("partial", DAY, DAY, DEFENCE, share=0.5),
        Incident("wrong_length", DAY, DAY, DEFENCE, share=0.1),
    ]
    return list(scored(Season(registry(), DAY, 1, 5, rows_per_day=12).rows(incidents)))


@cache
def explanations() -> list[Explanation]:
    """Each of the rows explained."""
    return [explanation_of(registry(), row) for row in rows()]


def gate(one: Explanation, subject: str) -> Verdict:
    """The verdict on one gate."""
    return next(v for v in one.verdicts if v.condition.subject == subject and v.condition.role is Role.GATE)


def test_a_verdict_is_what_the_row_stores() -> None:
    """A gate holds where its column is TRUE; an alert that fired is in the list of codes, and no other is."""
    seen = set()
    for row, one in zip(rows(), explanations(), strict=True):
        for verdict in one.verdicts:
            name = verdict.condition.subject
            if verdict.condition.role is Role.GATE and name in row:
                seen.add((name, verdict.holds))
                assert verdict.holds == row[name]
            if verdict.condition.role is Role.ALERT:
                code, number, _ = name.partition("{number}")
                fired = [c for c in row["quality_alerts"] if c == name or (number and c.startswith(code))]
                assert bool(fired) == (verdict.holds is True)
    assert {("is_training_ready", True), ("is_training_ready", False)} <= seen


def test_a_condition_holds_where_all_its_parts_do() -> None:
    """The parts are a conjunction: NULL where one is unknown and none is false."""
    parts = explained(registry())
    for one in explanations():
        for condition in parts.conditions:
            told = [one.scored[part.column] for part in condition.parts]
            together = False if False in told else None if None in told else True
            assert one.scored[condition.column] == together


def test_what_is_listed_to_make_a_gate_pass_does() -> None:
    """The row with those features real, scored again, has the gate; at least one row of each processor was promised."""
    promised = set()
    for row, one in zip(rows(), explanations(), strict=True):
        for verdict in one.verdicts:
            for way in verdict.ways:
                promised.add(way.who)
                labels = json.loads(row["feature_sources"])
                labels |= {str(index): "phase4" for index in way.features}
                (again,) = registry().score([row | {"feature_sources": json.dumps(labels)}], as_of=NOW)
                if verdict.condition.subject in again:
                    assert again[verdict.condition.subject] is True, (verdict.condition.subject, way)
    assert {COMPOSITE, DEFENCE} <= promised


def test_a_failing_gate_has_reasons_and_a_passing_one_has_none() -> None:
    """A gate that fails names a part; one that passes has no reason, and no remedy."""
    for one in explanations():
        for verdict in one.verdicts:
            if verdict.condition.role is Role.GATE:
                assert bool(verdict.decided) == (verdict.holds is not True)
            assert not (verdict.holds and verdict.ways)


def test_the_incident_names_its_processor() -> None:
    """Features 5-8 defaulted: the training gate fails by tier and matchup, and passes with them real."""
    (row,) = scored(Season(registry(), DAY, 1, rows_per_day=1).rows([Incident("defaulted", DAY, DAY, COMPOSITE)]))
    one = explanation_of(registry(), row)
    failed = gate(one, "is_training_ready")
    assert [part.part.text for part in failed.decided][-1] == "matchup_quality_pct >= 70"
    assert [(way.who, way.features) for way in failed.ways] == [(COMPOSITE, (5, 6, 7, 8))]
    odd = {line.feature.index for line in one.features if any("composite_factors" in text for text in line.unusual)}
    assert odd == {5, 6, 7, 8}
    assert not one.differs


def test_a_stored_number_that_does_not_follow_is_reported() -> None:
    """A column changed by hand is named with both values; nothing else is, and the time of scoring never."""
    row = dict(rows()[0])
    row |= {"matchup_quality_pct": 12.5, "quality_computed_at": row["quality_computed_at"] - timedelta(days=3)}
    one = explanation_of(registry(), row)
    assert [(name, stored) for name, stored, _ in one.differs] == [("matchup_quality_pct", 12.5)]


def test_a_feature_is_unusual_by_its_label_its_range_and_its_value() -> None:
    """An unknown label, a value out of range, one that equals a rare default; a usual zero is not unusual."""
    (row,) = scored(Season(registry(), DAY, 1, rows_per_day=1).rows())
    labels, values = json.loads(row["feature_sources"]), list(row["features"])
    labels["0"] = "phase9"
    values[5], values[6], values[16], values[17] = 50.0, 4000.0, 0.0, math.nan
    one = explanation_of(registry(), row | {"feature_sources": json.dumps(labels), "features": values})
    odd = {line.feature.index: "; ".join(line.unusual) for line in one.features}
    assert "'phase9' is not in `sources`" in odd[0]
    assert odd[5] == "equals its default value"
    assert odd[17] == "NaN or infinite"
    assert odd[6].startswith("outside ")
    assert odd[16] == ""


def test_any_store_can_be_explained() -> None:
    """A registry without gates, alerts or levels gives its features, with what is known of them."""
    small = small_registry()
    row = {"item": "a", "day": DAY, "vector": [1.0, 2.0, 3.0], "labels": '{"0": "good", "1": "bad", "2": "good"}'}
    row |= {"score": 80, "tier": "poor", "alerts": [], "defaults": 1, "made_at": NOW, "history": None}
    row |= {f"feature_{n}_quality": q for n, q in enumerate((100.0, 40.0, 100.0))}
    one = explanation_of(small, row)
    assert [line.unusual for line in one.features] == [(), ("defaulted",), ()]
    assert one.roles["score"] == 80
    assert not one.verdicts
    assert not one.differs
    null = explanation_of(
        small, row | {"vector": [1.0, None, 3.0], "labels": '{"0": "good", "1": "good", "2": "good"}'}
    )
    assert [line.unusual for line in null.features] == [(), ("NULL under a label of real values",), ()]


def test_google_s_analyser_accepts_the_query_for_the_row() -> None:
    """With the keys of the repository's store, and with those of any other."""
    for one, keys in ((registry(), {"player_lookup": "p", "game_date": DAY}), (small_registry(), {"item": "1"})):
        assert zeta.analyze(row_query(one, keys).sql, catalog(desired_table(one))) is None


@pytest.fixture
def target(tmp_path: Path) -> str:
    """A store of the rows above."""
    with DuckDBWarehouse(str(tmp_path / "store.duckdb")) as warehouse:
        first = rows()[0]
        store(warehouse, [*rows(), first | {"player_lookup": "gone", "game_date": DAY - timedelta(days=2)}])
    return f"duckdb:///{tmp_path}/store.duckdb"


def run(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run the command on the repository's registry."""
    done = subprocess.run(
        [sys.executable, "-m", "fqtool", "explain", "-r", str(ROOT / "feature_registry.yaml"), *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True, text=True, check=False, timeout=patient(60),
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_command_explains_a_row(tmp_path: Path, target: str) -> None:
    """Text has the row in one line and the gates that fail; --verbose adds conditions, --all every feature.

    JSON is as its schema declares.
    """
    who = rows()[0]["player_lookup"]
    words = ("--key", f"player_lookup={who}", "--date", f"{DAY}", "--target", target)
    code, sentence, error = run(tmp_path, *words)
    assert (code, error) == (0, "")
    assert sentence.splitlines()[0].startswith(f"player_lookup={who}, game_date={DAY}: score ")
    assert "is_training_ready  " in sentence
    assert sentence.rstrip().endswith("Add --verbose for the conditions.")
    assert "is_training_ready: fails" in run(tmp_path, *words, "--verbose")[1]
    assert "\n36  breakout_flag" in run(tmp_path, *words, "--all")[1]
    told = json.loads(run(tmp_path, *words, "--format", "json")[1])
    jsonschema.validate(told, SCHEMA)
    assert len(told["features"]) == len(registry().active_features)
    narrow = run(tmp_path, *words, FORCE_COLOR="1", COLUMNS="60")[1]
    assert "is_training_ready" in narrow


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--date", f"{DAY}"), "The key player_lookup is missing."),
        (("--key", "player_lookup=x"), "There is no row with player_lookup=x, game_date=2026-02-06."),
        (
            ("--key", "player_lookup=x", "--date", f"{DAY}"),
            "Use a value of player_lookup on 2026-02-06, such as: --key player_lookup=",
        ),
        (("--key", "player=x", "--date", f"{DAY}"), "'player' is not a key."),
        (("--key", "player_lookup", "--date", f"{DAY}"), "'player_lookup' is not a key and its value."),
        (("--key", "player_lookup=player_lookup_00", "--date", f"{DAY}"), "Use --key player_lookup=player_lookup_0"),
        (
            ("--key", "player_lookup=gone", "--date", f"{DAY}"),
            f"gone has rows until {DAY - timedelta(days=2)}, and none on",
        ),
        (("--key", "player_lookup=x", "--date", "2026-02-07"), "2026-02-07 has no rows."),
        (
            ("--key", "player_lookup=x", "--date", "2026-02-07"),
            "the newest one with rows is used: fqtool explain --key player_lookup=x",
        ),
        (("--key", "player_lookup=x", "--key", "PLAYER_LOOKUP=y"), "--key PLAYER_LOOKUP is given more than once."),
        (
            ("--key", "player_lookup=x", "--key", f"game_date={DAY}", "--date", "2026-02-05"),
            f"--date 2026-02-05 and --key game_date={DAY} differ.",
        ),
    ],
)
def test_keys_that_match_no_row_are_reported(
    tmp_path: Path, target: str, words: tuple[str, ...], sentence: str
) -> None:
    """Exit 2 with one sentence and what to write instead."""
    code, out, error = run(tmp_path, *words, "--target", target)
    assert (code, out) == (2, "")
    assert sentence in error


def test_two_rows_with_the_same_keys_are_not_mixed() -> None:
    """Which of them is meant is unknown, so neither is explained."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, [*rows(), rows()[0]])
        keys = {"player_lookup": rows()[0]["player_lookup"]}
        for also in ({}, {"game_date": str(DAY)}):
            with pytest.raises(Refusal, match="Several rows") as several:
                explain_row(registry(), warehouse, keys | also, None if also else DAY)
            assert several.value.remedy == "Remove the rows that repeat a key."


def test_labels_that_cannot_be_read_promise_nothing() -> None:
    """Without a label map no label can be replaced in thought, so no way to pass is promised."""
    one = explanation_of(registry(), rows()[0] | {"feature_sources": "{"})
    assert not any(verdict.ways for verdict in one.verdicts)


@pytest.mark.parametrize(
    ("value", "word"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (-float("inf"), "-Infinity")]
)
def test_json_has_no_bare_nan(value: float, word: str) -> None:
    """JSON has no NaN and no infinities: a reader that takes JSON alone reads the document, and the schema holds."""
    stream = StringIO()
    print_document(document(explanation_of(registry(), rows()[0] | {"features": (value, *[1.0] * 36)})), stream)
    told = json.loads(stream.getvalue(), parse_constant=pytest.fail)
    jsonschema.validate(told, SCHEMA)
    assert told["features"][0]["value"] == word
