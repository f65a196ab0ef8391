"""Charts of a report as SVG, drawn by Vega-Lite in the colours of the page.

The page loads nothing. Each mark has an aria-label, which screen readers read and the tooltip of the page shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

Points: TypeAlias = Sequence[tuple[date, str, float | None]]
"""(date, name of the series, value) in any order; None leaves a gap."""

# Series are distinct without colour too: each series has its own shape or dash (Okabe and Ito 2008 for the colours).
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "stroke"]
_DASHES = [[1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [4, 1], [1, 3], [10, 3]]
_WIDTH, _HEIGHT = 900, 170


def lines(points: Points, unit: str, colours: Sequence[str], *, top: float | None = None) -> str:
    """Return a line per series over the dates; `top` fixes the upper end of the scale."""
    names = list(dict.fromkeys(name for _, name, _ in points))
    scale = {"domain": [0, top], "nice": False} if top is not None else {"zero": True}
    colour = {"field": "series", "type": "nominal", "title": None, "sort": names}
    layer = {
        "mark": {"type": "line", "strokeWidth": 2, "interpolate": "linear"},
        "encoding": {"strokeDash": colour | {"scale": {"domain": names, "range": _DASHES[: len(names)]}}},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 26},
        "encoding": {"shape": colour | {"scale": {"domain": names, "range": _SHAPES[: len(names)]}}},
    }
    return _svg(
        points,
        {
            "encoding": _x()
            | {
                "y": {"field": "value", "type": "quantitative", "title": unit, "scale": scale},
                "color": colour | {"scale": {"domain": names, "range": list(colours)}},
                "description": {"field": "label"},
            },
            "layer": [layer, dots],
        },
        unit,
    )


def bars(points: Points, unit: str, colours: Mapping[str, str]) -> str:
    """Return stacked bars over the dates, series from below in the order of `colours`."""
    names = list(colours)
    return _svg(
        points,
        {
            "mark": {"type": "bar", "width": {"band": 0.8}},
            "encoding": _x()
            | {
                "y": {"field": "value", "type": "quantitative", "title": unit, "stack": "zero"},
                "color": {
                    "field": "series", "type": "nominal", "title": None, "sort": names,
                    "scale": {"domain": names, "range": list(colours.values())},
                },
                "order": {"field": "rank", "type": "quantitative"},
                "description": {"field": "label"},
            },
        },
        unit,
        {name: rank for rank, name in enumerate(names)},
    )  # fmt: skip


def distribution(points: Sequence[tuple[float, str, float]], unit: str, colours: Mapping[str, str]) -> str:
    """Return a line per series over the values of a feature: (middle of a bucket, series, share)."""
    values = [
        {"at": at, "series": name, "value": value, "rank": list(colours).index(name),
         "label": f"{name}, about {at:.4g}: {value:.3g} {unit}"}
        for at, name, value in points
    ]  # fmt: skip
    colour = {"field": "series", "type": "nominal", "title": None, "sort": list(colours)}
    return _drawn(
        values,
        {
            "width": _WIDTH // 3,
            "height": _HEIGHT // 2,
            "mark": {"type": "line", "interpolate": "step", "strokeWidth": 2, "point": {"size": 14}},
            "encoding": {
                "x": {"field": "at", "type": "quantitative", "title": None, "scale": {"zero": False}},
                "y": {"field": "value", "type": "quantitative", "title": unit},
                "color": colour | {"scale": {"domain": list(colours), "range": list(colours.values())}},
                "strokeDash": colour | {"scale": {"domain": list(colours), "range": _DASHES[: len(colours)]}},
                "description": {"field": "label"},
            },
        },
    )


def _x() -> dict[str, Any]:
    axis = {"title": None, "labelAngle": 0, "labelOverlap": True, "format": "%b %d"}
    return {"x": {"field": "date", "type": "temporal", "timeUnit": "utcyearmonthdate", "axis": axis}}


def _svg(points: Points, drawn: Mapping[str, Any], unit: str, ranks: Mapping[str, int] | None = None) -> str:
    values = [
        {"date": day.isoformat(), "series": name, "value": value, "rank": (ranks or {}).get(name, 0),
         "label": f"{day}: {name} {value:.4g} {unit}"}
        for day, name, value in points if value is not None
    ]  # fmt: skip
    return _drawn(values, drawn)


def _drawn(values: Sequence[Mapping[str, Any]], drawn: Mapping[str, Any]) -> str:
    import vl_convert

    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _HEIGHT,
        "background": None,
        "data": {"values": values},
        "config": _CONFIG,
        **drawn,
    }
    return str(vl_convert.vegalite_to_svg(spec))


_TEXT = {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12}
_CONFIG = {
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": _TEXT | {"gridColor": "var(--line)", "domainColor": "var(--line)", "tickColor": "var(--line)"},
    "legend": _TEXT | {"orient": "top", "symbolSize": 80, "columns": 4, "columnPadding": 36, "labelLimit": 320},
}
