"""The values of the features that a root cause names, on its date and on the dates before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.run import BASELINE
from fqtool.monitoring.question import Question, Stored, select
from fqtool.registry.model import Feature, Registry
from fqtool.schema.views import unpivoted
from fqtool.sql import Value, literal

BUCKETS = 24
_MOST_FEATURES = 12  # features of a root cause with a chart: more make the page large and are not read


@dataclass(frozen=True, slots=True)
class Span:
    """The buckets of a feature: the lower end of the first, and their width."""

    feature: Feature
    low: float
    width: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values of one feature in buckets of the same width.

    Args:
        span: The feature and its buckets.
        day: The date of the root cause.
        on_day: Values in each bucket on the date.
        before: Values in each bucket on the dates of the baseline.
    """

    span: Span
    day: date
    on_day: tuple[int, ...]
    before: tuple[int, ...]


def distributions(
    registry: Registry,
    named: Sequence[tuple[date, Sequence[Feature]]],
    seen: Sequence[Day],
    ask: Callable[[Question, date, date], Sequence[Mapping[str, Value]]],
) -> dict[tuple[date, int], Distribution]:
    """Return the distributions of the first 12 numeric features of each root cause, by its date and the feature index.

    Args:
        registry: The registry.
        named: The date of each root cause, and the features that it names.
        seen: The daily statistics of these dates and their baselines.
        ask: Runs a query over the dates from the first to the second; called once, or not at all.
    """
    wanted = [(day, feature) for day, features in named for feature in features[:_MOST_FEATURES]]
    spans = {feature.index: span for _, feature in wanted if (span := _span(feature, seen)) is not None}
    if not spans:
        return {}
    first = min(day for day, _ in wanted) - timedelta(days=BASELINE)
    rows = ask(bucket_counts(registry, list(spans.values())), first, max(day for day, _ in wanted))
    counts = dict[tuple[int, date], dict[int, int]]()
    for row in rows:
        index, day, bucket, count = row["feature_index"], row["date"], row["bucket"], row["rows"]
        counts.setdefault((index, day), {})[bucket] = count  # type: ignore[arg-type,index,assignment]
    return {
        (day, feature.index): _distribution(spans[feature.index], day, counts)
        for day, feature in wanted
        if feature.index in spans
    }


def _distribution(span: Span, day: date, counts: Mapping[tuple[int, date], Mapping[int, int]]) -> Distribution:
    before = [day - timedelta(days=number) for number in range(1, BASELINE + 1)]

    def total(days: Sequence[date]) -> tuple[int, ...]:
        found = [counts.get((span.feature.index, one), {}) for one in days]
        return tuple(sum(one.get(bucket, 0) for one in found) for bucket in range(BUCKETS))

    return Distribution(span, day, total([day]), total(before))


def _span(feature: Feature, seen: Sequence[Day]) -> Span | None:
    """Return the buckets of a feature, None for a feature without numbers."""
    stats = [day.features[feature.index] for day in seen]
    lows = [float(one.low) for one in stats if one.mean is not None and isinstance(one.low, int | float)]
    highs = [float(one.high) for one in stats if one.mean is not None and isinstance(one.high, int | float)]
    if not lows or not highs:
        return None
    low, high = min(lows), max(highs)
    return Span(feature, low, (high - low) / BUCKETS or 1.0)


def bucket_counts(registry: Registry, spans: Sequence[Span]) -> Question:
    """Return the query for the numbers of values in each bucket by date; it scans the table once."""
    stored = Stored(registry)
    f = stored.f
    rows = [
        {
            "feature_index": str(span.feature.index),
            "value": stored.layout.number(span.feature, stored.value(span.feature)) or "CAST(NULL AS FLOAT64)",
            "low": literal(span.low),
            "width": literal(span.width),
        }
        for span in spans
    ]
    bucket = f"LEAST(CAST(FLOOR(({f}.value - {f}.low) / {f}.width) AS INT64), {BUCKETS - 1})"
    return Question(
        "distributions",
        "values of features by date and bucket from @start to @end",
        select(
            [f"{f}.feature_index", f"{stored.day} AS `date`", f"{bucket} AS `bucket`", "COUNT(*) AS `rows`"],
            unpivoted(stored.table, rows, f),
            f"{stored.between}\n  AND {f}.value BETWEEN {f}.low AND {f}.low + {f}.width * {BUCKETS}",
            "GROUP BY 1, 2, 3",
            "ORDER BY 1, 2, 3",
        ),
    )
