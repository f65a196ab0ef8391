"""Build a Registry from plain data that fits the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, TypeVar

from fqtool.findings.finding import Finding, Location, Severity
from fqtool.registry import alerts_and_models as judgement
from fqtool.registry import model
from fqtool.registry.checks import schema_errors
from fqtool.registry.yaml.document import Document, Step

T = TypeVar("T")


class _Assembler:
    """Turns parts of a document into values of the model. An impossible date becomes a finding."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    def entries(self, *path: Step) -> Iterator[tuple[dict[str, Any], Location]]:
        """Yield each entry of the list at `path` with its place."""
        data = self.document.data
        for number, entry in enumerate(data.get(path[0], ())):
            yield entry, self.document.at((*path, number))

    def mapped(self, key: str) -> Iterator[tuple[str, dict[str, Any], Location]]:
        """Yield each name and entry of the map under `key` with its place."""
        for name, entry in self.document.data.get(key, {}).items():
            yield name, entry, self.document.at_key((key, name))

    def day(self, text: str, where: str, *path: Step) -> date:
        """Return the date that `text` names. A date that the calendar does not have becomes a finding."""
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            at = self.document.at(path)
            self.findings += schema_errors.malformed_value(at, where, text, f"a day of the calendar ({error})")
            return date.min

    def deprecation(self, number: int, entry: dict[str, Any]) -> model.Deprecation | None:
        """Return the deprecation of a column entry, or None."""
        deprecated = entry.get("deprecated")
        if deprecated is None:
            return None
        days = {
            key: self.day(deprecated[key], f"{entry['name']} {key}", "columns", number, "deprecated", key)
            for key in ("since", "remove_after")
        }
        return model.Deprecation(**(deprecated | days))


def assemble(document: Document) -> tuple[model.Registry, tuple[Finding, ...]]:
    """Build the Registry from data that fits the schema.

    Args:
        document: The parsed file; its `data` fits the JSON Schema.

    Returns:
        The registry, and a finding for each impossible date.
    """
    data, make = document.data, _Assembler(document)
    table = dict(data["table"], at=document.at_key(("table",)))
    if "labels" in table:
        table["labels"] = tuple(table["labels"].items())
    table["properties"] = _declared(table)
    if "foreign_keys" in table:
        keys = ((tuple(one["columns"]), one["table"], tuple(one["references"])) for one in table["foreign_keys"])
        table["foreign_keys"] = tuple(keys)
    registry = model.Registry(
        path=document.file,
        table=_built(model.TableSpec, table),
        base_columns=tuple(_base_column(entry, at) for entry, at in make.entries("base_columns")),
        features=_features(make),
        columns=_columns(make),
        sources=tuple(_named(model.Source, "label", *one) for one in make.mapped("sources")),
        unknown_source=_built(model.UnknownSource, data["unknown_source"]),
        tiers=_listed(model.Tier, make, "tiers"),
        categories=tuple(_named(model.Category, "name", *one) for one in make.mapped("categories")),
        processors=tuple(_named(model.Processor, "name", *one) for one in make.mapped("processors")),
        inputs=model.Inputs(**data["inputs"]),
        alerts=_listed(judgement.Alert, make, "alerts"),
        alert_levels=_listed(judgement.AlertLevel, make, "alert_levels"),
        models=_listed(judgement.Model, make, "models"),
        views=_views(make),
        thresholds=_listed(judgement.Threshold, make, "thresholds"),
        known_events=_known_events(make),
        pricing=_pricing(make),
        expected_size=_expected_size(make),
        targets=tuple(data.get("targets", {}).items()),
        drift=tuple((code, _level(level)) for code, level in data.get("drift", {}).items() if code != "ignore"),
        not_managed=tuple(
            (pattern, tuple(names)) for pattern, names in data.get("drift", {}).get("ignore", {}).items()
        ),
        validate=_built(model.Choice, data.get("validate", {})),
        training_quality=float(data.get("training_quality", 85)),
        max_age_days=data.get("max_age_days", 1),
        schema_versions=tuple(data.get("schema_versions", {}).items()),
        accepted_versions=tuple((name, tuple(labels)) for name, labels in data.get("accepted_versions", {}).items()),
        document=document,
    )
    return registry, tuple(make.findings)


def _built(kind: Callable[..., T], entry: dict[str, Any]) -> T:
    """Build `kind`. Lists become tuples; whole numbers become floats where the model has floats."""
    values: dict[str, Any] = {key: tuple(value) if type(value) is list else value for key, value in entry.items()}
    for key in _FLOATS.intersection(values):
        if type(values[key]) is int:
            values[key] = float(values[key])
    return kind(**values)


