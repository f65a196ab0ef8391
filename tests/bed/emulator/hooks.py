"""Replacing what bqemulator keeps private: `mend` refuses when a name is gone."""

from __future__ import annotations

from typing import Any

PINNED = "bqemulator==1.4.0"


def mend(place: Any, name: str, new: Any) -> Any:
    """Puts `new` at `place.name` and returns what was there."""
    if not hasattr(place, name):
        where = getattr(place, "__name__", repr(place))
        raise RuntimeError(f"{where}.{name} is gone: these mends are written for {PINNED}")
    old = getattr(place, name)
    setattr(place, name, new)
    return old
