"""Root causes on data with groups, weekdays and shared values: each check has a case that fails without it."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from fqtool.commands.diagnose.anomalies import signs_of
from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.daily_stats import MOST_GROUPS, Day, FeatureDay, ProcessorDay
from fqtool.commands.diagnose.history import Sign
from fqtool.commands.diagnose.root_causes import causes_of, date_without_rows
from fqtool.commands.diagnose.rules import findings_of
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.migrations.plan import make_statement
from fqtool.registry.model import BaseColumn, Feature, Inputs, Processor, Registry, Source, Spread, TableSpec
from fqtool.schema.build import desired_table
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.duckdb.files import load
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.stores import small_registry

FIRST = date(2026, 1, 5)  # a Monday
ROWS = 80


def correlation(values: Sequence[float], before: Sequence[float]) -> float | None:
    """The correlation of the values with those of the previous rows, None where there is none."""
    if len(values) != len(before) or len(set(values)) == 1 or len(set(before)) == 1:
        return None
    return statistics.correlation(values, before)


def statistics_of(
    values: Sequence[float], feature: Feature, before: Sequence[float] | None = None, defaults: int = 0
) -> FeatureDay:
    """The statistics of a date, as the query returns them; `before` are the values of the previous rows."""
    low, high = feature.range or (min(values), max(values))
    pairs = [(one, old) for one, old in zip(values, before or (), strict=False) if one or old]
    return FeatureDay(
        scored=len(values) + defaults, defaults=defaults, missing=0, nonfinite=0, present=len(values),
        mean=statistics.mean(values), stddev=statistics.stdev(values), low=min(values), high=max(values),
        zeros=values.count(0), outside=sum(not low <= one <= high for one in values),
        neutral=values.count(feature.expected) if feature.expected is not None else 0,
        repeats=sum(one == old for one, old in pairs), followed=len(pairs), cold=0, cold_defaults=0,
        distinct=len(set(values)), negatives=sum(one < 0 for one in values),
        whole=sum(one == round(one) for one in values), follows=correlation(values, before or ()),
    )  # fmt: skip


Values = Callable[[int, random.Random], list[float]]
"""Number of a date -> the values of its rows."""


def dates_of(features: Sequence[Feature], values: Sequence[Values], count: int = 15, seed: int = 1) -> list[Day]:
    """Some dates on which features have these values; every processor ran."""
    before: dict[int, list[float]] = {}
    days = []
    for at in range(count):
        drawn = random.Random(f"{seed}|{at}")
        held = {feature.index: make(at, drawn) for feature, make in zip(features, values, strict=True)}
        about = {one.index: statistics_of(held[one.index], one, before.get(one.index)) for one in features}
        rows = max(one.present for one in about.values())
        days.append(Day(FIRST + timedelta(days=at), rows, rows, 0, 0, 0, about, {}, {}))
        before = held
    return days


def around(mean: float, spread: float = 1.0, rows: int = ROWS) -> Values:
    """Values that scatter around a mean, which itself moves a little from date to date."""

    def values(_: int, drawn: random.Random) -> list[float]:
        level = mean + drawn.gauss(0, spread / 10)
        return [drawn.gauss(level, spread) for _ in range(rows)]

    return values


def last(usual: Values, today: Callable[[list[float]], list[float]], dates: int = 1, count: int = 15) -> Values:
    """The usual values, changed on the last dates."""
    return lambda at, drawn: today(usual(at, drawn)) if at >= count - dates else usual(at, drawn)


def sign(feature: Feature, values: Values, count: int = 15) -> Sign | None:
    """What is unusual about a feature on the last date."""
    seen = signs_of(feature, dates_of([feature], [values], count))
    return seen.sign if seen else None


PLAIN = Feature(0, "level", "one", processor="Job")


def test_a_level_that_the_weekday_had_before_is_usual() -> None:
    """Twice as much on each Monday is usual; three times as much on a Thursday is one."""
    usual = around(20.0)
    mondays: Values = lambda at, drawn: [2 * one for one in usual(at, drawn)] if at % 7 == 0 else usual(at, drawn)  # noqa: E731
    assert sign(PLAIN, mondays) is None
    thursday = last(mondays, lambda values: [3 * one for one in values], count=18)
    assert sign(PLAIN, thursday, 18) is Sign.SHIFTED
    assert signs_of(PLAIN, dates_of([PLAIN], [mondays])[1:]) is None  # with one other Monday before


def test_one_bad_date_in_the_baseline_does_not_hide_a_shift() -> None:
    """The scatter between dates is robust: a date at ten times the level does not make four deviations usual."""
    usual = around(20.0)
    shifted = last(usual, lambda values: [one + 4 for one in values])
    assert sign(PLAIN, shifted) is Sign.SHIFTED
    with_outlier: Values = lambda at, drawn: [10 * one for one in usual(at, drawn)] if at == 5 else shifted(at, drawn)  # noqa: E731
    assert sign(PLAIN, with_outlier) is Sign.SHIFTED


def test_a_value_that_a_group_shares_is_compared_by_dates() -> None:
    """Three airports of 90 rows have a weather that changes from date to date: no date of it is unusual."""

    def shared(at: int, drawn: random.Random) -> list[float]:
        del at
        level = drawn.gauss(50, 10)
        return [level + site for site in range(3) for _ in range(30)]

    quiet = [sign(PLAIN, lambda at, _, seed=seed: shared(at, random.Random(f"{seed}|{at}"))) for seed in range(20)]
    assert quiet == [None] * 20


def test_three_values_that_all_rows_share_are_three_observations() -> None:
    """Sites far apart: a move within their distance may be the weather, a move beyond it is a shift."""

    def shared(move: float) -> Values:
        sites: Values = lambda _, drawn: [site + drawn.gauss(0, 0.3) for site in (40, 50, 60)] * 30  # noqa: E731
        return last(sites, lambda values: [one + move for one in values])

    assert sign(PLAIN, shared(12.0)) is None
    assert sign(PLAIN, shared(40.0)) is Sign.SHIFTED


def test_another_unit_of_values_that_are_mostly_the_same_is_a_shift() -> None:
    """Such as the visibility, which is 10 in most hours: all values are a hundredth of the least one before."""
    clear: Values = lambda at, drawn: [10.0] * 60 + [10.0 if at % 3 else drawn.uniform(2, 10)] * 20  # noqa: E731
    feature = replace(PLAIN, spread=Spread(may_be_constant=True))
    assert sign(feature, clear) is None
    assert sign(feature, last(clear, lambda values: [one / 100 for one in values])) is Sign.SHIFTED


def test_a_part_of_default_values_is_named_where_all_values_may_be_the_same() -> None:
    """One value in all rows is excused, the default value in a quarter of them is not."""
    feature = replace(PLAIN, expected=0.0, spread=Spread(may_be_constant=True))
    same: Values = lambda at, _: [10.0] * ROWS if at % 2 else [9.0] * ROWS  # noqa: E731
    assert sign(feature, last(same, lambda values: [0.0] * 20 + values[20:])) is Sign.NEUTRAL
    assert sign(feature, last(same, lambda values: [10.0] * len(values))) is None


def test_default_values_do_not_hide_values_outside_the_range() -> None:
    """Both are unusual; the range is declared."""
    feature = replace(PLAIN, range=(0, 100))
    days = dates_of([feature], [last(around(20.0), lambda values: [one * 100 for one in values])])
    today = replace(days[-1].features[0], defaults=ROWS // 2, scored=ROWS * 3 // 2)
    found = signs_of(feature, [*days[:-1], replace(days[-1], features={0: today})])
    assert found is not None
    assert found.sign is Sign.OUTSIDE


def test_a_declared_range_holds_on_every_date() -> None:
    """A tenth of the values is outside from the first date on."""
    feature = replace(PLAIN, range=(0, 30))
    outside = last(around(20.0), lambda values: [99.0] * 8 + values[8:], dates=15)
    assert sign(feature, outside) is Sign.OUTSIDE
    assert sign(replace(PLAIN, range=(0, 100)), outside) is None


@pytest.mark.parametrize("today", [lambda values: [one + 8 for one in values], lambda values: [20.0] * len(values)])
def test_optional_excuses_absence_alone(today: Callable[[list[float]], list[float]]) -> None:
    """An optional feature may be absent; where it has values, level and variation are judged."""
    optional = replace(PLAIN, optional=True)
    assert sign(optional, last(around(20.0), today)) in (Sign.SHIFTED, Sign.CONSTANT)
    assert sign(optional, around(20.0)) is None


def test_a_feature_constant_since_its_first_date_is_named() -> None:
    """Unless it may be constant."""
    constant: Values = lambda *_: [7.0] * ROWS  # noqa: E731
    assert sign(PLAIN, constant) is Sign.CONSTANT
    assert sign(replace(PLAIN, spread=Spread(may_be_constant=True)), constant) is None


def test_a_common_value_of_a_varied_feature_is_constant() -> None:
    """The usual mean in all rows is one value, also where the scatter of the dates is large."""
    uneven: Values = lambda at, drawn: [drawn.gauss(20, 1 + 5 * (at % 3)) for _ in range(ROWS)]  # noqa: E731
    assert sign(PLAIN, last(uneven, lambda values: [20.0] * len(values))) is Sign.CONSTANT


def defaulted(shares: Sequence[float], feature: Feature) -> list[Day]:
    """Dates with these shares of default values."""
    days = dates_of([feature], [around(20.0)], len(shares))
    return [
        replace(day, rows=100, scored=100, features={
            feature.index: replace(day.features[feature.index], scored=100, defaults=round(100 * share))
        })
        for day, share in zip(days, shares, strict=True)
    ]  # fmt: skip


def test_a_lasting_share_of_default_values_does_not_become_usual() -> None:
    """60% for 15 dates are named where no share is declared; a declared share holds on every date."""
    lasting, declared = defaulted([0.6] * 15, PLAIN), replace(PLAIN, spread=Spread(null_share=0.3))
    assert (seen := signs_of(PLAIN, lasting)) is not None
    assert (seen.sign, seen.days) == (Sign.MORE_DEFAULTS, 15)
    assert (seen := signs_of(declared, lasting)) is not None
    assert (seen.sign, seen.usual) == (Sign.MORE_DEFAULTS, 0.3)
    assert signs_of(replace(PLAIN, spread=Spread(null_share=0.6)), lasting) is None
    assert signs_of(replace(PLAIN, optional=True), lasting) is None


def test_a_declared_share_of_absent_values_does_not_hide_a_rise() -> None:
    """A rise below the declared share is compared with the usual share; the finding names both, for both kinds."""
    declared = replace(PLAIN, spread=Spread(null_share=0.4))
    shares = [0.05, 0.04, 0.06] * 5
    text = told(causes_of(registry_of(declared), defaulted([*shares, 0.35], declared)))
    assert "in 35 of 100 rows" in text
    assert "(35%, usually 5%, null_share allows 40%)" in text
    assert signs_of(declared, defaulted(shares, declared)) is None
    over = [0.7, 0.65, 0.75] * 5
    assert "(70%, null_share allows 40%)" in told(causes_of(registry_of(declared), defaulted([*over, 0.7], declared)))

    def absent(last: int) -> list[Day]:
        days = dates_of([declared], [around(20.0)], 16)
        counts = [4] * 15 + [last]
        pairs = zip(days, counts, strict=True)
        return [
            replace(day, features={0: replace(day.features[0], missing=count, present=ROWS - count)})
            for day, count in pairs
        ]

    assert "usually 5%, null_share allows 40%" in told(causes_of(registry_of(declared), absent(30)))
    assert signs_of(declared, absent(5)) is None


def walk(size: float, rows: int = ROWS) -> Values:
    """Values of keys that differ much, and change little from date to date."""
    levels = [10 + 10 * number / rows for number in range(rows)]
    return lambda _, drawn: [level + drawn.gauss(0, size) for level in levels]


def test_repetition_of_two_fifths_of_the_keys_is_found() -> None:
    """A value of yes or no repeats by chance."""
    held: dict[int, list[float]] = {}

    def repeated(at: int, drawn: random.Random) -> list[float]:
        held[at] = walk(0.1)(at, drawn)
        return [*held[13][:32], *held[at][32:]] if at == 14 else held[at]

    def yes_or_no(at: int, drawn: random.Random) -> list[float]:
        if at > 12:
            return [float(number < ROWS / 2) for number in range(ROWS)]
        return [float(drawn.random() < 0.1) for _ in range(ROWS)]

    assert sign(PLAIN, repeated) is Sign.REPEATED
    assert sign(PLAIN, yes_or_no) is not Sign.REPEATED


def test_few_values_that_rows_share_repeat_by_chance() -> None:
    """Three airports with the same visibility as the day before: one such feature is usual, two are a finding."""

    def shared(at: int, _: random.Random) -> list[float]:
        drawn = random.Random(min(at, 13))
        return [drawn.gauss(10, 2) for _ in range(3)] * 30

    assert causes([PLAIN], [shared]) == ()
    assert "have values of an earlier date" in told(causes([PLAIN, OTHER], [shared, shared]))


def test_values_of_other_keys_are_far_from_the_key_s_previous_row() -> None:
    """The mean is the same, and each key has the value of another one."""
    shuffled = last(walk(0.1), lambda values: random.Random(5).sample(values, len(values)))
    assert sign(PLAIN, shuffled) is Sign.UNRELATED
    assert sign(PLAIN, walk(0.1)) is None


# --- causes ----------------------------------------------------------------------------------------------------------

OTHER = Feature(1, "other", "one", processor="Job")
ELSEWHERE = Feature(2, "elsewhere", "one", processor="OtherJob")


def registry_of(*features: Feature, labelled: bool = True) -> Registry:
    """A registry with two processors; without labels a NULL value is missing."""
    return replace(
        small_registry(),
        features=features,
        processors=(Processor("Job", "up.job", last_updated="ran_at"), Processor("OtherJob", "up.other")),
        inputs=Inputs("labels" if labelled else "", "{name}"),
        sources=(Source("good", 100, "good"), Source("bad", 40, "bad", is_default=True)),
    )


def causes(features: Sequence[Feature], values: Sequence[Values], count: int = 15) -> tuple[Cause, ...]:
    """The root causes on the last date."""
    return causes_of(registry_of(*features), dates_of(features, values, count))


def told(found: Sequence[Cause]) -> str:
    """The findings as text."""
    return " | ".join(
        f"{one.rule} {one.message} {one.cause} {one.remedy}" for cause in found for one in findings_of(cause)
    )


def test_another_unit_a_flipped_sign_and_a_shift_differ_in_words() -> None:
    """Each with its size."""
    usual = around(20.0, 3.0)
    assert "about 2.54 times the usual ones" in told(
        causes([PLAIN], [last(usual, lambda v: [2.54 * one for one in v])])
    )
    assert "the sign seems to be flipped" in told(causes([PLAIN], [last(usual, lambda v: [-one for one in v])]))
    some = last(usual, lambda v: [-one for one in v[:24]] + v[24:])
    assert "the sign seems to be flipped in 24 rows" in told(causes([PLAIN], [some]))
    shift = told(causes([PLAIN], [last(usual, lambda v: [one - 6 for one in v])]))
    assert " lower, " in shift
    assert "times the usual change between dates" in shift


def test_a_frost_is_not_a_flipped_sign() -> None:
    """Where the declared range has both signs, values below 0 are flipped only if they mirror the usual ones."""
    feature = replace(PLAIN, range=(-40, 50))
    usual = around(10.0, 3.0)
    lukewarm: Values = lambda at, drawn: [max(one, 0.5) for one in usual(at, drawn)]  # noqa: E731
    frost = last(lukewarm, lambda v: [one - 7 for one in v])
    assert any(one < 0 for one in frost(14, random.Random(1)))
    assert "sign" not in told(causes([feature], [frost]))
    for rows in (24, ROWS):
        flipped = last(lukewarm, lambda v, rows=rows: [-one for one in v[:rows]] + v[rows:])  # type: ignore[misc]
        assert "the sign seems to be flipped" in told(causes([feature], [flipped]))


@pytest.mark.parametrize("processor", ["Job", ""])
def test_swapped_features_outside_their_ranges_are_one_finding(processor: str) -> None:
    """Of one processor or of none, also where weekdays differ: a swap, and not another unit."""
    first = replace(PLAIN, processor=processor, range=(0, 400))
    second = replace(OTHER, processor=processor, range=(500, 1200))
    weekly: Values = lambda at, drawn: [one + 70 * (at % 2) for one in around(150.0, 20.0)(at, drawn)]  # noqa: E731
    stock = around(830.0, 40.0)
    higher, lower = last(weekly, lambda v: [one + 682 for one in v]), last(stock, lambda v: [one - 685 for one in v])
    found = causes([first, second], [higher, lower])
    assert [one.kind for one in found] == [Kind.SWAPPED]
    assert "level seems to be swapped with other (feature 1)" in told(found)


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_swapped_features_are_one_finding(share: float) -> None:
    """Also where they are swapped in some rows only."""
    first, second = around(20.0), around(35.0, 2.0)

    def mixed(one: Values, other: Values) -> Values:
        def values(at: int, drawn: random.Random) -> list[float]:
            own, foreign = one(at, drawn), other(at, drawn)
            cut = round(share * ROWS) if at == 14 else 0
            return foreign[:cut] + own[cut:]

        return values

    found = causes([PLAIN, OTHER], [mixed(first, second), mixed(second, first)])
    assert len(found) == 1
    assert "swapped with" in told(found)
    assert {one.name for one in found[0].features} == {"level", "other"}


def test_means_of_several_processors_that_move_together_are_one_finding_that_may_be_real() -> None:
    """One event, not a finding for each feature."""
    moved = last(around(20.0), lambda values: [one + 5 for one in values])
    found = causes([PLAIN, OTHER, ELSEWHERE], [moved, moved, moved])
    assert len(found) == 1
    assert "may be real: means of 2 processors moved together" in told(found)


def test_since_the_first_date_that_was_read_is_at_least_since() -> None:
    """The problem may be older than the span."""
    assert f"at least since {FIRST}" in told(causes([PLAIN], [lambda *_: [7.0] * ROWS]))
    two = told(causes([PLAIN], [last(around(20.0), lambda values: [7.0] * len(values), dates=2)]))
    assert f", since {FIRST + timedelta(days=13)}" in two


def with_run(days: list[Day], age: timedelta | None) -> list[Day]:
    """The same dates with the record of a run each night; on the last date it is this much older, or absent."""
    recorded = []
    for day in days:
        night = datetime.combine(day.day, time(5), UTC)
        run = ProcessorDay(0, night, 0)
        if day is days[-1]:
            run = ProcessorDay(day.rows, None, 0) if age is None else ProcessorDay(0, night - age, 0)
        recorded.append(replace(day, processors={"Job": run}))
    return recorded


def frozen_days() -> list[Day]:
    """Two features, one constant and one with the values of the key's previous row on the last date."""
    held: dict[int, list[float]] = {}

    def repeated(at: int, drawn: random.Random) -> list[float]:
        held[at] = held[13] if at == 14 else walk(0.1)(at, drawn)
        return held[at]

    return dates_of([PLAIN, OTHER], [last(around(20.0), lambda values: [0.0] * len(values)), repeated])