_FLOATS = frozenset(
    {"weight", "min", "expected", "step", "upstream_tolerance", "good", "critical", "partition_expiration_days"}
)


def _listed(kind: Callable[..., T], make: _Assembler, key: str) -> tuple[T, ...]:
    return tuple(_built(kind, {**entry, "at": at}) for entry, at in make.entries(key))


def _named(kind: Callable[..., T], name_field: str, name: str, entry: dict[str, Any], at: Location) -> T:
    return _built(kind, {**entry, name_field: name, "at": at})


def _base_column(entry: dict[str, Any], at: Location) -> model.BaseColumn:
    inner = tuple(entry.get("field_descriptions", {}).items())
    fields = tuple((path, _declared({"properties": one})) for path, one in entry.get("field_properties", {}).items())
    properties = {"properties": _declared(entry), "field_properties": fields}
    return model.BaseColumn(**{**entry, **properties, "field_descriptions": inner, "at": at})


def _declared(entry: dict[str, Any]) -> model.Declared:
    """Return the properties of an entry as names and values."""
    return tuple((name, _frozen(value)) for name, value in entry.get("properties", {}).items())


def _frozen(value: Any) -> object:
    return tuple(value.items()) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value


_NO_SPREAD = model.Spread()


def _features(make: _Assembler) -> tuple[model.Feature, ...]:
    """Features in index order, in whatever order the file lists them. An index may be written as 5.0."""
    found = []
    for entry, at in make.entries("features"):
        values: dict[str, Any] = {**entry, "index": int(entry["index"]), "at": at}
        values["spread"] = model.Spread(**entry["spread"]) if "spread" in entry else _NO_SPREAD
        if "range" in entry:
            values["range"] = tuple(map(float, entry["range"]))
        found.append(_built(model.Feature, values))
    return tuple(sorted(found, key=lambda feature: feature.index))


def _columns(make: _Assembler) -> tuple[model.ColumnSpec, ...]:
    found = []
    for number, (entry, at) in enumerate(make.entries("columns")):
        values: dict[str, Any] = {**entry, "at": at, "deprecated": make.deprecation(number, entry)}
        values["properties"] = _declared(entry)
        if "for_each" in values:
            values["for_each"] = judgement.Each(values["for_each"])
        values["owner"] = model.Owner(values.get("owner", "fqtool"))
        found.append(_built(model.ColumnSpec, values))
    return tuple(found)


def _views(make: _Assembler) -> tuple[judgement.ViewSpec, ...]:
    found = []
    for number, (entry, at) in enumerate(make.entries("views")):
        columns = []
        for place, inner in enumerate(entry["columns"]):
            each = judgement.Each(inner["for_each"]) if "for_each" in inner else None
            spot = make.document.at(("views", number, "columns", place))
            columns.append(judgement.ViewColumn(**{**inner, "for_each": each, "at": spot}))
        rows_per = judgement.Each(entry["rows_per"]) if "rows_per" in entry else None
        values = {**entry, "columns": columns, "rows_per": rows_per, "at": at}
        if "labels" in entry:
            values["labels"] = tuple(entry["labels"].items())
        found.append(_built(judgement.ViewSpec, values))
    return tuple(found)


def _known_events(make: _Assembler) -> tuple[judgement.KnownEvent, ...]:
    found = []
    for number, (entry, at) in enumerate(make.entries("known_events")):
        days = {
            key: make.day(entry[key], f"{entry['reason']} {key}", "known_events", number, key)
            for key in ("since", "until")
        }
        found.append(_built(judgement.KnownEvent, entry | days | {"at": at}))
    return tuple(found)


def _pricing(make: _Assembler) -> judgement.Pricing | None:
    pricing = make.document.data.get("pricing")
    if pricing is None:
        return None
    return judgement.Pricing(**{**pricing, "as_of": make.day(pricing["as_of"], "pricing as_of", "pricing", "as_of")})


def _expected_size(make: _Assembler) -> judgement.ExpectedSize | None:
    size = make.document.data.get("expected_size")
    if size is None:
        return None
    lines = tuple(
        _built(judgement.ExpectedLine, {**entry, "at": make.document.at(("expected_size", "lines", number))})
        for number, entry in enumerate(size["lines"])
    )
    return judgement.ExpectedSize(**{**size, "lines": lines})


def _level(word: str) -> Severity | None:
    return None if word == "ignore" else Severity(word)
