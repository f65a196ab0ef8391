"""Labels that the registry does not declare: they count as default values, so present values look absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from fqtool.commands.diagnose.cause import Cause, Confidence, Kind
from fqtool.registry.model import Feature, Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.layout import Layout
from fqtool.sql import Query, distinct_texts, ident, literal, texts_of
from fqtool.warehouse.protocol import Warehouse

_OF_DEFAULTS = (Kind.MISSING, Kind.PARTIAL, Kind.DECLINING)
_BETWEEN = "\n"
_MOST = 0.5  # of the defaulted rows


def with_undeclared_labels(causes: Sequence[Cause], registry: Registry, warehouse: Warehouse) -> tuple[Cause, ...]:
    """Return root causes in which undeclared labels are one cause, instead of those about the default values.

    One query reads the labels of the features that are defaulted in more rows than usual.

    Args:
        causes: The root causes of one date.
        registry: The registry.
        warehouse: The target.
    """
    layout = Layout(registry)
    of_defaults = [one for one in causes if one.kind in _OF_DEFAULTS]
    features = {feature.index: feature for one in of_defaults for feature in one.features}
    labelled = [one for one in features.values() if layout.stored_label(one)]
    if not labelled or not _counts_as_default(registry):
        return tuple(causes)
    found = _undeclared(labelled, registry, warehouse, of_defaults[0].day)
    explained = [
        one for one in of_defaults
        if sum(found.get(feature.index, (0, ()))[0] for feature in one.features) > _MOST * one.hit * len(one.features)
    ]  # fmt: skip
    if not explained:
        return tuple(causes)
    others = [one for one in causes if one not in explained]
    return (_cause(explained, found, registry), *others)


def _counts_as_default(registry: Registry) -> bool:
    canonical = {one.canonical for one in registry.sources if one.is_default}
    return registry.unknown_source.canonical in canonical


def _undeclared(
    features: Sequence[Feature], registry: Registry, warehouse: Warehouse, day: date
) -> dict[int, tuple[int, tuple[str, ...]]]:
    """Feature index -> the number of rows with undeclared labels on a date, and these labels."""
    layout, declared = Layout(registry), ", ".join(literal(one.label) for one in registry.sources)
    columns = []
    for one in features:
        label = layout.stored_label(one)
        undeclared = f"IF({layout.known} AND {label} NOT IN ({declared}), {label}, NULL)"
        columns.append(f"COUNT({undeclared}) AS `n_{one.index}`")
        columns.append(f"{distinct_texts(undeclared)} AS `labels_{one.index}`")
    dates, listed = row_dates(registry), ",\n  ".join(columns)
    (row,) = warehouse.rows(Query(f"SELECT\n  {listed}\nFROM {ident(registry.table.name)}\nWHERE {dates.on(day)}"))
    return {one.index: (int(str(row[f"n_{one.index}"])), texts_of(row[f"labels_{one.index}"])) for one in features}


def _cause(explained: Sequence[Cause], found: dict[int, tuple[int, tuple[str, ...]]], registry: Registry) -> Cause:
    features = {one.index: one for cause in explained for one in cause.features if found.get(one.index, (0,))[0]}
    labels = dict.fromkeys(label for index in sorted(features) for label in found[index][1])
    hit = max(found[index][0] for index in features)
    first, since = explained[0], min(one.since for one in explained)
    declared = ", ".join(one.label for one in registry.sources)
    evidence = (f"`sources` declares {declared}",)
    own = tuple(features[index] for index in sorted(features))
    owners = dict.fromkeys(one.owner for one in explained if one.owner)
    return replace(
        first, kind=Kind.UNDECLARED, since=since, hit=hit, features=own, processor=None, last_updated=None,
        evidence=evidence, confidence=Confidence.CERTAIN, detail=_BETWEEN.join(labels),
        owner=", ".join(owners), at_least=any(one.at_least for one in explained if one.since == since),
    )  # fmt: skip
