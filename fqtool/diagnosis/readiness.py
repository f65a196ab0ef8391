"""How many rows of a date each model can score, and what stands in the way: one scan of that date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from fqtool.diagnosis.stored_row import StoredRow
from fqtool.errors import InputError
from fqtool.quality.carriers import carriers
from fqtool.quality.compose import feature_column, joined, stand_in
from fqtool.quality.expression import Expression, Unary, names_in, render
from fqtool.quality.fold import fold
from fqtool.quality.grammar import parse_expression
from fqtool.quality.language import Language
from fqtool.quality.roles import Roles
from fqtool.quality.vectors import misordered, misshapen
from fqtool.registry.judgement import Model
from fqtool.registry.model import Feature, Registry
from fqtool.sql import Query, Value, ident, literal


@dataclass(frozen=True, slots=True)
class ModelDay:
    """One model on one date.

    In `real` rows all features it needs are real, in `required` rows its own condition holds (None: it has none). It
    can score the `usable` ones: both, with a vector of the registry's length and order. `blocked` counts the rows that
    each feature stands in the way of, most first.
    """

    model: Model
    real: int
    required: int | None
    usable: int
    blocked: tuple[tuple[Feature, int], ...]


@dataclass(frozen=True, slots=True)
class ReadyDay:
    """One date: its rows, how many are scored, how many have a vector like the registry's, and its models."""

    day: date
    rows: int
    scored: int
    shaped: int
    models: tuple[ModelDay, ...]


@dataclass(frozen=True)
class Readiness:
    """The question that the rows of a date are asked about these models, and how its answer is read."""

    registry: Registry
    models: tuple[Model, ...]

    @cached_property
    def blocking(self) -> tuple[Feature, ...]:
        """The features whose stand-ins keep some model from a row; an optional one may be absent."""
        needed = {name for model in self.models for name in model.needs}
        return tuple(one for one in self.registry.active_features if one.name in needed and not one.optional)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The stored columns that the question is about."""
        found = frozenset({self._vector, self._scored}).union(
            *(names_in(one) for _, one in (*self._stand_ins, *self._required))
        )
        return tuple(sorted(found))

    def query(self, day: date, now: datetime) -> Query:
        """Return the query over one date: one scan, one row; `now` is what @computed_at means in a condition.

        Raises InputError for a table without partitions.
        """
        table = self.registry.table
        if not table.partition_by:
            raise InputError(f"{self.registry.path}: the table has no partition_by, so there are no dates to ask of.")
        seen = [
            f"{ident(self._scored)} IS NOT NULL AS `scored`",
            f"NOT (IFNULL({misshapen(self.registry)}, TRUE) OR IFNULL({misordered(self.registry)}, FALSE)) AS `shaped`",
            *(f"{render(one)} AS {ident(name)}" for name, one in (*self._stand_ins, *self._required)),
        ]
        real = [f"{render(one)} AS {ident(name)}" for name, one in self._real()]
        sql = (
            "WITH\n-- which features hold stand-ins; NULL in a row without scores\n"
            f"seen AS (\nSELECT\n  {_lines(seen)}\nFROM {ident(table.name)}\n"
            f"WHERE {ident(table.partition_by)} = {literal(day)}\n),\n"
            f"-- whether all that a model needs is real\njudged AS (\nSELECT\n  {_lines(['*', *real])}\nFROM seen\n)\n"
            f"SELECT\n  {_lines(self._counts())}\nFROM judged"
        )
        return Query(sql, (("computed_at", now),) if "@computed_at" in sql else ())

    def read(self, day: date, row: Mapping[str, Value]) -> ReadyDay:
        """Read the one row of the query's answer."""
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
            # A feature that is not scored yet in a row that is scores no model either.
            yield f"COUNTIF(IFNULL(f{one.index}_stand_in, scored)) AS `f{one.index}_blocks`"

    def _needed(self, model: Model) -> list[Feature]:
        names = frozenset(model.needs)
        return [one for one in self.blocking if one.name in names]

    def _real(self) -> Iterator[tuple[str, Expression]]:
        for number, model in enumerate(self.models):
            needed = [feature_column(one, "stand_in") for one in self._needed(model)]
            yield f"m{number}_real", fold(Unary("NOT", joined("OR", needed)))

    @cached_property
    def _stand_ins(self) -> tuple[tuple[str, Expression], ...]:
        asked = ((feature_column(one, "stand_in").name, stand_in(self.registry, one)) for one in self.blocking)
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
        return next(iter(self._stored.sources.values()))

    @cached_property
    def _vector(self) -> str:
        return carriers(self.registry)[1]


def _lines(parts: Iterator[str] | list[str]) -> str:
    return ",\n  ".join(parts)
