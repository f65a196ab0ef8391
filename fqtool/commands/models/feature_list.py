"""The list of features in the file of a model, as JSON: an array of names, or an object with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fqtool.errors import InputError

KEYS = ("feature_names", "features")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class FeatureList:
    """The names in order, the file that they are from, and the name of the model, "" where it is not given."""

    place: str
    names: tuple[str, ...]
    model: str = ""


def read_feature_list(text: str, place: str) -> FeatureList:
    """Return the list of features in JSON text.

    Args:
        text: The JSON text.
        place: The name of its file, for messages.

    Raises:
        InputError: The text is not a list of features; the message has the line and column.
    """
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{place}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}.", remedy=_REMEDY
        ) from None
    except (RecursionError, ValueError):
        raise InputError(f"{place}: not a list of names: it is nested too deep, or a number is too long.") from (None)
    if not isinstance(data, dict):
        return FeatureList(place, _names(data, place, "the file"))
    key = _key(data, place)
    model = data.get("model", "")
    if model and not _is_name(model):
        raise InputError(f"{place}: `model` is {_shown(model)}, not a name.")
    return FeatureList(place, _names(data[key], place, key), model)


def _key(data: dict[str, Any], place: str) -> str:
    found = [key for key in KEYS if isinstance(data.get(key), list)] or [key for key in KEYS if key in data]
    if not found:
        keys = ", ".join(map(_shown, list(data)[:5])) or "no key"
        raise InputError(f"{place}: the object has {keys}, not {' or '.join(KEYS)}.", remedy=_REMEDY)
    if len(found) > 1 and data[found[0]] != data[found[1]]:
        raise InputError(
            f"{place}: the lists {' and '.join(KEYS)} differ.", remedy="Keep the list that the model reads."
        )
    return found[0]


_REMEDY = 'Write ["a", "b"], or {"feature_names": ["a", "b"]}.'


def _names(data: Any, place: str, what: str) -> tuple[str, ...]:
    if not isinstance(data, list):
        raise InputError(f"{place}: {what} is {_shown(data)}, not an array of names.", remedy=_REMEDY)
    if not data:
        raise InputError(f"{place}: the array of names is empty.", remedy=_REMEDY)
    for position, one in enumerate(data):
        if not _is_name(one):
            raise InputError(f"{place}: {_shown(one)} at position {position} is not a name.", remedy=_REMEDY)
    return tuple(data)


def _is_name(value: Any) -> bool:
    """Whether a value is text that UTF-8 can encode: JSON can contain half of a surrogate pair, which it cannot."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= char <= "\udfff" for char in value)


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
