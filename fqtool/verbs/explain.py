"""fqtool explain: one row, why each number is what it is, which gate fails and what would make it pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

from fqtool.errors import InputError
from fqtool.quality.build import feature_values, fill
from fqtool.quality.carriers import carriers
from fqtool.quality.conditions import Condition, Part, Role, explained, values_of
from fqtool.quality.question import Stored
from fqtool.quality.roles import Roles
from fqtool.quality.scoring import Scoring
from fqtool.registry.judgement import Each
from fqtool.registry.model import ColumnSpec, Feature, Registry
from fqtool.sql import Query, Value, ident
from fqtool.verbs.score_records import scorer_of
from fqtool.verbs.workspace import require_columns
from fqtool.warehouse.protocol import Warehouse

_NEAR = 1e-6
_KEYS = 20_000
_MANY, _SELDOM = 10, 0.1


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """One feature of the row; `odd` says in words what is unusual about it."""

    feature: Feature
    value: float | None
    label: str | None
    source: str | None
    quality: float | None
    odd: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartTold:
    """A part of a condition that does not hold, or did where it should not: the values and features it speaks of."""

    part: Part
    values: Mapping[str, object]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """What would have made a gate pass: these features real. `who` feeds them all, "" where they are of several."""

    who: str
    features: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition on this row: whether it holds (None: unknown), what decided it, and ways to make it hold.

    A way was tried: the row with those labels was scored, and the gate passed.
    """

    condition: Condition
    holds: bool | None
    decided: tuple[PartTold, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row: its keys, what scoring gives for it, features in index order, conditions, stored columns that differ."""

    keys: Mapping[str, Value]
    scored: Mapping[str, Any]
    roles: Mapping[str, object]
    features: tuple[FeatureLine, ...]
    verdicts: tuple[Verdict, ...]
    differs: tuple[tuple[str, object, object], ...]


def explain_row(registry: Registry, warehouse: Warehouse, keys: Mapping[str, str], day: date | None) -> Explanation:
    """Explain the row with these keys. Raises InputError for keys that are none or name no row, or several."""
    row = _row(registry, warehouse, _keys(registry, keys, day))
    return explanation_of(registry, row)


def _keys(registry: Registry, keys: Mapping[str, str], day: date | None) -> dict[str, Value]:
    """Check the keys that were given; the date is one of them where the table has partitions."""
    known = {name.lower(): name for name in registry.table.keys}
    wrong = [name for name in keys if name.lower() not in known]
    if wrong:
        raise InputError(f"{wrong[0]} is no key.", remedy=f"The keys are {', '.join(registry.table.keys)}.")
    given: dict[str, Value] = {known[name.lower()]: text for name, text in keys.items()}
    if day is not None and registry.table.partition_by in registry.table.keys:
        given[registry.table.partition_by] = day
    missing = [name for name in registry.table.keys if name not in given]
    if missing:
        how = "--date 2026-02-06" if missing[0] == registry.table.partition_by else f"--key {missing[0]}=..."
        raise InputError(f"The key {missing[0]} is missing.", remedy=f"Add {how}.")
    return given


def _row(registry: Registry, warehouse: Warehouse, keys: Mapping[str, Value]) -> dict[str, Value]:
    """Read the one row with these keys."""
    require_columns(registry, warehouse, (one.name for one in Scoring(registry).managed))
    found = warehouse.rows(row_query(registry, keys))
    told = ", ".join(f"{name}={value}" for name, value in keys.items())
    if len(found) > 1:
        raise InputError(f"Several rows have {told}: which of them is meant cannot be told.")
    if not found:
        raise InputError(f"There is no row with {told}.", remedy=_meant(registry, warehouse, keys))
    return found[0]


def row_query(registry: Registry, keys: Mapping[str, Value]) -> Query:
    """Return the query for all that is stored of the row with these keys; it gives two where there are several.

    Keys are compared as text, the date as a date, so that its partition alone is read.
    """
    scoring, day = Scoring(registry), registry.table.partition_by
    wanted = dict.fromkeys([*(one.name for one in scoring.reads), *(one.name for one in scoring.managed)])
    where = " AND ".join(
        f"{ident(name)} = @{_word(n)}" if name == day else f"CAST({ident(name)} AS STRING) = @{_word(n)}"
        for n, name in enumerate(keys)
    )
    parameters = tuple((_word(number), value) for number, value in enumerate(keys.values()))
    sql = f"SELECT {', '.join(map(ident, wanted))}\nFROM {ident(registry.table.name)}\nWHERE {where}\nLIMIT 2"
    return Query(sql, parameters)


def _word(number: int) -> str:
    return f"key_{number}"


def _meant(registry: Registry, warehouse: Warehouse, keys: Mapping[str, Value]) -> str:
    """The closest keys of that date, where one key beside it is asked for."""
    day = registry.table.partition_by
    texts = [name for name in keys if name != day]
    if len(texts) != 1 or not day or not isinstance(keys.get(day), date):
        return ""
    name, stored = texts[0], Stored(registry)
    key = f"CAST({ident(name)} AS STRING) AS k"
    sql = f"SELECT DISTINCT {key} FROM {stored.table} WHERE {stored.on_date} LIMIT {_KEYS}"
    known = [str(row["k"]) for row in warehouse.rows(Query(sql, (("date", keys[day]),)))]
    if not known:
        return f"{keys[day]} has no rows."
    close = get_close_matches(str(keys[name]), known, 3, 0.5)
    return f"Did you mean {' or '.join(close)}?" if close else f"{keys[day]} has {len(known)} others."


def explanation_of(registry: Registry, row: Mapping[str, Value]) -> Explanation:
    """Explain a stored row: it is scored again, with the parts of its conditions, and as it might have been."""
    parts = explained(registry)
    scorer, now = scorer_of(_with_inputs(parts.registry)), datetime.now(UTC)
    (scored,) = scorer.records([row], now)
    lacking = [one for one in registry.active_features if scored[f"its_{one.index}_is_default"]]
    tried = [(way, made) for way in _ways(lacking) if (made := _mended(registry, row, way.features))]
    mended = scorer.records([made for _, made in tried], now)
    outcomes = [(way, made) for (way, _), made in zip(tried, mended, strict=True)]
    return Explanation(
        {name: row[name] for name in registry.table.keys},
        scored,
        _roles(registry, row, scored),
        tuple(_feature(one, registry, scored) for one in registry.active_features),
        tuple(_verdict(one, row, scored, outcomes) for one in parts.conditions),
        tuple(_differing(registry, row, scored)),
    )


def _with_inputs(registry: Registry) -> Registry:
    """The registry with columns that tell each feature's own label, quality, source and value."""
    own = ("raw_source", "quality", "source", "is_default", "value")
    kinds = {"quality": "FLOAT64", "is_default": "BOOL", "value": "FLOAT64"}
    specs = tuple(
        ColumnSpec(f"its_{{index}}_{name}", kinds.get(name, "STRING"), "why", expr=name, for_each=Each.FEATURE)
        for name in own
    )
    return replace(registry, columns=(*registry.columns, *specs))


def _ways(lacking: Sequence[Feature]) -> Iterator[Way]:
    """Yield what might have been: what each processor left out, then all that is not optional, then all."""
    for processor in dict.fromkeys(one.processor for one in lacking if one.processor):
        yield Way(processor, tuple(one.index for one in lacking if one.processor == processor))
    yield Way("", tuple(one.index for one in lacking if not one.optional))
    yield Way("", tuple(one.index for one in lacking))


def _mended(registry: Registry, row: Mapping[str, Value], indices: Sequence[int]) -> dict[str, Any] | None:
    """The row with stand-ins of these features labelled as their extractor would at best; None if that cannot be."""
    try:
        carrier, _ = carriers(registry)
        labels = json.loads(str(row.get(carrier) or ""))
    except (InputError, ValueError):
        return None
    if not isinstance(labels, dict):
        return None
    stand_ins = {one.label for one in registry.sources if one.is_default}
    known = {one.label for one in registry.sources}
    best = max(registry.sources, key=lambda one: one.weight).label
    for one in registry.active_features:
        key = fill("{index}" if "{index}" in registry.inputs.source else "{name}", feature_values(one))
        if one.index in indices and (labels.get(key) in stand_ins or labels.get(key) not in known):
            labels[key] = next((label for label in one.labels if label not in stand_ins), best)
    return dict(row) | {carrier: json.dumps(labels)}


def _feature(one: Feature, registry: Registry, scored: Mapping[str, Any]) -> FeatureLine:
    label, quality, source, is_default, value = (
        scored[f"its_{one.index}_{what}"] for what in ("raw_source", "quality", "source", "is_default", "value")
    )
    odd: list[str] = []
    if label is not None and label not in {known.label for known in registry.sources}:
        odd.append(f"label {label!r} is not in sources")
    if is_default:
        odd.append(f"stand-in: {one.fallback_reason}" if one.fallback_reason else "stand-in")
    elif value is not None and value == one.expected and _rare(one, value):
        odd.append("equals its stand-in")
    if value is not None and one.range and not one.range[0] <= value <= one.range[1]:
        odd.append(f"outside {one.range[0]:g} to {one.range[1]:g}")
    if quality is not None and quality < registry.training_quality and not is_default:
        odd.append(f"below {registry.training_quality:g}")
    return FeatureLine(one, value, label, source, quality, tuple(odd))


def _rare(one: Feature, value: float) -> bool:
    """Whether a feature's spread makes one certain value remarkable: it has many, and zero is not usual."""
    many = one.spread is not None and (one.spread.min_distinct or 0) >= _MANY
    return many and (value != 0 or (one.spread.zero_share if one.spread.zero_share is not None else 1) <= _SELDOM)


def _verdict(
    one: Condition,
    row: Mapping[str, Value],
    scored: Mapping[str, Any],
    outcomes: Sequence[tuple[Way, Mapping[str, Any]]],
) -> Verdict:
    """A gate is decided by the parts that do not hold; an alert that fired, by all of its parts."""
    holds, gate = scored[one.column], one.role is Role.GATE
    decisive = [part for part in one.parts if not gate or scored[part.column] is not True]
    told = tuple(
        PartTold(part, values_of(part, {**row, **scored}), tuple(scored[part.which] or ()) if part.which else ())
        for part in decisive
    )
    ways = [way for way, made in outcomes if way.features and made[one.column] is True] if gate and not holds else []
    return Verdict(one, holds, told if (holds is True) != gate else (), _shortest(ways))


def _shortest(ways: Sequence[Way]) -> tuple[Way, ...]:
    """Where one processor's features are enough, more is not worth saying."""
    return tuple([one for one in ways if one.who] or ways[:1])


def _roles(registry: Registry, row: Mapping[str, Value], scored: Mapping[str, Any]) -> dict[str, object]:
    """What a reader asks first, as far as the registry has it."""
    roles = Roles(registry)
    found = {
        "score": roles.found("AVG_OVER_FEATURES(quality)"),
        "level": roles.found("ALERT_LEVEL()"),
        "alerts": roles.found("ALERT_CODES()"),
        "stand-ins": roles.found("COUNT_FEATURES(is_default)"),
    }
    if found["score"]:
        found["tier"] = roles.found(f"TIER({found['score']})")
    told: dict[str, object] = {name: scored[column] for name, column in found.items() if column}
    return told | ({"scored at": row[roles.computed_at]} if roles.computed_at else {})


def _differing(
    registry: Registry, row: Mapping[str, Value], scored: Mapping[str, Any]
) -> Iterator[tuple[str, object, object]]:
    """Yield the stored columns that scoring would write otherwise today, the time of scoring apart."""
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
