"""Dates on the command line: the forms that every option takes, what they mean, and that SQL holds none of them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fqtool.app.app import app
from fqtool.cli.dates import day_of, days_of
from fqtool.cli.output import Run, start_run
from fqtool.commands.generate_sql.run import KINDS, generated_sql
from fqtool.errors import UsageError
from fqtool.synthetic.season import Season
from fqtool.warehouse.duckdb.warehouse import DuckDBWarehouse
from tests.bed.running import ROOT
from tests.in_process import fqtool
from tests.test_diagnosis import registry, store
from tests.test_docs import commands

TODAY = date(2026, 3, 1)
OPTIONS = [
    (tuple(name.split()[1:]), parameter.opts[0], [one.opts[0] for one in command.params if one.required])
    for name, command in commands()
    for parameter in command.params
    if parameter.metavar == "DATE"
]


@pytest.fixture(autouse=True)
def _a_known_day() -> None:
    start_run(Run(today=TODAY))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-02-06", date(2026, 2, 6)),
        ("today", TODAY),
        ("yesterday", date(2026, 2, 28)),
        ("-1d", date(2026, 2, 28)),
        ("-0d", TODAY),
        ("-365d", date(2025, 3, 1)),
    ],
)
def test_a_date_is_absolute_or_counts_from_today(text: str, day: date) -> None:
    """Back over the ends of months and years."""
    assert day_of(text) == day


@pytest.mark.parametrize(
    "text", ["", "soon", "Today", "3d", "+3d", "-d", "-3", "-3D", "-٣d", "2026-02-30", "06.02.2026", "-9999999d",
             f"-{'9' * 5000}d"],
)  # fmt: skip
def test_another_form_is_refused_with_the_accepted_ones(text: str) -> None:
    """A day before the year 1 as well."""
    with pytest.raises(UsageError) as refused:
        day_of(text)
    assert refused.value.message == f"{text!r} is not a date."
    assert refused.value.remedy == "Use 2026-02-06, today, yesterday or -3d; days are UTC."


def test_a_span_ends_today_and_has_fourteen_dates_unless_given() -> None:
    """Near the first date that exists it has fewer."""
    assert days_of(None, None) == (TODAY - timedelta(days=13), TODAY)
    assert days_of(None, "-3d") == (TODAY - timedelta(days=16), TODAY - timedelta(days=3))
    assert days_of("yesterday", None) == (TODAY - timedelta(days=1), TODAY)
    assert days_of(None, "0001-01-02") == (date.min, date(1, 1, 2))


def test_a_default_end_is_not_swapped_with_the_start(tmp_path: Path) -> None:
    """Where --end was not given, the sentence names the default and no option that was not typed."""
    with pytest.raises(UsageError, match="--start 2026-03-02 is after today, 2026-03-01, ") as refused:
        days_of("2026-03-02", None)
    assert refused.value.remedy == "Give an earlier --start, or add --end."
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), date(2026, 2, 1), 1, 5, rows_per_day=2).rows())
    for command in ("learn", "report"):
        done = fqtool(ROOT, command, "--start", "2026-02-09", "--target", f"duckdb:///{tmp_path}/s.duckdb")
        assert (done.code, "Give a --start up to 2026-02-01." in done.err) == (2, True), done.said
    assert "fix: Add --start today, or an earlier date." in fqtool(ROOT, "score", "--end", "today").err


def test_a_run_counts_from_the_day_in_utc() -> None:
    """Whatever the zone of the machine."""
    before = datetime.now(UTC).date()
    assert before <= Run().today <= datetime.now(UTC).date()


@pytest.mark.parametrize(("command", "option", "required"), OPTIONS)
def test_every_option_for_a_date_names_the_forms_that_it_takes(
    command: tuple[str, ...], option: str, required: list[str]
) -> None:
    """And its command refuses another with one sentence, before it asks a warehouse."""
    words = [word for other in required if other != option for word in (other, "2026-02-06")]
    more = {("check-drift",): ["--data"], ("score",): ["--start", "today"], ("diff",): ["--start", "today"]}
    done = fqtool(ROOT, *command, *words, *more.get(command, ()), option, "soon")
    assert done.code == 2, done.said
    assert done.err == (
        "error: 'soon' is not a date.\n    fix: Use 2026-02-06, today, yesterday or -3d; days are UTC.\n"
    )
    help_text = " ".join(re.sub("[│╭╮╰╯─]", " ", CliRunner().invoke(app, [*command, "--help"]).output).split())
    assert "2026-02-06, today, yesterday or -3d" in help_text


def test_options_for_dates_are_found() -> None:
    """So that the test above cannot pass without looking at any."""
    assert {command[0] for command, _, _ in OPTIONS} >= {
        "backfill", "check-drift", "cost", "daily", "diagnose", "diff", "explain", "models", "report", "score",
        "validate",
    }  # fmt: skip


def test_a_date_may_begin_with_a_dash(tmp_path: Path) -> None:
    """As a word of its own and after an equals sign; the output names the date that is meant."""
    days = [datetime.now(UTC).date()]
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), days[0] - timedelta(days=30), 2, 0, rows_per_day=2).rows())
    for given in (("--date", "-3d"), ("--date=-3d",)):
        done = fqtool(ROOT, "diagnose", *given, "--target", f"duckdb:///{tmp_path}/s.duckdb")
        days.append(datetime.now(UTC).date())
        assert any(f"before {day - timedelta(days=3)};" in done.out for day in days)


def test_sql_holds_the_date_that_is_meant(tmp_path: Path) -> None:
    """What `score --start yesterday --dry-run` prints has one date, and no function of the clock."""
    before = datetime.now(UTC).date() - timedelta(days=1)
    with DuckDBWarehouse(str(tmp_path / "s.duckdb")) as warehouse:
        store(warehouse, Season(registry(), before, 2, 0, rows_per_day=2).rows())
    done = fqtool(ROOT, "score", "--start", "yesterday", "--dry-run", "--target", f"duckdb:///{tmp_path}/s.duckdb")
    dates = set(re.findall(r"DATE '([0-9-]+)'", done.out))
    assert dates <= {str(before), str(before + timedelta(days=1))}, done.said
    assert len(dates) == 1
    assert "CURRENT_DATE" not in done.out


@pytest.mark.parametrize("kind", KINDS)
def test_generated_sql_takes_dates_as_parameters(kind: str) -> None:
    """`generate-sql` has no option for a date, so what it prints today is what it prints tomorrow."""
    assert ("generate-sql",) not in [command for command, _, _ in OPTIONS]
    text = generated_sql(registry(), kind, "bigquery")
    assert not re.findall(r"CURRENT_DATE|DATE '", text)
