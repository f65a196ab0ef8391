"""A root cause: what went wrong on a date, since when, in which rows and features, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fqtool.registry.alerts_and_models import KnownEvent
from fqtool.registry.model import Feature, Processor


class Kind(StrEnum):
    """The kind of a root cause."""

    MISSHAPEN = "misshapen"
    MISORDERED = "misordered"
    NO_LABELS = "no labels"
    NOT_SCORED = "not scored"
    UNDECLARED = "undeclared labels"
    ROW_COUNT = "row count"
    REPEATED_KEYS = "repeated keys"
    NO_ROWS = "no rows"
    GROUP_GONE = "group gone"
    GROUP_NEW = "group new"
    CATEGORY_NEW = "category new"
    MISSING = "missing"
    MASKED = "masked"
    STALE = "stale"
    REPEATED = "repeated"
    PARTIAL = "partial"
    DECLINING = "declining"
    LATE = "late"
    CONSTANT = "constant"
    NEUTRAL = "neutral"
    OUTSIDE = "outside"
    SHIFTED = "shifted"
    NO_VALUE = "no value"
    NOT_FINITE = "not finite"
    OTHER_KEYS = "other keys"
    SWAPPED = "swapped"
    PRECISION = "precision"
    GATE = "gate"
    LAW = "law"


class Confidence(StrEnum):
    """How sure a root cause is, by the number of independent observations: labels, values, recorded runs."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong on a date.

    Attributes:
        kind: The kind of root cause.
        day: The date.
        since: The first of the dates in sequence that have the problem.
        rows: Rows of the date.
        hit: Rows of the date that have the problem.
        features: The features that have the problem, () where it is about whole rows.
        processor: The processor that feeds them, None where it is unknown.
        last_updated: The last run of the processor that the rows record.
        evidence: The evidence, one observation per text.
        confidence: How sure it is.
        scorable: Whether the registry has columns that `fqtool score` computes.
        detail: What changed, in words: the shape of a shift, the groups, or the gates.
        absent: The word for rows without a real value: `defaulted`, or `missing` where rows have no labels.
        owner: The owners of the features or the processor in the registry, "" without any.
        event: The known event of the registry that it belongs to, None without one.
        recorded: Whether the rows record that the processor did not run.
        at_least: Whether the problem may have begun before `since`, the first date that was read.
    """

    kind: Kind
    day: date
    since: date
    rows: int
    hit: int
    features: tuple[Feature, ...]
    processor: Processor | None
    last_updated: datetime | None
    evidence: tuple[str, ...]
    confidence: Confidence = Confidence.CERTAIN
    scorable: bool = True
    detail: str = ""
    absent: str = "defaulted"
    owner: str = ""
    event: KnownEvent | None = None
    recorded: bool = False
    at_least: bool = False

    @property
    def has_labels(self) -> bool:
        """Whether rows hold labels of the features."""
        return self.absent == "defaulted"

    @property
    def reason(self) -> str:
        """How sure it is, and why."""
        return f"{self.confidence}; evidence: {'; '.join(self.evidence)}."

    @property
    def is_known(self) -> bool:
        """Whether a known event of the registry covers the date; one that ended before it no longer does."""
        return self.event is not None and self.day <= self.event.until
