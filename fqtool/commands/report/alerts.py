"""How often each alert fired; an alert with a number in its code is one alert, with the numbers that it had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median_low

from fqtool.monitoring.question import Question, Stored, select
from fqtool.registry.model import Registry
from fqtool.sql import Value, ident


@dataclass(frozen=True, slots=True)
class AlertCount:
    """An alert of the registry over a span of dates.

    Args:
        code: The code as the registry declares it, with {number} where it has a number.
        days: The dates on which it fired, in order.
        rows: Number of rows with it.
        numbers: The number of each of these rows, in order; () for a code without a number.
    """

    code: str
    days: tuple[date, ...]
    rows: int
    numbers: tuple[int, ...] = ()

    @property
    def distribution(self) -> str:
        """The least, median and greatest number, "" for a code without a number."""
        if not self.numbers:
            return ""
        low, middle, high = self.numbers[0], median_low(self.numbers), self.numbers[-1]
        return str(low) if low == high else f"{low} to {high}, median {middle}"


def alerts_by_date(registry: Registry) -> Question:
    """Return the query for the rows of each stored alert code by date. The registry stores alert codes."""
    stored = Stored(registry)
    alert = stored.alias("alert")
    return Question(
        "alerts_by_date",
        "rows of each alert on each date from @start to @end",
        select(
            [f"{stored.day} AS `date`", f"{alert} AS `alert`", "COUNT(*) AS `rows`"],
            f"{stored.table}\nCROSS JOIN UNNEST({ident(stored.roles.alert_codes)}) AS {alert}",
            stored.between,
            "GROUP BY 1, 2",
            "ORDER BY 1, 2",
        ),
    )


def alert_counts(registry: Registry, rows: Iterable[Mapping[str, Value]]) -> tuple[AlertCount, ...]:
    """Return the alerts of the rows of `alerts_by_date`, the most frequent first."""
    patterns = {
        alert.code: re.compile(r"(-?\d+)".join(map(re.escape, alert.code.split("{number}"))))
        for alert in registry.alerts
        if alert.number is not None
    }
    fired = dict[str, list[tuple[date, int, int | None]]]()
    for row in rows:
        text, day, count = str(row["alert"]), row["date"], row["rows"]
        if not isinstance(day, date) or not isinstance(count, int):
            raise TypeError(row)
        found = ((code, int(match[1])) for code, pattern in patterns.items() if (match := pattern.fullmatch(text)))
        code, number = next(found, (text, None))
        fired.setdefault(code, []).append((day, count, number))
    made = [_counted(code, each) for code, each in fired.items()]
    return tuple(sorted(made, key=lambda alert: (-alert.rows, alert.code)))


def _counted(code: str, fired: Sequence[tuple[date, int, int | None]]) -> AlertCount:
    numbers = (number for _, count, number in fired if number is not None for _ in range(count))
    return AlertCount(
        code, tuple(sorted({day for day, _, _ in fired})), sum(count for _, count, _ in fired), tuple(sorted(numbers))
    )
