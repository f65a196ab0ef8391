"""What may be wrong with partitions that were scored after the fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from fqtool.backfill.journal import ATTEMPTS, Entry, Event
from fqtool.backfill.partitions import Standing
from fqtool.finding import Finding, Severity, rule


@dataclass(frozen=True)
class Filled:
    """One partition as it stands now, and the last that the journal says of it; `failed` counts failures in a row."""

    standing: Standing
    event: Entry | None = None
    failed: int = 0

    @property
    def day(self) -> date:
        """Its date."""
        return self.standing.day

    @property
    def recorded(self) -> int | None:
        """How many rows it had when it was scored, where the journal has that."""
        return self.event.rows if self.event and self.event.event == Event.DONE else None


def check_backfill(partitions: Iterable[Filled]) -> tuple[Finding, ...]:
    """Return what is wrong, in order of dates."""
    found: list[Finding] = []
    for one in partitions:
        for check in (rows_lost, not_scored, set_aside, repeated_keys, guessed, rows_came):
            found += check(one)
    return tuple(found)


def filled(
    standings: Iterable[Standing], last: Mapping[date, Entry], failures: Mapping[date, int]
) -> tuple[Filled, ...]:
    """Put what stands beside what was recorded, dates that are recorded and hold no rows any more among them."""
    found = {one.day: one for one in standings}
    gone = {day: Standing(day, 0, 0, 0, 0, 0, 0) for day, event in last.items() if event.rows > 0 and day not in found}
    return tuple(Filled(one, last.get(day), failures.get(day, 0)) for day, one in sorted({**found, **gone}.items()))


def _score(day: date) -> str:
    return f"fqtool backfill --start {day} --end {day}"


@rule("FQ661")
def rows_lost(one: Filled) -> Iterator[Finding]:
    """A partition has fewer rows than when it was scored.

    Problem: rows were deleted since, or a writer replaced the partition with fewer.

    Why: scoring only updates rows that are there, so it neither adds nor loses any; something else did.

    Example: 2026-02-03 had 339 rows when it was scored and has 257 now.

    Fix: restore the rows (`FOR SYSTEM_TIME AS OF` reads the last days), or backfill the date to record the new count;
    where all rows of a date were meant to go, with `--retry-failed`.
    """
    if one.recorded is not None and one.standing.rows < one.recorded:
        message = f"{one.day} had {one.recorded} rows when it was scored and has {one.standing.rows} now."
        accept = "" if one.standing.rows else " --retry-failed"
        yield Finding(str(one.day), message, remedy=f"Restore them, or accept it: {_score(one.day)}{accept}")


@rule("FQ662")
def not_scored(one: Filled) -> Iterator[Finding]:
    """Rows with sources have no score or no alert level.

    Problem: they count for nothing: no gate passes them, no alert tells of them.

    Why: they were written after the partition was scored, or it never was.

    Example: 12 of 273 rows on 2026-02-05 have sources and no score.

    Fix: backfill the date.
    """
    if one.standing.unscored:
        message = f"{one.standing.unscored} of {one.standing.rows} rows on {one.day} have sources and no score."
        yield Finding(str(one.day), message, remedy=_score(one.day))


@rule("FQ663")
def set_aside(one: Filled) -> Iterator[Finding]:
    """A partition failed three times and was set aside.

    Problem: its rows are as they were; the other partitions went on.

    Why: the warehouse's own words are in the finding; rows in the streaming buffer are the usual reason.

    Example: UPDATE or DELETE statement over table would affect rows in the streaming buffer.

    Fix: do away with the cause, then run the backfill with `--retry-failed`.
    """
    if one.failed >= ATTEMPTS and one.event is not None:
        message = f"{one.day} failed {one.failed} times and was set aside: {one.event.error.rstrip('.')}."
        yield Finding(str(one.day), message, remedy=f"{_score(one.day)} --retry-failed")


@rule("FQ664", Severity.WARNING)
def guessed(one: Filled) -> Iterator[Finding]:
    """Rows have a score though their sources are unknown.

    Problem: a score without sources was guessed, or is left from sources that were removed.

    Why: another tool wrote it, or the sources were cleared after scoring.

    Example: 4 rows on 2021-11-03 have a score and no sources.

    Fix: backfill the date: the scores of such rows become NULL.
    """
    if one.standing.guessed:
        message = f"{one.standing.guessed} rows on {one.day} have a score and no sources."
        yield Finding(str(one.day), message, remedy=_score(one.day))


@rule("FQ665")
def repeated_keys(one: Filled) -> Iterator[Finding]:
    """Two rows of a partition have one key.

    Problem: which of them a statement would score is chance, so none is scored.

    Why: a writer ran twice, or appended where it should have merged.

    Example: 3 rows on 2026-02-03 share the key of another.

    Fix: remove the repeats, then backfill the date.
    """
    if one.standing.repeated:
        message = f"{one.standing.repeated} rows on {one.day} share the key of another."
        yield Finding(str(one.day), message, remedy=f"Remove the repeats, then: {_score(one.day)}")


@rule("FQ666", Severity.NOTE)
def rows_came(one: Filled) -> Iterator[Finding]:
    """A partition has more rows than when it was scored.

    Problem: none in itself; where the new rows have no score, FQ662 says so.

    Why: the store wrote the date again, with more rows.

    Example: 2026-02-05 had 201 rows when it was scored and has 257 now.

    Fix: backfill the date to record the new count.
    """
    if one.recorded is not None and one.standing.rows > one.recorded:
        message = f"{one.day} had {one.recorded} rows when it was scored and has {one.standing.rows} now."
        yield Finding(str(one.day), message, remedy=_score(one.day))
