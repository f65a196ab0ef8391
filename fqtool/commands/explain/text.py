"""The explanation of a row as text, and as a JSON value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text

from fqtool.cli.options import with_options
from fqtool.commands.explain.conditions import Role
from fqtool.findings.former_names import with_former_keys
from fqtool.findings.remedy import commands
from fqtool.output.characters import visible
from fqtool.output.console import Page
from fqtool.output.table_text import Figure, index_ranges, print_table

if TYPE_CHECKING:
    from typing import TextIO

    from fqtool.commands.explain.run import DecidingPart, Explanation, FeatureLine, Verdict, Way

FORMAT_VERSION = 1
_SHOWN = 6
_HANG = 4
_ALWAYS = ("TRUE", "FALSE", "NULL")


def print_explanation(one: Explanation, stream: TextIO, *, everything: bool = False, verbose: bool = False) -> None:
    """Print an explanation: the row, its unusual features, its alerts, the gates that fail, stored differences.

    Args:
        one: The explanation.
        stream: Where to print it.
        everything: Whether to print every feature.
        verbose: Whether to print labels, the conditions of alerts and gates, and the gates that pass.
    """
    _write([heading(one)], stream)
    lines = [line for line in one.features if everything or line.unusual]
    if lines:
        stream.write("\n")
        headers = ("#", "feature", "value", *(("label", "source") if verbose else ()), "quality", "unusual")
        print_table("", headers, [_line(line, verbose=verbose) for line in lines], stream)
    blocks = [[*_fired(one)], [*_gates(one)]] if verbose else [[*_alerts(one)]]
    for block in blocks:
        if block:
            _write(["", *block], stream)
    if not verbose:
        _print_failed(one, stream)
    if stale := list(_stale(one)):
        _write(["", *stale], stream)
    _write(["", summary(one, verbose=verbose)], stream)


def _write(lines: Sequence[str], stream: TextIO) -> None:
    """Write lines, wrapped between words on a terminal, with indented continuation lines."""
    page = Page(stream)
    for line in lines:
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        page.write(page.wrapped(Text(" " * indent), Text(visible(body)), indent + _HANG))


def heading(one: Explanation) -> str:
    """Return the row in one line: its keys and its most important results."""
    keys = ", ".join(f"{name}={value}" for name, value in one.keys.items())
    results = ", ".join(f"{name} {_shown(value)}" for name, value in one.roles.items() if name != "alerts")
    return f"{keys}: {results}" if results else keys


def _line(line: FeatureLine, *, verbose: bool) -> tuple[object, ...]:
    value: object = None if line.value is None else _shown(line.value)
    if isinstance(line.value, int | float | Decimal) and not isinstance(line.value, bool):
        value = Figure(float(line.value), "{:.6g}")
    quality = None if line.quality is None else Figure(line.quality, "{:g}")
    critical = ["critical feature"] * (verbose and line.feature.critical)
    unusual = "; ".join((*line.unusual, *critical)) or None
    labels = (line.label, line.source) if verbose else ()
    return line.feature.index, line.feature.name, value, *labels, quality, unusual


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
    """The code of an alert as the row stores it, with its number."""
    before, number, after = subject.partition("{number}")
    codes = one.roles.get("alerts")
    fired = [str(code) for code in codes] if isinstance(codes, list | tuple) else []
    return next((c for c in fired if number and c.startswith(before) and c.endswith(after)), subject)


def _gates(one: Explanation) -> Iterator[str]:
    """Yield each gate with the parts that decide it and the features that make it pass."""
    for verdict in one.verdicts:
        if verdict.condition.role is not Role.GATE:
            continue
        word = {True: "passes", False: "fails", None: "unknown"}[verdict.holds]
        yield f"{verdict.condition.subject}: {word}"
        for part in verdict.decided:
            yield f"  {_part(part)}"
        if verdict.ways:
            yield f"  passes with real values of {' or of '.join(map(_way, verdict.ways))}"


def _alerts(one: Explanation) -> Iterator[str]:
    """Yield the level and the alerts that fire."""
    codes = [_code(v.condition.subject, one) for v in one.verdicts if v.condition.role is Role.ALERT and v.holds]
    if codes:
        yield f"Alerts: {', '.join(codes)}."


def _failed(one: Explanation) -> list[Verdict]:
    return [v for v in one.verdicts if v.condition.role is Role.GATE and v.holds is not True]


def _print_failed(one: Explanation, stream: TextIO) -> None:
    """Print a table of the gates that fail."""
    rows = []
    for verdict in _failed(one):
        ways = " or of ".join(map(_way, verdict.ways))
        rows.append((verdict.condition.subject, ways or _without_ways(verdict)))
    if rows:
        stream.write("\n")
        print_table("", ("gate that fails", "passes with real values of"), rows, stream)


def _without_ways(verdict: Verdict) -> str:
    """Why no real value makes a gate pass."""
    if not verdict.decided:
        return "unknown"
    always = any(part.part.text in _ALWAYS for part in verdict.decided)
    return f"{'never' if always else 'no feature'}: {_parts(verdict)}"


def summary(one: Explanation, *, verbose: bool = False) -> str:
    """Return the counts of an explanation as one sentence, and the option for details unless `verbose`."""
    unusual, failed = sum(bool(line.unusual) for line in one.features), len(_failed(one))
    gates = sum(verdict.condition.role is Role.GATE for verdict in one.verdicts)
    alerts = sum(verdict.condition.role is Role.ALERT and verdict.holds is True for verdict in one.verdicts)
    parts = [f"{unusual} of {len(one.features)} features {'is' if unusual == 1 else 'are'} unusual in this row"]
    if any(verdict.condition.role is Role.ALERT for verdict in one.verdicts):
        parts.append(f"{alerts} alert{'s' * (alerts != 1)} fire{'s' * (alerts == 1)}")
    if gates:
        parts.append(f"{failed} of {gates} gate{'s' * (gates != 1)} fail{'s' * (failed == 1)}")
    details = "" if verbose or not (failed or alerts) else " Add --verbose for the conditions."
    if not unusual and one.day:
        beside = with_options(commands(f"diagnose --date {one.day}"))
        details += f" One row does not show constant or old values. To compare the date with others: {beside}"
    return f"{', '.join(parts)}.{details}"


def _way(way: Way) -> str:
    of = f" of {way.who}" if way.who else ""
    word = "features" if len(way.features) > 1 else "feature"
    return f"{word} {index_ranges(way.features)}{of}"


def _parts(verdict: Verdict) -> str:
    return "; ".join(map(_part, verdict.decided))


def _part(told: DecidingPart) -> str:
    """A part with the values of its names in this row."""
    if told.part.text in _ALWAYS:
        return f"its `expr` is always {told.part.text}"
    values = [f"{name} is {_shown(value)}" for name, value in told.values.items()]
    if told.features:
        more = len(told.features) - _SHOWN
        values.append(", ".join(told.features[:_SHOWN]) + (f" and {more} more" if more > 0 else ""))
    because = "; ".join(values)
    return f"{told.part.text} ({because})" if because else told.part.text


def _stale(one: Explanation) -> Iterator[str]:
    """Yield the stored columns that differ from scoring today."""
    if one.differs:
        yield "Stored values that differ from scoring today:"
    for name, stored, now in one.differs:
        yield f"  {name}: stored {_shown(stored)}, computed {_shown(now)}"


def _shown(value: object) -> str:
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
            return ", ".join(map(_shown, value)) or "none"
    return str(value)


def document(one: Explanation) -> dict[str, Any]:
    """Return an explanation as a JSON value by `explanation.schema.json`."""
    value = {
        "format_version": FORMAT_VERSION,
        "date": _json(one.day),
        "keys": _plain(one.keys),
        "row": with_former_keys(_plain(one.roles), "explain"),
        "features": [
            with_former_keys({
                "index": line.feature.index, "name": line.feature.name, "value": _json(line.value), "label": line.label,
                "source": line.source, "quality": line.quality, "unusual": list(line.unusual),
            }, "explain")
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
        "differences": [
            {"column": name, "stored": _json(stored), "scored": _json(now)} for name, stored, now in one.differs
        ],
    }  # fmt: skip
    return with_former_keys(value, "explain")


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