def test_a_processor_that_recorded_a_run_did_run() -> None:
    """Values of an absent run under good labels are FQ602 only where no run is recorded."""
    registry = registry_of(PLAIN, OTHER)
    assert "did not run" in told(causes_of(registry, with_run(frozen_days(), None)))
    ran = told(causes_of(registry, with_run(frozen_days(), timedelta(0))))
    assert "did not run" not in ran
    assert "supplied old output" not in ran
    assert "FQ603 other has values of an earlier date" in ran
    assert "FQ607 level has one value" in ran
    assert "supplied old output" in told(causes_of(registry, with_run(frozen_days(), timedelta(days=2))))


def test_without_a_record_of_runs_a_processor_may_not_have_run() -> None:
    """Nothing shows that it did not; a store without labels has none to contradict it."""
    plain, unlabelled = (
        told(causes_of(registry_of(PLAIN, OTHER, labelled=one), frozen_days())) for one in (True, False)
    )
    assert "FQ602 Job may not have run" in plain
    assert ", but the labels report real values: features 0-1 have old or constant values" in plain
    assert "FQ602 Job may not have run for 2026-01-19: features 0-1 have old or constant values" in unlabelled
    assert "label" not in unlabelled


def test_a_run_that_many_rows_do_not_record_is_absent() -> None:
    """Old values under good labels are explained by it, although most rows record the run."""
    registry, days = registry_of(PLAIN, OTHER), with_run(frozen_days(), timedelta(0))
    some = replace(days[-1], processors={"Job": replace(days[-1].processors["Job"], absent=30)})
    assert "FQ602 Job did not run" in told(causes_of(registry, [*days[:-1], some]))


