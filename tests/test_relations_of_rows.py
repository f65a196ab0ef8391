"""Anomalies of relations between rows and between features, and of counts by weekday: mutants of each are caught."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from fqtool.commands.diagnose.anomalies import signs_of
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.groups import groups_gone
from fqtool.commands.diagnose.history import Sign
from fqtool.commands.diagnose.root_causes import causes_of
from fqtool.commands.diagnose.row_causes import of_rows
from fqtool.commands.diagnose.row_counts import unusual_count
from fqtool.commands.diagnose.swaps import swaps
from tests.test_root_causes import (
    FIRST,
    PLAIN,
    ROWS,
    Values,
    around,
    causes,
    dates_of,
    last,
    registry_of,
    sign,
    told,
)

OTHER = replace(PLAIN, index=1, name="other")


def by_key(scatter: float) -> Values:
    """A level for each key, and a scatter around it from date to date."""
    levels = [random.Random(at).gauss(50, 10) for at in range(ROWS)]
    return lambda _, drawn: [level + drawn.gauss(0, scatter) for level in levels]


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_values_of_other_keys_do_not_follow_the_key_s_previous_row(share: float) -> None:
    """Also in a third of the rows; a small common change follows."""
    count = round(share * ROWS)
    rotated = last(by_key(1.0), lambda v: [*v[1:count], v[0], *v[count:]])
    assert sign(PLAIN, rotated) is Sign.UNRELATED
    assert sign(PLAIN, last(by_key(1.0), lambda v: [one + 0.05 for one in v])) is None


def test_a_small_shift_of_values_that_follow_their_key_is_found() -> None:
    """Beside the scatter of the rows it is small, beside the change from date to date it is large."""
    assert sign(PLAIN, last(by_key(0.5), lambda v: [one + 4 for one in v])) is Sign.SHIFTED


def test_whole_numbers_that_become_fractions_are_another_precision() -> None:
    """Where mean and scatter are usual; fractions among fractions are usual."""
    rounded: Values = lambda at, drawn: [float(round(one)) for one in by_key(1.0)(at, drawn)]  # noqa: E731
    assert sign(PLAIN, last(rounded, lambda v: [one + 0.25 for one in v])) is Sign.PRECISION
    assert sign(PLAIN, last(by_key(1.0), lambda v: [one + 0.25 for one in v])) is None


def test_a_mean_that_wanders_is_a_shift_only_where_it_leaps() -> None:
    """The weather drifts away over days, which is usual; the same distance in one day is one."""

    def drifting(at: int, drawn: random.Random) -> list[float]:
        return [drawn.gauss(20 + (at > 5) * 1.0 * (at - 5), 0.5) for _ in range(ROWS)]

    assert sign(PLAIN, drifting) is None
    assert sign(
        PLAIN, last(lambda _, drawn: [drawn.gauss(20, 0.5) for _ in range(ROWS)], lambda v: [one + 9 for one in v])
    )


def test_a_group_whose_rows_no_longer_share_their_value_holds_values_of_other_keys() -> None:
    """Neighbouring rows of a group usually have one value."""
    days = [_sharing(day, ROWS - 1) for day in dates_of([PLAIN], [by_key(1.0)])]
    assert signs_of(PLAIN, days) is None
    seen = signs_of(PLAIN, [*days[:-1], _sharing(days[-1], ROWS // 2)])
    assert seen is not None
    assert seen.sign is Sign.UNRELATED


def _sharing(day: Day, shared: int) -> Day:
    about = replace(day.features[0], shared=shared, neighbours=ROWS - 1, follows=None, distinct=8)
    return replace(day, features={0: about})


def test_a_feature_that_no_longer_moves_with_the_next_is_named() -> None:
    """The sign of some values changed: their own mean and scatter are usual."""
    days = dates_of([PLAIN, OTHER], [by_key(9.0), by_key(9.0)])
    usual = [replace(day, features={at: replace(one, along=0.9) for at, one in day.features.items()}) for day in days]
    assert signs_of(PLAIN, usual, [PLAIN, OTHER]) is None
    broken = replace(usual[-1], features={0: replace(usual[-1].features[0], along=0.1), 1: usual[-1].features[1]})
    seen = signs_of(PLAIN, [*usual[:-1], broken], [PLAIN, OTHER])
    assert seen is not None
    assert seen.sign is Sign.APART


def test_default_values_beyond_those_of_the_other_features_are_found() -> None:
    """Where all features of a processor usually lack the same rows, often many."""
    shares = [0.02, 0.4, 0.05, 0.3, 0.02, 0.1, 0.02, 0.5, 0.03, 0.04, 0.2, 0.02, 0.02, 0.05, 0.05]
    days = dates_of([PLAIN, OTHER], [by_key(1.0), by_key(1.0)])
    days = [
        replace(
            day,
            features={at: replace(one, scored=400, defaults=round(400 * share)) for at, one in day.features.items()},
        )
        for day, share in zip(days, shares, strict=True)
    ]
    assert signs_of(PLAIN, days, [PLAIN, OTHER]) is None
    more = replace(days[-1], features={**days[-1].features, 0: replace(days[-1].features[0], defaults=140)})
    assert signs_of(PLAIN, [*days[:-1], more], [PLAIN]) is None  # no more than the dates before
    seen = signs_of(PLAIN, [*days[:-1], more], [PLAIN, OTHER])
    assert seen is not None
    assert seen.sign is Sign.MORE_DEFAULTS


def test_some_rows_with_values_of_each_other_are_one_finding_of_a_swap() -> None:
    """Whole numbers show it where both have one scale."""
    whole: Values = lambda at, drawn: [float(round(one)) for one in by_key(1.0)(at, drawn)]  # noqa: E731
    days = dates_of([PLAIN, OTHER], [whole, by_key(1.0)])
    assert list(swaps([PLAIN, OTHER], days, [])) == []
    swapped = dates_of([PLAIN, OTHER], [last(whole, lambda v: [one + 0.3 for one in v[:40]] + v[40:]), by_key(1.0)])
    about = swapped[-1].features
    mixed = replace(swapped[-1], features={0: about[0], 1: replace(about[1], whole=40)})
    found = list(swaps([PLAIN, OTHER], [*swapped[:-1], mixed], [PLAIN]))
    assert [(one.name, other.name, lasting) for one, other, _, lasting in found] == [("level", "other", 1)]
    assert list(swaps([PLAIN, OTHER], swapped, [PLAIN])) == []  # the other one has no whole numbers


def test_two_swapped_features_are_one_finding() -> None:
    """With both names, and since the first date."""
    first, second = by_key(1.0), lambda at, drawn: [one * 3 for one in by_key(1.0)(at, drawn)]
    text = told(
        causes(
            [PLAIN, OTHER],
            [last(first, lambda v: [3 * one for one in v], 3), last(second, lambda v: [one / 3 for one in v], 3)],
        )
    )
    assert "level seems to be swapped with other (feature 1)" in text
    assert f"since {FIRST + timedelta(days=12)}" in text
    assert text.count("FQ6") == 1


def _counted(rows: list[int], groups: list[dict[str, int]] | None = None) -> list[Day]:
    return [
        Day(
            FIRST + timedelta(days=at), count, count, 0, 0, 0, {}, {}, {}, groups={"team": groups[at]} if groups else {}
        )
        for at, count in enumerate(rows)
    ]


def test_a_count_is_compared_with_its_weekday() -> None:
    """Half as many rows each Sunday do not hide a third fewer on a Monday, also on its second date."""
    usual = [160, 160, 160, 160, 160, 160, 80] * 2
    assert unusual_count(_counted([*usual, 160])) is None
    found = unusual_count(_counted([*usual, 112]))
    assert found is not None
    assert (found.usual, found.lasting) == (160, 1)
    lasting = unusual_count(_counted([*usual[1:], 112, 112]))
    assert lasting is not None
    assert lasting.lasting == 2


def test_a_quarter_fewer_is_unusual_where_each_date_has_the_same_count() -> None:
    """Where counts differ between dates, it is not."""
    found = unusual_count(_counted([51] * 14 + [39]))
    assert found is not None
    assert (found.usual, found.lasting) == (51, 1)
    assert unusual_count(_counted([44, 58] * 7 + [39])) is None


def test_a_small_group_may_have_no_rows_where_most_rows_are_missing() -> None:
    """A third of the rows is left: a group of six is lost by chance, one of sixty is not."""
    groups = [{"BOS": 6, "LAL": 60, "NYK": 60, "MIA": 60}] * 14
    assert groups_gone(_counted([186] * 14 + [60], [*groups, {"LAL": 20, "NYK": 20, "MIA": 20}])) == []
    (gone,) = groups_gone(_counted([186] * 14 + [46], [*groups, {"BOS": 6, "NYK": 20, "MIA": 20}]))
    assert gone.text == "`team` LAL"


TEAMS = {"BOS": 12, "NYK": 12, "MIA": 12, "LAL": 12}


def _of_groups(groups: Callable[[int], dict[str, int]]) -> str:
    """The findings about rows on the last of 15 dates with these groups."""
    held = [groups(at) for at in range(15)]
    return told(tuple(of_rows(_counted([sum(one.values()) for one in held], held))))


@pytest.mark.parametrize("dates", [1, 5])
def test_a_group_with_another_name_is_one_finding(dates: int) -> None:
    """On each date; its rows are not missing, so that no one builds them twice."""
    text = _of_groups(lambda at: TEAMS if at < 15 - dates else {"BOS": 12, "NYK": 12, "MIA": 12, "LAX": 12})
    assert text.count("FQ6") == 1
    assert "FQ619 `team` LAX: new rows" in text
    assert "`team` LAL has no rows since then: the name may have changed" in text
    assert (f"since {FIRST + timedelta(days=10)}" in text) == (dates == 5)


def test_a_group_without_rows_does_not_hide_that_other_rows_are_missing() -> None:
    """Nor does a new name; the counts are those of the other groups."""
    large = dict.fromkeys(TEAMS, 60)
    fewer = dict.fromkeys(["BOS", "NYK", "MIA"], 25)
    gone = _of_groups(lambda at: large if at < 14 else fewer)
    assert "FQ618 `team` LAL" in gone
    assert "FQ615 The store has 75 rows" in gone
    assert "each of 14 earlier dates has 180 rows, without those of `team` LAL." in gone
    renamed = _of_groups(lambda at: large if at < 14 else fewer | {"LAX": 60})
    assert "FQ615 The store has 75 rows" in renamed
    assert "FQ615" not in _of_groups(lambda at: large if at < 14 else {"BOS": 60, "NYK": 60, "MIA": 60})


def test_a_season_is_not_a_level_that_began_on_a_date() -> None:
    """Daily means on a smooth curve, such as the temperature of a spring."""
    usual = around(0.0, 2.0, rows=60)

    def season(at: int, drawn: random.Random) -> list[float]:
        return [12 + 6 * math.sin(at / 9) + one for one in usual(at, drawn)]

    days = dates_of([PLAIN], [season], 90)
    for at in range(29, 90):
        assert causes_of(registry_of(PLAIN), days[at - 14 : at + 1], days[at - 28 : at - 14]) == ()


def test_two_swapped_features_that_move_together_are_found() -> None:
    """Each changes more from date to date than they differ, as the temperature and the dew point do."""

    def moving(high: float) -> Values:
        def values(at: int, drawn: random.Random) -> list[float]:
            level = high + 8 * math.sin(at * 2.1)
            return [drawn.gauss(level, 3) for _ in range(ROWS)]

        return values

    high, low = moving(70.0), moving(60.0)
    assert causes([PLAIN, OTHER], [high, low]) == ()
    swapped: list[Values] = [
        lambda at, drawn: (low if at == 14 else high)(at, drawn),
        lambda at, drawn: (high if at == 14 else low)(at, drawn),
    ]
    assert "level seems to be swapped with other (feature 1)" in told(causes([PLAIN, OTHER], swapped))


def test_a_group_of_a_weekday_with_few_rows_is_named() -> None:
    """On Sundays each shop has half of its rows; that is not what is lost."""
    every, half = dict.fromkeys("ABCD", 20), dict.fromkeys("ABCD", 10)
    text = _of_groups(lambda at: (half if at % 7 == 0 else every) if at < 14 else dict.fromkeys("ABD", 10))
    assert "FQ618 `team` C: no rows" in text
