"""Stored rows scored by two registries in one scan: rows whose tier, alert level or gates change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from fqtool.expressions.expression import names_in
from fqtool.expressions.grammar import parse_expression
from fqtool.registry.model import Registry
from fqtool.schema.build import base_columns
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.gates import gates
from fqtool.scoring.roles import Roles
from fqtool.scoring.scoring import Scoring
from fqtool.sql import Query, ident
from fqtool.table.column import Column

_GIVEN = "given_"


@dataclass(frozen=True, slots=True)
class Move:
    """The number of rows that change from one outcome to another; None is an unknown outcome."""

    old: str | None
    new: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of scoring, the tier, the alert level or a gate, and the rows in which it changes."""

    name: str
    moves: tuple[Move, ...]

    @property
    def rows(self) -> int:
        """Number of rows that change."""
        return sum(one.rows for one in self.moves)


@dataclass(frozen=True, slots=True)
class Preview:
    """The number of rows scored by both registries, and the changes of each outcome."""

    rows: int
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Rescoring:
    """The query that scores rows by the old and the new registry. Raises InputError for an unusable expression."""

    old: Registry
    new: Registry

    @cached_property
    def reads(self) -> tuple[Column, ...]:
        """The stored columns that either registry reads, as the new one declares them where both do."""
        found = {one.key: one for registry in (self.old, self.new) for one in _read(registry)}
        return tuple(found.values())

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes to compare: tier, alert level and gates that both registries have."""
        return tuple(name for name in self._was if name in self._now)

    @cached_property
    def _was(self) -> Mapping[str, str]:
        return _outcomes(self.old)

    @cached_property
    def _now(self) -> Mapping[str, str]:
        return _outcomes(self.new)

    def sql(self, source: str, where: str = "") -> str:
        """Return the query: one row per combination of old and new outcomes, with its number of rows.

        The old registry scores the rows and passes on the columns that the new one reads. The new one scores that.

        Args:
            source: The table or subquery, as SQL.
            where: The filter, as SQL; "" for all rows.
        """
        given = {_GIVEN + one.name: ident(one.name) for one in _read(self.new)}
        scoring = Scoring(self.old)
        ctes, last = scoring.layered(source, where, _beside(self.old, self._was, self.outcomes), given)
        passed = [f"{ident(_GIVEN + one.name)} AS {ident(one.name)}" for one in _read(self.new)]
        passed += [f"{self._was[name]} AS {_was(n)}" for n, name in enumerate(self.outcomes)]
        inner = f"{ctes}\nSELECT {', '.join(passed)} FROM {last}"
        numbers = range(len(self.outcomes))
        outer, last = Scoring(self.new).layered(
            f"(\n{inner}\n)", "", _beside(self.new, self._now, self.outcomes), {_was(n): _was(n) for n in numbers}
        )
        columns = [_was(n) for n in numbers]
        columns += [f"{self._now[name]} AS {_now(n)}" for n, name in enumerate(self.outcomes)]
        words = [one for n in numbers for one in (_was(n), _now(n))]
        last_part = f"compared AS (\nSELECT {', '.join(columns)} FROM {last}\n)"
        return scoring.fitting(
            f"{outer},\n{last_part}\nSELECT {', '.join([*words, 'COUNT(*) AS `rows`'])} FROM compared\n"
            f"GROUP BY {', '.join(words)}"
        )

    def query(self, start: date, end: date, moment: datetime) -> Query:
        """Return the query over the stored rows from `start` to `end`. Raises InputError where rows have no date."""
        sql = self.sql(ident(self.new.table.name), row_dates(self.new).between(start, end))
        return Query(sql, (("computed_at", moment),) if "@computed_at" in sql else ())

    def read(self, rows: Iterable[Mapping[str, object]]) -> Preview:
        """Return the rows of the query as a Preview."""
        total, moves = 0, [Counter[tuple[str | None, str | None]]() for _ in self.outcomes]
        for row in rows:
            count = int(str(row["rows"]))
            total += count
            for number, counter in enumerate(moves):
                counter[_word(row[_was(number)]), _word(row[_now(number)])] += count
        return Preview(
            total,
            tuple(Outcome(name, _moves(counter)) for name, counter in zip(self.outcomes, moves, strict=True)),
        )


def _moves(counter: Counter[tuple[str | None, str | None]]) -> tuple[Move, ...]:
    return tuple(Move(old, new, rows) for (old, new), rows in counter.most_common() if old != new)


def _was(number: int) -> str:
    return f"was_{number}"


def _now(number: int) -> str:
    return f"now_{number}"


def _word(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _outcomes(registry: Registry) -> Mapping[str, str]:
    """The name of each outcome -> its SQL over the scored row."""
    roles = Roles(registry)
    score, level = roles.found("AVG_OVER_FEATURES(quality)"), roles.found("ALERT_LEVEL()")
    tier = roles.found(f"TIER({score})") if score else ""
    return {name: ident(name) for name in (tier, level) if name} | dict(gates(registry))


def _read(registry: Registry) -> Iterator[Column]:
    """The stored columns that scoring reads, and those that the gates of views read."""
    scoring = Scoring(registry)
    yield from scoring.reads
    known = {one.key for one in scoring.reads} | {one.name.lower() for one in scoring.columns}
    asked = _names(_outcomes(registry).values())
    yield from (one for one in base_columns(registry) if one.key in asked and one.key not in known)


def _beside(registry: Registry, outcomes: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """The stored columns that the outcomes read and scoring does not compute."""
    asked = _names(outcomes[name] for name in names)
    return [one.name for one in _read(registry) if one.key in asked]


def _names(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for text in texts for name in names_in(parse_expression(text)))
