"""Replacing what bqemulator keeps private: `patch` refuses when a name is gone."""

from __future__ import annotations

from typing import Any

PINNED = "bqemulator==1.4.0"


def override(place: Any, name: str, new: Any) -> Any:
    """Puts `new` at `place.name` and returns what was there."""
    if not hasattr(place, name):
        where = getattr(place, "__name__", repr(place))
        raise RuntimeError(f"{where}.{name} is gone: these patches are written for {PINNED}")
    old = getattr(place, name)
    setattr(place, name, new)
    return old
