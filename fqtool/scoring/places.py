"""Place: the part of a row that an expression reads, so that a program can write it too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fqtool.expressions.expression import Call, Expression, Index, Literal, Name

_KEY = re.compile(r"\$(?:\.(\w+)|\.\"([^\"\\]+)\")")


class Shape(StrEnum):
    """How a column holds a value: as the whole column, an item of an ARRAY, or a key of JSON text."""

    WHOLE = "whole"
    ITEM = "item"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Place:
    """A column, or a part of it: `key` is the offset of an item, or the key of a JSON object."""

    column: str
    shape: Shape = Shape.WHOLE
    key: int | str = ""

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
    return made | {column: json.dumps(held, default=str) for column, held in objects.items()}


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
