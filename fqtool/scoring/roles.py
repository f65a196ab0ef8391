"""The role of each managed column, found by its `expr`, so that the registry does not declare it twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.expressions.builders import number
from fqtool.expressions.expression import Call, Expression, Literal, Name, children
from fqtool.expressions.grammar import parse_expression
from fqtool.registry.model import Registry
from fqtool.schema.build import ExpandedColumn, expand_columns
from fqtool.sql import literal


@dataclass(frozen=True)
class Roles:
    """The most important columns of a registry; "" for a role without a column."""

    registry: Registry

    @cached_property
    def score(self) -> str:
        """The mean quality of all features: AVG_OVER_FEATURES(quality)."""
        return self.found("AVG_OVER_FEATURES(quality)")

    @cached_property
    def tier(self) -> str:
        """The band of the score: TIER(score)."""
        return self.found(f"TIER({self.score})") if self.score else ""

    @cached_property
    def alert_level(self) -> str:
        """The severity of a row: ALERT_LEVEL()."""
        return self.found("ALERT_LEVEL()")

    @cached_property
    def alert_codes(self) -> str:
        """The alerts that fire: ALERT_CODES()."""
        return self.found("ALERT_CODES()")

    @cached_property
    def defaults(self) -> str:
        """The number of defaulted features: COUNT_FEATURES(is_default)."""
        return self.found("COUNT_FEATURES(is_default)")

    @cached_property
    def category_scores(self) -> Mapping[str, str]:
        """Category -> the column of its mean quality, for the categories that have one."""
        text = "AVG_OVER_FEATURES(quality, category = {})"
        found = {one.name: self.found(text.format(literal(one.name))) for one in self.registry.categories}
        return {name: column for name, column in found.items() if column}

    @cached_property
    def training_features(self) -> str:
        """The number of features with a quality for training."""
        return self.found(f"COUNT_FEATURES(quality >= {number(self.registry.training_quality).value})")

    @cached_property
    def details(self) -> tuple[str, ...]:
        """The columns with a JSON object by feature index: FEATURE_MAP(...)."""
        return tuple(one.name for one, e in self._read if isinstance(e, Call) and e.name == "FEATURE_MAP")

    @cached_property
    def computed_at(self) -> str:
        """The time of scoring: @computed_at."""
        return self.found("@computed_at")

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """The columns with the versions of the vector and of the quality columns -> their present values."""
        stored = {one.name for one in expand_columns(self.registry)}
        return {name: text for name, text in self.registry.schema_versions if name in stored}

    def of_features(self, what: str) -> Mapping[int, str]:
        """Return feature index -> the column whose `expr` is `what`, such as `quality`, for features that have one."""
        managed = (one for one in expand_columns(self.registry) if one.feature and one.expr == what)
        return {one.feature.index: one.name for one in managed if one.feature}

    @cached_property
    def scored(self) -> str:
        """A column that is NULL only in rows that are not scored: the score, else a feature's source or quality."""
        stored = [self.of_features(what) for what in ("source", "quality")]
        active = (
            columns[one.index] for columns in stored for one in self.registry.active_features if one.index in columns
        )
        return self.score or next(active, "")

    @cached_property
    def _read(self) -> list[tuple[ExpandedColumn, Expression]]:
        managed = (one for one in expand_columns(self.registry) if one.expr and one.feature is None)
        return [(one, _inmost(parse_expression(one.expr or ""))) for one in managed]

    def found(self, text: str) -> str:
        """Return the column whose `expr` is `text`, with or without ROUND around it; "" without such a column."""
        role = parse_expression(text)
        return next((one.name for one, expression in self._read if expression == role), "")


def _inmost(e: Expression) -> Expression:
    """Return the expression inside the outer ROUND, if any."""
    while isinstance(e, Call) and e.name == "ROUND" and isinstance(children(e)[0], Call | Name | Literal):
        e = children(e)[0]
    return e
