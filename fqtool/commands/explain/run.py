"""fqtool explain: the scores of one row, the gates that it fails, and the features that make them pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from shlex import quote
from typing import Any

from fqtool.commands.explain.conditions import Condition, Part, Role, explained, values_of
from fqtool.errors import InputError, Refusal
from fqtool.findings.remedy import Remedy, Statements, commands
from fqtool.monitoring.categories import CategoryQuery
from fqtool.records.values import fits_column
from fqtool.registry.alerts_and_models import Each
from fqtool.registry.model import ColumnSpec, Feature, Registry
from fqtool.schema.build import base_columns
from fqtool.schema.row_dates import dates_of
from fqtool.scoring.layout import Layout
from fqtool.scoring.places import Place, Shape, is_object, written
from fqtool.scoring.roles import Roles
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, Value, ident
from fqtool.table.column import Kind
from fqtool.warehouse.duckdb.scorer import scorer_of
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import require_columns

_NEAR = 1e-6
_KEYS = 20_000
_MANY, _SELDOM = 10, 0.1
_BEFORE = 14  # days in which a category may have been seen
_UNSEEN = f"category not in the {_BEFORE} days before"


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """One feature of the row; `unusual` are texts about what is unusual."""

    feature: Feature
    value: Value
    label: str | None
    source: str | None
    quality: float | None
    unusual: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecidingPart:
    """A part that decides a condition, with the values of its names and the features that it is about."""

    part: Part
    values: Mapping[str, object]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """Features whose real values make a gate pass; `who` is their processor, "" for several processors."""

    who: str
    features: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition on this row: its value (None: unknown), the parts that decide it, and ways to make it true.

    Each way is tested: fqtool scored the row with real labels of these features, and the gate passed.
    """

    condition: Condition
    holds: bool | None
    decided: tuple[DecidingPart, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of a row.

    Attributes:
        keys: The keys.
        day: The date of the row, None where the rows of the table have no date.
        scored: All columns that scoring computes.
        roles: Score, tier, level, alerts, defaults and time of scoring, where the registry has them.
        features: The features, in index order.
        verdicts: The conditions, in the order of the registry.
        differs: Column, stored value and computed value, where these differ.
    """

    keys: Mapping[str, Value]
    day: date | None
    scored: Mapping[str, Any]
    roles: Mapping[str, object]
    features: tuple[FeatureLine, ...]
    verdicts: tuple[Verdict, ...]
    differs: tuple[tuple[str, object, object], ...]


def explain_row(registry: Registry, warehouse: Warehouse, keys: Mapping[str, str], day: date | None) -> Explanation:
    """Explain the row with these keys.

    Args:
        registry: The registry.
        warehouse: The target.
        keys: Name of a key -> its value.
        day: The date of the row, None where the keys contain it.

    Raises:
        InputError: A key is unknown or missing, or the keys match no row or several.
    """
    row = _row(registry, warehouse, _keys(registry, keys, day), day)
    return _with_unseen(registry, warehouse, explanation_of(registry, row))


def _with_unseen(registry: Registry, warehouse: Warehouse, made: Explanation) -> Explanation:
    """Add which categories of the row no row of the days before has; without categorical features, ask nothing."""
    asked = CategoryQuery(registry)
    if made.day is None or not asked.features:
        return made
    stats = asked.read(warehouse.rows(asked.query(made.day - timedelta(days=_BEFORE), made.day)))
    unseen = {(one.feature.index, category) for one in stats for category, _ in one.unseen}
    features = tuple(
        replace(line, unusual=(*line.unusual, _UNSEEN))
        if not isinstance(line.value, bool) and (line.feature.index, str(line.value)) in unseen
        else line
        for line in made.features
    )
    return replace(made, features=features)


def only_the_date_is_missing(registry: Registry, keys: Mapping[str, str]) -> bool:
    """Return whether every key of a row is given but the one that dates it."""
    dates, given = dates_of(registry), {name.lower() for name in keys}
    missing = [name for name in registry.table.keys if name.lower() not in given]
    return dates is not None and len(missing) == 1 and dates.names(missing[0])


def _keys(registry: Registry, keys: Mapping[str, str], day: date | None) -> dict[str, Value]:
    """Check the given keys. The date replaces the key with the date of a row."""
    known = {name.lower(): name for name in registry.table.keys}
    wrong = [name for name in keys if name.lower() not in known]
    if wrong:
        raise InputError(f"{wrong[0]!r} is not a key.", remedy=f"Use the keys {', '.join(registry.table.keys)}.")
    dates = dates_of(registry)
    if day is not None and dates is None:
        raise InputError(
            f"--date does not apply: rows of {registry.table.name} have no date.", remedy="Leave out --date."
        )
    given: dict[str, Value] = {
        known[name.lower()]: dates.value(text) if dates and dates.names(name) else text for name, text in keys.items()
    }
    dated = next((value for name, value in given.items() if dates and dates.names(name)), None)
    if dates and day is not None and dated is not None and dates.day_of(dated) != day:
        raise InputError(f"--date {day} and --key {dates.column}={dated} differ.", remedy="Leave out one of them.")
    for name in registry.table.keys:
        is_date = dates is not None and dates.names(name)
        if name not in given and not (is_date and day is not None):
            raise InputError(
                f"The key {name} is missing.",
                remedy=f"Add {'--date 2026-02-06' if is_date else f'--key {name}=VALUE'}.",
            )
    _require_types(registry, given)
    return given


def _require_types(registry: Registry, keys: Mapping[str, Value]) -> None:
    """Raise InputError for the text of a key that is not of the type of its column."""
    for column in base_columns(registry):
        text = keys.get(column.name)
        if column.type.kind is not Kind.STRING and isinstance(text, str) and not fits_column(column)(text):
            raise InputError(
                f"{text!r} is not a valid {column.type}, the type of the key {column.name}.",
                remedy=f"Use a value of a stored row, like --key {column.name}=VALUE.",
            )


def _row(registry: Registry, warehouse: Warehouse, keys: Mapping[str, Value], day: date | None) -> dict[str, Value]:
    """Read the one row with these keys, of a date if one is given."""
    require_columns(registry, warehouse, (one.name for one in Scoring(registry).managed))
    found = warehouse.rows(row_query(registry, keys, day))
    column = dates.column if (dates := dates_of(registry)) else "date"
    given = ", ".join([f"{name}={value}" for name, value in keys.items()] + ([f"{column}={day}"] if day else []))
    if len(found) > 1:
        missing = [name for name in registry.table.keys if name not in keys]
        known = dict.fromkeys(f"--key '{name}={row[name]}'" for name in missing for row in found)
        differ = len(known) > len(missing)
        remedy = f"Add the time of the row: {' or '.join(known)}." if differ else "Remove the rows that repeat a key."
        error = InputError if differ else Refusal  # rows of different times: the input fits each of them
        raise error(f"Several rows have {given}.", remedy=remedy)
    if not found:
        raise InputError(f"There is no row with {given}.", remedy=_meant(registry, warehouse, keys, day))
    return found[0]


def row_query(registry: Registry, keys: Mapping[str, Value], day: date | None = None) -> Query:
    """Return the query for the stored columns of the row with these keys, and of a second row if there is one.

    Keys are compared as text, except the key with the date: by it, or by `day`, the query reads one partition.
    """
    scoring, dates = Scoring(registry), dates_of(registry)
    columns = dict.fromkeys([*(one.name for one in scoring.reads), *(one.name for one in scoring.managed)])
    parts, parameters = [dates.on(day)] if dates and day else [], []
    for number, (name, value) in enumerate(keys.items()):
        if dates and dates.names(name) and isinstance(value, date):
            parts.append(dates.on(value))
        else:
            parts.append(f"CAST({ident(name)} AS STRING) = @{_word(number)}")
            parameters.append((_word(number), value))
    sql = (
        f"SELECT {', '.join(map(ident, columns))}\nFROM {ident(registry.table.name)}\n"
        f"WHERE {' AND '.join(parts)}\nLIMIT 2"
    )
    return Query(sql, tuple(parameters))


def _word(number: int) -> str:
    return f"key_{number}"


def _meant(registry: Registry, warehouse: Warehouse, keys: Mapping[str, Value], day: date | None) -> Remedy:
    """A remedy with the closest keys of the date where there is one key besides it, else a query for keys."""
    dates = dates_of(registry)
    texts = [name for name in keys if not (dates and dates.names(name))]
    if dates:
        day = day or next((dates.day_of(value) for name, value in keys.items() if dates.names(name)), None)
    if dates is None or len(texts) != 1 or day is None:
        listed = ", ".join(map(ident, registry.table.keys))
        where = f" WHERE {dates.on(day)}" if dates and day else ""
        sql = f"SELECT DISTINCT {listed} FROM {ident(registry.table.name)}{where} LIMIT 100;"
        return Statements(sql, first="Use the keys of a stored row. To list them:")
    name = texts[0]
    key = f"CAST({ident(name)} AS STRING) AS k"
    sql = f"SELECT DISTINCT {key} FROM {ident(registry.table.name)} WHERE {dates.on(day)} LIMIT {_KEYS}"
    known = [str(row["k"]) for row in warehouse.rows(Query(sql))]
    if not known:
        again = f"explain --key {quote(f'{name}={keys[name]}')}"
        return commands(again, first=f"{day} has no rows. Without a date, the newest one with rows is used:")
    days = f"SELECT MAX({dates.of_row()}) AS d FROM {ident(registry.table.name)}"
    since = day - timedelta(days=min(_BEFORE, day.toordinal() - 1))
    is_key = f"CAST({ident(name)} AS STRING) = @{_word(0)}"
    asked = Query(f"{days} WHERE {dates.between(since, day)} AND {is_key}", ((_word(0), str(keys[name])),))
    last = next((row["d"] for row in warehouse.rows(asked)), None)
    if isinstance(last, date):
        again = f"explain --key {quote(f'{name}={keys[name]}')} --date {last}"
        return commands(again, first=f"{keys[name]} has rows until {last}, and none on {day}. Use that date:")
    close = get_close_matches(str(keys[name]), known, 3, 0.5)
    return (
        f"Use {' or '.join(f'--key {name}={one}' for one in close)}."
        if close
        else f"Use a value of {name} on {day}, such as: --key {quote(f'{name}={min(known)}')}"
    )


def explanation_of(registry: Registry, row: Mapping[str, Value]) -> Explanation:
    """Explain a stored row: score it again, with the parts of its conditions, and with features made real."""
    parts = explained(registry)
    scorer, now = scorer_of(_with_inputs(parts.registry)), datetime.now(UTC)
    (scored,) = scorer.records([row], now)
    lacking = [one for one in registry.active_features if scored[f"its_{one.index}_is_default"]]
    tried = [(way, made) for way in _ways(lacking) if (made := _repaired(registry, row, way.features))]
    repaired = scorer.records([made for _, made in tried], now)
    outcomes = [(way, made) for (way, _), made in zip(tried, repaired, strict=True)]
    dates = dates_of(registry)
    return Explanation(
        {name: row[name] for name in registry.table.keys},
        dates.day_of(row[dates.column]) if dates else None,
        scored,
        _roles(registry, row, scored),
        tuple(_feature(one, registry, scored) for one in registry.active_features),
        tuple(_verdict(one, row, scored, outcomes) for one in parts.conditions),
        tuple(_differing(registry, row, scored)),
    )


def _with_inputs(registry: Registry) -> Registry:
    """The registry with columns for the label, quality, source and value of each feature."""
    own = ("raw_source", "quality", "source", "is_default", "value")
    kinds = {"quality": "FLOAT64", "is_default": "BOOL", "value": "FLOAT64"}
    specs = tuple(
        ColumnSpec(f"its_{{index}}_{name}", kinds.get(name, "STRING"), "why", expr=name, for_each=Each.FEATURE)
        for name in own
    )
    return replace(registry, columns=(*registry.columns, *specs))


def _ways(lacking: Sequence[Feature]) -> Iterator[Way]:
    """Yield the ways to try: the features of each processor, then all that are not optional, then all."""
    for processor in dict.fromkeys(one.processor for one in lacking if one.processor):
        yield Way(processor, tuple(one.index for one in lacking if one.processor == processor))
    yield Way("", tuple(one.index for one in lacking if not one.optional))
    yield Way("", tuple(one.index for one in lacking))


def _repaired(registry: Registry, row: Mapping[str, Value], indices: Sequence[int]) -> dict[str, Any] | None:
    """The row with the best label for each of these features, None where it cannot be written.

    Where the value decides the label, the row gets a value.
    """
    layout, record = Layout(registry), dict(row)
    defaults = {one.label for one in registry.sources if one.is_default}
    known = {one.label for one in registry.sources}
    best = max(registry.sources, key=lambda one: one.weight).label
    parts: list[tuple[Place, Any]] = []
    for one in registry.active_features:
        if one.index not in indices:
            continue
        by_value = layout.follows_value(one)
        place = layout.value_place(one) if by_value else layout.label_place(one)
        if place is None or (place.shape is Shape.KEY and not is_object(record.get(place.column))):
            return None
        if by_value:
            parts.append((place, layout.stored_value(one, sum(one.range or (2.0, 0.0)) / 2)))
        elif (label := place.read(record)) in defaults or label not in known:
            parts.append((place, next((label for label in one.labels if label not in defaults), best)))
    return written(record, parts)


def _feature(one: Feature, registry: Registry, scored: Mapping[str, Any]) -> FeatureLine:
    label, quality, source, is_default, value = (
        scored[f"its_{one.index}_{what}"] for what in ("raw_source", "quality", "source", "is_default", "value")
    )
    number = value if isinstance(value, int | float | Decimal) and isfinite(value) else None
    unusual: list[str] = []
    if label is not None and label not in {known.label for known in registry.sources}:
        unusual.append(f"label {label!r} is not in `sources`")
    if is_default:
        unusual.append(f"defaulted: {one.fallback_reason}" if one.fallback_reason else "defaulted")
    elif value is None and is_default is False and not one.optional:
        unusual.append("NULL under a label of real values")
    elif isinstance(value, float) and not isfinite(value):
        unusual.append("NaN or infinite")
    elif number is not None and number == one.expected and _rare(one, float(number)):
        unusual.append("equals its default value")
    if number is not None and one.range and not one.range[0] <= number <= one.range[1]:
        unusual.append(f"outside {one.range[0]:g} to {one.range[1]:g}")
    if quality is not None and quality < registry.training_quality and not is_default:
        unusual.append(f"quality below {registry.training_quality:g}")
    return FeatureLine(one, value, label, source, quality, tuple(unusual))


def _rare(one: Feature, value: float) -> bool:
    """Whether one value of a feature is remarkable: it has many values, and 0 is not usual."""
    many = one.spread is not None and (one.spread.min_distinct or 0) >= _MANY
    return many and (value != 0 or (one.spread.zero_share if one.spread.zero_share is not None else 1) <= _SELDOM)


def _verdict(
    one: Condition,
    row: Mapping[str, Value],
    scored: Mapping[str, Any],
    outcomes: Sequence[tuple[Way, Mapping[str, Any]]],
) -> Verdict:
    """The verdict: the false parts decide a gate, all parts decide an alert that fires."""
    holds, gate = scored[one.column], one.role is Role.GATE
    decisive = [part for part in one.parts if not gate or scored[part.column] is not True]
    parts = tuple(
        DecidingPart(part, values_of(part, {**row, **scored}), tuple(scored[part.which] or ()) if part.which else ())
        for part in decisive
    )
    ways = [way for way, made in outcomes if way.features and made[one.column] is True] if gate and not holds else []
    return Verdict(one, holds, parts if (holds is True) != gate else (), _shortest(ways))


def _shortest(ways: Sequence[Way]) -> tuple[Way, ...]:
    """The ways by one processor, else the first way."""
    return tuple([one for one in ways if one.who] or ways[:1])


def _roles(registry: Registry, row: Mapping[str, Value], scored: Mapping[str, Any]) -> dict[str, object]:
    """The most important results, where the registry has columns for them."""
    roles = Roles(registry)
    found = {
        "score": roles.found("AVG_OVER_FEATURES(quality)"),
        "level": roles.found("ALERT_LEVEL()"),
        "alerts": roles.found("ALERT_CODES()"),
        "defaults": roles.found("COUNT_FEATURES(is_default)"),
    }
    if found["score"]:
        found["tier"] = roles.found(f"TIER({found['score']})")
    results: dict[str, object] = {name: scored[column] for name, column in found.items() if column}
    return results | ({"scored at": row[roles.computed_at]} if roles.computed_at else {})


def _differing(
    registry: Registry, row: Mapping[str, Value], scored: Mapping[str, Any]
) -> Iterator[tuple[str, object, object]]:
    """Yield the stored columns that differ from scoring today, without the time of scoring."""
    scoring = Scoring(registry)
    for one in scoring.columns:
        if one.name == Roles(registry).computed_at:
            continue
        stored, now = row[one.name], scored[one.name]
        if not _same(list(stored) if isinstance(stored, tuple) else stored, now):
            yield one.name, stored, now


def _same(stored: object, now: object) -> bool:
    try:
        return abs(float(stored) - float(now)) <= _NEAR  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return stored == now
