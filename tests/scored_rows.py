"""Rows to score, realistic and hostile: drawn by hypothesis, put into a store and scored there in one run.

Planning the wide query takes DuckDB a quarter of a second, so a law is tried on all its rows by one query. What is
drawn is the same in every run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import duckdb
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fqtool.commands.score.run import score_partitions
from fqtool.registry.model import Registry
from fqtool.sql import Query, Value, ident
from fqtool.warehouse.target import open_target
from tests.plain_facts import LABELS
from tests.test_scoring_reference import DAY, HEALTHY, INPUTS, NOW, REGISTRY, VALUES, WRITTEN, made, row_of

T = TypeVar("T")
Row = dict[str, Any]
Scores = dict[str, dict[str, Value]]

INF, NAN = math.inf, math.nan
STRANGE = (
    "", " ", "Phase4", "PHASE4", " phase4", "phase4 ", "phase4\n", "psychic", "it's", 'quote "x"', "back\\slash",
    "a,b:{}", "[phase4]", "{{x}}", "null", "true", "0", "-1.5", "ünïcode", "日本", "😀", "\u200b", "\u202e", "%s",
    "'; --", "a\tb", "\x7f", "x" * 300,
)  # fmt: skip
NO_STRINGS: tuple[object, ...] = (
    None, True, False, 0, -0.0, 1, 87, 40.0, 1.50, 1e300, 12345678901234567890, [], ["phase4"], {}, {"5": "phase4"},
)  # fmt: skip
OTHER_KEYS = ("37", "-1", "05", "5.0", "", " 5", "five", "fatigue_score", 'a"b', "$", "feature_5")
NO_OBJECTS = ("", " ", "null", "true", "3", '"phase4"', "not json", "[]", "{", "}", "{5:1}", "\\", "\ufeff{}")
REALS = (INF, -INF, NAN, -0.0, 0.0, 1e-320, 0.5, 1.0, -1.0, 4.0, 70.0, 100.0, 100.00000000000001, 1e300, -1e300)
# What counts games has to fit an INT64: see test_a_count_of_games_that_is_not_a_number.
COUNTS = (-0.0, 0.0, 0.49999999999999994, 0.5, 1.0, 2.5, -2.5, 41.0, 1e15)

features = st.integers(0, 36)
known = st.sampled_from([*LABELS])
strange = st.sampled_from(STRANGE) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4)


@st.composite
def label_maps(draw: st.DrawFn) -> dict[str, object]:
    """Labels: nearly healthy, of one kind, sparse, with keys and values that have no business there."""
    good, label = draw(st.sampled_from([37, 37, 30, 20, 10, 0])), draw(known | st.none())
    start: dict[str, object] = {
        key: best if int(key) < good else label for key, best in HEALTHY.items() if int(key) < good or label
    }
    changed: dict[int, object] = draw(st.dictionaries(features, known | known | strange | st.sampled_from(NO_STRINGS)))
    gone = draw(st.sets(features, max_size=4))
    extra = draw(st.dictionaries(st.sampled_from(OTHER_KEYS), known | st.sampled_from(NO_STRINGS), max_size=2))
    labels = start | {str(index): label for index, label in changed.items()} | extra
    return {key: label for key, label in labels.items() if key not in {str(index) for index in gone}}


def spelt(labels: Mapping[str, object], how: int) -> str:
    """One of the ways to write a map as JSON."""
    match how:
        case 0:
            return json.dumps(labels)
        case 1:
            return json.dumps(labels, ensure_ascii=False, separators=(",", ":"))
        case 2:
            return f"\n {json.dumps(labels, indent=1)} \n"
        case _:
            # A repeated key: the first counts.
            return json.dumps(labels)[:-1] + ', "5": "phase3", "25": "missing"}' if labels else "{}"


texts = st.sampled_from([None, "{}", *NO_OBJECTS])
sources = st.one_of(*[st.builds(spelt, label_maps(), st.integers(0, 3))] * 4, texts)
moments = st.sampled_from(
    [
        None,
        WRITTEN,
        WRITTEN - timedelta(seconds=18),
        WRITTEN - timedelta(seconds=54),
        WRITTEN - timedelta(hours=49),
        WRITTEN - timedelta(microseconds=1),
        WRITTEN + timedelta(seconds=90, microseconds=999999),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 500000, UTC),
        datetime(2262, 4, 12, tzinfo=UTC),
        datetime(1000, 1, 1, tzinfo=UTC),
    ]
) | st.datetimes(datetime(2025, 10, 1), datetime(2026, 2, 6)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001


@st.composite
def vectors(draw: st.DrawFn) -> tuple[float, ...]:
    """Feature vectors: plausible but for a few places, at times too short, too long or empty."""
    values = dict(enumerate(VALUES)) | draw(st.dictionaries(features, st.sampled_from(REALS) | st.floats(-20, 120)))
    values[30] = draw(st.sampled_from(COUNTS))
    length = draw(st.sampled_from([37, 37, 37, 37, 0, 1, 30, 31, 36, 38, 60]))
    return (*values.values(), *[0.0] * 23)[:length]


def _inputs(prefix: str) -> dict[str, st.SearchStrategy[object]]:
    return {f"{prefix}_last_updated": moments, f"{prefix}_rows_found": st.sampled_from([None, 0, 1, 250])}


changes = st.fixed_dictionaries(
    {},
    optional={
        "features": vectors(),
        "actual_games_count": st.sampled_from([None, 0, 4, 5, 9, 10, 41, -1, 2**53]),
        "matchup_data_status": st.sampled_from(["COMPLETE", "MATCHUP_UNAVAILABLE", "PARTIAL_FALLBACK", "", "it's"]),
        "created_at": moments.filter(bool),
        "updated_at": moments,
    }
    | {name: made for prefix in INPUTS for name, made in _inputs(prefix).items()},
)
silence = st.just({f"{prefix}_{what}": None for prefix in INPUTS for what in ("last_updated", "rows_found")})
rows = st.builds(lambda text, told: row_of("", text, **told), sources, st.one_of(changes, changes, changes, silence))


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """Draw so many values, the same in every run; one an example, as hypothesis repeats itself within one."""
    found: list[T] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None)
    @given(strategy)
    def draw(value: T) -> None:
        found.append(value)

    draw()
    return found


def mixed(hostile: Sequence[Row], count: int) -> Iterator[Row]:
    """So many rows more: the same values beside any mixture of labels, from nearly healthy to all by chance."""
    dice = Random(0)
    for _ in range(count):
        healthy = dice.choice([0, 1, 9, 30, 99])
        labels = {key: dice.choice([best] * healthy + [*LABELS, "psychic"]) for key, best in HEALTHY.items()}
        vector = [dice.choice([value] * 9 + [dice.choice(REALS), dice.uniform(-20, 120)]) for value in VALUES]
        vector[30] = dice.choice(COUNTS)
        changes = {"feature_sources": json.dumps(labels), "features": tuple(vector)}
        yield dice.choice(hostile) | dict(dice.sample([*changes.items()], dice.choice([1, 2])))


def of_every_kind(count: int) -> list[Row]:
    """Rows with keys of their own: hostile ones that are drawn, then twice as many mixtures."""
    hostile = drawn(rows, count // 3)
    return named([*hostile, *mixed(hostile, count - len(hostile))])


def named(given_rows: Iterable[Row]) -> list[Row]:
    """Give each row a key of its own."""
    return [row | {"player_lookup": f"p{number}"} for number, row in enumerate(given_rows)]


def store_in(folder: Path, stored: Sequence[Row], registry: Registry = REGISTRY) -> str:
    """Make a store that holds these rows, unscored, in an empty folder; return its URL."""
    url = f"duckdb:///{folder}/store.duckdb"
    with open_target(url) as warehouse:
        made(warehouse, registry)
    # Row by row, as the other tests insert, thousands take half a minute.
    columns = ", ".join(map('"{}"'.format, stored[0]))
    lists = ", ".join("UNNEST(?)" for _ in stored[0])
    with duckdb.connect(f"{folder}/store.duckdb") as connection:
        values = [[row[name] for row in stored] for name in stored[0]]
        connection.execute(f'INSERT INTO "{registry.table.name}" ({columns}) SELECT {lists}', values)
    return url


def score_store(url: str, registry: Registry = REGISTRY) -> Scores:
    """Score the day as `fqtool score` does, and return every column that is stored, by player."""
    with open_target(url) as warehouse:
        score_partitions(registry, warehouse, DAY, DAY, as_of=NOW)
        query = f"SELECT * FROM {ident(registry.table.name)} WHERE game_date = DATE '{DAY}'"
        return {str(row["player_lookup"]): row for row in warehouse.rows(Query(query))}


def scored_in(folder: Path, stored: Sequence[Row], registry: Registry = REGISTRY) -> Scores:
    """Every column of these rows after scoring, by player."""
    return score_store(store_in(folder, stored, registry), registry)
