"""Values as YAML text that every reader takes for the same value, whatever stands in it."""

from __future__ import annotations

import json
import re

from fqtool.registry.plain import plain_kind

# One line of words without what YAML gives a meaning to: no colon, comma, bracket, brace, quote at the start or #.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.<>()'/;-]*(?: [A-Za-z0-9_<>(][A-Za-z0-9_.<>()'/;-]*)*")
_PLACES = 18  # behind the point: more are not read
# What JSON leaves as it is, and YAML takes for a line break or does not allow.
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def scalar(text: str) -> str:
    """Return text as a YAML scalar for any place of a document: plain where all read it alike, else quoted."""
    return text if _PLAIN.fullmatch(text) and plain_kind(text) is None else quoted(text)


def quoted(text: str) -> str:
    """Return text in double quotes, as JSON and YAML both read it. Lone surrogates have no place in a file."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def number(value: float, *, whole: bool = True) -> str:
    """Return a finite number without an exponent, to 18 places; a whole one is a float only where `whole` is False."""
    value += 0.0  # there is no -0
    if float(value).is_integer():
        return f"{value:.0f}" if whole else f"{value:.1f}"
    short = repr(float(value))
    if "e" not in short and len(short.partition(".")[2]) <= _PLACES:
        return short
    head, _, places = f"{value:.{_PLACES}f}".partition(".")
    return f"{head}.{places.rstrip('0') or '0'}"


def flow_list(texts: list[str]) -> str:
    """Return scalars that are written already as a list on one line."""
    return f"[{', '.join(texts)}]"
