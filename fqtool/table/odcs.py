"""Read the `schema` of an Open Data Contract (ODCS v3) as tables and their keys.

`physicalType` is used if it is a BigQuery type, otherwise `logicalType`. A contract has no clustering and no table
options.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fqtool.errors import InputError
from fqtool.table.column import NESTING_LIMIT, Column, Kind, Mode, Type
from fqtool.table.model import Options, Partitioning, Table
from fqtool.table.read_ddl import Created
from fqtool.table.typetext import parse_type

_LOGICAL = {
    "string": Kind.STRING, "integer": Kind.INT64, "number": Kind.NUMERIC, "boolean": Kind.BOOL, "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP, "time": Kind.TIME, "object": Kind.STRUCT,
}  # fmt: skip
_NESTED = ("STRUCT", "RECORD", "OBJECT")


@dataclass(slots=True)
class _Reader:
    """Reads properties. `wrong` has a clause for each property that is not valid."""

    wrong: list[str] = field(default_factory=list)

    def columns(self, properties: Any, place: str) -> tuple[Column, ...]:
        parsed = []
        for number, entry in enumerate(_listed(properties)):
            name = _named(entry)
            if not name:
                self.wrong.append(f"{place} property {number + 1} has no name")
                continue
            column = self.column(entry, name, f"{place}.{name}")
            parsed.append(column)
        return tuple(parsed)

    def column(self, entry: dict[str, Any], name: str, place: str) -> Column:
        kind, mode = self._type(entry, place, 0)
        required = _true(entry.get("required")) and mode is not Mode.REPEATED
        return Column(name, kind, Mode.REQUIRED if required else mode, str(entry.get("description") or ""))

    def _type(self, entry: dict[str, Any], place: str, depth: int) -> tuple[Type, Mode]:
        physical = str(entry.get("physicalType") or "").strip()
        logical = str(entry.get("logicalType") or "").strip().lower()
        if depth > NESTING_LIMIT:
            self.wrong.append(f"{place} is nested deeper than {NESTING_LIMIT} levels")
            return Type(Kind.STRING), Mode.NULLABLE
        if (parsed := _parsed(physical)) is not None:
            if parsed[0].fields and entry.get("properties"):
                inner = {field.key: field for field in self.columns(entry["properties"], place)}
                words = (replace(f, description=inner[f.key].description) if f.key in inner else f
                         for f in parsed[0].fields)  # fmt: skip
                return replace(parsed[0], fields=tuple(words)), parsed[1]
            return parsed
        if physical.upper() == "ARRAY" or logical == "array":
            items = entry.get("items")
            inner_type, mode = self._type(items if isinstance(items, dict) else {}, f"{place} items", depth + 1)
            if mode is Mode.REPEATED:
                self.wrong.append(f"{place} is an array of arrays, which BigQuery does not have")
            return inner_type, Mode.REPEATED
        if physical.upper() in _NESTED or logical == "object":
            fields = self.columns(entry.get("properties"), place)
            if not fields:
                self.wrong.append(f"{place} is an object without properties")
            return Type(Kind.STRUCT, fields=fields), Mode.NULLABLE
        if logical not in _LOGICAL:
            types = f"physicalType {physical!r} and logicalType {logical!r}"
            self.wrong.append(f"{place} has no BigQuery type: {types}")
            return Type(Kind.STRING), Mode.NULLABLE
        return Type(_LOGICAL[logical]), Mode.NULLABLE


def read_contract_tables(data: Any, place: str) -> tuple[Created, ...]:
    """Return the tables of a contract.

    Args:
        data: The contract as plain data.
        place: The name of the file, for messages.

    Raises:
        InputError: Properties are not valid; the message names up to 20 of them.
    """
    entries = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise InputError(
            f"{place}: a data contract of ODCS v3 needs a list under `schema`.", remedy="See bitol.io for the format."
        )
    reader = _Reader()
    tables = tuple(_table(reader, entry) for entry in _listed(entries) if _named(entry))
    if reader.wrong:
        raise InputError(f"{place}: {'; '.join(reader.wrong[:20])}.")
    return tables


def _table(reader: _Reader, entry: dict[str, Any]) -> Created:
    name = _named(entry)
    properties = [item for item in _listed(entry.get("properties")) if _named(item)]
    by_day = sorted((item for item in properties if _true(item.get("partitioned"))), key=_order("partitionKeyPosition"))
    keys = sorted((item for item in properties if _true(item.get("primaryKey"))), key=_order("primaryKeyPosition"))
    table = Table(
        name.rpartition(".")[2],
        reader.columns(entry.get("properties"), name),
        Partitioning(_named(by_day[0])) if by_day else None,
        options=Options(description=str(entry.get("description") or "")),
    )
    return Created(replace(table, primary_key=tuple(map(_named, keys))))


def _order(key: str) -> Any:
    def position(entry: dict[str, Any]) -> float:
        value = entry.get(key)
        return value if isinstance(value, int) and value >= 0 else float("inf")

    return position


def _parsed(physical: str) -> tuple[Type, Mode] | None:
    try:
        return parse_type(physical)
    except InputError:
        return None


def _named(entry: dict[str, Any]) -> str:
    """The name in the warehouse: `physicalName`, or else `name`."""
    return str(entry.get("physicalName") or entry.get("name") or "")


def _true(value: Any) -> bool:
    return str(value).lower() in {"true", "yes", "on", "y"}


def _listed(entries: Any) -> Iterator[dict[str, Any]]:
    return (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else iter(())
