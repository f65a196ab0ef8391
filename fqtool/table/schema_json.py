"""BigQuery's schema JSON, written and read (BIGQUERY 55-59): what `bq` and Terraform take and tables.get gives.

Type names are those of tables.get (INTEGER, FLOAT, BOOLEAN, RECORD), so that comparing with a live table shows no
difference of spelling; reading accepts every alias. Integers inside a field are JSON strings, as the API has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fqtool.errors import InputError
from fqtool.table.column import ALIASES, REST_NAMES, Column, Kind, Mode, Type

_NESTING_LIMIT = 15  # BIGQUERY 37


def schema_json(columns: Iterable[Column]) -> str:
    """Return the JSON array of fields, the same bytes for the same columns, with a newline at the end."""
    return json.dumps([field(column) for column in columns], indent=2, ensure_ascii=False) + "\n"


def field(column: Column) -> dict[str, Any]:
    """Return one column as the API's TableFieldSchema."""
    made: dict[str, Any] = {
        "name": column.name,
        "type": REST_NAMES.get(column.type.kind, column.type.kind.value),
        "mode": column.mode.value,
    }
    for key, number in (
        ("precision", column.type.precision),
        ("scale", column.type.scale),
        ("maxLength", column.type.length),
    ):
        if number is not None:
            made[key] = str(number)
    if column.type.element:
        made["rangeElementType"] = {"type": column.type.element.value}
    if column.type.fields:
        made["fields"] = [field(inner) for inner in column.type.fields]
    if column.default is not None:
        made["defaultValueExpression"] = column.default
    if column.policy_tags:
        made["policyTags"] = {"names": list(column.policy_tags)}
    if column.description:
        made["description"] = column.description
    return made


def read_schema(text: str, name: str) -> tuple[Column, ...]:
    """Read a schema file: the bare array, or an object with `fields` or `schema.fields` in it.

    Raises InputError naming the file and the field that cannot be read.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}.") from None
    except (RecursionError, ValueError):
        raise InputError(f"{name}: this is no schema: it is nested too deep, or a number is endless.") from None
    while isinstance(raw, dict):
        raw = raw.get("schema", raw.get("fields"))
    if not isinstance(raw, list):
        raise InputError(f"{name}: a BigQuery schema is a JSON array of fields.")
    return tuple(column_of(entry, name) for entry in raw)


def column_of(raw: Any, place: str, depth: int = 0) -> Column:
    """Read one TableFieldSchema. Raises InputError naming `place` and the field."""
    if depth > _NESTING_LIMIT:
        raise InputError(f"{place}: fields are nested deeper than {_NESTING_LIMIT} levels.")
    if not isinstance(raw, dict) or not _is_text(raw.get("name")) or not isinstance(raw.get("type"), str):
        raise InputError(f"{place}: every field is an object with a name and a type; found {str(raw)[:60]}.")
    name = raw["name"]
    kind = ALIASES.get(raw["type"].upper())
    if kind is None:
        raise InputError(f"{place}: the field {name} has the type {raw['type']!r}, which BigQuery does not have.")
    try:
        mode = Mode((raw.get("mode") or "NULLABLE").upper())
        parsed = _type(raw, kind, f"{place}: {name}", depth)
        default = raw.get("defaultValueExpression")
        tags = (raw.get("policyTags") or {}).get("names") or []
        if not isinstance(default, str | None) or not isinstance(tags, list) or not all(map(_is_text, tags)):
            raise TypeError
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise InputError(f"{place}: the field {name} cannot be read: {str(raw)[:120]}.") from None
    return Column(name, parsed, mode, str(raw.get("description") or ""), default, tuple(tags))


def _is_text(value: Any) -> bool:
    """JSON can say half of a surrogate pair, which is no character and nothing can print."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _type(raw: dict[str, Any], kind: Kind, place: str, depth: int) -> Type:
    return Type(
        kind,
        precision=_number(raw.get("precision")),
        scale=_number(raw.get("scale")),
        length=_number(raw.get("maxLength")),
        fields=tuple(column_of(inner, place, depth + 1) for inner in raw.get("fields") or ()),
        element=Kind(raw["rangeElementType"]["type"].upper()) if raw.get("rangeElementType") else None,
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
