"""Laws of the tests behind signs: what they call unlikely is unlikely."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fqtool.diagnosis.signs import _chance, _rises


@given(st.integers(1, 300), st.floats(0, 1), st.integers(1, 999))
def test_the_tail_is_that_of_the_binomial(total: int, at: float, per_mille: int) -> None:
    """Above the mean, the sum of the exact fractions."""
    usual = Fraction(per_mille, 1000)
    mean = math.ceil(total * usual)
    count = mean + round(at * (total - mean))
    exact = sum(math.comb(total, one) * usual**one * (1 - usual) ** (total - one) for one in range(count, total + 1))
    assert math.isclose(_chance(count, total, float(usual)), float(exact), rel_tol=1e-6, abs_tol=1e-300)


@given(st.lists(st.floats(0, 0.2), min_size=2, max_size=20), st.floats(0.3, 1))
def test_one_leap_is_no_rise(shares: list[float], last: float) -> None:
    """Dates that scatter low and one that is high do not rise from date to date; a steady climb does."""
    assert not _rises([*(0.01 for _ in shares), last])
    assert _rises([0.05 * step for step in range(12)])
