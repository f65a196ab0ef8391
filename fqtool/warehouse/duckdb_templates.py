"""SQL templates filled with parsed expressions."""

from __future__ import annotations

import functools
import re

import sqlglot
from sqlglot import exp

_SIMPLE = (exp.Column, exp.Literal, exp.Parameter, exp.Null, exp.Boolean)


@functools.lru_cache(maxsize=512)
def _parsed(template: str) -> exp.Expr:
    return sqlglot.parse_one(template, read="duckdb")


def filled(template: str, **parts: exp.Expr) -> exp.Expr:
    """Return the DuckDB expression `template` with each `:name` replaced by that part, in brackets where needed."""
    made = _parsed(template).copy()
    for place in list(made.find_all(exp.Placeholder)):
        part = parts[place.name].copy()
        place.replace(exp.paren(part, copy=False) if isinstance(part, exp.Binary | exp.Unary | exp.Condition) and
                      not isinstance(part, (*_SIMPLE, exp.Func, exp.Paren, exp.Array)) else part)  # fmt: skip
    return made


def once(template: str, value: exp.Expr, **parts: exp.Expr) -> exp.Expr:
    """Fill a template that says :v many times, with the value computed and written only once.

    Repeating a large expression makes SQL that DuckDB takes long to plan, and nested repeats make it crash.
    """
    if isinstance(value, _SIMPLE) or len(re.findall(r":v\b", template)) == 1:
        return filled(template, v=value, **parts)
    inside = filled(template, v=exp.column("v_"), **parts)
    return filled("LIST_TRANSFORM([:value], LAMBDA v_ : :inside)[1]", value=value, inside=inside)
