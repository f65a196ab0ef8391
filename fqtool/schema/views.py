"""The views of the registry as GoogleSQL: derived columns, and one row per feature with UNNEST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fqtool.registry.alerts_and_models import Each, ViewSpec
from fqtool.registry.model import Feature, Registry
from fqtool.registry.placeholders import fill
from fqtool.sql import ident
from fqtool.table.model import DATASET


def view_query(registry: Registry, spec: ViewSpec) -> str:
    """Return the query of a view. It scans the table once, and a filter on the view prunes partitions."""
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
    """Return the FROM clause that joins every row of a table with one STRUCT per feature.

    The table is scanned once; a UNION ALL would scan it once per feature.

    Args:
        source: The table in GoogleSQL; its alias is `t`.
        rows: Name -> GoogleSQL of each field of the STRUCT `f`, one map per feature with the same names.
    """
    structs = []
    for number, row in enumerate(rows):
        values = (f"{value} AS {ident(name)}" if number == 0 else value for name, value in row.items())
        structs.append(f"STRUCT({', '.join(values)})")
    return f"{source} AS t\nCROSS JOIN UNNEST([\n  {_lines(structs)}\n]) AS f"


def _lines(parts: list[str]) -> str:
    return ",\n  ".join(parts)


def _of(feature: Feature, text: str) -> str:
    """Fill placeholders. Feature names have only letters, digits and _, so they need no quoting."""
    return fill(text, {"index": feature.index, "name": feature.name, "category": feature.category})
