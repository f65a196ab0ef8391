"""Find the column and row whose computed value does not fit its NUMERIC type, after a statement failed for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from fqtool.errors import FqtoolError, StatementFailed
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, Value, ident, literal
from fqtool.table.column import Kind, Mode
from fqtool.table.typetext import parse_type

_OF_NUMBERS = re.compile(r"out of range|overflow|\bNUMERIC\b|\bBIGNUMERIC\b|\bDECIMAL\b", re.IGNORECASE)
_COLUMN = "does_not_fit"

Ask = Callable[[Query], Iterable[Mapping[str, Value]]]


def _query(scoring: Scoring, source: str, where: str) -> str:
    """Return a query for the keys of one row with a value that does not fit, and its column; "" without such a type."""
    cases = [
        f"WHEN {ident(name)} IS NOT NULL AND SAFE_CAST({ident(name)} AS {kind}) IS NULL THEN {literal(name)}"
        for name, kind in _numeric(scoring).items()
    ]
    if not cases:
        return ""
    keys = ", ".join(map(ident, scoring.registry.table.keys))
    ctes, last = scoring.layered(source, where, scoring.registry.table.keys)
    column = f"CASE {' '.join(cases)} END"
    return f"{ctes}\nSELECT {keys}, {column} AS {ident(_COLUMN)}\nFROM {last}\nWHERE {column} IS NOT NULL\nLIMIT 1"


def _numeric(scoring: Scoring) -> dict[str, str]:
    types = ((one.name, parse_type(one.column.spec.type)) for one in scoring.columns)
    decimals = (Kind.NUMERIC, Kind.BIGNUMERIC)
    return {name: str(kind) for name, (kind, mode) in types if kind.kind in decimals and mode is not Mode.REPEATED}


def with_place(
    error: StatementFailed, scoring: Scoring, source: str, computed_at: datetime, ask: Ask, *, where: str = ""
) -> StatementFailed:
    """Return an error with column and row, where a value does not fit its type; any other error unchanged.

    Args:
        error: Why the scoring statement failed.
        scoring: The columns.
        source: The table of the statement, as SQL.
        computed_at: The value of @computed_at.
        ask: Runs a query.
        where: The filter of the statement, as SQL; "" for all rows.
    """
    if type(error) is not StatementFailed or not _OF_NUMBERS.search(error.message):
        return error
    query = _query(scoring, source, where)
    if not query:
        return error
    try:
        found = next(iter(ask(Query(query, (("computed_at", computed_at),)))), None)
    except FqtoolError:
        return error
    if found is None:
        return error
    row = ", ".join(f"{name} = {value}" for name, value in found.items() if name != _COLUMN)
    column = str(found[_COLUMN])
    return StatementFailed(
        f"The value of `{column}` does not fit {_numeric(scoring)[column]} in the row {row}. {error.message}",
        remedy=f"Declare a wider type for `{column}`, or limit its `expr` with LEAST and GREATEST.",
    )