def test_rows_that_were_written_before_the_run_lack_its_values() -> None:
    """The late run is the root cause of more default values, not incomplete input."""
    days = with_run(defaulted([0.0] * 14 + [0.6], PLAIN), timedelta(0))
    late = replace(days[-1], processors={"Job": replace(days[-1].processors["Job"], late=60)})
    assert "FQ604" in told(causes_of(registry_of(PLAIN), days))
    found = told(causes_of(registry_of(PLAIN), [*days[:-1], late]))
    assert "FQ606 Job ran after 60 of 100 rows" in found
    assert "FQ604" not in found


def test_running_again_is_advised_only_where_a_run_is_missing_or_old() -> None:
    """An error of code has a place to look at as its fix."""
    registry = registry_of(PLAIN, OTHER)
    assert "Run Job (up.job) for" in told(causes_of(registry, with_run(frozen_days(), None)))
    constant = told(causes([PLAIN], [last(around(20.0), lambda values: [7.0] * len(values))]))
    assert "Find why all rows have one value in up.job" in constant
    assert "Run Job" not in constant


def test_a_store_without_labels_has_missing_values_not_defaulted_ones() -> None:
    """No label and no default value is written there."""
    days = defaulted([0.0] * 14 + [0.6], PLAIN)
    assert "is missing in 60 of 100 rows" in told(causes_of(registry_of(PLAIN, labelled=False), days))
    assert "is defaulted in 60 of 100 rows" in told(causes_of(registry_of(PLAIN), days))


