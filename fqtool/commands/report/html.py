"""A report as one HTML file, which needs no network, no server and no other file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from importlib.util import find_spec
from math import ceil
from typing import TYPE_CHECKING, Any

from fqtool.cli.counts import counted
from fqtool.cli.options import with_options
from fqtool.commands.diagnose.cause import Kind
from fqtool.commands.diagnose.rules import findings_of
from fqtool.commands.diagnose.run import BASELINE
from fqtool.commands.report import charts
from fqtool.errors import UsageError
from fqtool.output.outcome import headline

if TYPE_CHECKING:
    from datetime import date

    from fqtool.commands.diagnose.cause import Cause
    from fqtool.commands.diagnose.daily_stats import FeatureDay
    from fqtool.commands.report.distributions import Distribution
    from fqtool.commands.report.run import Report
    from fqtool.findings.finding import Finding
    from fqtool.registry.model import Category, Feature
    from fqtool.sql import Value

# Default rates at which a cell becomes a shade darker.
_SHADES = (0.0, 0.02, 0.1, 0.3, 0.6, 0.9)
_WIDE = 40
# Pixels: a date such as 02-06 with a gap, and the columns of the map on a page of 1,100 pixels.
_LABEL, _MAP = 42, 900
_PACKAGES = {"jinja2": "jinja2", "vl-convert-python": "vl_convert"}
_COLOURS = ("var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)")
_OF_ROW = {"score": "score", "tier": "tier", "level": "level", "defaults": "defaulted features", "alerts": "alerts"}
_LEVELS = ("var(--bad)", "var(--fair)", "var(--good)")


@dataclass(frozen=True, slots=True)
class Cell:
    """One feature on one date: its shade and mark (classes of the style sheet), and its text.

    The mark is `marked` where a root cause names the feature, `event` where only known events do, else "".
    """

    shade: str
    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class Line:
    """One feature over the dates."""

    feature: Feature
    cells: tuple[Cell, ...]


def require_packages() -> None:
    """Find the packages of the extra `report`, before the warehouse is asked.

    Raises:
        UsageError: One is not installed; the remedy installs it.
    """
    missing = [package for package, module in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise UsageError(f"`fqtool report` needs {' and '.join(missing)}.", remedy="pip install 'fqtool[report]'")


def html_of(report: Report) -> str:
    """Render the report. Raises UsageError where the packages of the extra `report` are not installed."""
    require_packages()
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fqtool.commands.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = files("fqtool.commands.report").joinpath("page")
    return environment.get_template("report.html.j2").render(
        report=report,
        style=page.joinpath("report.css").read_text(encoding="utf-8"),
        script=page.joinpath("report.js").read_text(encoding="utf-8"),
        last=report.days[-1],
        pasted=with_options,
        status=status(report),
        scored=any(one.day.scored for one in report.days),
        found=sum(bool(one.findings) for one in report.days),
        heat=list(heat(report)),
        numbers=numbers(report),
        known={one.subject for one in report.days[-1].of_figures if one.severity == "note"},
        has_known=any(cause.is_known for day in report.days for cause in day.causes),
        wide=len(report.days) <= _WIDE,
        label_step=label_step(len(report.days)),
        charts=list(_charts(report)),
        findings_of=findings_of,
        values_of=lambda episode: [
            (feature, _values(one))
            for feature in episode.cause.features
            if (one := report.distributions.get((episode.days[-1], feature.index))) is not None
        ],
        worst=[name for name in (*report.registry.table.keys, *_OF_ROW) if report.worst and name in report.worst[0]],
        titles=_OF_ROW,
        shades=_legend(),
    )


def label_step(dates: int) -> int:
    """Return at how many columns of the heat map a date is written, so that labels do not run together."""
    return ceil(dates * _LABEL / _MAP)


def status(report: Report) -> tuple[str, str]:
    """Return the state of the end of the report: a class of the style sheet, and a sentence."""
    last = report.days[-1]
    absent = (one.cause for one in report.episodes if one.cause.kind is Kind.NO_ROWS and one.days[-1] > last.day.day)
    causes = (*report.too_old, *(found for cause in (*absent, *last.causes) for found in findings_of(cause)))
    for severity, state in (("error", "bad"), ("warning", "fair")):
        first = next((one for one in (*causes, *last.of_figures) if one.severity == severity), None)
        if first is not None:
            return state, f"{headline(first)}{_more(first, causes, last.of_figures)}"
    return "good", f"No problems found on {last.day.day}."


def _more(first: Finding, causes: Sequence[Finding], of_figures: Sequence[Finding]) -> str:
    """How many other findings there are."""
    counts = ((len(causes) - (first in causes), "root cause"), (len(of_figures) - (first in of_figures), "figure"))
    parts = [counted(count, f"other {noun}") for count, noun in counts if count]
    return f" Also: {', '.join(parts)}." if parts else ""


def heat(report: Report) -> Iterator[tuple[Category, list[Line]]]:
    """Yield the categories with a line per feature, a cell per date."""
    named = [_marks(day.causes) for day in report.days]
    for category in report.registry.categories:
        own = [one for one in report.registry.active_features if one.category == category.name]
        lines = [
            Line(
                one,
                tuple(
                    _cell(day.day.features[one.index], one, of_day.get(one.index, ""))
                    for day, of_day in zip(report.days, named, strict=True)
                ),
            )
            for one in own
        ]
        if lines:
            yield category, lines


def _marks(causes: Sequence[Cause]) -> dict[int, str]:
    """The mark of each feature that root causes name; a known event marks it only where nothing else does."""
    known = {feature.index: "event" for cause in causes if cause.is_known for feature in cause.features}
    return known | {feature.index: "marked" for cause in causes if not cause.is_known for feature in cause.features}


def _cell(seen: FeatureDay, feature: Feature, mark: str) -> Cell:
    share = seen.default_share
    if share is None:
        return Cell("na", "", mark)
    if feature.optional:
        return Cell("opt", f"{share:.0%}".rstrip("%"), mark)
    shade = sum(share > bound for bound in _SHADES)
    return Cell(f"q{shade}", f"{share:.0%}".rstrip("%") if share else "", mark)


def _legend() -> list[tuple[str, str]]:
    legend = [("q0", "0%")]
    for number, (low, high) in enumerate(zip(_SHADES, (*_SHADES[1:], 1.0), strict=True), 1):
        legend.append((f"q{number}", f"{low:.0%} to {high:.0%}"))
    return [*legend, ("opt", "optional, may be absent"), ("na", "not scored")]


def numbers(report: Report) -> dict[str, Any]:
    """Return the numbers of the tooltips of the heat map, by feature and date, in the order of `fields`."""
    fields = ("scored", "defaults", "mean", "stddev", "low", "high", "zeros", "outside", "repeats")
    features = [one for _, lines in heat(report) for one in (line.feature for line in lines)]
    causes = [
        {
            feature.index: f"known event, {cause.kind}" if cause.is_known else str(cause.kind)
            for cause in day.causes
            for feature in cause.features
        }
        for day in report.days
    ]
    return {
        "fields": list(fields),
        "days": [[day.day.day.isoformat(), day.day.rows] for day in report.days],
        "features": [[one.index, one.name, one.category, one.processor] for one in features],
        "cells": [
            [
                [*(_short(getattr(day.day.features[one.index], name)) for name in fields), told.get(one.index, "")]
                for day, told in zip(report.days, causes, strict=True)
            ]
            for one in features
        ],
    }


def _short(value: Value) -> float | str | None:
    """Return a number with four digits, which keeps the file small, and any other value as text."""
    if isinstance(value, float | Decimal):
        return float(f"{value:.4g}")
    return value if value is None or isinstance(value, int) else str(value)


def _charts(report: Report) -> Iterator[tuple[str, str]]:
    categories = list(report.days[0].means)
    if categories:
        means = [(one.day.day, name, one.means[name]) for one in report.days for name in categories]
        yield "Mean quality by category", charts.lines(means, "quality", _COLOURS[: len(categories)], top=100)
    shares = list(_shares_of_values(report))
    if shares:
        yield "Feature values without a usable number", charts.lines(shares, "% of values", _COLOURS[:4])
    levels = list(report.days[0].levels)
    colours = dict(zip(reversed(levels), _spread(len(levels)), strict=True))
    counts = [(one.day.day, name, float(one.levels[name])) for one in report.days for name in colours]
    if not counts:
        colours = {"rows": _COLOURS[0]}
        counts = [(one.day.day, "rows", float(one.day.rows)) for one in report.days]
    yield "Rows by alert level" if levels else "Rows by date", charts.bars(counts, "rows", colours)
    gates = [name for name in report.days[0].day.gates if _varies(report, name)]
    if gates:
        shares = [
            (one.day.day, name, 100 * one.day.gates[name] / one.day.rows if one.day.scored else None)
            for one in report.days
            for name in gates[: len(_COLOURS)]
        ]
        yield "Rows that pass each gate", charts.lines(shares, "% of rows", _COLOURS[: len(gates)], top=100)


def _shares_of_values(report: Report) -> Iterator[tuple[date, str, float | None]]:
    """Yield the share of feature values of each kind by date; a kind that no date has is left out."""
    kinds = {"defaulted": "defaults", "missing": "missing", "not finite": "nonfinite", "outside the range": "outside"}
    for name, field in kinds.items():
        counts = [sum(getattr(one, field) for one in day.day.features.values()) for day in report.days]
        if any(counts):
            for day, count in zip(report.days, counts, strict=True):
                values = day.day.rows * len(day.day.features)
                yield day.day.day, name, 100 * count / values if values else None


def _values(one: Distribution) -> str:
    """Draw the distribution on the date of a root cause beside that of its baseline."""
    series = {str(one.day): one.on_day, f"the {BASELINE} days before": one.before}
    points = [
        (one.span.low + (bucket + 0.5) * one.span.width, name, 100 * count / sum(counts))
        for name, counts in series.items()
        if sum(counts)
        for bucket, count in enumerate(counts)
    ]
    return charts.distribution(points, "% of values", dict(zip(series, ("var(--bad)", "var(--good)"), strict=True)))


def _spread(count: int) -> list[str]:
    """Colours from the best level to the worst."""
    if count <= 1:
        return [_LEVELS[-1]] * count
    return [_LEVELS[round((count - 1 - at) * (len(_LEVELS) - 1) / (count - 1))] for at in range(count)]


def _varies(report: Report, name: str) -> bool:
    """Whether the share of a gate varies; a gate that all rows or no rows pass has no trend."""
    shares = {day.day.gates[name] / day.day.rows for day in report.days if day.day.scored}
    return bool(shares - {0.0, 1.0})
