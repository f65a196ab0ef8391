"""The words for a difference between two registries."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

_LONGEST = 60


def shown(value: object) -> str:
    """Say a value of the registry in one short line, as its file would."""
    text = " ".join(_plain(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _plain(value: object) -> str:
    if value in (None, "", ()):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if is_dataclass(value):
        told = ((one.name, getattr(value, one.name)) for one in fields(value) if one.name != "at")
        return f"{{{', '.join(f'{name}: {_plain(inner)}' for name, inner in told if inner not in (None, '', ()))}}}"
    return str(value)


def listed(names: tuple[str, ...]) -> str:
    """Name a few, and how many more there are."""
    shown_first = 3
    rest = len(names) - shown_first
    return ", ".join(names[:shown_first]) + (f" and {rest} more" if rest > 0 else "")
