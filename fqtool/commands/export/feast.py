"""The registry as a Feast repository: an entity per key, a view of the values, and a view of their quality.

A feature and a column may have the same name, so the two views have separate queries. The queries convert NUMERIC to a
float, and types that Feast does not have to text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fqtool.commands.export.contents import contents, dataset_of
from fqtool.commands.export.text import quoted
from fqtool.errors import InputError
from fqtool.registry.model import Feature, Registry
from fqtool.schema.row_dates import dates_of
from fqtool.scoring.layout import Layout
from fqtool.sql import ident
from fqtool.table.column import Column, Kind, Mode

_DAYS = 400
_TYPES: Mapping[Kind, str] = {
    Kind.INT64: "Int64", Kind.FLOAT64: "Float64", Kind.NUMERIC: "Float64", Kind.BIGNUMERIC: "Float64",
    Kind.BOOL: "Bool", Kind.STRING: "String", Kind.BYTES: "Bytes", Kind.DATE: "UnixTimestamp",
    Kind.DATETIME: "UnixTimestamp", Kind.TIMESTAMP: "UnixTimestamp", Kind.TIME: "String",
    Kind.INTERVAL: "String",
}  # fmt: skip
_CASTS: Mapping[Kind, str] = {
    Kind.NUMERIC: "FLOAT64", Kind.BIGNUMERIC: "FLOAT64", Kind.DATE: "TIMESTAMP", Kind.DATETIME: "TIMESTAMP",
    Kind.TIME: "STRING", Kind.INTERVAL: "STRING",
}  # fmt: skip
_KEYS = {Kind.STRING: "STRING", Kind.INT64: "INT64"}

_TEXT = '''\
"""The feature store {table} as a Feast repository.

