"""Scoring without a table: a program's records, or a file's, on embedded DuckDB by the query that BigQuery runs."""

from __future__ import annotations

from fqtool.errors import InputError
from fqtool.quality.build import feature_values, fill
from fqtool.quality.expression import names_in
from fqtool.quality.grammar import parse_expression
from fqtool.quality.scoring import Scoring
from fqtool.registry.model import Registry
from fqtool.table.column import Mode
from fqtool.table.typetext import parse_type
from fqtool.warehouse.duckdb_scorer import RECORDS, DuckDBScorer


def scorer_of(registry: Registry) -> DuckDBScorer:
    """Return what scores records by this registry; they carry the base columns that its expressions read.

    Its results carry the keys and all managed columns; those that upstream owns are passed on. Raises InputError for
    an expression that cannot be used.
    """
    scoring = Scoring(registry)
    arrays = tuple(one.name for one in scoring.managed if parse_type(one.spec.type)[1] is Mode.REPEATED)
    return DuckDBScorer(scoring.select(RECORDS, whole=True), scoring.reads, arrays)


def carriers(registry: Registry) -> tuple[str, str]:
    """Return the columns that hold the labels and the values of all features. Raises InputError where several do."""
    return _carrier(registry, "source", registry.inputs.source), _carrier(registry, "value", registry.inputs.value)


def _carrier(registry: Registry, what: str, text: str) -> str:
    read = {name for one in registry.features for name in names_in(parse_expression(fill(text, feature_values(one))))}
    if len(read) != 1:
        raise InputError(
            f"{registry.path}: inputs: {what} reads {len(read)} columns ({', '.join(sorted(read)[:3])}), not one.",
            remedy="Give whole records to registry.score().",
        )
    return read.pop()
