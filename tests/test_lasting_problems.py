"""Problems that have lasted for the whole baseline: the dates before it show what is usual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.root_causes import causes_of
from fqtool.commands.diagnose.rules import findings_of
from fqtool.findings.finding import Severity
from fqtool.registry.alerts_and_models import KnownEvent
from fqtool.registry.model import Feature
from tests.test_root_causes import OTHER, PLAIN, Values, around, dates_of, defaulted, last, registry_of

COUNT = 29
"""The date in question, its baseline of 14 days, and the 14 days before that."""
RANGED = replace(PLAIN, range=(0.0, 100.0))
WINDOW = replace(PLAIN, window="7 days")


def causes(days: Sequence[Day], features: Sequence[Feature] = (PLAIN, OTHER), *events: KnownEvent) -> tuple[Cause, ...]:
    """The root causes of the last date."""
    return causes_of(replace(registry_of(*features), known_events=events), days[-15:], days[:-15])


def lasting(today: Change, dates: int = 16, feature: Feature = PLAIN) -> tuple[list[Day], tuple[Cause, ...]]:
    """The dates, and the root causes where the values of a feature are changed on the last ones."""
    days = dates_of([feature, OTHER], [last(around(20.0), today, dates, COUNT), around(50.0)], COUNT)
    return days, causes(days, (feature, OTHER))


Change = Callable[[list[float]], list[float]]
CHANGES: tuple[tuple[Change, str], ...] = (
    (lambda values: [one + 8 for one in values], "higher"),
    (lambda values: [one * 100 for one in values], "unit"),
    (lambda values: [-one for one in values], "sign"),
)


@pytest.mark.parametrize(("today", "word"), CHANGES)
@pytest.mark.parametrize("dates", [10, 14, 15, 16, 20])
def test_a_change_is_found_after_the_whole_baseline_has_it(today: Change, word: str, dates: int) -> None:
    """With its kind, its words, and the date on which it began."""
    days, (cause,) = lasting(today, dates)
    assert (cause.kind, cause.since, cause.at_least) == (Kind.SHIFTED, days[-dates].day, False)
    assert word in cause.detail
    assert [one.name for one in cause.features] == [PLAIN.name]


@pytest.mark.parametrize(("today", "word"), CHANGES[1:])
def test_a_declared_range_is_reported_with_what_changed(today: Change, word: str) -> None:
    """The range alone, which holds on every date, does not show in which way the values changed."""
    days, (cause,) = lasting(today, feature=RANGED)
    assert (cause.kind, cause.since) == (Kind.OUTSIDE, days[-16].day)
    assert word in cause.detail


def test_a_feature_computed_over_a_window_is_compared_with_older_dates_too() -> None:
    """The dates between are left out of the comparison; the store has no gap there."""
    days, (cause,) = lasting(lambda values: [one + 8 for one in values], feature=WINDOW)
    assert cause.since == days[-16].day


def test_the_evidence_names_the_dates_that_it_is_compared_with() -> None:
    """They are not the 14 days before the date."""
    days, (cause,) = lasting(lambda values: [one + 8 for one in values])
    assert f"compared with the 13 dates before {days[-16].day}:" in cause.evidence[-1]


@pytest.mark.parametrize("event", [(5, 6), (14, 15), (21, 22), (8, 20), (20, 27)], ids=str)
def test_an_event_that_has_passed_is_not_found(event: tuple[int, int]) -> None:
    """Of one date, or of many: the last date is usual again."""
    usual = around(20.0)
    moved: Values = lambda at, drawn: [one + 8 * (event[0] <= at < event[1]) for one in usual(at, drawn)]  # noqa: E731
    assert causes(dates_of([PLAIN, OTHER], [moved, around(50.0)], COUNT)) == ()


def test_weekdays_that_differ_are_usual() -> None:
    """A level that each Monday has does not last since the first of these Mondays."""
    usual = around(20.0)
    mondays: Values = lambda at, drawn: [one + 8 * (at % 7 == 0 and at > 12) for one in usual(at, drawn)]  # noqa: E731
    days = dates_of([PLAIN, OTHER], [mondays, around(50.0)], COUNT)
    assert days[-1].day.weekday() == 0
    assert causes(days) == ()


def test_a_slow_drift_is_not_found() -> None:
    """Means that wander a little on each date, such as those of a season."""
    usual = around(20.0)
    drift: Values = lambda at, drawn: [one + 0.3 * at for one in usual(at, drawn)]  # noqa: E731
    assert causes(dates_of([PLAIN, OTHER], [drift, around(50.0)], COUNT)) == ()


def test_more_default_values_do_not_become_usual() -> None:
    """A share of 20% is below what must be declared where it is usual."""
    days = defaulted([0.02] * 13 + [0.2] * 16, PLAIN)
    assert causes_of(registry_of(PLAIN), days[-15:]) == ()
    (cause,) = causes(days, (PLAIN,))
    assert (cause.kind, cause.since) == (Kind.PARTIAL, days[-16].day)


def test_fewer_rows_do_not_become_usual() -> None:
    """Half of the rows, for more than two weeks."""
    days = [
        replace(one, rows=one.rows // 2) if at >= COUNT - 16 else one
        for at, one in enumerate(dates_of([PLAIN, OTHER], [around(20.0), around(50.0)], COUNT))
    ]
    assert causes_of(registry_of(PLAIN, OTHER), days[-15:]) == ()
    (cause,) = causes(days)
    assert (cause.kind, cause.since) == (Kind.ROW_COUNT, days[-16].day)


def test_a_known_event_makes_it_a_note_and_is_named_after_its_end() -> None:
    """As for a problem of a few dates."""
    days, _ = lasting(lambda values: [one + 8 for one in values])
    current = KnownEvent("new sensor", days[-16].day, days[-1].day, (PLAIN.name,), ())
    ended = replace(current, until=days[-1].day - timedelta(days=1))
    (found,) = (one for cause in causes(days, (PLAIN, OTHER), current) for one in findings_of(cause))
    assert found.severity is Severity.NOTE
    (found,) = (one for cause in causes(days, (PLAIN, OTHER), ended) for one in findings_of(cause))
    assert "The known event ended" in found.message


def test_two_problems_of_one_processor_keep_their_onsets() -> None:
    """One has lasted for 16 dates, the other began on the last one."""
    usual = around(20.0)
    old = replace(PLAIN, range=(0.0, 100.0))
    new = replace(OTHER, processor=PLAIN.processor, range=(0.0, 100.0))
    larger = last(usual, lambda values: [one * 90 for one in values], 16, COUNT)
    flipped = last(usual, lambda values: [-one for one in values], 1, COUNT)
    days = dates_of([old, new], [larger, flipped], COUNT)
    found = {cause.features[0].name: cause.since for cause in causes(days, (old, new))}
    assert found == {old.name: days[-16].day, new.name: days[-1].day}