def test_a_feature_that_is_null_or_nan_under_good_labels_is_named() -> None:
    """Each under its own rule, with and without a declared range."""
    for feature in (PLAIN, replace(PLAIN, range=(0, 100))):
        days = dates_of([feature], [around(20.0)])
        for field, rule in (("missing", "FQ613"), ("nonfinite", "FQ614")):
            empty = replace(days[-1].features[0], present=0, mean=None, stddev=None, low=None, high=None, zeros=0)
            spoiled = replace(days[-1], features={0: replace(empty, **{field: ROWS})})
            assert f"{rule} level is N" in told(causes_of(registry_of(feature), [*days[:-1], spoiled]))


def test_a_value_that_became_null_after_scoring_is_named_so() -> None:
    """In a store without labels the stored source is `present`, and no label is mentioned."""
    days = dates_of([PLAIN], [around(20.0)])
    empty = replace(days[-1].features[0], missing=ROWS, present=0, mean=None, stddev=None, low=None, high=None, zeros=0)
    last_day = replace(days[-1], features={0: empty})
    text = told(causes_of(registry_of(PLAIN, labelled=False), [*days[:-1], last_day]))
    assert "FQ613 level is NULL in all 80 rows" in text
    assert "the stored source is `present`, so the rows changed after they were scored." in text
    assert "Find what changed the rows after scoring" in text
    assert "label" not in text
    assert "stored source" not in told(causes_of(registry_of(PLAIN), [*days[:-1], last_day]))


