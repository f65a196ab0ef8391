"""What the aggregates over a row's features can give, feature by feature and label by label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fqtool.quality.domain import ANY, VOID, Domain, between, joined, listed, widened
from fqtool.quality.expression import Call, Expression, Literal, names_in
from fqtool.quality.facts import Facts, Row
from fqtool.quality.language import STATIC
from fqtool.registry.model import Feature

Can = Callable[[Expression, bool, Row], bool]
"""Whether a condition can have an answer in a row."""
Value = Callable[[Expression, Row], Domain]
"""What an expression can be in a row."""


def over_features(facts: Facts, e: Call, can: Can, value: Value) -> Domain:
    """Return what an aggregate can give; anything for one that gives no number and no answer."""
    match e.name, e.arguments:
        case "COUNT_FEATURES", (predicate,):
            return _counted(facts, predicate, can)
        case "AVG_OVER_FEATURES", (subject, *more):
            return _mean(facts, subject, more[0] if more else Literal(True), can, value)
        case ("ANY_FEATURE" | "ALL_FEATURES") as name, (predicate,):
            groups = [_answers(facts, folded, one, can) for (folded,), one, _ in facts.groups(predicate)]
            ruling = name == "ANY_FEATURE"  # one feature gives this answer, all together the other
            told = {ruling} if any(ruling in one for group in groups for one in group) else set()
            if all(any((not ruling) in one for one in group) for group in groups):
                told.add(not ruling)
            return listed(*told)
        case _:
            return ANY


def _answers(facts: Facts, predicate: Expression, feature: Feature, can: Can) -> list[set[bool]]:
    """What a predicate can answer, label by label; nothing where it is NULL."""
    if isinstance(predicate, Literal):
        return [{predicate.value} if isinstance(predicate.value, bool) else set()]
    cases = facts.cases(feature, predicate)
    return [{one for one in (True, False) if can(predicate, one, case)} for case in cases]


def _counted(facts: Facts, predicate: Expression, can: Can) -> Domain:
    low = high = 0
    certain = names_in(predicate) <= frozenset(STATIC)
    for (folded,), feature, count in facts.groups(predicate):
        answers = _answers(facts, folded, feature, can)
        high += count * any(True in one for one in answers)
        low += count * (certain and all(one == {True} for one in answers))
    return between(low, high, whole=True)


def _mean(facts: Facts, subject: Expression, predicate: Expression, can: Can, value: Value) -> Domain:
    found = VOID
    for (of, where), feature, _ in facts.groups(subject, predicate):
        for case in facts.cases(feature, of, where) if where != Literal(False) else ():
            if can(where, True, case):
                found = joined(found, value(of, case))
    if found.void or found.values is not None or not found.finite:
        return found if found.void else ANY
    return replace(widened(found.low, found.high, 0), nan=found.nan)


def places(digits: Sequence[Expression]) -> int | None:
    """The second argument of ROUND: 0 where there is none, None where it is not written out."""
    first = digits[0] if digits else Literal(0)
    return first.value if isinstance(first, Literal) and isinstance(first.value, int) and len(digits) <= 1 else None
