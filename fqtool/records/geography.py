"""Which texts BigQuery reads as a GEOGRAPHY: WKT, WKB in hexadecimal digits, and GeoJSON.

https://cloud.google.com/bigquery/docs/geospatial-data#loading_geospatial_data
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_SHAPES = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_POINT = re.compile(rf"POINT\s*\(\s*{_NUMBER}\s+(?P<latitude>{_NUMBER})\s*\)", re.IGNORECASE)
_EMPTY = re.compile(rf"(?:{'|'.join(_SHAPES)})\s+EMPTY", re.IGNORECASE)
_OTHER = re.compile(rf"(?:{'|'.join(_SHAPES[1:])}|FULLGLOBE)\s*(?:\([-+\w\s.,()]*\))?", re.IGNORECASE)
_WKB = re.compile(r"0[01](?:[0-9A-Fa-f]{2}){4,}")
_POLE = 90  # degrees


def is_geography(text: str) -> bool:
    """Return whether BigQuery may read a text as a GEOGRAPHY: the coordinates of points are checked, of others not.

    Args:
        text: The value that a record has.
    """
    text = text.strip()
    if text.startswith("{"):
        try:
            return _is_geojson(json.loads(text))
        except (ValueError, RecursionError):
            return False
    if point := _POINT.fullmatch(text):
        return abs(float(point["latitude"])) <= _POLE
    return any(form.fullmatch(text) for form in (_EMPTY, _OTHER, _WKB))


def _is_geojson(value: Any) -> bool:
    if not isinstance(value, Mapping) or value.get("type") not in _SHAPES:
        return False
    if value["type"] == "GeometryCollection":
        inside = value.get("geometries")
        return isinstance(inside, list) and all(map(_is_geojson, inside))
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, list):
        return False
    return value["type"] != "Point" or not coordinates or _is_position(coordinates)


def _is_position(coordinates: list[Any]) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in coordinates)
    return numbers and len(coordinates) > 1 and abs(coordinates[1]) <= _POLE
