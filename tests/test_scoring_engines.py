"""Four scorers score the same rows: plain Python, DuckDB, Google's reference implementation, an emulated BigQuery.

Every column of every row is compared, values and types; nothing is compared nearly, as every quality is a sum of small
whole numbers over a count. A row that is scored otherwise is reported by what distinguishes it from a healthy row.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fqtool.schema.build import desired_table
from fqtool.scoring.scoring import Scoring
from fqtool.sql import ident
from tests.bed.running import Emulator
from tests.bed.zeta import ZetaError, evaluate
from tests.design import CATEGORIES
from tests.emulated_scoring import by_bigquery, forgiven, is_json
from tests.plain_facts import LABELS
from tests.plain_scorer import labels_of, score
from tests.scored_rows import Row, Scores, of_every_kind, scored_in
from tests.test_scoring_reference import HEALTHY, NOW, REGISTRY, VALUES, row_of

TABLE = REGISTRY.table.name
COMPUTED = [one.name for one in Scoring(REGISTRY).columns]
LONG_AGO = row_of("long ago", HEALTHY, created_at=datetime(999, 12, 31, tzinfo=UTC))

# Text other than a JSON object: the labels that Google and DuckDB find in it. Google reads on until it
# has found the label and asks nothing of what follows; DuckDB first asks whether the whole is JSON.
ONE: dict[str, str] = {"0": "phase4"}
NO_OBJECT = {
    '{"0": "phase4", "1": "pha': (ONE, {}),
    '{"0": "phase4",': (ONE, {}),
    '{"0": "phase4"} and so on': (ONE, {}),
    '{"0": "phase4"} {"1": "phase4"}': (ONE, {}),
    '{"0": "phase4" "1": "phase4"}': (ONE, {}),
    '{"0": "phase4" /* of the day */}': (ONE, {}),
    "{'0': 'phase4'}": (ONE, {}),
    '{"37": "\t", "0": "phase4"}': (ONE, {}),
    '{"37": "\\ud800", "0": "phase4"}': (ONE, {}),
    '{"37": "\\q", "0": "phase4"}': (ONE, {}),
    '{"37": 01, "0": "phase4"}': ({}, {}),
    '{"0": "phase4", "37": 01}': (ONE, {}),
    '["phase4"]': (ONE, {}),  # the path $."0" takes an array's first element, too
    '{"37": NaN, "0": "phase4"}': ({}, ONE),
    '{"0": "phase4", "37": NaN}': (ONE, ONE),
    '{"0": "phase4",}': (ONE, ONE),
    '{"0": "phase4", "37": tru}': (ONE, {}),
    "[[[[": ({}, {}),
}


@functools.cache
def situations() -> list[Row]:
    """The rows, thousands of them."""
    return of_every_kind(3000)


def lacks_labels(row: Row) -> bool:
    """Find a row without labels whose text has a key: primary_data_source looks no closer than that."""
    text = row["feature_sources"]
    return text is not None and re.search('".*:', text, re.DOTALL) is not None and not labels_of(text)


def differences(row: Row, got: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The columns that an engine scores otherwise than plain Python: column -> (plain, engine)."""
    wanted = score(row, NOW)
    assert {*wanted} == {*COMPUTED}
    unlike = {name for name in wanted if wanted[name] != got[name] or type(wanted[name]) is not type(got[name])}
    if lacks_labels(row):
        unlike -= {"primary_data_source"}
    return {name: (wanted[name], got[name]) for name in sorted(unlike)}


def agreed(asked: Iterable[Row], answer: Mapping[str, Mapping[str, Any]]) -> None:
    """Every row was answered, and as plain Python does; else report what distinguishes the first that was not."""
    healthy = row_of("", HEALTHY)
    for row in asked:
        if found := differences(row, answer[row["player_lookup"]]):
            apart = {name: value for name, value in row.items() if repr(value) != repr(healthy[name])}
            pytest.fail(f"a healthy row but for {apart}\nplain Python and the engine give {found}")


@functools.cache
def by_google() -> Scores:
    """Score a twelfth of the situations, and what engines differ on, by Google's reference implementation."""
    asked = [*situations()[::12], *(row_of(text, text) for text in NO_OBJECT), LONG_AGO]
    types = {one.name: one.sql_type.replace(" NOT NULL", "") for one in desired_table(REGISTRY).columns}
    names = (*REGISTRY.table.keys, *COMPUTED)
    found = evaluate(Scoring(REGISTRY).select(ident(TABLE)), {TABLE: (types, asked)}, {"computed_at": NOW})
    plain = [[tuple(value) if isinstance(value, list) else value for value in row] for row in found]
    return {str(row[0]): dict(zip(names, row, strict=True)) for row in plain}