Written by `fqtool export feast`; change the registry, not this file.
"""

import os
from datetime import timedelta

from feast import (
    BigQuerySource,
    Entity,
    {service}FeatureView,
    Field,
    FileSource,
    ValueType,
)
from feast.types import {types}

# The table and the number of days to read; or a folder with a Parquet file per view that has the columns of `query`.
TABLE = os.environ.get("FEATURE_STORE_TABLE", {path})
DAYS = int(os.environ.get("FEATURE_STORE_DAYS", "{days}"))
FILES = os.environ.get("FEATURE_STORE_FILES", "")

# SQL expressions over the table; a feature also has its type and description.
KEYS = {{
{keys}}}
TIME = {time}
TIMESTAMP = {timestamp}
WHERE = {where}
VALUES = {{
{values}}}
QUALITY = {{
{quality}}}


def query(columns):
    """Return the SQL that selects keys, time and columns."""
    selected = {{**KEYS, TIME: TIMESTAMP, **{{name: sql for name, (sql, _, _) in columns.items()}}}}
    return f"SELECT {{', '.join(f'{{sql}} AS `{{name}}`' for name, sql in selected.items())}} FROM `{{TABLE}}`{{WHERE}}"


def source(name, columns):
    """Return the source of a view."""
    if FILES:
        return FileSource(name=name, path=os.path.join(FILES, f"{{name}}.parquet"), timestamp_field=TIME)
    return BigQuerySource(name=name, query=query(columns), timestamp_field=TIME)


def view(name, columns, entities):
    """Return a view of columns."""
    schema = [Field(name=field, dtype=kind, description=text) for field, (_, kind, text) in columns.items()]
    return FeatureView(
        name=name, entities=entities, ttl=timedelta(0), schema=schema, source=source(name, columns), online=True
    )


{entities}
{views}{services}'''


def feast(registry: Registry) -> str:
    """Return the text of the repository's file.

    Raises:
        InputError: the table has no time of a row, which Feast needs.
    """
    held, place = contents(registry), dataset_of(registry)
    dates = dates_of(registry)
    moment = dates.column if dates else registry.written
    if not moment:
        raise InputError(
            f"Feast needs the time of a row; {registry.path} declares no date column and no time of writing.",
            remedy="Add the date column to `keys`, or `last_updated` to the processor that writes the row.",
        )
    by_name = {one.name: one.column for one in held}
    keys = [by_name[name] for name in registry.table.keys if name != moment]
    layout = Layout(registry)
    values = [(one.name, *_of_feature(layout, one), one.description) for one in registry.active_features]
    quality = [(one.name, *_selected(one.column), one.column.description) for one in held if one.managed]
    taken = {name for name, *_ in (*values, *quality)} | set(registry.table.keys)
    own = [one for one in quality if one[0] not in registry.table.keys]
    time = next(name for name in _times() if name not in taken)
    names = [registry.table.name, f"{registry.table.name}_quality"]
    views = [("values", names[0], "VALUES")] * bool(values) + [("quality", names[1], "QUALITY")] * bool(own)
    path = f"{place.project}.{place.dataset}.{registry.table.name}" if place else registry.table.name
    services = "".join(_services(registry))
    entities = [_entity(number, key) for number, key in enumerate(keys)]
    listed = ", ".join(f"entity_{number}" for number in range(len(keys)))
    return _TEXT.format(
        table=registry.table.name,
        types=", ".join(sorted(_imported(one[2] for one in (*values, *own)))),
        path=quoted(path),
        days=_DAYS,
        keys="".join(f"    {quoted(key.name)}: {quoted(_key(key))},\n" for key in keys),
        time=quoted(time),
        timestamp=quoted(_timestamp(by_name[moment])),
        where=_where(registry, by_name),
        values=_rows(values),
        quality=_rows(own),
        entities="\n".join(entities),
        views="".join(f"{name} = view({quoted(told)}, {of}, [{listed}])\n" for name, told, of in views),
        services=services,
        service="FeatureService,\n    " if services else "",
    )


def _times() -> Iterator[str]:
    yield "event_timestamp"
    number = 2
    while True:
        yield f"event_timestamp_{number}"
        number += 1


def _rows(columns: Iterable[tuple[str, str, str, str]]) -> str:
    return "".join(
        f"    {quoted(name)}: ({quoted(sql)}, {kind}, {quoted(told)}),\n" for name, sql, kind, told in columns
    )


def _imported(kinds: Iterable[str]) -> set[str]:
    return {name for kind in kinds for name in kind.rstrip(")").split("(")}


def _of_feature(layout: Layout, feature: Feature) -> tuple[str, str]:
    """Return the SQL of the value of a feature as a type of Feast, and that type; a float where it is unknown."""
    value, found = layout.value(feature), layout.type_of(feature)
    return _converted(value, found.kind, repeated=found.repeated) if found else (value, "Float64")


def _selected(column: Column) -> tuple[str, str]:
    """Return the SQL that converts a column to a type of Feast, and that type."""
    return _converted(ident(column.name), column.type.kind, repeated=column.mode is Mode.REPEATED)


def _converted(value: str, kind: Kind, *, repeated: bool) -> tuple[str, str]:
    if kind not in _TYPES:
        return f"TO_JSON_STRING({value})", "String"
    cast = _CASTS.get(kind)
    if repeated:
        made = f"ARRAY(SELECT CAST(one AS {cast}) FROM UNNEST({value}) AS one)" if cast else value
        return made, f"Array({_TYPES[kind]})"
    return (f"CAST({value} AS {cast})" if cast else value), _TYPES[kind]


def _key(column: Column) -> str:
    return ident(column.name) if column.type.kind in _KEYS else f"CAST({ident(column.name)} AS STRING)"


def _entity(number: int, column: Column) -> str:
    name, kind = quoted(column.name), _KEYS.get(column.type.kind, "STRING")
    told = f", description={quoted(column.description)}" if column.description else ""
    return f"entity_{number} = Entity(name={name}, join_keys=[{name}], value_type=ValueType.{kind}{told})"


def _timestamp(column: Column) -> str:
    name = ident(column.name)
    return name if column.type.kind is Kind.TIMESTAMP else f"CAST({name} AS TIMESTAMP)"


def _where(registry: Registry, columns: Mapping[str, Column]) -> str:
    """The Python source of the condition on the partition column, which prunes other partitions."""
    name = registry.table.partition_by
    if not name:
        return '""'
    kind, first = columns[name].type.kind, "DATE_SUB(CURRENT_DATE(), INTERVAL {DAYS} DAY)"
    return f'f" WHERE {ident(name)} >= {first if kind is Kind.DATE else f"CAST({first} AS {kind})"}"'


def _services(registry: Registry) -> Iterator[str]:
    """A service per model: the features that it reads from the store, in its order."""
    if any(model.needs for model in registry.models):
        yield "\n# The features that each model reads, in its order.\n"
    for number, model in enumerate(registry.models):
        if needs := list(dict.fromkeys(model.needs)):
            names = "".join(f"        {quoted(one)},\n" for one in needs)
            listed = f"    features=[values[[\n{names}    ]]],\n"
            yield f"service_{number} = FeatureService(\n    name={quoted(model.name)},\n{listed})\n"
