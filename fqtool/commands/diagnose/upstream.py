"""Follow a failure upstream: the table of a processor may be another store of fqtool.yaml, which has no rows either."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from fqtool.errors import FqtoolError
from fqtool.findings.finding import Finding
from fqtool.findings.remedy import Commands
from fqtool.registry.model import Processor, Registry
from fqtool.registry.project import Store
from fqtool.schema.row_dates import row_dates
from fqtool.sql import Query, ident
from fqtool.warehouse.protocol import Warehouse

_OF_INPUT = {"FQ601", "FQ602", "FQ603", "FQ604", "FQ605"}
"""The rules that an absent, old or incomplete input of a processor explains."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Another store of the repository.

    Attributes:
        store: its entry in fqtool.yaml.
        registry: its registry.
        url: the URL of its target.
        connect: opens its target.
    """

    store: Store
    registry: Registry
    url: str
    connect: Callable[[], Warehouse]

    def is_written_by(self, processor: Processor) -> bool:
        """Return whether its table is the one that a processor of another store writes."""
        *before, table = processor.table.split(".")
        dataset = self.url.rpartition("/")[2] if self.url.startswith("bigquery://") else ""
        return table == self.registry.table.name and (not before or not dataset or before[-1] == dataset)

    def rows_on(self, day: date) -> int | None:
        """Return the number of its rows of a date; None where that is unknown."""
        table = self.registry.table.name
        try:
            where = row_dates(self.registry).on(day)
            with self.connect() as warehouse:
                (row,) = warehouse.rows(Query(f"SELECT COUNT(*) AS n FROM {ident(table)} WHERE {where}"))
        except FqtoolError:
            return None
        return int(str(row["n"]))


def followed(
    findings: Iterable[Finding], registry: Registry, day: date, stores: Iterable[Upstream]
) -> tuple[Finding, ...]:
    """Return findings with the store upstream that has no rows for the date, where there is one.

    Args:
        findings: The findings of a diagnosis.
        registry: The registry of the diagnosed store.
        day: The date.
        stores: The other stores of the repository.
    """
    stores, processors = tuple(stores), {processor.name: processor for processor in registry.processors}
    return tuple(_followed(one, processors.get(one.subject), day, stores) for one in findings)


def _followed(finding: Finding, processor: Processor | None, day: date, stores: tuple[Upstream, ...]) -> Finding:
    if processor is None or finding.rule not in _OF_INPUT:
        return finding
    for one in stores:
        if one.is_written_by(processor) and one.rows_on(day) == 0:
            name, table = one.store.name, one.registry.table.name
            command = ("fqtool", "diagnose", "--store", name, "--date", str(day))
            return replace(
                finding,
                cause=f"{finding.cause} Upstream: `{table}`, the table of the store {name} in {one.url}, "
                f"has no rows for {day}.",
                remedy=Commands((command,), f"First repair the store {name}, then this one:"),
            )
    return finding
