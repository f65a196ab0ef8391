"""What each command sends to BigQuery: the table in the docs, and the bounds that it keeps."""

from __future__ import annotations

import os

import pytest

from tests.bed.running import Emulator
from tests.test_docs import commands
from tests.tour import COMMANDS, DATES, FIRST, LAST, PAGE, Sent, Tour, page


@pytest.fixture(scope="module")
def sent(emulator: Emulator) -> list[Sent]:
    """What each command sent, in order."""
    return list(Tour(emulator).run())


def of(sent: list[Sent], words: str) -> Sent:
    """What the command of these words sent, or the one command whose words begin so."""
    name = f"fqtool {words}"
    (found,) = [one for one in sent if one.name == name] or [one for one in sent if one.name.startswith(name)]
    return found


def test_golden_requests(sent: list[Sent]) -> None:
    """The page is what the commands send; FQTOOL_RENEW=1 writes it, and a change of it is reviewed."""
    text = page(sent)
    if os.environ.get("FQTOOL_RENEW"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8"), "intended? then: make golden, and read the diff"


def test_no_command_fails(sent: list[Sent]) -> None:
    """Each ends with exit code 0, or with 1 for findings about the rows."""
    assert [(one.name, one.code, one.said) for one in sent if one.code not in (0, 1)] == []


def test_a_migration_of_an_empty_dataset_takes_few_requests(sent: list[Sent]) -> None:
    """At most 20 for four statements, their records and the lease."""
    assert of(sent, "migrate").requests <= 20


@pytest.mark.parametrize(
    ("words", "most"),
    [(f"score --start {LAST}", 2), (f"score --start {FIRST} --end {LAST} --as-of", 2),
     (f"backfill --start {FIRST} --end {LAST} --as-of", DATES)],
)  # fmt: skip
def test_scoring_neighbouring_dates_takes_few_jobs(sent: list[Sent], words: str, most: int) -> None:
    """A question and a MERGE, however many dates; a backfill has its journal, lease, queries and dry runs besides."""
    scored = of(sent, words)
    assert scored.jobs + scored.dry_runs <= most


@pytest.mark.parametrize("words", ["diagnose", "daily", "explain", "models"])
def test_a_question_about_a_date_is_one_job(sent: list[Sent], words: str) -> None:
    """One query, and one description of the table."""
    asked = of(sent, words)
    assert (asked.jobs, asked.dry_runs, asked.methods["tables.get"]) == (1, 0, 1)


def test_drift_takes_no_job(sent: list[Sent]) -> None:
    """One description of the table and of each of its two views, and the ledger's rows."""
    checked = of(sent, "check-drift")
    assert checked.methods == {"tables.get": 3, "tabledata.list": 1}
    assert (checked.jobs, checked.billed) == (0, 0)


def test_every_command_with_a_warehouse_is_in_the_table() -> None:
    """A command that takes --target is run, so that a new one cannot be forgotten."""
    asking = {name for name, one in commands() if any("--target" in parameter.opts for parameter in one.params)}
    shown = " ".join(f"{one.name} |" for one in COMMANDS)
    assert [name for name in asking if f"{name} " not in shown] == []
