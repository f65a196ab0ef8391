"""Stores whose rows are dated by every type and granularity that BigQuery partitions by, and by a key alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fqtool.migrations.plan import make_statement
from fqtool.registry.alerts_and_models import Each
from fqtool.registry.model import BaseColumn, ColumnSpec, Registry
from fqtool.schema.build import desired_table
from fqtool.sql import Query
from fqtool.table.changes import CreateTable
from fqtool.table.model import State
from fqtool.warehouse.protocol import Warehouse
from fqtool.warehouse.target import open_target
from tests.bed.running import PROJECT, Emulator
from tests.machine import patient
from tests.unscored_store import past_registry

DAY = date(2026, 2, 2)
START = DAY - timedelta(days=6)  # in the month before
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
ITEMS = 24
TICK = timedelta(microseconds=1)
GOOD, BAD = '{"0":"good","1":"good","2":"good"}', '{"0":"bad","1":"good","2":"good"}'


@dataclass(frozen=True)
class Layout:
    """A type of the column that dates a row, and a granularity; "" is a table without partitions."""

    kind: str
    granularity: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.granularity or 'none'}"

    @property
    def registry(self) -> Registry:
        """The small store, its column `day` of this type."""
        small = past_registry()
        base = tuple(
            BaseColumn("day", self.kind, required=True) if one.name == "day" else one for one in small.base_columns
        )
        sources = ColumnSpec("feature_{index}_source", "STRING", "quality", "Of {name}", "source", Each.FEATURE)
        table = replace(
            small.table,
            partition_by="day" if self.granularity else None,
            partition_granularity=self.granularity or "DAY",
            require_partition_filter=bool(self.granularity),
        )
        return replace(small, base_columns=base, columns=(*small.columns, sources), table=table, views=())

    def value(self, moment: datetime) -> date:
        """The value of `day` in a row of that moment."""
        if self.kind == "DATE":
            return moment.date()
        return moment if self.kind == "TIMESTAMP" else moment.replace(tzinfo=None)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the week up to DAY, hours apart, and at the ends of each date; on DAY every f0 is a default."""
        days = [START + timedelta(days=number) for number in range((DAY - START).days + 1)]
        return [row for day in days for row in self.of_day(day, BAD if day == DAY else GOOD)]

    def of_day(self, day: date, labels: str = GOOD) -> Iterator[dict[str, Any]]:
        """The rows of one date: its first moment, its last, and hours between."""
        first = datetime.combine(day, time(), UTC)
        moments = [first + timedelta(hours=hour) for hour in range(ITEMS - 1)] + [first + timedelta(days=1) - TICK]
        for number, moment in enumerate(moments):
            yield {
                "item": f"i{number}", "day": self.value(moment), "labels": labels,
                "vector": (float(number + day.day % 3), 2.0 * number, 1.0 / (number + 1)),
            }  # fmt: skip


LAYOUTS: Sequence[Layout] = (
    *(Layout("DATE", granularity) for granularity in ("", "DAY", "MONTH", "YEAR")),
    *(Layout(kind, granularity)
      for kind in ("TIMESTAMP", "DATETIME") for granularity in ("", "HOUR", "DAY", "MONTH", "YEAR")),
)  # fmt: skip


def put(warehouse: Warehouse, layout: Layout, rows: Sequence[dict[str, Any]]) -> None:
    """Create the store's table and insert rows."""
    warehouse.run(make_statement(State(), (CreateTable(desired_table(layout.registry)),)))
    _insert(warehouse, layout, rows)


def put_day(warehouse: Warehouse, layout: Layout, day: date) -> None:
    """Insert the rows of one more date."""
    _insert(warehouse, layout, list(layout.of_day(day)))


def _insert(warehouse: Warehouse, layout: Layout, rows: Sequence[dict[str, Any]]) -> None:
    values = [
        f"('{row['item']}', {layout.kind} '{row['day']}', {list(row['vector'])}, '{row['labels']}')" for row in rows
    ]
    warehouse.run(Query(f"INSERT INTO store (item, day, vector, labels) VALUES {', '.join(values)}"))


@contextmanager
def opened(emulator: Emulator | None, layout: Layout) -> Iterator[tuple[Warehouse, str]]:
    """Open a new store of that layout with its rows, and its URL. BIGQUERY_EMULATOR_HOST names the emulator."""
    url = f"bigquery://{PROJECT}/{emulator.fresh_dataset()}" if emulator else "duckdb:///:memory:"
    with open_target(url, timeout=patient(30.0)) as warehouse:
        put(warehouse, layout, layout.rows())
        yield warehouse, url
