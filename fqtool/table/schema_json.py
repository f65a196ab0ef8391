"""Write and read BigQuery's schema JSON (bigquery.md#types), the format of `bq`, Terraform and tables.get.

Type names are those of tables.get (INTEGER, FLOAT, BOOLEAN, RECORD), so that a comparison with a live table shows no
difference in spelling. Reading accepts every alias. Integers of a field are JSON strings, as in the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fqtool.errors import InputError
from fqtool.table.column import ALIASES, NESTING_LIMIT, REST_NAMES, Column, Kind, Mode, Type
from fqtool.table.properties import column_properties, write_property


def schema_json(columns: Iterable[Column]) -> str:
    """Return the JSON array of fields, with a newline at the end. The same columns give the same bytes."""
    return json.dumps([field(column) for column in columns], indent=2, ensure_ascii=False) + "\n"


def field(column: Column) -> dict[str, Any]:
    """Return a column as the TableFieldSchema of the API."""
    resource: dict[str, Any] = {
        "name": column.name,
        "type": REST_NAMES.get(column.type.kind, column.type.kind.value),
        "mode": column.mode.value,
    }
    digits = "timestampPrecision" if column.type.kind is Kind.TIMESTAMP else "precision"
    for key, number in (
        (digits, column.type.precision),
        ("scale", column.type.scale),
        ("maxLength", column.type.length),
    ):
        if number is not None:
            resource[key] = str(number)
    if column.type.element:
        resource["rangeElementType"] = {"type": column.type.element.value}
    if column.type.fields:
        resource["fields"] = [field(inner) for inner in column.type.fields]
    if column.default is not None:
        resource["defaultValueExpression"] = column.default
    for property_name, text in column.properties:
        write_property(property_name, text, resource)
    if column.description:
        resource["description"] = column.description
    return resource


def read_schema(text: str, name: str) -> tuple[Column, ...]:
    """Read a schema file: an array of fields, or an object with `fields` or `schema.fields`.

    Args:
        text: The content of the file.
        name: The name of the file, for messages.

    Raises:
        InputError: The file is not a schema; the message names the file and the field.
    """
    try:
        raw = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}:{error.colno}: the file is not JSON: {error.msg}.") from None
    except (RecursionError, ValueError):
        raise InputError(
            f"{name}: the file is not a schema: it is nested too deep, or a number has too many digits."
        ) from None
    while isinstance(raw, dict):
        raw = raw.get("schema", raw.get("fields"))
    if not isinstance(raw, list):
        raise InputError(f"{name}: a BigQuery schema must be a JSON array of fields.")
    columns = tuple(column_of(entry, name) for entry in raw)
    for column in columns:
        if column.type.unknown:
            raise InputError(
                f"{name}: the field {column.name} has the type {column.type.unknown!r}, which BigQuery does not have."
            )
    return columns


def column_of(raw: Any, place: str, depth: int = 0) -> Column:
    """Read a TableFieldSchema. An unknown type is read as `Kind.UNKNOWN` with its name.

    Args:
        raw: The field as parsed JSON.
        place: Where it comes from, for messages.
        depth: The number of STRUCTs around it.

    Raises:
        InputError: The field is malformed; the message names `place` and the field.
    """
    if depth > NESTING_LIMIT:
        raise InputError(f"{place}: fields are nested deeper than {NESTING_LIMIT} levels.")
    if not isinstance(raw, dict) or not _is_text(raw.get("name")) or not isinstance(raw.get("type"), str):
        raise InputError(f"{place}: every field must be an object with a name and a type, but one is {str(raw)[:60]}.")
    name = raw["name"]
    try:
        mode = Mode((raw.get("mode") or "NULLABLE").upper())
        parsed = _type(raw, f"{place}: {name}", depth)
        default = raw.get("defaultValueExpression")
        properties = column_properties(raw)
        if not isinstance(default, str | None) or not all(_is_text(text) for _, text in properties):
            raise TypeError
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise InputError(f"{place}: the field {name} is malformed: {str(raw)[:120]}.") from None
    return Column(name, parsed, mode, str(raw.get("description") or ""), default, properties)


def _is_text(value: Any) -> bool:
    """JSON can contain half of a surrogate pair, which is not a character and cannot be printed."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _type(raw: dict[str, Any], place: str, depth: int) -> Type:
    match ALIASES.get(raw["type"].upper()):
        case None:
            return Type(Kind.UNKNOWN, name=raw["type"].upper())
        case Kind.STRUCT as kind:
            return Type(kind, fields=tuple(column_of(inner, place, depth + 1) for inner in raw["fields"]))
        case Kind.RANGE as kind:
            element = raw["rangeElementType"]["type"].upper()
            known = ALIASES.get(element)
            return Type(kind, element=known) if known else Type(Kind.UNKNOWN, name=f"RANGE<{element}>")
        case (Kind.NUMERIC | Kind.BIGNUMERIC) as kind:
            return Type(kind, number(raw, "precision"), number(raw, "scale"))
        case (Kind.STRING | Kind.BYTES) as kind:
            return Type(kind, length=number(raw, "maxLength"))
        case Kind.TIMESTAMP as kind:
            return Type(kind, number(raw, "timestampPrecision"))
        case kind:
            return Type(kind)


def number(raw: dict[str, Any], key: str) -> int | None:
    """Return a number of a resource, which the API writes as a JSON string; None if it is absent."""
    value = raw.get(key)
    return None if value is None else int(value)
