"""Laws of known events: their findings are notes on their dates, and errors or warnings again after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fqtool.commands.daily.rules import check_daily
from fqtool.commands.daily.run import daily_of
from fqtool.commands.diagnose.cause import Cause, Kind
from fqtool.commands.diagnose.known_events import without_ended_events
from fqtool.commands.diagnose.root_causes import causes_of, date_without_rows
from fqtool.commands.diagnose.rules import findings_of
from fqtool.findings.finding import Finding, Severity
from fqtool.monitoring.checks import Check
from fqtool.registry.alerts_and_models import KnownEvent, Threshold
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.test_diagnosis import COMPOSITE, DAY, registry, since, store
from tests.test_root_causes import OTHER, PLAIN, Values, around, dates_of, defaulted, last, registry_of, walk

TODAY = date(2026, 1, 19)
CONSTANT = last(around(20.0), lambda values: [7.0] * len(values))


def event(first: date, until: date, features: Sequence[str] = ("level",), processors: Sequence[str] = ()) -> KnownEvent:
    """An event about some features."""
    return KnownEvent("strike", first, until, tuple(features), tuple(processors))


def finding(*events: KnownEvent, dates: int = 1) -> Finding:
    """The finding about a feature that is constant on the last dates up to TODAY."""
    constant = last(around(20.0), lambda values: [7.0] * len(values), dates)
    days = dates_of([PLAIN, OTHER], [constant, around(20.0)])
    (cause,) = causes_of(replace(registry_of(PLAIN, OTHER), known_events=events), days)
    (found,) = findings_of(cause)
    return found


@pytest.mark.parametrize(("features", "processors"), [(["level"], []), (["other", "level"], []), ([], ["Job"])])
def test_a_known_event_makes_its_finding_a_note(features: list[str], processors: list[str]) -> None:
    """The message has the last date on which it is accepted, and the reason."""
    found = finding(event(TODAY, TODAY + timedelta(days=3), features, processors))
    assert (found.rule, found.severity) == ("FQ607", Severity.NOTE)
    assert found.message.endswith("Known until 2026-01-22: strike.")


@pytest.mark.parametrize(
    "other",
    [
        event(TODAY + timedelta(days=1), TODAY + timedelta(days=3)),
        event(TODAY - timedelta(days=9), TODAY - timedelta(days=1)),
        event(TODAY, TODAY, ["other"]),
        event(TODAY, TODAY, [], ["Another"]),
        event(TODAY, TODAY, [], []),
    ],
    ids=["later", "over before", "another feature", "another processor", "whole rows"],
)
def test_another_event_changes_nothing(other: KnownEvent) -> None:
    """Other dates, features and processors, and events about whole rows; one that is over is left out of the usual."""
    assert replace(finding(other), cause="") == replace(finding(), cause="")


def test_a_problem_that_outlives_its_event_is_reported_again() -> None:
    """It has its own severity again, and the message names the event; a new event may follow."""
    ended = event(TODAY - timedelta(days=2), TODAY - timedelta(days=1))
    found = finding(ended, dates=3)
    assert found.severity is Severity.ERROR
    assert found.message.endswith("The known event ended on 2026-01-18 and the problem did not: strike.")
    assert finding(ended, event(TODAY, TODAY), dates=3).severity is Severity.NOTE


def echo(values: Values, first: int, *events: KnownEvent) -> tuple[Cause, ...]:
    """The root causes where values are unusual from a date on and usual again on the last one."""
    days = dates_of([PLAIN, OTHER], [values, around(20.0)])
    until = TODAY - timedelta(days=1)
    known = events or (event(days[first].day, until, ["level"]),)
    assert causes_of(registry_of(PLAIN, OTHER), days) != ()
    return causes_of(replace(registry_of(PLAIN, OTHER), known_events=known), days)


def test_the_end_of_an_event_has_no_finding() -> None:
    """Neither a level beside that of the event, nor values beside the previous row of the key."""
    usual, keyed = around(20.0), walk(0.1)
    higher: Values = lambda at, drawn: [one + 20 * (at < 14) for one in usual(at, drawn)]  # noqa: E731
    mixed: Values = lambda at, drawn: keyed(at, drawn)[:: -1 if at == 13 else 1]  # noqa: E731
    assert echo(higher, 0) == ()
    assert echo(mixed, 13) == ()
    assert echo(higher, 0, event(TODAY - timedelta(days=14), TODAY, ["other"])) != ()


def test_a_problem_that_an_event_had_before_is_found_after_it() -> None:
    """The dates of the event are not what is usual; those of an event about whole rows are not compared at all."""
    usual = around(20.0)
    again: Values = lambda at, drawn: [one + 20 * (at in (7, 14)) for one in usual(at, drawn)]  # noqa: E731
    days, plain = dates_of([PLAIN], [again]), registry_of(PLAIN)
    assert causes_of(plain, days) == ()
    (cause,) = causes_of(replace(plain, known_events=(event(days[7].day, days[7].day),)), days)
    assert (cause.kind, cause.since, cause.event) == (Kind.SHIFTED, TODAY, None)
    of_rows = replace(plain, known_events=(event(days[7].day, days[7].day, []),))
    assert without_ended_events(of_rows, days) == [*days[:7], *days[8:]]


def test_an_event_without_features_is_about_whole_rows() -> None:
    """Such as a date without rows."""
    days = dates_of([PLAIN], [around(20.0)])
    after = days[-1].day + timedelta(days=1)
    known = replace(registry_of(PLAIN), known_events=(event(after, after, []),))
    cause = date_without_rows(known, after, days[0].day, days)
    assert cause is not None
    assert [one.severity for one in findings_of(cause)] == [Severity.NOTE]


def test_a_figure_is_a_note_where_only_features_of_a_known_event_are_behind_it() -> None:
    """The finding about a critical figure names the feature and its shares."""
    days = defaulted([0.02] * 14 + [0.6], PLAIN)
    plain, figure = registry_of(PLAIN), Check(Threshold("mean_defaults", "AVG(defaults)", 0.1, 0.5), 0.6)
    (found,) = check_daily(figure, plain, days)
    assert (found.severity, found.cause) == (Severity.ERROR, "level is defaulted in 60% of the rows, usually 2%")
    for about, severity in ((["level"], Severity.NOTE), (["other"], Severity.ERROR)):
        known = replace(plain, known_events=(event(TODAY, TODAY, about),))
        assert [one.severity for one in check_daily(figure, known, days)] == [severity]


def test_daily_passes_while_an_event_is_known() -> None:
    """The cause and the figures that its features lower are notes; for another feature they are not."""
    with DuckDBWarehouse(":memory:") as warehouse:
        store(warehouse, Season(registry(), DAY - timedelta(days=8), 9, 0).rows([since(1, "defaulted")]))

        def severities(processor: str) -> set[str]:
            known = KnownEvent("strike", DAY, DAY, processors=(processor,))
            return {
                one.severity for one in daily_of(replace(registry(), known_events=(known,)), warehouse, DAY).findings
            }

        assert severities(COMPOSITE) == {"note"}
        assert severities("PlayerDailyCacheProcessor") == {"error", "warning"}