@pytest.mark.parametrize(("scored_again", "rule"), [(0, "FQ613"), (5, "FQ604")])
def test_values_that_no_date_has_began_with_the_first_date(scored_again: int, rule: str) -> None:
    """Also where scoring again has made some dates defaulted: the onset is the first date, and no input is accused."""
    empty = {"present": 0, "mean": None, "stddev": None, "low": None, "high": None, "zeros": 0}
    days = [
        replace(day, features={0: replace(day.features[0], **empty, **{field: ROWS}), 1: day.features[1]})
        for number, day in enumerate(dates_of([PLAIN, OTHER], [around(20.0), around(20.0)]))
        for field in ("missing" if number < 15 - scored_again else "defaults",)
    ]
    text = told(causes_of(registry_of(PLAIN, OTHER, labelled=False), days))
    assert f"{rule} level is " in text
    assert f"in all 80 rows on {days[-1].day}, at least since {days[0].day}" in text
    assert "as on the earlier dates" in text
    assert "incomplete input" not in text


def test_missing_values_of_no_processor_are_looked_for_in_their_input() -> None:
    """Building the rows again does not repair an input."""
    lone = replace(PLAIN, processor="", upstream_table="up.prices", upstream_column="level")
    text = told(causes_of(registry_of(lone, labelled=False), defaulted([0.0] * 14 + [1.0], lone)))
    assert "missing in all 100 rows" in text
    assert "Find why the value is absent in up.prices.level, repair it, and rebuild the rows of the store." in text


