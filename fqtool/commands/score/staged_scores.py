"""The statements that score dates. Where no other process can change rows, neighbouring dates are computed together.

A query over 250 rows and 120 columns takes longer to plan than to run, so one query computes the scores of many dates.
The statement of a date then only copies them: each date is still written by one atomic statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import dropwhile
from threading import Lock

from fqtool.errors import StatementFailed
from fqtool.scoring.merge import Partition, scores_between
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query
from fqtool.warehouse.protocol import Warehouse

STAGED = "_fqtool_scores"
# A temporary table is in memory, and an interrupted run computes its scores again.
_MOST_ROWS = 100_000


@dataclass
class StagedScores:
    """The statements that score dates, each used once.

    Attributes:
        scoring: The scoring of the registry.
        warehouse: The target.
        as_of: The value for `quality_computed_at`.
        days: The dates to score, in order.
        rows: The number of rows of each date of the table with rows, also of dates that are not scored.
    """

    scoring: Scoring
    warehouse: Warehouse
    as_of: datetime
    days: Sequence[date]
    rows: Mapping[date, int]
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._left = dict.fromkeys(self.days)
        self._places = {day: place for place, day in enumerate(sorted(self.rows))}
        self._staged: set[date] = set()

    def merge(self, day: date) -> Query:
        """Return the statement that scores a date. It may compute the scores of the dates after it too.

        A second statement for a date computes its scores from the rows at that time.

        Raises:
            WorldError, InputError: As the warehouse does.
        """
        partition = Partition(self.scoring, day)
        with self._lock:
            if day in self._left:
                self._stage(day)
            if day in self._staged:
                self._staged.remove(day)
                return partition.merge_from(STAGED)
        return partition.merge(self.as_of)

    def _stage(self, day: date) -> None:
        days = list(self._neighbours(day))
        for planned in days:
            del self._left[planned]
        if len(days) == 1 or self.warehouse.staging is None:
            return
        self._staged = set()
        try:
            query = scores_between(self.scoring, min(days), max(days), self.as_of)
            self.warehouse.staging.stage(STAGED, query)
        except StatementFailed:
            return  # the statement of each date reports whether it fails for this date
        self._staged = set(days)

    def _neighbours(self, day: date) -> Iterator[date]:
        """Yield a date, and the dates to score after it up to a date with rows that is not scored."""
        rows, place = 0, self._places[day]
        for planned in dropwhile(lambda other: other != day, self._left):
            rows += self.rows[planned]
            far = abs(self._places[planned] - place) > 1
            if planned != day and (far or rows > _MOST_ROWS):
                return
            place = self._places[planned]
            yield planned
