"""An explanation of one row as text, and as a JSON value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text

from fqtool.quality.conditions import Role
from fqtool.report.characters import visible
from fqtool.report.console import Page
from fqtool.report.diagnosis_text import indexes
from fqtool.report.table_text import print_table

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.verbs.explain import Explanation, FeatureLine, PartTold, Verdict, Way

FORMAT_VERSION = 1
_SHOWN = 6
_HANG = 4
_ALWAYS = ("TRUE", "FALSE", "NULL")


def print_explanation(one: Explanation, stream: TextIO, *, everything: bool = False) -> None:
    """Print it: the row in one line, its odd features (or all), what fired, what the gates say, what is stale."""
    _write([heading(one)], stream)
    odd = [line for line in one.features if everything or line.odd]
    if odd:
        stream.write("\n")
        headers = ("", "feature", "value", "label", "source", "quality", "what is odd")
        print_table("", headers, [_line(line) for line in odd], stream)
    if len(odd) < len(one.features):
        rest = len(one.features) - len(odd)
        _write([f"{rest} {'other ' if odd else ''}features: nothing odd."], stream)
    for block in (list(_fired(one)), list(_gates(one)), list(_stale(one))):
        if block:
            _write(["", *block], stream)


def _write(lines: Sequence[str], stream: TextIO) -> None:
    """Write lines, broken between words on a terminal; what follows a break stands further in."""
    page = Page(stream)
    for line in lines:
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        page.write(page.wrapped(Text(" " * indent), Text(visible(body)), indent + _HANG))


def heading(one: Explanation) -> str:
    """Return the row in one line: its keys, and what a reader asks first."""
    keys = ", ".join(f"{name}={value}" for name, value in one.keys.items())
    told = "; ".join(f"{name} {_said(value)}" for name, value in one.roles.items() if name != "alerts")
    return f"{keys}: {told}" if told else keys


def _line(line: FeatureLine) -> tuple[object, ...]:
    value = None if line.value is None else f"{line.value:.6g}"
    quality = None if line.quality is None else f"{line.quality:g}"
    critical = " *" if line.feature.critical else ""
    odd = "; ".join(line.odd) or None
    return line.feature.index, f"{line.feature.name}{critical}", value, line.label, line.source, quality, odd


def _fired(one: Explanation) -> Iterator[str]:
    """Yield the alerts that fired, and the first condition that made the level."""
    for verdict in one.verdicts:
        if verdict.condition.role is Role.ALERT and verdict.holds:
            yield f"alert {_code(verdict.condition.subject, one)}: {_parts(verdict)}"
    level = one.roles.get("level")
    made = next((v for v in one.verdicts if v.condition.role is Role.LEVEL and v.holds), None)
    if made is not None and made.condition.subject == level:
        yield f"alert level {level}: {_parts(made)}"


def _code(subject: str, one: Explanation) -> str:
    """An alert's code as it stands in the row: with its number."""
    before, number, after = subject.partition("{number}")
    codes = one.roles.get("alerts")
    fired = [str(code) for code in codes] if isinstance(codes, list | tuple) else []
    return next((c for c in fired if number and c.startswith(before) and c.endswith(after)), subject)


def _gates(one: Explanation) -> Iterator[str]:
    """Yield each gate with what decided it, and what would have made it pass."""
    for verdict in one.verdicts:
        if verdict.condition.role is not Role.GATE:
            continue
        word = {True: "passes", False: "fails", None: "unknown"}[verdict.holds]
        yield f"{verdict.condition.subject}: {word}"
        for part in verdict.decided:
            yield f"  {_part(part)}"
        if verdict.ways:
            yield f"  would pass with {' or with '.join(map(_way, verdict.ways))}"


def _way(way: Way) -> str:
    of = f" of {way.who}" if way.who else ""
    word = "features" if len(way.features) > 1 else "feature"
    return f"{word} {indexes(way.features)}{of} real"


def _parts(verdict: Verdict) -> str:
    return "; ".join(map(_part, verdict.decided))


def _part(told: PartTold) -> str:
    """A part with what its names stand for in this row."""
    if told.part.text in _ALWAYS:
        return f"{told.part.text} by its expr, whatever the row holds"
    values = [f"{name} is {_said(value)}" for name, value in told.values.items()]
    if told.features:
        more = len(told.features) - _SHOWN
        values.append(", ".join(told.features[:_SHOWN]) + (f" and {more} more" if more > 0 else ""))
    because = "; ".join(values)
    return f"{told.part.text} ({because})" if because else told.part.text


def _stale(one: Explanation) -> Iterator[str]:
    """Yield what is stored otherwise than scoring gives now."""
    if one.differs:
        yield "Stored otherwise than the row scores now:"
    for name, stored, now in one.differs:
        yield f"  {name}: {_said(stored)}, scored {_said(now)}"


def _said(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case Decimal() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case list() | tuple():
            return ", ".join(map(_said, value)) or "none"
    return str(value)


def document(one: Explanation) -> dict[str, Any]:
    """Return it as the JSON value that is printed, described by `explanation.schema.json` beside this file."""
    return {
        "format_version": FORMAT_VERSION,
        "keys": _plain(one.keys),
        "row": _plain(one.roles),
        "features": [
            {
                "index": line.feature.index, "name": line.feature.name, "value": line.value, "label": line.label,
                "source": line.source, "quality": line.quality, "odd": list(line.odd),
            }
            for line in one.features
        ],
        "conditions": [
            {
                "subject": verdict.condition.subject,
                "role": str(verdict.condition.role),
                "holds": verdict.holds,
                "decided_by": [
                    {"text": part.part.text, "values": _plain(part.values), "features": list(part.features)}
                    for part in verdict.decided
                ],
                "would_pass_with": [{"processor": way.who, "features": list(way.features)} for way in verdict.ways],
            }
            for verdict in one.verdicts
        ],
        "stored_otherwise": [
            {"column": name, "stored": _json(stored), "scored": _json(now)} for name, stored, now in one.differs
        ],
    }  # fmt: skip


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: _json(value) for name, value in values.items()}


def _json(value: object) -> Any:
    match value:
        case Decimal():
            return float(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return [_json(one) for one in value]
    return value
