"""Daily statistics of each feature and each processor, as one row of the query for each date has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from fqtool.scoring.value_laws import LAWS
from fqtool.sql import Value

MOST_GROUPS = 100


@dataclass(frozen=True, slots=True)
class FeatureDay:
    """One feature on one date, in numbers of rows.

    Attributes:
        scored: Rows with a source or a label.
        defaults: Scored rows in which the feature is defaulted.
        missing: Rows that are NULL under a label of real values.
        nonfinite: Rows that are NaN or infinite under a label of real values.
        present: Rows with a real value; the attributes up to `outside` are about these.
        mean: Mean, None for values that are not numbers.
        stddev: Standard deviation, None for values that are not numbers.
        low: Least value.
        high: Greatest value.
        zeros: Values that are 0.
        outside: Values outside the range of the registry.
        neutral: Rows with the default value under a label of real values.
        repeats: Rows whose value equals that of the previous row of the same key, and is not 0.
        followed: Rows that have a value in the previous row of the same key, without those that are 0 in both.
        cold: Scored rows that are too young for the window of the feature.
        cold_defaults: Cold rows in which the feature is defaulted, which is expected.
        distinct: Number of distinct values; 0 where it is not counted.
        negatives: Values below 0.
        whole: Values that are whole numbers.
        follows: Correlation with the value in the previous row of the same key, None where there is none.
        beside: Correlation with the value in the neighbouring row of the same group and date, None where there is none.
        along: Correlation with the next feature of the processor, None where there is none.
        shared: Rows whose value equals that of the neighbouring row of the same group and date.
        neighbours: Rows that have a value in the neighbouring row of the same group and date.
        step: Rows whose value breaks the declared `step`, or `integer`.
        equals: Rows whose value breaks the declared `equals`.
        monotone: Rows whose value breaks the declared `monotone`.
        kept: Defaulted rows whose value is neither NULL nor the default value; counted for one feature of a processor.
        swapped: Indices of two features -> rows that break the declared `equals` and keep it with the two swapped.
    """

    scored: int
    defaults: int
    missing: int
    nonfinite: int
    present: int
    mean: float | None
    stddev: float | None
    low: Value
    high: Value
    zeros: int
    outside: int
    neutral: int
    repeats: int
    followed: int
    cold: int
    cold_defaults: int
    distinct: int = 0
    negatives: int = 0
    whole: int = 0
    follows: float | None = None
    beside: float | None = None
    along: float | None = None
    shared: int = 0
    neighbours: int = 0
    step: int = 0
    equals: int = 0
    monotone: int = 0
    kept: int = 0
    swapped: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @property
    def broken(self) -> Mapping[str, int]:
        """Each declared law that values break, and in how many rows."""
        return {law: count for law in LAWS if (count := getattr(self, law))}

    @property
    def unexpected_share(self) -> float | None:
        """Share of defaulted rows among rows that are not cold, 0 to 1; None without such rows."""
        warm = self.scored - self.cold
        return (self.defaults - self.cold_defaults) / warm if warm else None

    @property
    def default_share(self) -> float | None:
        """Share of defaulted rows among scored rows, 0 to 1; None without scored rows."""
        return self.defaults / self.scored if self.scored else None

    @property
    def repeat_share(self) -> float | None:
        """Share of repeated values among rows with a previous row, 0 to 1; None without such rows."""
        return self.repeats / self.followed if self.followed else None

    @property
    def is_constant(self) -> bool:
        """Whether all rows with a real value have the same value."""
        return self.present > 1 and self.low is not None and self.low == self.high


@dataclass(frozen=True, slots=True)
class ProcessorDay:
    """A processor on one date: rows without a run of it, its last run, rows that were written before that run."""

    absent: int
    last_updated: datetime | None
    late: int


@dataclass(frozen=True, slots=True)
class Day:
    """One date, in numbers of rows.

    Attributes:
        day: The date.
        rows: All rows.
        scored: Rows with a score.
        repeated: Rows that have the keys of another row of the date.
        misshapen: Rows whose vector has another length than the registry has features.
        misordered: Rows whose vector has another order than the registry.
        features: Feature index -> its statistics.
        processors: Name of a processor -> its statistics.
        gates: Name of a BOOL column, stored or of a view -> rows in which it is TRUE.
        figures: Name of a threshold -> its figure; empty unless requested.
        groups: Column that groups rows -> group -> its rows; without columns of more than MOST_GROUPS groups.
        categories: Index of a text feature -> its real values; without features of more than MOST_GROUPS values.
        labelled: Rows with labels; all rows in a store without labels.
    """

    day: date
    rows: int
    scored: int
    repeated: int
    misshapen: int
    misordered: int
    features: Mapping[int, FeatureDay]
    processors: Mapping[str, ProcessorDay]
    gates: Mapping[str, int]
    figures: Mapping[str, Value] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    categories: Mapping[int, frozenset[str]] = field(default_factory=dict)
    labelled: int = 0
