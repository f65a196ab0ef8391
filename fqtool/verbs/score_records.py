"""Scoring without a table: a program's records, or a file's, on embedded DuckDB by the query that BigQuery runs."""

from __future__ import annotations

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
