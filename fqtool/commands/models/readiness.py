"""The rows of a date that each model can score, and the features of a stored row as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from fqtool.expressions.builders import KNOWN, feature_column, joined, stand_in
from fqtool.expressions.expression import NULL, Expression, Literal, Name, Unary, names_in, render
from fqtool.expressions.grammar import parse_expression
from fqtool.expressions.names import DYNAMIC
from fqtool.expressions.simplify import fold, substitute
from fqtool.registry.alerts_and_models import Model
from fqtool.registry.model import Feature, Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.feature_language import Language, by_label, raw_label
from fqtool.scoring.layout import Layout
from fqtool.scoring.roles import Roles
from fqtool.sql import Query, Value, ident


@dataclass(frozen=True)
class StoredRow:
    """A stored row; `sources` are the columns of the stored sources by feature index.

    Where a source is not stored, the label decides it.
    """

    registry: Registry
    sources: Mapping[int, str]

    def asked(self, e: Expression) -> Expression:
        """Return an expanded expression that reads only stored columns."""
        inner = self._inner
        names = {column: self._of_feature(*inner[column]) for column in names_in(e) if column in inner}
        return substitute(e, names | {KNOWN.name: self._known})

    @cached_property
    def _inner(self) -> Mapping[str, tuple[Feature, str]]:
        """The inner columns of scoring -> the feature and the name of the language."""
        return {
            feature_column(feature, name).name: (feature, name)
            for feature in self.registry.active_features
            for name in DYNAMIC
        }

    @cached_property
    def layout(self) -> Layout:
        """Where rows hold values and labels."""
        return Layout(self.registry)

    @cached_property
    def _known(self) -> Expression:
        return parse_expression(self.layout.known)

    def _of_feature(self, feature: Feature, name: str) -> Expression:
        registry = self.registry
        match name:
            case "source":
                if feature.index in self.sources:
                    return Name(self.sources[feature.index])
                canonical: dict[str, Expression] = {one.label: Literal(one.canonical) for one in registry.sources}
                return by_label(self._label(feature), canonical, Literal(registry.unknown_source.canonical))
            case "raw_source":
                return self._label(feature)
            case "quality":
                weights: dict[str, Expression] = {one.label: Literal(float(one.weight)) for one in registry.sources}
                return by_label(self._label(feature), weights, Literal(float(registry.unknown_source.weight)))
            case "is_default":
                defaults: dict[str, Expression] = {one.label: Literal(one.is_default) for one in registry.sources}
                return by_label(self._label(feature), defaults, Literal(value=True))
            case "value":
                return parse_expression(self.layout.value(feature))
            case "sample_size":
                return _read(feature.sample_size)
            case _:
                return _read(registry.last_updated(feature))

    def _label(self, feature: Feature) -> Expression:
        text = self.layout.label(feature)
        return substitute(raw_label(text, self.registry.unknown_source.absent_label), {KNOWN.name: self._known})


def _read(text: str) -> Expression:
    return parse_expression(text) if text else NULL


@dataclass(frozen=True, slots=True)
class ModelDay:
    """One model on one date, in numbers of rows.

    Attributes:
        model: The model.
        real: Rows in which every feature that it needs is real.
        required: Rows in which its condition `requires` is true, None without such a condition.
        usable: Rows that it can score: real, required, and with a vector of the right length and order.
        blocked: Features that it needs, with the rows in which they are defaulted, most rows first.
    """

    model: Model
    real: int
    required: int | None
    usable: int
    blocked: tuple[tuple[Feature, int], ...]


@dataclass(frozen=True, slots=True)
class ReadyDay:
    """One date: its rows, scored rows, rows with a vector of the right length and order, and its models."""

    day: date
    rows: int
    scored: int
    shaped: int
    models: tuple[ModelDay, ...]


@dataclass(frozen=True)
class Readiness:
    """The query for the rows of a date that models can score, and how its row is read."""

    registry: Registry
    models: tuple[Model, ...]

    @cached_property
    def blocking(self) -> tuple[Feature, ...]:
        """The features that a model needs to be real; an optional feature may be absent."""
        needed = {name for model in self.models for name in model.needs}
        return tuple(one for one in self.registry.active_features if one.name in needed and not one.optional)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The stored columns that the query reads."""
        read = (names_in(one) for _, one in (*self._defaults, *self._required))
        columns = filter(None, (self._stored.layout.vector, self._scored))
        return tuple(sorted(frozenset(columns).union(*read)))

    def query(self, day: date, now: datetime) -> Query:
        """Return the query over one date: one scan, one row.

        Args:
            day: The date.
            now: The value of `@computed_at` in a condition.

        Raises:
            InputError: The rows of the table have no date.
        """
        table, layout = self.registry.table, self._stored.layout
        seen = [
            f"{f'{ident(self._scored)} IS NOT NULL' if self._scored else layout.known} AS `scored`",
            f"NOT (IFNULL({layout.misshapen}, TRUE) OR IFNULL({layout.misordered}, FALSE)) AS `shaped`",
            *(f"{render(one)} AS {ident(name)}" for name, one in (*self._defaults, *self._required)),
        ]
        real = [f"{render(one)} AS {ident(name)}" for name, one in self._real()]
        sql = (
            "WITH\n-- the defaulted features; NULL in a row without scores\n"
            f"seen AS (\nSELECT\n  {_lines(seen)}\nFROM {ident(table.name)}\n"
            f"WHERE {row_dates(self.registry).on(day)}\n),\n"
            "-- whether every feature that a model needs is real\n"
            f"judged AS (\nSELECT\n  {_lines(['*', *real])}\nFROM seen\n)\n"
            f"SELECT\n  {_lines(self._counts())}\nFROM judged"
        )
        return Query(sql, (("computed_at", now),) if "@computed_at" in sql else ())

    def read(self, day: date, row: Mapping[str, Value]) -> ReadyDay:
        """Return the row of the query as a ReadyDay."""
        count: Mapping[str, int] = row  # type: ignore[assignment]
        return ReadyDay(
            day,
            count["rows"],
            count["scored"],
            count["shaped"],
            tuple(self._model_day(number, model, count) for number, model in enumerate(self.models)),
        )

    def _model_day(self, number: int, model: Model, count: Mapping[str, int]) -> ModelDay:
        blocked = [(one, count[f"f{one.index}_blocks"]) for one in self._needed(model)]
        return ModelDay(
            model,
            count[f"m{number}_real"],
            count[f"m{number}_required"] if model.requires else None,
            count[f"m{number}_usable"],
            tuple(sorted((pair for pair in blocked if pair[1]), key=lambda pair: -pair[1])),
        )

    def _counts(self) -> Iterator[str]:
        yield "COUNT(*) AS `rows`"
        yield "COUNTIF(scored) AS `scored`"
        yield "COUNTIF(shaped) AS `shaped`"
        for number, model in enumerate(self.models):
            required = f" AND m{number}_required" if model.requires else ""
            yield f"COUNTIF(m{number}_real) AS `m{number}_real`"
            yield f"COUNTIF(m{number}_real AND shaped{required}) AS `m{number}_usable`"
            if required:
                yield f"COUNTIF(m{number}_required) AS `m{number}_required`"
        for one in self.blocking:
            # In a scored row, a feature that is not scored yet blocks a model too.
            yield f"COUNTIF(IFNULL(f{one.index}_default, scored)) AS `f{one.index}_blocks`"

    def _needed(self, model: Model) -> list[Feature]:
        names = frozenset(model.needs)
        return [one for one in self.blocking if one.name in names]

    def _real(self) -> Iterator[tuple[str, Expression]]:
        for number, model in enumerate(self.models):
            needed = [feature_column(one, "default") for one in self._needed(model)]
            yield f"m{number}_real", fold(Unary("NOT", joined("OR", needed)))

    @cached_property
    def _defaults(self) -> tuple[tuple[str, Expression], ...]:
        asked = ((feature_column(one, "default").name, stand_in(self.registry, one)) for one in self.blocking)
        return tuple((name, self._stored.asked(one)) for name, one in asked)

    @cached_property
    def _required(self) -> tuple[tuple[str, Expression], ...]:
        language = Language(self.registry)
        return tuple(
            (f"m{number}_required", self._stored.asked(language.expand(parse_expression(model.requires))))
            for number, model in enumerate(self.models)
            if model.requires
        )

    @cached_property
    def _stored(self) -> StoredRow:
        return StoredRow(self.registry, Roles(self.registry).of_features("source"))

    @cached_property
    def _scored(self) -> str:
        return next(iter(self._stored.sources.values()), Roles(self.registry).scored)


def _lines(parts: Iterator[str] | list[str]) -> str:
    return ",\n  ".join(parts)