def test_the_situations_are_diverse() -> None:
    """The rows drawn hold what they are meant to: every label, tier and level, ties, NaN, unknown and empty sources."""
    plain = [score(row, NOW) for row in situations()]
    texts = [row["feature_sources"] for row in situations()]
    labels = [labels_of(text) or {} for text in texts]
    assert {label for one in labels for label in one.values()} >= {*LABELS, ""}
    assert {None, "{}", "", "[]", "3", "not json"} <= {*texts}
    assert {row["quality_tier"] for row in plain} == {None, "gold", "silver", "bronze", "poor", "critical"}
    assert {row["quality_alert_level"] for row in plain} == {None, "green", "yellow", "red"}
    assert {len(row["features"]) for row in situations()} >= {0, 30, 31, 36, 37, 38}
    assert any(math.isnan(value) for row in situations() for value in row["features"])
    assert {row["breakout_model_compatible"] for row in plain} == {(), ("v2_14features",)}
    assert {row["matchup_data_status"] for row in plain} >= {None, "", "COMPLETE", "MATCHUP_UNAVAILABLE"}
    assert {row["missing_processors"] for row in plain} >= {None, ""}
    assert any(row["upstream_data_freshness_hours"] is not None for row in plain)
    lines = (sum(LABELS.get(one.get(str(i), ""), (40,))[0] for i in CATEGORIES["vegas"]) for one in labels)
    assert sum(Fraction(10 * line, 4) % 1 == Fraction(1, 2) for line in lines) > 10


def test_duckdb_scores_as_plain_python(tmp_path: Path) -> None:
    """`fqtool score` stores on DuckDB what the plain scorer gives: every column of every row, JSON by character."""
    agreed(situations(), scored_in(tmp_path, situations()))


def test_googles_reference_implementation_scores_as_plain_python() -> None:
    """ZetaSQL's evaluator gives every column of every row as the plain scorer does, JSON by character."""
    agreed(situations()[::12], by_google())


def test_bigquerys_client_and_emulator_score_as_plain_python(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through Google's client and an emulated server every column of every row is as the plain scorer gives it.

    Left out are rows whose sources are not JSON, for which the emulator's JSON_VALUE fails, and what `excepted` names.
    """
    asked = [row for row in situations()[::30] if is_json(row["feature_sources"])]
    assert len(asked) > 80
    answer = by_bigquery(asked, emulator, monkeypatch)
    agreed(asked, {row["player_lookup"]: forgiven(row, answer[row["player_lookup"]]) for row in asked})


def test_labels_in_text_other_than_a_json_object(tmp_path: Path) -> None:
    """Text other than a JSON object is scored by the labels that the engine finds in it, on each engine the known ones.

    Nothing fails, and no other column differs. Whoever writes json.dumps without NaN writes none of these.
    """
    by_duckdb = scored_in(tmp_path, [row_of(text, text) for text in NO_OBJECT])
    for text, (google, duckdb) in NO_OBJECT.items():
        for found, got in ((google, by_google()[text]), (duckdb, by_duckdb[text])):
            wanted = score(row_of(text, found), NOW)
            # Of text without a label see test_no_labels_however_spelt.
            unlike = {name for name in wanted if wanted[name] != got[name]} - {"primary_data_source"}
            assert not unlike, (text, found)


def test_years_before_1000(tmp_path: Path) -> None:
    """A year before 1000 has as many digits as it takes, as at Google."""
    google, duckdb = by_google()["long ago"], scored_in(tmp_path, [LONG_AGO])["long ago"]
    assert {name: google[name] for name in COMPUTED} == {name: duckdb[name] for name in COMPUTED}
    assert json.loads(str(duckdb["feature_last_updated_json"]))["36"] == "999-12-31T00:00:00Z"


def scored_alone(folder: Path, text: str = json.dumps(HEALTHY), **changes: object) -> Mapping[str, Any]:
    """DuckDB's answer for one row by itself."""
    return scored_in(folder, [row_of("alone", text, **changes)])["alone"]


@pytest.mark.parametrize("count", [math.nan, math.inf, -math.inf, 1e300])
def test_a_count_of_games_that_is_not_a_number(tmp_path: Path, count: float) -> None:
    """One row whose feature 30 no INT64 can hold must not keep all other rows of its date from being scored."""
    alone = scored_alone(tmp_path, features=(*VALUES[:30], count, *VALUES[31:]))
    assert not {"29", "30"} & json.loads(alone["feature_sample_sizes_json"]).keys()


def test_google_refuses_to_count_such_games_too() -> None:
    """What fails on DuckDB fails on BigQuery: it is the expression that is wrong, and SAFE_CAST would do."""
    query = "SELECT {}(x AS INT64) FROM UNNEST([CAST('nan' AS FLOAT64), CAST('inf' AS FLOAT64), 1e300]) AS x"
    with pytest.raises(ZetaError, match="non-finite"):
        evaluate(query.format("CAST"))
    assert evaluate(query.format("SAFE_CAST")) == [(None,)] * 3


@pytest.mark.parametrize("text", ['{"\\u0030": 1.50}', '{"x": {"0": 2.5}, "0": 1.50}'])
def test_a_number_for_a_label(tmp_path: Path, text: str) -> None:
    """A number where a label should be is an unknown label, however it is spelt and wherever it is."""
    assert scored_alone(tmp_path, text)["feature_0_quality"] == 40.0


@pytest.mark.parametrize("text", ["{ }", "null", "", "[]", "not json"])
def test_no_labels_however_spelt(tmp_path: Path, text: str) -> None:
    """primary_data_source is unknown without labels, also where the text is { }, null, empty or no JSON."""
    assert scored_alone(tmp_path, text)["primary_data_source"] == "unknown"
