"""What `import fqtool` offers beside types: the functions a Python program calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fqtool.quality.carriers import carriers
from fqtool.registry.model import Registry
from fqtool.verbs.generate_schema import generated_schema
from fqtool.verbs.score_records import scorer_of
from fqtool.verbs.workspace import open_registry
from fqtool.warehouse.duckdb_scorer import DuckDBScorer


@dataclass(frozen=True)
class LoadedRegistry(Registry):
    """A registry that also scores records, on an embedded DuckDB by the query that BigQuery runs.

    The query is prepared at the first use and kept, which takes most of a second; afterwards a record takes some
    hundredths. One registry may be used by several threads, one after the other.
    """

    def score(self, records: Sequence[Mapping[str, Any]], *, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Return, for each record, its keys and all managed columns, in the table's order.

        A record is a dict of the base columns that the registry's expressions read; those it lacks are NULL, others
        are ignored. A column of JSON text also takes a dict. `as_of` is what the column of the scoring time will hold,
        now unless given; a time without a zone is UTC. NUMERIC values are Decimal, TIMESTAMPs aware datetimes, ARRAYs
        lists. Raises InputError naming each record and column whose value is not of the column's type.
        """
        moment = as_of or datetime.now(UTC)
        return self._scorer.records(records, moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    def build_feature_quality_fields(
        self,
        sources: Mapping[int, str] | Mapping[str, str] | None,
        values: Sequence[float | None],
        metadata: Mapping[str, Any] | None = None,
        *,
        as_of: datetime | None = None,
    ) -> dict[str, Any]:
        """Return the managed columns of one record, to be put into the row that is written.

        `sources` are labels by feature index, None where they are unknown; `values` the feature vector; `metadata` the
        record's other base columns, keys among them. Raises InputError as `score` does, and where the registry reads
        labels or values from more than one column, so that it cannot be told where they belong.
        """
        of_sources, of_values = carriers(self)
        (scored,) = self.score([{**(metadata or {}), of_sources: sources, of_values: values}], as_of=as_of)
        keys = {name.lower() for name in self.table.keys}
        return {name: value for name, value in scored.items() if name.lower() not in keys}

    @cached_property
    def _scorer(self) -> DuckDBScorer:
        return scorer_of(self)


def load_registry(path: str | Path) -> LoadedRegistry:
    """Read and check a registry file. Raises RegistryError whose `findings` hold every problem."""
    read = open_registry(Path(path))
    return LoadedRegistry(**{one.name: getattr(read, one.name) for one in fields(Registry)})


def schema_json(registry: Registry, *, full: bool = False) -> str:
    """Return the managed columns, or with `full` the whole table, as BigQuery schema JSON."""
    return generated_schema(registry, full=full)