def test_the_size_of_a_change_is_a_whole_sentence() -> None:
    """The constant value, the mean of values outside the range, and a count that was the same on each date."""
    constant = told(causes([PLAIN], [last(around(20.0), lambda v: [14.0] * len(v))]))
    assert "level has one value in all 80 rows on 2026-01-19: 14." in constant
    assert "one value in all rows (on none of the earlier dates)" in constant
    ranged = replace(PLAIN, range=(0, 40))
    assert "the mean is 42" in (text := told(causes([ranged], [last(around(20.0), lambda v: [x + 42 for x in v])])))
    assert "higher than usual" in text
    days = dates_of([PLAIN], [around(20.0)])
    few = told(causes_of(registry_of(PLAIN), [*days[:-1], replace(days[-1], rows=30)]))
    assert "each of 14 earlier dates has 80 rows" in few


def test_repeated_keys_and_a_count_that_fell_are_named() -> None:
    """Also where the values of the rows are usual."""
    days, registry = dates_of([PLAIN], [around(20.0)]), registry_of(PLAIN)
    twice = told(causes_of(registry, [*days[:-1], replace(days[-1], repeated=40)]))
    assert "FQ616 40 of 80 rows on 2026-01-19 have the keys of another row." in twice
    assert "FQ615 The store has 30 rows" in told(causes_of(registry, [*days[:-1], replace(days[-1], rows=30)]))


def test_a_date_without_rows_is_named_where_dates_before_have_rows() -> None:
    """A weekday that never has rows is usual."""
    days, registry = dates_of([PLAIN], [around(20.0)]), registry_of(PLAIN)
    after = days[-1].day + timedelta(days=1)
    absent = date_without_rows(registry, after, days[0].day, days)
    assert absent is not None
    assert "FQ617 The store has 0 rows on 2026-01-20" in told([absent])
    others = [one for one in days if one.day.weekday() != after.weekday()]
    assert date_without_rows(registry, after, days[0].day, others) is None


def in_groups(days: list[Day], groups: Callable[[int], dict[str, int]]) -> list[Day]:
    """The dates with rows in these groups."""
    return [replace(day, groups={"team": groups(at)}) for at, day in enumerate(days)]


