"""One spelling for each INTERVAL and TIMESTAMP, which GoogleSQL writes in many ways: that of BigQuery's API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from itertools import groupby
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS = {"YEAR": 0, "MONTH": 0, "DAY": 1, "HOUR": 2, "MINUTE": 2, "SECOND": 2}
_UNITS = [*_PARTS]
_SINGLE = {
    "YEAR": (0, 12), "QUARTER": (0, 3), "MONTH": (0, 1), "WEEK": (1, 7), "DAY": (1, 1),
    "HOUR": (2, 3600), "MINUTE": (2, 60), "SECOND": (2, 1),
}  # fmt: skip
"""Unit -> its part (months, days or seconds), and its size there."""
_LITERAL = re.compile(
    r"INTERVAL\s+(?:(?P<quote>['\"])(?P<text>.*?)(?P=quote)|(?P<number>-?\d+))\s+(?P<unit>\w+)(?:\s+TO\s+(?P<last>\w+))?",
    re.IGNORECASE,
)
_CANONICAL = re.compile(r"-?\d+-\d+ -?\d+ -?\d+:\d+:\d+(?:\.\d+)?")
_SIGNED = re.compile(r"([+-]?)(.+)")
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})(?:[ Tt](?P<time>\d{1,2}:\d{1,2}:\d{1,2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<zone>[Zz]|[+-]\d{1,2}(?::?\d{2})?|[A-Za-z][\w+/-]*)?",
    re.ASCII,
)


def interval(sql: str) -> str:
    """Return an INTERVAL literal in the format of the API, such as `0-0 0 4:0:0`; other text unchanged.

    Months count in years and months, minutes and seconds in hours: `INTERVAL 90 MINUTE` is `0-0 0 1:30:0`.
    """
    text = sql.strip()
    if _CANONICAL.fullmatch(text):
        text = f"INTERVAL '{text}' YEAR TO SECOND"
    match = _LITERAL.fullmatch(text)
    parts = _parts(match) if match else None
    if parts is None:
        return sql
    months, days, seconds = parts
    years, months = divmod(abs(months), 12)
    whole, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(whole, 60)
    second = f"{float(rest):.6f}".rstrip("0").rstrip(".")
    return f"{_sign(parts[0])}{years}-{months} {days} {_sign(seconds)}{hours}:{minutes}:{second}"


def is_interval(text: str) -> bool:
    """Return whether a text is the result of `interval` for a literal."""
    return _CANONICAL.fullmatch(text) is not None


def _sign(number: int | Fraction) -> str:
    return "-" if number < 0 else ""


def _parts(match: re.Match[str]) -> tuple[int, int, Fraction] | None:
    """Return months, days and seconds; None if the text does not fit the units."""
    unit, last = match["unit"].upper(), (match["last"] or "").upper()
    text = (match["text"] or match["number"] or "").strip()
    found = [Fraction(0)] * 3
    try:
        if not last:
            part, size = _SINGLE[unit]
            found[part] = Fraction(text) * size
        else:
            units = _UNITS[_UNITS.index(unit) : _UNITS.index(last) + 1]
            groups = [[*group] for _, group in groupby(units, _PARTS.__getitem__)]
            for group, piece in zip(groups, text.split(), strict=True):
                signed = _SIGNED.fullmatch(piece)
                numbers = re.split("[-:]", signed[2]) if signed else []
                sizes = [_SINGLE[one][1] for one in group]
                value = sum((Fraction(n) * size for size, n in zip(sizes, numbers, strict=True)), Fraction(0))
                found[_PARTS[group[0]]] = -value if signed and signed[1] == "-" else value
    except (KeyError, ValueError, ZeroDivisionError):
        return None
    months, days, seconds = found
    return (int(months), int(days), seconds) if months.denominator == days.denominator == 1 else None


def moment(text: str) -> str | None:
    """Return a TIMESTAMP literal's text in RFC 3339 and UTC, e.g. 2030-01-01T00:00:00Z; None if it is not one."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    numbers = (int(part) for part in re.split("[-:]", f"{match['date']}:{match['time'] or '0:0:0'}"))
    try:
        year, month, day, hour, minute, second = numbers
        local = datetime(year, month, day, hour, minute, second, tzinfo=_zone(match["zone"] or "Z"))
        fraction = timedelta(microseconds=int((match["fraction"] or "0").ljust(9, "0")[:6]))
        return rfc_3339(round((local.astimezone(UTC) + fraction - EPOCH) / timedelta(milliseconds=1)))
    except (KeyError, ValueError, OverflowError):
        return None


def _zone(text: str) -> tzinfo:
    if text[0] not in "+-":
        return ZoneInfo("UTC" if text in "Zz" else text)
    hours, _, minutes = text[1:].partition(":") if ":" in text else (text[1:-2], "", text[-2:])
    if len(text) <= len("+HH"):
        hours, minutes = text[1:], "0"
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset)


def rfc_3339(milliseconds: int) -> str:
    """Return milliseconds since 1970 as RFC 3339 in UTC, with a fraction only if it is not 0."""
    at = EPOCH + timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")
