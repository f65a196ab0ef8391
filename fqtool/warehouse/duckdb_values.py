"""Python values as DuckDB parameters, and DuckDB's row values as fqtool's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from fqtool.sql import Value

_INT64 = 2**63


def bound(parameters: Iterable[tuple[str, Value]], used: frozenset[str]) -> dict[str, Any]:
    """Return the parameters a statement uses: DuckDB refuses to be told of others, BigQuery does not mind."""
    return {name: _bound(value) for name, value in parameters if name in used}


def _bound(value: Value) -> Any:
    """An int is an INT64 whatever its size; DuckDB would take the smallest type it fits and overflow there."""
    from duckdb.value.constant import LongValue

    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return LongValue(value)
    return value


def plain_rows(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows as dicts: ARRAY as tuple, STRUCT as dict, TIMESTAMP aware in datetime's own UTC."""
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    match value:
        case list():
            return tuple(map(_plain, value))
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC)
        case _:
            return value
