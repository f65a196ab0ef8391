"""Place: the part of a row that an expression reads, so that a program can write it too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fqtool.expressions.expression import Call, Expression, Field, Index, Literal, Lookup, Name

_KEY = re.compile(r"\$(?:\.(\w+)|\.\"([^\"\\]+)\")")


class Shape(StrEnum):
    """How a column holds a value: as the whole column or a part of it."""

    WHOLE = "whole"
    ITEM = "item"  # of an ARRAY
    KEY = "key"  # of JSON text
    FIELD = "field"  # of a STRUCT
    ENTRY = "entry"  # a field of the STRUCT in an ARRAY that has a name


@dataclass(frozen=True, slots=True)
class Place:
    """A column, or a part of it.

    Args:
        column: The column.
        shape: How the column holds the value.
        key: The offset of an item, the key of a JSON object, the name of a field, or the name of an entry.
        fields: Of an entry, the field with its name and the field with its value.
    """

    column: str
    shape: Shape = Shape.WHOLE
    key: int | str = ""
    fields: tuple[str, str] = ("", "")

    def read(self, record: dict[str, Any]) -> Any:
        """Return the value of a record at this place, None where it is absent."""
        held = record.get(self.column)
        match self.shape:
            case Shape.WHOLE:
                return held
            case Shape.ITEM:
                return held[int(self.key)] if held is not None and int(self.key) < len(held) else None
            case Shape.KEY:
                return _object(held).get(str(self.key))
            case Shape.FIELD:
                return held.get(str(self.key)) if isinstance(held, dict) else None
            case Shape.ENTRY:
                name, value = self.fields
                return next((one.get(value) for one in held or () if one.get(name) == self.key), None)


def place_of(e: Expression) -> Place | None:
    """Return the place that an expression reads, without conversions; None for any other expression."""
    match e:
        case Call("CAST" | "SAFE_CAST", (inner,)):
            return place_of(inner)
        case Name(column):
            return Place(column)
        case Index(Name(column), "OFFSET" | "SAFE_OFFSET", Literal(int() as offset)):
            return Place(column, Shape.ITEM, offset)
        case Call("JSON_VALUE", (Name(column), Literal(str() as path))) if found := _KEY.fullmatch(path):
            return Place(column, Shape.KEY, found[1] or found[2])
        case Field(Name(column), name):
            return Place(column, Shape.FIELD, name)
        case Lookup(Name(column), result, key, Literal(str() as name)):
            return Place(column, Shape.ENTRY, name, (key, result))
        case _:
            return None


def written(record: dict[str, Any], parts: Iterable[tuple[Place, Any]]) -> dict[str, Any]:
    """Return a record with values at these places; other parts of the columns do not change."""
    made, objects = dict(record), dict[str, dict[str, Any]]()
    for place, value in parts:
        match place.shape:
            case Shape.WHOLE:
                made[place.column] = value
            case Shape.ITEM:
                items = list(made.get(place.column) or ())
                items += [None] * (int(place.key) + 1 - len(items))
                items[int(place.key)] = value
                made[place.column] = items
            case Shape.KEY:
                held = objects.setdefault(place.column, _object(record.get(place.column)))
                held[str(place.key)] = value
            case Shape.FIELD:
                made[place.column] = {**(made.get(place.column) or {}), str(place.key): value}
            case Shape.ENTRY:
                made[place.column] = _with_entry(made.get(place.column) or [], place, value)
    return made | {column: json.dumps(held, default=str) for column, held in objects.items()}


def _with_entry(entries: list[dict[str, Any]], place: Place, value: Any) -> list[dict[str, Any]]:
    """Return entries with this value for the name of a place, as a new entry where there is none."""
    name, holder = place.fields
    changed = [{**one, holder: value} if one.get(name) == place.key else one for one in entries]
    return (
        changed if any(one.get(name) == place.key for one in entries) else [*changed, {name: place.key, holder: value}]
    )


def is_object(held: object) -> bool:
    """Return whether a column holds a JSON object."""
    return _parsed(held) is not None


def _object(text: object) -> dict[str, Any]:
    return _parsed(text) or {}


def _parsed(text: object) -> dict[str, Any] | None:
    """Return a copy of a JSON object, None for any other text."""
    if isinstance(text, dict):
        return dict(text)
    try:
        held = json.loads(str(text or ""))
    except ValueError:
        return None
    return held if isinstance(held, dict) else None
