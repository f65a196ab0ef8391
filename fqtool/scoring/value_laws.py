"""Laws of values: `step`, `integer`, `equals` and `monotone` of a feature, as conditions over a row.

A law holds for real values: a row in which the feature, or one that it is compared with, is defaulted or NULL is left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from fqtool.expressions.expression import names_in, render
from fqtool.expressions.grammar import parse_expression
from fqtool.expressions.simplify import substitute
from fqtool.registry.model import Feature, Registry
from fqtool.schema.row_dates import row_dates
from fqtool.scoring.layout import Layout
from fqtool.sql import ident, literal

LAWS = ("step", "equals", "monotone")
_NEAR, _FRACTION = 1e-6, 1e-9  # engines add floats in different orders
_MOST = 4  # features of a law in which swaps are looked for


@dataclass(frozen=True)
class ValueLaws:
    """The laws of one registry. All texts are GoogleSQL."""

    registry: Registry

    @cached_property
    def layout(self) -> Layout:
        """Where values and labels are read."""
        return Layout(self.registry)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features that have a law."""
        return tuple(one for one in self.registry.active_features if one.grid or one.equals or one.monotone)

    @cached_property
    def read(self) -> tuple[Feature, ...]:
        """The features that have a law or that a law reads."""
        names = {name.lower() for one in self.features if one.equals for name in names_in(parse_expression(one.equals))}
        return tuple(
            one for one in self.registry.active_features if one in self.features or names.intersection(aliases(one))
        )

    def is_default(self, feature: Feature) -> str:
        """Return the condition that the label of a feature means a default value; NULL in a row without labels."""
        unknown = self.registry.unknown_source
        canonical = {label.canonical for label in self.registry.sources if label.is_default}
        label = f"IFNULL({self.layout.label(feature)}, {literal(unknown.absent_label)})"
        unlisted = unknown.canonical in canonical  # whether a label outside the list means a default value
        listed = [literal(one.label) for one in self.registry.sources if one.is_default is not unlisted]
        inside = f"{label} {'NOT IN' if unlisted else 'IN'} ({', '.join(sorted(listed)) or 'NULL'})"
        return f"IF({self.layout.known}, {inside}, NULL)"

    def previous(self, feature: Feature, real: str) -> str:
        """Return the real value of the key's previous row, within the expression that `monotone_within` declares.

        Args:
            feature: The feature.
            real: Its real value in a row.
        """
        dates = row_dates(self.registry)
        apart = [ident(key) for key in self.registry.table.keys if not dates.names(key)]
        apart += [f"({feature.monotone_within})"] if feature.monotone_within else []
        partition = f"PARTITION BY {', '.join(apart)} " if apart else ""
        return f"LAG({real}) OVER ({partition}ORDER BY {dates.named()})"

    def broken(self, feature: Feature, real: Callable[[Feature], str], previous: str) -> Iterator[tuple[str, str]]:
        """Yield each law of a feature and the condition that a row breaks it.

        Args:
            feature: The feature.
            real: Returns the column with the real value of a feature.
            previous: The column with the real value of the key's previous row.
        """
        number = self.layout.number(feature, real(feature))
        if number is None:
            return
        if grid := feature.grid:
            step = literal(float(grid))
            off = f"ABS({number} - {step} * ROUND({number} / {step}))"
            yield "step", f"{off} > {literal(_NEAR * grid)} + {_FRACTION} * ABS({number})"
        if feature.equals:
            yield "equals", self._unequal(feature, lambda one: self.layout.number(one, real(one)))
        if feature.monotone:
            sign = "<" if feature.monotone == "increasing" else ">"
            yield "monotone", f"{number} {sign} {self.layout.number(feature, previous)}"

    def pairs(self, feature: Feature) -> tuple[tuple[Feature, Feature], ...]:
        """Return each two features of `equals`, () where it has more than four."""
        names = {name.lower() for name in names_in(parse_expression(feature.equals))} if feature.equals else set()
        related = [one for one in self.registry.active_features if one == feature or names.intersection(aliases(one))]
        return tuple(combinations(related, 2)) if len(related) <= _MOST else ()

    def swaps(self, feature: Feature, real: Callable[[Feature], str]) -> Iterator[tuple[Feature, Feature, str]]:
        """Yield each two features of `equals`, and the condition that a row keeps the law only with them swapped.

        Args:
            feature: The feature.
            real: Returns the column with the real value of a feature.
        """

        def number(one: Feature) -> str | None:
            return self.layout.number(one, real(one))

        for one, other in self.pairs(feature):
            swapped = {one.index: other, other.index: one}
            kept = self._unequal(feature, lambda at, by=swapped: number(by.get(at.index, at)))  # type: ignore[misc]
            yield one, other, f"{self._unequal(feature, number)} AND NOT ({kept})"

    def _unequal(self, feature: Feature, number: Callable[[Feature], str | None]) -> str:
        """The condition that a row breaks `equals`, where `number` returns the value of a feature."""
        law, own = parse_expression(feature.equals), number(feature) or "NULL"
        columns = {
            name: parse_expression(number(one) or "NULL")
            for name in names_in(law)
            for one in self.registry.active_features
            if name.lower() in aliases(one)
        }
        return f"ABS({own} - ({render(substitute(law, columns))})) > {_NEAR} * (1 + ABS({own}))"


def aliases(feature: Feature) -> tuple[str, str]:
    """Return the names of a feature in `equals`, in lower case: its own name, and `f25` for index 25."""
    return feature.name.lower(), f"f{feature.index}"


def law_text(feature: Feature, law: str) -> str:
    """Return a law as it is declared, such as `equals: f25 - f26`."""
    if law == "step":
        return "integer: true" if feature.integer else f"step: {feature.step:g}"
    if law == "equals":
        return f"equals: {feature.equals}"
    return f"monotone: {feature.monotone}"