def test_a_group_without_rows_is_named() -> None:
    """Also on its second date; a group that is often absent, or small, is not."""
    days, registry = dates_of([PLAIN], [around(20.0)]), registry_of(PLAIN)
    teams = {"BOS": 12, "NYK": 12, "LAL": 11}
    without = {"BOS": 12, "LAL": 11}
    text = told(causes_of(registry, in_groups(days, lambda at: without if at >= 13 else teams)))
    assert f"FQ618 `team` NYK: no rows on {days[-1].day}, since {days[-2].day}; rows on 13 of 13 earlier dates." in text
    assert told(causes_of(registry, in_groups(days, lambda at: without if at % 3 == 2 else teams))) == ""
    few = teams | {"NYK": 2}
    assert told(causes_of(registry, in_groups(days, lambda at: without if at == 14 else few))) == ""
    assert told(causes_of(registry, in_groups(days, lambda at: without if at % 7 == 0 else teams))) == ""


def test_a_new_group_is_named_where_groups_never_change() -> None:
    """A misspelt name is a new group."""
    days, registry = dates_of([PLAIN], [around(20.0)]), registry_of(PLAIN)
    teams = {"BOS": 12, "NYK": 12}
    new = told(causes_of(registry, in_groups(days, lambda at: teams | {"NYX": 8} if at == 14 else teams)))
    assert "FQ619 `team` NYX: new rows on" in new
    changing = in_groups(days, lambda at: teams | {f"guest {at}": 8})
    assert told(causes_of(registry, changing)) == ""


def test_a_new_category_is_named_where_categories_never_change() -> None:
    """Under the name of its feature; not where the feature has another problem, or the earlier dates differ."""
    days, registry = dates_of([PLAIN], [around(20.0)]), registry_of(PLAIN)

    def in_categories(days: list[Day], values: Callable[[int], set[str]]) -> list[Day]:
        return [replace(day, categories={PLAIN.index: frozenset(values(at))}) for at, day in enumerate(days)]

    new = in_categories(days, lambda at: {"day", "night", "Night"} if at == 14 else {"day", "night"})
    assert f"FQ621 {PLAIN.name} has values on {days[-1].day} that no earlier date has: Night." in told(
        causes_of(registry, new)
    )
    assert told(causes_of(registry, new[8:])) == ""
    changing = in_categories(days, lambda at: {"day", f"guest {at}"})
    assert told(causes_of(registry, changing)) == ""
    many = in_categories(days, lambda at: {f"c{number}" for number in range(8 if at == 14 else 1)})
    assert "has: c1, c2, c3, c4, c5 and 2 more." in told(causes_of(registry, many))
    spoiled = defaulted([0.0] * 14 + [0.6], PLAIN)
    spoiled = in_categories(spoiled, lambda at: {"day", "Night"} if at == 14 else {"day"})
    assert "FQ621" not in told(causes_of(registry, spoiled))


# --- the query -------------------------------------------------------------------------------------------------------


def test_the_query_counts_groups_repetitions_and_neighbours() -> None:
    """The previous row of a key may be days ago; equal zeros do not repeat; groups come with their rows."""
    columns = ("team STRING", "item STRING", "zone STRING", "day DATE", "level FLOAT64")
    registry = replace(
        registry_of(PLAIN, labelled=False),
        table=TableSpec("store", ("team", "item", "day"), "day", entities=("zone",)),
        base_columns=tuple(BaseColumn(*one.split()) for one in columns),
        columns=(), processors=(), views=(),
    )  # fmt: skip
    rows = [
        ("BOS", "a", "east", FIRST, 1.0), ("BOS", "b", "east", FIRST, 0.0), ("LAL", "c", "west", FIRST, 5.0),
        ("LAL", "d", "west", FIRST, math.nan),
        ("BOS", "a", "east", FIRST + timedelta(days=3), 1.0), ("BOS", "b", "east", FIRST + timedelta(days=3), 0.0),
        ("LAL", "c", "west", FIRST + timedelta(days=3), -2.0), ("LAL", "d", "west", FIRST + timedelta(days=3), 4.0),
    ]  # fmt: skip
    evidence = Evidence(registry)
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        load(
            warehouse, "store", [dict(zip(("team", "item", "zone", "day", "level"), row, strict=True)) for row in rows]
        )
        days = [evidence.read(row) for row in warehouse.rows(evidence.query(FIRST, FIRST + timedelta(days=3)))]
    today = days[-1].features[0]
    assert days[-1].groups == {
        "zone": {"east": 2, "west": 2},
        "team": {"BOS": 2, "LAL": 2},
        "item": dict.fromkeys("abcd", 1),
    }
    assert (today.repeats, today.followed, today.negatives, today.distinct) == (1, 2, 1, 4)
    assert (today.whole, today.shared, today.neighbours) == (4, 0, 2)
    assert today.follows == pytest.approx(-0.8660254)
    assert today.beside == pytest.approx(-1.0)
    assert (days[0].features[0].nonfinite, days[0].features[0].mean) == (1, 2.0)


