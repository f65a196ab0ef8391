"""Conditions that select partitions: comparisons of the partition column with constants."""

from __future__ import annotations

from sqlglot import exp

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is)
# The functions of the partition column that still select partitions.
_KEPT = (exp.Cast, exp.Date, exp.DateTrunc, exp.TimestampTrunc, exp.DateAdd, exp.DateSub, exp.DateDiff, exp.Extract,
         exp.TsOrDsToDate, exp.Paren)  # fmt: skip
_NOT_CONSTANT = (exp.Select, exp.Rand)


def prunable(condition: exp.Expr, name: str, alias: str, result: str) -> exp.Expr | None:
    """What the condition requires of the partition column `alias`.`name`, written of a column `result`, or None.

    It may require less than the condition: of `day = x AND id = 1` there stays `day = x`.
    """
    if isinstance(condition, exp.Paren):
        return prunable(condition.this, name, alias, result)
    if isinstance(condition, exp.And):
        sides = [prunable(side, name, alias, result) for side in (condition.left, condition.right)]
        kept = [side for side in sides if side is not None]
        return exp.and_(*kept) if kept else None
    if isinstance(condition, exp.Or):
        sides = [prunable(side, name, alias, result) for side in (condition.left, condition.right)]
        kept = [side for side in sides if side is not None]
        return exp.or_(*kept) if len(kept) == len(sides) else None
    if isinstance(condition, exp.Not):
        inner = condition.this.unnest()  # half of a negated condition selects nothing
        found = prunable(inner, name, alias, result) if isinstance(inner, _COMPARISONS) else None
        return exp.not_(found) if found is not None else None
    if not isinstance(condition, _COMPARISONS) or condition.find(*_NOT_CONSTANT):
        return None
    named = list(condition.find_all(exp.Column))
    if not named or not all(_is(column, name, alias) and _bare(column, condition) for column in named):
        return None
    sides = [part for part in condition.iter_expressions() if part.find(exp.Column)]
    return _of_column(condition, result) if len(sides) == 1 else None


def _is(column: exp.Column, name: str, alias: str) -> bool:
    if column.name.lower() != name.lower():
        return False
    return not column.table or not alias or column.table.lower() == alias.lower()


def _bare(column: exp.Expr, condition: exp.Expr) -> bool:
    above = column.parent
    while above is not None and above is not condition:
        if not isinstance(above, _KEPT):
            return False
        above = above.parent
    return True


def _of_column(condition: exp.Expr, result: str) -> exp.Expr:
    written = condition.copy()
    for column in list(written.find_all(exp.Column)):
        column.replace(exp.column(result, quoted=True))
    return written
