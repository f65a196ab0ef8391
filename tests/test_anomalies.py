"""Laws of the tests behind signs: what they call unlikely is unlikely."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fqtool.commands.diagnose.anomalies import signs_of
from fqtool.commands.diagnose.baseline import chance, rises
from fqtool.commands.diagnose.daily_stats import Day, FeatureDay
from fqtool.commands.diagnose.history import Sign
from fqtool.registry.model import Feature, Spread


@given(st.integers(1, 300), st.floats(0, 1), st.integers(1, 999))
def test_the_tail_is_that_of_the_binomial(total: int, at: float, per_mille: int) -> None:
    """Above the mean, the sum of the exact fractions."""
    usual = Fraction(per_mille, 1000)
    mean = math.ceil(total * usual)
    count = mean + round(at * (total - mean))
    exact = sum(math.comb(total, one) * usual**one * (1 - usual) ** (total - one) for one in range(count, total + 1))
    assert math.isclose(chance(count, total, float(usual)), float(exact), rel_tol=1e-6, abs_tol=1e-300)


@given(st.lists(st.floats(0, 0.2), min_size=2, max_size=20), st.floats(0.3, 1))
def test_one_leap_is_not_a_rise(shares: list[float], last: float) -> None:
    """Dates that scatter low and one that is high do not rise from date to date; a steady climb does."""
    assert not rises([*(0.01 for _ in shares), last])
    assert rises([0.05 * step for step in range(12)])


@given(st.integers(0, 999), st.integers(3, 12), st.sampled_from([0.2, 0.3, 0.5]))
def test_a_lasting_leap_is_not_a_rise(seed: int, days: int, share: float) -> None:
    """Two levels, one after the other, are not a decline, wherever the leap is."""
    drawn = random.Random(seed)
    shares = [sum(drawn.random() < p for _ in range(220)) / 220 for p in [0.01] * (15 - days) + [share] * days]
    assert not rises(shares)


def told(values: list[float], feature: Feature) -> FeatureDay:
    """A date on which a feature had these values, all labelled as real."""
    count, mean = len(values), sum(values) / len(values)
    spread = math.sqrt(sum((one - mean) ** 2 for one in values) / (count - 1))
    low, high = feature.range or (min(values), max(values))
    outside = sum(not low <= one <= high for one in values)
    neutral = values.count(feature.expected) if feature.expected is not None else 0
    return FeatureDay(
        count, 0, 0, 0, count, mean, spread, min(values), max(values), values.count(0), outside, neutral, 0, 0, 0, 0
    )


def sign(feature: Feature, dates: list[tuple[int, list[float]]]) -> Sign | None:
    """What is seen of a feature on the last of some dates: the number of the date, and its values."""
    days = [
        Day(
            date(2026, 1, 1) + timedelta(days=at), len(values), len(values), 0, 0, 0, {0: told(values, feature)}, {}, {}
        )
        for at, values in dates
    ]
    seen = signs_of(feature, days)
    return seen.sign if seen else None


def teams(shares: list[float], rows: int = 12) -> list[float]:
    """Values that all rows of a team share."""
    return [share for share in shares for _ in range(rows)]


def test_what_a_team_shares_is_compared_by_dates() -> None:
    """A yes-or-no value of teams may be true for none on a date; where dates are alike, that is one value in all."""
    feature = Feature(0, "second_night", "one", expected=0.0, range=(0, 1), spread=Spread(0.1, 2, 0.7))
    of_teams = [(at, teams([float(at % 4 == 0 and team < 4) for team in range(10)])) for at in range(14)]
    assert sign(feature, [*of_teams, (14, teams([0.0] * 10))]) is None
    alike = [(at, teams([float(team < 4) for team in range(10)])) for at in range(14)]
    assert sign(feature, [*alike, (14, teams([0.0] * 10))]) is Sign.CONSTANT


def test_few_teams_are_farther_from_the_usual() -> None:
    """Two teams of thirty have a mean of their own; thirty teams with that mean are at another level."""
    feature, drawn = Feature(0, "rating", "one", range=(90, 130)), random.Random(1)
    usual = [(at, teams([drawn.gauss(112, 3) for _ in range(14)])) for at in range(14)]
    assert sign(feature, [*usual, (14, teams([106.0, 107.5]))]) is None
    assert sign(feature, [*usual, (14, teams([drawn.gauss(106, 3) for _ in range(28)]))]) is Sign.SHIFTED


def test_a_window_of_days_is_not_compared_across_a_break() -> None:
    """After a week without dates no one played in the last seven days; without a break the same values are a leap."""
    drawn = random.Random(2)
    before = [(at, [float(drawn.choice([2, 3, 3, 4])) for _ in range(150)]) for at in range(14)]
    after = [float(drawn.random() < 0.1) for _ in range(150)]
    counted = {window: Feature(0, "played", "one", range=(0, 7), window=window) for window in ("7 days", "7 games")}
    assert sign(counted["7 days"], [*before, (21, after)]) is None
    assert sign(counted["7 days"], [*before, (21, after), (23, after)]) is None
    assert sign(counted["7 games"], [*before, (21, after)]) is Sign.SHIFTED
    assert sign(counted["7 days"], [*before, (14, after)]) is Sign.SHIFTED
