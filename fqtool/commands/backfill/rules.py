"""Rules about partitions that a backfill scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from fqtool.cli.counts import counted
from fqtool.commands.backfill.journal import ATTEMPTS, Entry, Event
from fqtool.commands.backfill.plan import PartitionState
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.findings.remedy import commands


@dataclass(frozen=True)
class Partition:
    """One partition.

    Attributes:
        state: its rows now.
        event: its last event in the journal.
        failures: the number of consecutive failures.
    """

    state: PartitionState
    event: Entry | None
    failures: int

    @property
    def day(self) -> date:
        """Its date."""
        return self.state.day

    @property
    def recorded_rows(self) -> int | None:
        """The number of rows when it was scored; None where the journal does not have it."""
        return self.event.rows if self.event and self.event.event == Event.DONE else None


def check_partitions(
    states: Iterable[PartitionState], last: Mapping[date, Entry], failures: Mapping[date, int]
) -> tuple[Finding, ...]:
    """Compare partitions with the journal.

    Args:
        states: the partitions with rows.
        last: the last event of each date; dates that have no rows any more are checked too.
        failures: the number of consecutive failures of each date.

    Returns:
        The findings, in order of dates.
    """
    gone = {day: PartitionState(day, 0) for day, event in last.items() if event.rows > 0}
    by_day = sorted({**gone, **{state.day: state for state in states}}.items())
    partitions = [Partition(state, last.get(day), failures.get(day, 0)) for day, state in by_day]
    checks = (rows_lost, not_scored, set_aside, repeated_keys, guessed, rows_added)
    return tuple(finding for partition in partitions for check in checks for finding in check(partition))


def _finding(partition: Partition, message: str, before: str = "", after: str = "") -> Finding:
    day = partition.day
    return Finding(
        str(day), message, remedy=commands(f"backfill --start {day} --end {day}{after}", first=before.strip())
    )


@rule("FQ661", group=Group.BACKFILL)
def rows_lost(partition: Partition) -> Iterator[Finding]:
    """A partition has fewer rows than when it was scored.

    Problem: Rows were deleted after scoring, or a writer replaced the partition with fewer rows.

    Why: Scoring only updates existing rows; it does not add or delete rows. Another job did.

    Example: 2026-02-03 had 339 rows when it was scored and has 257 rows now.

    Fix: Restore the rows (`FOR SYSTEM_TIME AS OF` reads the last days), or backfill the date to record the new count.
    If all rows of a date were deleted on purpose, add `--retry-failed`.
    """
    recorded, rows = partition.recorded_rows, partition.state.rows
    if recorded is not None and rows < recorded:
        message = _recounted(partition, recorded)
        yield _finding(
            partition, message, "Restore the rows, or record the new count:", "" if rows else " --retry-failed"
        )


@rule("FQ662", group=Group.BACKFILL)
def not_scored(partition: Partition) -> Iterator[Finding]:
    """Rows with sources have no score or no alert level.

    Problem: Gates do not pass these rows, and alerts do not include them.

    Why: They were written after the partition was scored, or the partition was not scored.

    Example: 12 of 273 rows on 2026-02-05 have sources but no score.

    Fix: Backfill the date.
    """
    state = partition.state
    if state.unscored:
        message = f"{state.unscored:,} of {state.rows:,} rows on {state.day} have sources but no score."
        yield _finding(partition, message)


@rule("FQ663", group=Group.BACKFILL)
def set_aside(partition: Partition) -> Iterator[Finding]:
    """A partition failed three times and was set aside.

    Problem: Its rows are not scored; the other partitions were continued.

    Why: The finding has the error of the warehouse. The usual cause is rows in the streaming buffer.

    Example: UPDATE or DELETE statement over table would affect rows in the streaming buffer.

    Fix: Fix the cause, then run the backfill with `--retry-failed`.
    """
    if partition.failures >= ATTEMPTS and partition.event is not None:
        error = partition.event.error.rstrip(".")
        message = f"{partition.day} failed {partition.failures} times and was set aside: {error}."
        yield _finding(partition, message, after=" --retry-failed")


@rule("FQ664", Severity.WARNING, group=Group.BACKFILL)
def guessed(partition: Partition) -> Iterator[Finding]:
    """Rows have a score, and their sources are unknown.

    Problem: A score without sources is a guess, or its sources were removed.

    Why: Another tool wrote it, or the sources were cleared after scoring.

    Example: 4 rows on 2021-11-03 have a score but no sources.

    Fix: Backfill the date: the scores of such rows become NULL.
    """
    if partition.state.guessed:
        yield _finding(
            partition, f"{counted(partition.state.guessed, 'row')} on {partition.day}: a score but no sources."
        )


@rule("FQ665", group=Group.BACKFILL)
def repeated_keys(partition: Partition) -> Iterator[Finding]:
    """Rows of a partition have the same key.

    Problem: A statement would score any one of them, so none is scored.

    Why: A writer ran twice, or appended rows where it should have merged them.

    Example: 3 rows on 2026-02-03 have the key of another row.

    Fix: Remove the repeated rows, then backfill the date.
    """
    if partition.state.repeated:
        message = f"{partition.state.repeated:,} rows on {partition.day} have the key of another row."
        yield _finding(partition, message, "Remove the repeated rows, then:")


@rule("FQ666", Severity.NOTE, group=Group.BACKFILL)
def rows_added(partition: Partition) -> Iterator[Finding]:
    """A partition has more rows than when it was scored.

    Problem: The recorded count is outdated. FQ662 reports new rows without a score.

    Why: The store wrote the date again, with more rows.

    Example: 2026-02-05 had 201 rows when it was scored and has 257 rows now.

    Fix: Backfill the date to record the new count.
    """
    recorded = partition.recorded_rows
    if recorded is not None and partition.state.rows > recorded:
        message = _recounted(partition, recorded)
        yield _finding(partition, message)


def _recounted(partition: Partition, recorded: int) -> str:
    before, now = counted(recorded, "row"), counted(partition.state.rows, "row")
    return f"{partition.day} had {before} when it was scored and has {now} now."