def test_the_query_lists_the_categories_of_a_text_feature() -> None:
    """Its values without NULL; a date of more than 100 values has no list, and other types have none."""
    registry = replace(
        registry_of(replace(PLAIN, value="zone"), labelled=False),
        table=TableSpec("store", ("item", "day"), "day"),
        base_columns=tuple(BaseColumn(*one.split()) for one in ("item STRING", "day DATE", "zone STRING")),
        columns=(), processors=(), views=(),
    )  # fmt: skip
    rows = [(f"i{at}", FIRST, (None, "east", "west")[at % 3]) for at in range(9)]
    rows += [(f"i{at}", FIRST + timedelta(days=1), f"zone {at}") for at in range(MOST_GROUPS + 1)]
    evidence = Evidence(registry)
    with DuckDBWarehouse(":memory:") as warehouse:
        warehouse.run(make_statement(State(), (CreateTable(desired_table(registry)),)))
        load(warehouse, "store", [dict(zip(("item", "day", "zone"), row, strict=True)) for row in rows])
        query = evidence.query(FIRST, FIRST + timedelta(days=1))
        assert [evidence.read(row).categories for row in warehouse.rows(query)] == [{0: {"east", "west"}}, {}]
    assert Evidence(registry_of(PLAIN)).categorical == ()


def gated(
    shares: Sequence[float], default_rates: Sequence[float], feature: Feature = PLAIN
) -> tuple[Registry, list[Day]]:
    """A store with a gate: the share of rows that pass it on each date, and the default rate of the feature."""
    made = dates_of([feature], [around(10.0)], len(shares))
    days = [
        replace(
            day,
            gates={"is_ready": round(share * ROWS)},
            features={0: replace(day.features[0], scored=ROWS, defaults=round(rate * ROWS))},
        )
        for day, share, rate in zip(made, shares, default_rates, strict=True)
    ]
    return replace(small_registry(), features=(feature,)), days


def test_a_gate_that_falls_without_a_cause_names_features() -> None:
    """Each feature is below its own threshold; a gate that never passes, or falls on each weekday alike, is usual."""
    usual, rates = [0.95, 0.94, 0.96] * 5, [0.01] * 15
    registry, days = gated([*usual[:-1], 0.6], [*rates[:-1], 0.07])
    (cause,) = causes_of(registry, days)
    (finding,) = findings_of(cause)
    assert (finding.rule, finding.subject) == ("FQ623", "is_ready")
    assert "is_ready is not TRUE in 32 of 80 rows on 2026-01-19: level is defaulted in more rows" in finding.message
    assert "is_ready is TRUE in 60% of the rows, usually 95%" in finding.cause
    assert causes_of(*gated(usual, rates)) == ()
    assert causes_of(*gated([0.0] * 15, rates)) == ()
    assert causes_of(*gated([0.5 if at % 7 == 0 else one for at, one in enumerate(usual)], rates)) == ()


def test_a_gate_that_another_job_writes_may_fall_without_features() -> None:
    """Then no feature is named, and the job that writes it is what to look at."""
    (cause,) = causes_of(*gated([0.95] * 12 + [0.1] * 3, [0.01] * 15))
    (finding,) = findings_of(cause)
    assert "since 2026-01-17" in finding.message
    assert "no feature is defaulted in more rows than usual" in finding.cause
    assert "Look at the job that writes it" in str(finding.remedy)


def test_the_absence_of_an_optional_feature_excuses_a_gate() -> None:
    """A gate for the presence of an optional feature falls with it; another gate may not fall as much."""
    optional = replace(PLAIN, optional=True)
    rates = [0.4] * 14 + [0.9]
    assert causes_of(*gated([0.6] * 14 + [0.1], rates, optional)) == ()
    assert len(causes_of(*gated([0.95] * 14 + [0.1], rates, optional))) == 1


def test_a_finding_names_the_owners_of_its_features() -> None:
    """The owner of a feature comes before that of its processor, and each is named once."""
    frozen = last(around(20.0), lambda values: [7.0] * len(values))
    days = dates_of([PLAIN, OTHER], [frozen, around(20.0)])
    owned = (Processor("Job", "up.job", owner="team-job"),)

    def owner(plain: Feature, processors: tuple[Processor, ...] = owned) -> str:
        (cause,) = causes_of(replace(registry_of(plain, OTHER), processors=processors), days)
        (finding,) = findings_of(cause)
        return finding.owner

    assert owner(PLAIN) == "team-job"
    assert owner(replace(PLAIN, owner="team-level")) == "team-level"
    assert owner(PLAIN, (Processor("Job", "up.job"),)) == ""
