"""The views of the registry as GoogleSQL: derived columns, and one row per feature with UNNEST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fqtool.registry.alerts_and_models import Each, ViewSpec
from fqtool.registry.model import Feature, Registry
from fqtool.registry.placeholders import fill
from fqtool.sql import ident
from fqtool.table.model import DATASET, Table


def view_query(registry: Registry, spec: ViewSpec, table: Table) -> str:
    """Return the query of a view. It scans the table once, and a filter on the view prunes partitions.

    Args:
        registry: The registry.
        spec: The view.
        table: The table that the registry describes.
    """
    source = ident(DATASET, registry.table.name)
    where = f"\nWHERE {spec.where}" if spec.where else ""
    if spec.rows_per is Each.FEATURE:
        return _unpivoted(registry, spec, table, source) + where
    derived = (f"{expr} AS {ident(name)}" for name, expr, _ in _derived(registry, spec))
    columns = [*_included(spec, table), *derived]
    return f"SELECT\n  {_lines(columns)}\nFROM {source} AS t{where}"


def view_columns(registry: Registry, spec: ViewSpec, table: Table) -> tuple[tuple[str, str], ...]:
    """Return the columns of a view with their descriptions; a stored column has that of the table.

    A view of all columns (`*`) that does not name them has columns that are not known: () is returned.

    Args:
        registry: The registry.
        spec: The view.
        table: The table that the registry describes.
    """
    names = tuple(_names(spec, table))
    if "*" in names:
        return ()
    stored = (table.find(name) for name in names)
    derived = ((column.name, column.description) for column in spec.columns)
    if spec.rows_per is not Each.FEATURE:
        derived = ((name, text) for name, _, text in _derived(registry, spec))
    return *((column.name, column.description) for column in stored if column), *derived


def _names(spec: ViewSpec, table: Table) -> Iterator[str]:
    """Yield the stored columns of a view: `*`, or each by its name where the view has a list of columns."""
    for name in spec.include:
        if name == "*" and spec.describe_columns:
            yield from (column.name for column in table.columns)
        else:
            yield name


def _included(spec: ViewSpec, table: Table) -> Iterator[str]:
    return (("t.*" if name == "*" else f"t.{ident(name)}") for name in _names(spec, table))


def _derived(registry: Registry, spec: ViewSpec) -> Iterator[tuple[str, str, str]]:
    """Yield the name, expression and description of each derived column."""
    for column in spec.columns:
        if column.for_each is Each.FEATURE:
            for feature in registry.active_features:
                yield _of(feature, column.name), _of(feature, column.expr), _of(feature, column.description)
        else:
            yield column.name, column.expr, column.description


def _unpivoted(registry: Registry, spec: ViewSpec, table: Table, source: str) -> str:
    rows = [{one.name: _of(feature, one.expr) for one in spec.columns} for feature in registry.active_features]
    alias = free_alias(table, "f")
    columns = [*_included(spec, table), *(f"{alias}.{ident(column.name)}" for column in spec.columns)]
    return f"SELECT\n  {_lines(columns)}\nFROM {unpivoted(source, rows, alias)}"


def free_alias(table: Table, preferred: str) -> str:
    """Return an alias that is not the name of a column: `preferred`, or with _ at its end."""
    while table.find(preferred):
        preferred += "_"
    return preferred


def unpivoted(source: str, rows: Sequence[Mapping[str, str]], alias: str) -> str:
    """Return the FROM clause that joins every row of a table with one STRUCT per feature.

    The table is scanned once; a UNION ALL would scan it once per feature.

    Args:
        source: The table in GoogleSQL; its alias is `t`.
        rows: Name -> GoogleSQL of each field of the STRUCT, one map per feature with the same names.
        alias: The alias of the STRUCT; no column of the table has its name.
    """
    structs = []
    for number, row in enumerate(rows):
        values = (f"{value} AS {ident(name)}" if number == 0 else value for name, value in row.items())
        structs.append(f"STRUCT({', '.join(values)})")
    return f"{source} AS t\nCROSS JOIN UNNEST([\n  {_lines(structs)}\n]) AS {alias}"


def _lines(parts: list[str]) -> str:
    return ",\n  ".join(parts)


def _of(feature: Feature, text: str) -> str:
    """Fill placeholders. Feature names have only letters, digits and _, so they need no quoting."""
    return fill(text, {"index": feature.index, "name": feature.name, "category": feature.category})
