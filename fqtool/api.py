"""What `import fqtool` offers beside types: the functions a Python program calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fqtool.commands.check_record.run import check_record
from fqtool.commands.generate_schema.run import generated_schema
from fqtool.errors import InputError
from fqtool.findings.finding import Finding
from fqtool.lint.check import open_registry
from fqtool.records.check import RecordCheck
from fqtool.registry.model import Feature, Registry
from fqtool.scoring.layout import Layout
from fqtool.scoring.places import Place, Shape, written
from fqtool.warehouse.duckdb.scorer import DuckDBScorer, scorer_of


@dataclass(frozen=True)
class LoadedRegistry(Registry):
    """A registry that also scores records, on an embedded DuckDB with the query that BigQuery runs.

    The first call prepares the query, which takes most of a second; later calls take some hundredths of a second per
    record. Several threads may use one registry; their calls run one after another.
    """

    def score(self, records: Sequence[Mapping[str, Any]], *, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Score records.

        Args:
            records: Base columns by name. Missing columns are NULL, and unknown ones are ignored. A column of JSON text
                may be a dict.
            as_of: The value of the column with the scoring time; the default is now. A time without a zone is UTC.

        Returns:
            For each record, its keys and all managed columns, in the order of the table. NUMERIC values are Decimal,
            TIMESTAMPs are datetimes with a zone, ARRAYs are lists.

        Raises:
            InputError: Values do not have the type of their column; the message names each record and column.
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
        """Score one record that is given as labels and values.

        Args:
            sources: Labels by feature index; None if they are unknown or the rows have no labels.
            values: The feature vector.
            metadata: The other base columns of the record, keys included.
            as_of: As in `score`.

        Returns:
            The managed columns, to add to the row that is written.

        Raises:
            InputError: As in `score`, or the registry reads labels or values from a place that cannot be written.
        """
        record = _record(Layout(self), sources, values, dict(metadata or {}))
        (scored,) = self.score([record], as_of=as_of)
        keys = {name.lower() for name in self.table.keys}
        return {name: value for name, value in scored.items() if name.lower() not in keys}

    def check(self, record: Mapping[str, Any] | Sequence[Any]) -> tuple[Finding, ...]:
        """Check a record before it is written, as `fqtool check-record` does.

        Args:
            record: The row that a writer sends, as column name -> value, or as values in the order of the columns.

        Returns:
            The findings; () for a record that fits the registry.

        Example: `assert registry.check(build_row(product)) == ()` in the tests of the writer.
        """
        return check_record(self._record_check, record)

    @cached_property
    def _record_check(self) -> RecordCheck:
        return RecordCheck(self)

    @cached_property
    def _scorer(self) -> DuckDBScorer:
        return scorer_of(self)


def _record(
    layout: Layout,
    sources: Mapping[int, str] | Mapping[str, str] | None,
    values: Sequence[float | None],
    record: dict[str, Any],
) -> dict[str, Any]:
    """Write labels and values to the places where the registry reads them."""
    features, parts = layout.registry.features, list[tuple[Place, Any]]()
    labels = {str(index): label for index, label in (sources or {}).items()}
    for one in features:
        if one.index < len(values) and not layout.vector:
            parts.append((_written_at(layout.value_place(one), "value", one), values[one.index]))
        if sources is not None:
            place = _written_at(layout.label_place(one), "source", one)
            if place.shape is Shape.KEY:
                record.setdefault(place.column, {})
            if str(one.index) in labels:
                parts.append((place, labels[str(one.index)]))
    if layout.vector:
        record[layout.vector] = values
    return written(record, parts)


def _written_at(place: Place | None, what: str, feature: Feature) -> Place:
    if place is None:
        raise InputError(
            f"The {what} of {feature.name} cannot be written to the place where the registry reads it.",
            remedy="Pass whole records to `registry.score()`.",
        )
    return place


def load_registry(path: str | Path) -> LoadedRegistry:
    """Read and check a registry file.

    Args:
        path: The registry file, relative to the working directory.

    Returns:
        The registry, which also scores and checks records.

    Raises:
        RegistryError: The file is missing or has errors; `findings` holds every problem, with its place.

    Example: `registry = load_registry("feature_registry.yaml")`
    """
    registry = open_registry(Path(path))
    return LoadedRegistry(**{field.name: getattr(registry, field.name) for field in fields(Registry)})


def schema_json(registry: Registry, *, full: bool = False) -> str:
    """Return the schema JSON of the table, as `bq mk --schema` and Terraform read it.

    Args:
        registry: The registry, as `load_registry` returns it.
        full: Whether to include the base columns; the default is the managed columns alone.

    Returns:
        The JSON text: an array with an object for each column, in the order of the table.
    """
    return generated_schema(registry, full=full)
