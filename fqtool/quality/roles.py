"""Which managed column plays which part, told by its `expr`: the registry needs no second place to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError
from fqtool.quality.build import ExpandedColumn, expand_columns
from fqtool.quality.compose import number
from fqtool.quality.expression import Call, Expression, Literal, Name, children
from fqtool.quality.grammar import parse_expression
from fqtool.registry.model import Registry
from fqtool.sql import literal


@dataclass(frozen=True)
class Roles:
    """The columns of a registry that people ask for first. A property raises InputError where no column plays it."""

    registry: Registry

    @cached_property
    def score(self) -> str:
        """The mean quality of all features: AVG_OVER_FEATURES(quality)."""
        return self._column("AVG_OVER_FEATURES(quality)")

    @cached_property
    def tier(self) -> str:
        """The band of the score: TIER(score)."""
        return self._column(f"TIER({self.score})")

    @cached_property
    def alert_level(self) -> str:
        """How grave a row is: ALERT_LEVEL()."""
        return self._column("ALERT_LEVEL()")

    @cached_property
    def alert_codes(self) -> str:
        """Which alerts fire: ALERT_CODES()."""
        return self._column("ALERT_CODES()")

    @cached_property
    def defaults(self) -> str:
        """How many features hold stand-ins: COUNT_FEATURES(is_default)."""
        return self._column("COUNT_FEATURES(is_default)")

    @cached_property
    def category_scores(self) -> Mapping[str, str]:
        """Category -> the column of its mean quality, for the categories that have one."""
        text = "AVG_OVER_FEATURES(quality, category = {})"
        found = {one.name: self.found(text.format(literal(one.name))) for one in self.registry.categories}
        return {name: column for name, column in found.items() if column}

    @cached_property
    def training_features(self) -> str:
        """How many features are good enough to train on; "" where no column tells."""
        return self.found(f"COUNT_FEATURES(quality >= {number(self.registry.training_quality).value})")

    @cached_property
    def details(self) -> tuple[str, ...]:
        """The columns that hold a JSON object by feature index: FEATURE_MAP(...)."""
        return tuple(one.name for one, e in self._read if isinstance(e, Call) and e.name == "FEATURE_MAP")

    @cached_property
    def computed_at(self) -> str:
        """When the row was scored: @computed_at; "" where no column tells."""
        return self.found("@computed_at")

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """The columns that tell which vector and which quality columns a row holds -> what they hold today."""
        stored = {one.name for one in expand_columns(self.registry)}
        return {name: text for name, text in self.registry.schema_versions if name in stored}

    def of_features(self, what: str) -> Mapping[int, str]:
        """Feature index -> the column whose `expr` is that name, e.g. quality. Raises InputError where none is."""
        managed = (one for one in expand_columns(self.registry) if one.feature and one.expr == what)
        found = {one.feature.index: one.name for one in managed if one.feature}
        if not found:
            raise InputError(
                f"{self.registry.path}: no column stores each feature's {what}.",
                remedy=f'Add one: {{name: "feature_{{index}}_{what}", for_each: feature, expr: {what}, ...}}',
            )
        return found

    @cached_property
    def _read(self) -> list[tuple[ExpandedColumn, Expression]]:
        managed = (one for one in expand_columns(self.registry) if one.expr and one.feature is None)
        return [(one, _inmost(parse_expression(one.expr or ""))) for one in managed]

    def _column(self, text: str) -> str:
        found = self.found(text)
        if not found:
            raise InputError(f"{self.registry.path}: no column is {text}.", remedy="Add one to columns.")
        return found

    def found(self, text: str) -> str:
        """Return the column whose `expr` is this, but for a rounding around it; "" where none is."""
        wanted = parse_expression(text)
        return next((one.name for one, expression in self._read if expression == wanted), "")


def _inmost(e: Expression) -> Expression:
    """Leave out a rounding around the whole."""
    while isinstance(e, Call) and e.name == "ROUND" and isinstance(children(e)[0], Call | Name | Literal):
        e = children(e)[0]
    return e
