"""What is reported never to hold never holds: random conditions, scored on random rows, against their proofs."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fqtool.expressions.grammar import parse_expression
from fqtool.lint.intervals import Outcomes
from fqtool.registry.alerts_and_models import Alert, AlertLevel, Each
from fqtool.registry.model import BaseColumn, Category, ColumnSpec, Feature, Owner, Registry, Source, Tier
from fqtool.schema.build import desired_table
from fqtool.warehouse.duckdb.scorer import scorer_of
from fqtool.warehouse.duckdb.transpile.dialect import schema_of, to_duckdb
from tests.stores import BASE, small_registry

NOW = datetime(2026, 2, 6, tzinfo=UTC)
COUNT = 5


def column(name: str, kind: str, expr: str, **more: object) -> ColumnSpec:
    """A managed column."""
    return ColumnSpec(name, kind, "all", "", expr, **more)  # type: ignore[arg-type]


def store(*conditions: str) -> Registry:
    """A store with every kind of column that conditions are about, and the conditions as columns of it."""
    return replace(
        small_registry(),
        base_columns=(
            *(one for one in BASE if one.name != "score"),
            BaseColumn("whole", "INT64"),
            BaseColumn("real", "FLOAT64"),
            BaseColumn("word", "STRING"),
            BaseColumn("flag", "BOOL"),
        ),
        features=tuple(
            Feature(
                n, f"f{n}", "one" if n < 3 else "two", critical=n < 2, retired=n == COUNT - 1, processor="P" * (n % 2)
            )
            for n in range(COUNT)
        ),
        categories=(Category("one"), Category("two")),
        sources=(
            Source("good", 100, "good"),
            Source("fair", 87.5, "good"),
            Source("novel", 33.3, "novel"),
            Source("bad", 40, "default", is_default=True),
        ),
        tiers=(Tier("gold", 95), Tier("silver", 85), Tier("poor", 40.5), Tier("critical", 0)),
        alert_levels=(AlertLevel("red", ("score < 50",)), AlertLevel("green")),
        alerts=(Alert("low", "score < 50", "red"),),
        columns=(
            column("score", "NUMERIC(5,2)", "ROUND(AVG_OVER_FEATURES(quality), 2)"),
            column("exact", "NUMERIC(5,1)", "AVG_OVER_FEATURES(quality, category = 'one')"),
            column("share", "FLOAT64", "COUNT_FEATURES(is_default) / COUNT_FEATURES(TRUE)"),
            column("tier", "STRING", "TIER(score)"),
            column("exact_tier", "STRING", "TIER(exact)"),
            column("level", "STRING", "ALERT_LEVEL()"),
            column("defaults", "INT64", "COUNT_FEATURES(is_default)"),
            column("critical_defaults", "INT64", "COUNT_FEATURES(is_default AND critical)"),
            column("all_good", "BOOL", "ALL_FEATURES(source = 'good')"),
            column("gate", "BOOL", "tier IN ('gold', 'silver') AND NOT flag"),
            column("f{index}_q", "FLOAT64", "quality", for_each=Each.FEATURE),
            column("f{index}_s", "STRING", "source", for_each=Each.FEATURE),
            ColumnSpec("labels", "STRING", "all", owner=Owner.UPSTREAM),
            *(column(f"c{n}", "BOOL", text) for n, text in enumerate(conditions)),
        ),
        views=(),
    )


NUMBERS = ("-1", "0", "1", "2", "3", "4", "5", "33.3", "40", "40.5", "50", "85", "87.5", "95", "100", "101")
NUMERIC = ("score", "exact", "defaults", "critical_defaults", "f0_q", "f4_q", "whole", "real", "share", "2 * defaults",
           "score - 1", "100 * defaults / 4", "ROUND(exact)", "COUNT_FEATURES(critical)", "IF(flag, score, 3)",
           "COUNT_FEATURES(quality >= 50)", "COUNT_FEATURES(index > 1 AND source = 'novel')", "COALESCE(whole, 7)",
           "AVG_OVER_FEATURES(quality, NOT is_default)", "CAST(exact AS INT64)",
           "COUNT_FEATURES(value > real)")  # fmt: skip
TEXTS = {"tier": ("gold", "silver", "poor", "critical", "bronze"), "exact_tier": ("gold", "poor"), "word": ("a", "b"),
         "level": ("red", "green", "yellow"), "f0_s": ("good", "novel", "default", "bad")}  # fmt: skip
TRUTHS = ("flag", "all_good", "gate", "ANY_FEATURE(is_default AND critical)", "ALL_FEATURES(quality > 10)",
          "ANY_FEATURE(source = 'bad')", "ANY_FEATURE(raw_source = 'bad')", "score IS NULL", "whole IS NOT NULL",
          "ALL_FEATURES(index < 9)", "flag IS TRUE", "ANY_FEATURE(processor = 'P' AND quality < 40)")  # fmt: skip


def condition(draw: Random, depth: int = 2) -> str:
    """A condition by chance."""
    kind = draw.random()
    if depth and kind < 0.5:
        op = draw.choice([" AND ", " AND ", " OR "])
        return f"({op.join(condition(draw, depth - 1) for _ in range(draw.choice([2, 2, 3])))})"
    if depth and kind < 0.6:
        return f"NOT {condition(draw, depth - 1)}"
    if kind < 0.65:
        return draw.choice(TRUTHS)
    if kind < 0.8:
        name = draw.choice([*TEXTS])
        some = draw.sample(TEXTS[name], draw.choice([1, 2]))
        listed = ", ".join(f"'{one}'" for one in some)
        return draw.choice([f"{name} IN ({listed})", f"{name} NOT IN ({listed})", f"{name} = '{some[0]}'",
                            f"{name} != '{some[0]}'"])  # fmt: skip
    one, other, numbers = draw.choice(NUMERIC), draw.choice(NUMERIC), draw.sample(NUMBERS, 2)
    if kind < 0.85:
        return f"{one} BETWEEN {numbers[0]} AND {numbers[1]}"
    return f"{one} {draw.choice(['<', '<=', '>', '>=', '=', '!='])} {other if kind > 0.95 else numbers[0]}"


def rows(draw: Random) -> list[dict[str, object]]:
    """Rows with all sorts of labels: healthy, all of one kind, unknown, absent, none at all."""
    made = []
    for number in range(60):
        some = draw.choice([["good"], ["bad"], ["novel"], ["good", "fair"], ["good", "bad", "novel", "fair", "new"]])
        labels = {str(n): draw.choice(some) for n in range(COUNT) if draw.random() < 0.95}
        made.append({
            "item": f"i{number}",
            "day": "2026-02-06",
            "vector": [draw.choice([0.0, 1.5, 50.0]) for _ in range(COUNT)],
            "labels": None if draw.random() < 0.1 else json.dumps(labels),
            "whole": draw.choice([None, 0, 1, 4, 50, -7]),
            "real": draw.choice([None, 0.0, 33.3, 1e9, math.nan, -math.inf]),
            "word": draw.choice([None, "a", "b", "c"]),
            "flag": draw.choice([None, True, False]),
        })  # fmt: skip
    return made


def contradicted(texts: list[str], answers: list[dict[str, object]], outcomes: Outcomes) -> list[str]:
    """The conditions of which a row gives an answer that was reported as impossible."""
    wrong = []
    for number, text in enumerate(texts):
        given_answers = {row[f"c{number}"] for row in answers} - {None}
        wrong += [f"{text}: {one}" for one in given_answers if not outcomes.possible(parse_expression(text), bool(one))]
    return wrong


@settings(max_examples=int(os.environ.get("FQTOOL_EXAMPLES", "5")), deadline=None)
@given(st.integers(0, 2**32))
def test_what_never_holds_never_holds(seed: int) -> None:
    """Law: of a row that is scored, no condition has an answer that is reported as impossible."""
    draw = Random(seed)
    texts = [condition(draw) for _ in range(40)]
    registry = store(*texts)
    answers = scorer_of(registry).records(rows(draw), NOW)
    assert contradicted(texts, answers, Outcomes(registry)) == []


@settings(max_examples=int(os.environ.get("FQTOOL_EXAMPLES", "4")), deadline=None)
@given(st.integers(0, 2**32))
def test_what_never_holds_of_stored_rows_never_holds(seed: int) -> None:
    """Law: the same of conditions over stored columns, whose NUMERIC are rounded."""
    import duckdb

    draw = Random(seed)
    texts = []
    while len(texts) < 40:
        text = condition(draw)
        if "FEATURE" not in text:
            texts.append(text)
    registry = store()
    stored = scorer_of(registry)
    given_rows = rows(draw)
    scores = stored.records(given_rows, NOW)
    table = desired_table(registry)
    asked = ", ".join(f"({text}) AS c{number}" for number, text in enumerate(texts))
    with duckdb.connect() as warehouse:
        names = ["whole", "real", "word", "flag", "score", "exact", "share", "tier", "exact_tier", "level", "defaults",
                 "critical_defaults", "all_good", "gate", "f0_q", "f4_q", "f0_s"]  # fmt: skip
        kinds = {one.name: one.sql_type for one in table.columns}
        engine = {"INT64": "BIGINT", "FLOAT64": "DOUBLE", "STRING": "VARCHAR", "BOOL": "BOOLEAN"}
        warehouse.execute(f"CREATE TABLE store ({', '.join(f'{n} {engine.get(kinds[n], kinds[n])}' for n in names)})")
        warehouse.executemany(
            f"INSERT INTO store VALUES ({', '.join('?' * len(names))})",
            [[(row | score)[name] for name in names] for row, score in zip(given_rows, scores, strict=True)],
        )
        sql = to_duckdb(f"SELECT {asked} FROM store", (schema_of("store", table.columns),))
        found = warehouse.execute(sql)
        columns = [one[0] for one in found.description or ()]
        answers = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    assert contradicted(texts, answers, Outcomes(registry, stored=True)) == []


@pytest.mark.parametrize(
    "text",
    [
        "defaults = 5", "critical_defaults > 2", "score > 100", "score < 0", "tier = 'bronze'", "tier IN ('a', 'b')",
        "score < 50 AND score > 60", "tier = 'gold' AND score < 90", "tier = 'poor' AND score >= 85",
        "NOT (score <= 100)", "score BETWEEN 60 AND 50", "word = 'a' AND word = 'b'", "flag AND NOT flag",
        "gate AND tier = 'poor'", "NOT all_good AND all_good", "COUNT_FEATURES(TRUE) != 4", "f0_q > 100", "f4_q > 0",
        "f0_s = 'bad'", "level = 'yellow'", "defaults >= 5 AND NOT flag", "0 > score", "COALESCE(score, 7) > 100",
        "(tier = 'gold' OR tier = 'silver') AND score < 85", "ANY_FEATURE(quality > 100)", "FALSE",
        "COUNT_FEATURES(is_default AND source = 'good') > 0", "flag AND gate",
    ],
)  # fmt: skip
def test_what_is_found(text: str) -> None:
    """Law: these are known never to hold, so their contraries are known to hold wherever they have an answer."""
    outcomes = Outcomes(store())
    assert not outcomes.possible(parse_expression(text), True)
    assert not outcomes.possible(parse_expression(f"NOT ({text})"), False)


@pytest.mark.parametrize(
    "text",
    ["defaults = 4", "score = 100", "score = 33.3", "real < 5 AND real > 4", "exact > 33.2", "tier = 'gold'",
     "NOT (real > 5) AND NOT (real <= 5)", "score >= 85 AND tier = 'silver'", "whole > 5 AND whole < 7", "gate",
     "score IS NULL", "100 * defaults > 400", "whole > 5 AND whole < 6"],
)  # fmt: skip
def test_what_can_be_is_let_pass(text: str) -> None:
    """Law: what a row can satisfy is possible, among it what only NaN can; so is what no interval rules out."""
    assert Outcomes(store()).possible(parse_expression(text), True)


def test_a_hostile_condition_ends() -> None:
    """Law: columns that need each other in many ways, and endless chains, are given up soon and called possible."""
    columns = [column(f"g{n}", "BOOL", f"g{n - 1} AND g{n - 1} AND g{n - 1} OR g{n - 1}") for n in range(1, 30)]
    registry = small_registry(columns=(*store().columns, column("g0", "BOOL", "g29"), *columns))
    outcomes = Outcomes(registry)
    assert outcomes.possible(parse_expression("g29"), True)
    assert outcomes.possible(parse_expression(" OR ".join(["g3 AND g4"] * 3000)), True)
    assert outcomes.possible(parse_expression(" + ".join(["1"] * 3000) + " > 1"), True)
