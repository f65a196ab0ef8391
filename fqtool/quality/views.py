"""The views of the registry as GoogleSQL: derived columns, and a row per feature by one UNNEST (DOMAIN 9, C44)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fqtool.registry.judgement import Each, ViewSpec
from fqtool.registry.model import Feature, Registry
from fqtool.sql import ident
from fqtool.table.model import DATASET


def view_query(registry: Registry, spec: ViewSpec) -> str:
    """Return the view's query. It scans the table once and lets a partition filter pass through."""
    source = ident(DATASET, registry.table.name)
    where = f"\nWHERE {spec.where}" if spec.where else ""
    if spec.rows_per is Each.FEATURE:
        return _unpivoted(registry, spec, source) + where
    columns = [*_included(spec), *(f"{expr} AS {ident(name)}" for name, expr in _derived(registry, spec))]
    return f"SELECT\n  {_lines(columns)}\nFROM {source} AS t{where}"


def _included(spec: ViewSpec) -> Iterator[str]:
    return (("t.*" if name == "*" else f"t.{ident(name)}") for name in spec.include)


def _derived(registry: Registry, spec: ViewSpec) -> Iterator[tuple[str, str]]:
    for column in spec.columns:
        if column.for_each is Each.FEATURE:
            for feature in registry.active_features:
                yield _of(feature, column.name), _of(feature, column.expr)
        else:
            yield column.name, column.expr


def _unpivoted(registry: Registry, spec: ViewSpec, source: str) -> str:
    rows = [{one.name: _of(feature, one.expr) for one in spec.columns} for feature in registry.active_features]
    columns = [*_included(spec), *(f"f.{ident(column.name)}" for column in spec.columns)]
    return f"SELECT\n  {_lines(columns)}\nFROM {unpivoted(source, rows)}"


def unpivoted(source: str, rows: Sequence[Mapping[str, str]]) -> str:
    """Return `source` as t beside f, one STRUCT for each of `rows`, which are names and their SQL, alike in all.

    The table is scanned once, where a UNION ALL scans it once per feature.
    """
    structs = []
    for number, row in enumerate(rows):
        values = (f"{value} AS {ident(name)}" if number == 0 else value for name, value in row.items())
        structs.append(f"STRUCT({', '.join(values)})")
    return f"{source} AS t\nCROSS JOIN UNNEST([\n  {_lines(structs)}\n]) AS f"


def _lines(parts: list[str]) -> str:
    return ",\n  ".join(parts)


def _of(feature: Feature, text: str) -> str:
    """{name} stands inside an SQL string or identifier; feature names are plain words, so it fits both."""
    filled = text.replace("{index}", str(feature.index)).replace("{name}", feature.name)
    return filled.replace("{category}", feature.category)
