"""An Open Data Contract (ODCS v3) as tables and their keys: what its `schema` says of columns.

`physicalType` is taken where BigQuery has such a type, else `logicalType`. Clustering and table options have no place
in a contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fqtool.errors import InputError
from fqtool.table.column import Column, Kind, Mode, Type
from fqtool.table.create_script import Created
from fqtool.table.model import Options, Partitioning, Table
from fqtool.table.typetext import parse_type

_LOGICAL = {
    "string": Kind.STRING, "integer": Kind.INT64, "number": Kind.NUMERIC, "boolean": Kind.BOOL, "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP, "time": Kind.TIME, "object": Kind.STRUCT,
}  # fmt: skip
_NESTED = ("STRUCT", "RECORD", "OBJECT")
_DEPTH_LIMIT = 15  # BIGQUERY 37


@dataclass(slots=True)
class _Reader:
    """Reads properties; every one that cannot be read is in `wrong`."""

    wrong: list[str] = field(default_factory=list)

    def columns(self, properties: Any, place: str) -> tuple[Column, ...]:
        found = []
        for number, one in enumerate(_listed(properties)):
            name = _named(one)
            if not name:
                self.wrong.append(f"{place} property {number + 1} has no name")
                continue
            column = self.column(one, name, f"{place}.{name}")
            found.append(column)
        return tuple(found)

    def column(self, one: dict[str, Any], name: str, place: str) -> Column:
        kind, mode = self._type(one, place, 0)
        required = _true(one.get("required")) and mode is not Mode.REPEATED
        return Column(name, kind, Mode.REQUIRED if required else mode, str(one.get("description") or ""))

    def _type(self, one: dict[str, Any], place: str, depth: int) -> tuple[Type, Mode]:
        physical = str(one.get("physicalType") or "").strip()
        logical = str(one.get("logicalType") or "").strip().lower()
        if depth > _DEPTH_LIMIT:
            self.wrong.append(f"{place} is nested deeper than {_DEPTH_LIMIT} levels")
            return Type(Kind.STRING), Mode.NULLABLE
        if (parsed := _parsed(physical)) is not None:
            if parsed[0].fields and one.get("properties"):
                inner = {field.key: field for field in self.columns(one["properties"], place)}
                words = (replace(f, description=inner[f.key].description) if f.key in inner else f
                         for f in parsed[0].fields)  # fmt: skip
                return replace(parsed[0], fields=tuple(words)), parsed[1]
            return parsed
        if physical.upper() == "ARRAY" or logical == "array":
            items = one.get("items")
            inner_type, mode = self._type(items if isinstance(items, dict) else {}, f"{place} items", depth + 1)
            if mode is Mode.REPEATED:
                self.wrong.append(f"{place} is an array of arrays, which BigQuery does not have")
            return inner_type, Mode.REPEATED
        if physical.upper() in _NESTED or logical == "object":
            fields = self.columns(one.get("properties"), place)
            if not fields:
                self.wrong.append(f"{place} is an object without properties")
            return Type(Kind.STRUCT, fields=fields), Mode.NULLABLE
        if logical not in _LOGICAL:
            told = f"physicalType {physical!r} and logicalType {logical!r}"
            self.wrong.append(f"{place} has no type that BigQuery has: {told}")
            return Type(Kind.STRING), Mode.NULLABLE
        return Type(_LOGICAL[logical]), Mode.NULLABLE


def read_contract_tables(data: Any, place: str) -> tuple[Created, ...]:
    """Return the tables of a contract that was read as plain data. Raises InputError naming every wrong property."""
    entries = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise InputError(
            f"{place}: a data contract of ODCS v3 has a list under `schema`.", remedy="See bitol.io for the format."
        )
    reader = _Reader()
    made = tuple(_table(reader, entry) for entry in _listed(entries) if _named(entry))
    if reader.wrong:
        raise InputError(f"{place}: {'; '.join(reader.wrong[:20])}.")
    return made


def _table(reader: _Reader, entry: dict[str, Any]) -> Created:
    name = _named(entry)
    properties = [one for one in _listed(entry.get("properties")) if _named(one)]
    by_day = sorted((one for one in properties if _true(one.get("partitioned"))), key=_order("partitionKeyPosition"))
    keys = sorted((one for one in properties if _true(one.get("primaryKey"))), key=_order("primaryKeyPosition"))
    table = Table(
        name.rpartition(".")[2],
        reader.columns(entry.get("properties"), name),
        Partitioning(_named(by_day[0])) if by_day else None,
        options=Options(description=str(entry.get("description") or "")),
    )
    return Created(table, tuple(map(_named, keys)))


def _order(key: str) -> Any:
    def position(one: dict[str, Any]) -> float:
        value = one.get(key)
        return value if isinstance(value, int) and value >= 0 else float("inf")

    return position


def _parsed(physical: str) -> tuple[Type, Mode] | None:
    try:
        return parse_type(physical)
    except InputError:
        return None


def _named(one: dict[str, Any]) -> str:
    """The name in the warehouse where it differs from the contract's."""
    return str(one.get("physicalName") or one.get("name") or "")


def _true(value: Any) -> bool:
    return str(value).lower() in {"true", "yes", "on", "y"}


def _listed(entries: Any) -> Iterator[dict[str, Any]]:
    return (one for one in entries if isinstance(one, dict)) if isinstance(entries, list) else iter(())
