"""STDDEV, VARIANCE and their kin: an infinity or NaN among the values makes them NaN, where DuckDB fails.

Adds a rule to `_REGISTRY` of bqemulator.sql.rules and to the executor's translator.
Source: "Statistical aggregate functions", every function's section.
"""

from __future__ import annotations

from typing import Any

from bqemulator.jobs import executor
from bqemulator.sql import rules
from sqlglot import exp

from .hooks import override

_SPREADS = (exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop)


class SpreadRule(rules.TranslationRule):
    """Computes the spread of the finite values, where all values are."""

    name = "SPREAD_OF_INFINITIES"

    def applies_to(self, node: Any) -> bool:
        """Whether the node is such a function, over rows or over a window."""
        call = node.this if isinstance(node, exp.Window) else node
        if isinstance(node.parent, exp.Window) and node.arg_key == "this":
            return False
        return isinstance(call, _SPREADS) and not isinstance(call.this, exp.Distinct)

    def rewrite(self, node: Any) -> Any:
        """Returns the CASE in its place."""
        call = node.this if isinstance(node, exp.Window) else node
        finite = exp.func("ISFINITE", exp.cast(call.this.copy(), "DOUBLE"), dialect="duckdb")
        spread, broken = call.copy(), exp.func("BOOL_OR", exp.not_(finite.copy()), dialect="duckdb")
        spread.set("this", exp.Case().when(finite, call.this.copy()))
        if isinstance(node, exp.Window):
            spread, broken = _over(node, spread), _over(node, broken)
        return exp.Case().when(broken, exp.cast(exp.Literal.string("NaN"), "DOUBLE")).else_(spread)


def _over(window: exp.Window, call: exp.Expr) -> exp.Expr:
    made = window.copy()
    made.set("this", call)
    return made


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    override(rules, "_REGISTRY", [*rules._REGISTRY, SpreadRule])
    executor._translator._rules.append(SpreadRule())
