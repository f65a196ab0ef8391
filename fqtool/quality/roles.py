"""Which managed column plays which part, told by its `expr`: the registry needs no second place to say it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError
from fqtool.quality.build import ExpandedColumn, expand_columns
from fqtool.quality.expression import Call, Expression, Literal, Name, children
from fqtool.quality.grammar import parse_expression
from fqtool.registry.model import Registry


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
    def _read(self) -> list[tuple[ExpandedColumn, Expression]]:
        managed = (one for one in expand_columns(self.registry) if one.expr and one.feature is None)
        return [(one, _inmost(parse_expression(one.expr or ""))) for one in managed]

    def _column(self, text: str) -> str:
        wanted = parse_expression(text)
        for one, expression in self._read:
            if expression == wanted:
                return one.name
        raise InputError(f"{self.registry.path}: no column is {text}.", remedy="Add one to columns.")


def _inmost(e: Expression) -> Expression:
    """Leave out a rounding around the whole."""
    while isinstance(e, Call) and e.name == "ROUND" and isinstance(children(e)[0], Call | Name | Literal):
        e = children(e)[0]
    return e
