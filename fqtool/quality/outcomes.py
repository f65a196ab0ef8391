"""Which answers a condition can have in rows that were scored: proofs that it never holds, or always does.

What a column can be follows from its `expr`: a count has no more than there are features, a mean lies among the
weights, a tier is one of the tiers. Of what upstream writes only the type is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from fqtool.quality.domain import (
    ANY,
    VOID,
    Domain,
    computed,
    constant,
    joined,
    listed,
    mirrored,
    narrowed,
    outcomes,
    rounded,
    widened,
)
from fqtool.quality.expression import (
    Between,
    Binary,
    Call,
    Case,
    Expression,
    In,
    Is,
    Literal,
    Name,
    Unary,
    chained,
)
from fqtool.quality.facts import OF_FEATURE, Facts, Row, either
from fqtool.quality.language import STATIC
from fqtool.quality.over_features import over_features, places
from fqtool.registry.model import Registry
from fqtool.table.typetext import parse_type

_COMPARE = ("=", "!=", "<", "<=", ">", ">=")
_DEEPEST = 6
_PATIENCE = 60_000  # steps, less than a second; what was not looked at is possible


@dataclass(frozen=True)
class Outcomes:
    """The answers that conditions of one registry can have.

    With `stored`, names are columns of the table, in which a NUMERIC is rounded; else of the row that is being scored.
    """

    registry: Registry
    stored: bool = False

    def possible(self, e: Expression, answer: bool) -> bool:
        """Whether a condition can be TRUE, or FALSE, in any row."""
        if (id(e), answer) not in self._told:
            try:
                made = self.assume(e, answer, {}) is not None
            except RecursionError:
                made = True
            self._told[id(e), answer] = (e, made)
        return self._told[id(e), answer][1]

    def of(self, name: str) -> Domain:
        """What a column can be."""
        return self._value(Name(name), {}, 0)

    def of_feature(self, name: str) -> Domain:
        """What a name that stands for something of a feature can be, over all features."""
        key = OF_FEATURE + name
        if key not in self._known:
            features = self.registry.active_features
            some = features if name in STATIC else features[:1]
            inside = (case[key] for one in some for case in self.facts.cases(one, Name(name)))
            self._known[key] = reduce(joined, inside, VOID)
        return self._known[key]

    @cached_property
    def facts(self) -> Facts:
        """What the registry tells of its rows."""
        return Facts(self.registry, self.stored)

    @cached_property
    def _steps(self) -> list[int]:
        return [0]

    @cached_property
    def _aggregates(self) -> dict[int, tuple[Call, Domain]]:
        return {}

    @cached_property
    def _told(self) -> dict[tuple[int, bool], tuple[Expression, bool]]:
        return {}

    @cached_property
    def _known(self) -> dict[str, Domain]:
        return {}

    def assume(self, e: Expression, answer: bool, row: Row, depth: int = 0) -> Row | None:
        """Return what is known of a row in which the condition has this answer; None where no row can give it."""
        self._steps[0] += 1
        if self._steps[0] > _PATIENCE:
            return row
        match e:
            case Literal(value):
                return row if value is answer else None
            case Unary("NOT", operand):
                return self.assume(operand, not answer, row, depth)
            case Binary("AND" | "OR" as op, _, _):
                return self._joint(chained(op, e), answer, row, depth, all_of_them=answer is (op == "AND"))
            case Binary(op, left, right) if op in _COMPARE:
                return self._compared(op, left, right, answer, row, depth)
            case Between(operand, low, high, negated):
                ends = Binary(">=", operand, low), Binary("<=", operand, high)
                wanted = answer is not negated
                return self._joint(ends, wanted, row, depth, all_of_them=wanted)
            case In(operand, items, negated):
                return self._among(operand, items, answer is not negated, row, depth)
            case Is(operand, what, negated):
                return self._is(operand, what, answer is not negated, row, depth)
            case Call("ANY_FEATURE" | "ALL_FEATURES"):
                return row if answer in (self._over(e).values or ()) else None
            case Call("IF", (condition, then, otherwise)):
                first = self.assume(condition, True, row, depth)
                first = None if first is None else self.assume(then, answer, first, depth)
                return either(first, self.assume(otherwise, answer, row, depth))
            case Name(name):
                return self._named(name, answer, row, depth)
            case _:
                found = self._value(e, row, depth)
                return row if found.values is None or answer in found.values else None

    def _joint(
        self, parts: Sequence[Expression], answer: bool, row: Row, depth: int, *, all_of_them: bool
    ) -> Row | None:
        if not all_of_them:
            return reduce(either, (self.assume(part, answer, row, depth) for part in parts))
        made: Row | None = row
        for part in (*parts, *parts[:-1]):  # what the later ones say may rule the first out
            made = None if made is None else self.assume(part, answer, made, depth)
        return made

    def _compared(self, op: str, left: Expression, right: Expression, answer: bool, row: Row, depth: int) -> Row | None:
        one, other = self._value(left, row, depth), self._value(right, row, depth)
        if answer not in outcomes(op, one, other):
            return None
        made = self._put(row, left, narrowed(one, op, other, holds=answer))
        return None if made is None else self._put(made, right, narrowed(other, mirrored(op), one, holds=answer))

    def _among(
        self, operand: Expression, items: tuple[Expression, ...], answer: bool, row: Row, depth: int
    ) -> Row | None:
        if not answer:
            made: Row | None = row
            for item in items:
                made = None if made is None else self._compared("=", operand, item, False, made, depth)
            return made
        found = self._value(operand, row, depth)
        given = [self._value(item, row, depth) for item in items]
        given = [one for one in given if True in outcomes("=", found, one)]
        if not given:
            return None
        return self._put(row, operand, narrowed(found, "=", reduce(joined, given), holds=True))

    def _is(self, operand: Expression, what: bool | None, answer: bool, row: Row, depth: int) -> Row | None:
        if what is not None:
            return self.assume(operand, what, row, depth) if answer else row
        found = self._value(operand, row, depth)
        if not (found.null if answer else not found.void):
            return None
        return self._put(row, operand, VOID if answer else replace(found, null=False))

    def _named(self, name: str, answer: bool, row: Row, depth: int) -> Row | None:
        """A yes-or-no column is what its expression says."""
        found = self._value(Name(name), row, depth)
        if found.values is not None and answer not in found.values:
            return None
        made: Row | None = row
        expression = None if OF_FEATURE + name in row else self.facts.made_of(name.lower())
        one = self.facts.columns.get(name.lower())
        if expression is not None and one and one.feature is None and depth < _DEEPEST and not self.stored:
            made = self.assume(expression, answer, row, depth + 1)
        return None if made is None else self._put(made, Name(name), listed(answer, null=False))

    def _put(self, row: Row, e: Expression, found: Domain) -> Row | None:
        """Learn what a name is, and with a tier its score, with a score its tier."""
        if not isinstance(e, Name):
            return row
        if OF_FEATURE + e.name in row:
            return {**row, OF_FEATURE + e.name: found}
        if found.void and not found.null:
            return None
        key, made = self.facts.key(e.name), {**row, self.facts.key(e.name): found}
        for tier, score in self.facts.tiers.items():
            if key == tier and found.values is not None and not found.null:
                inside = [(low, high) for name, low, high in self.facts.bands() if name in found.values]
                before = self._value(Name(score), row, 0)
                if inside and self.facts.key(score) == score:
                    low, high = min(inside)[0], max(high for _, high in inside)
                    made[score] = replace(before, null=False, nan=False).cut(low, high, high_open=True)
                    if made[score].void:
                        return None
            if key == score and not found.null:
                names = self.facts.tiers_of(found)
                before = self._value(Name(tier), row, 0)
                made[tier] = replace(before, values=(before.values or names) & names)
        return made

    def _value(self, e: Expression, row: Row, depth: int = 0) -> Domain:
        match e:
            case Literal(value):
                return constant(value)
            case Name(name):
                return self._of_name(name, row, depth)
            case Unary("-", operand):
                return computed("-", constant(0), self._value(operand, row, depth))
            case Binary("+" | "-" | "*" | "/" as op, left, right):
                return computed(op, self._value(left, row, depth), self._value(right, row, depth))
            case Unary("NOT") | Binary("AND" | "OR" | "=" | "!=" | "<" | "<=" | ">" | ">=") | Between() | In() | Is():
                return self._truth(e, row, depth)
            case Case(branches, otherwise):
                found = [self._value(then, row, depth) for _, then in branches]
                return reduce(joined, (*found, self._value(otherwise or Literal(None), row, depth)))
            case Call(name, arguments):
                return self._called(name, arguments, e, row, depth)
            case _:
                return ANY

    def _truth(self, e: Expression, row: Row, depth: int) -> Domain:
        return listed(*(one for one in (True, False) if self.assume(e, one, row, depth) is not None))

    def _over(self, e: Call) -> Domain:
        """What an aggregate can give in any row; worked out once, without regard to what is known of this one."""
        if id(e) not in self._aggregates:
            made = over_features(self.facts, e, lambda *told: self.assume(*told) is not None, self._value)
            self._aggregates[id(e)] = (e, made)
        return self._aggregates[id(e)][1]

    def _of_name(self, name: str, row: Row, depth: int) -> Domain:
        if OF_FEATURE + name in row:
            return row[OF_FEATURE + name]
        key = self.facts.key(name)
        if key in row:
            return row[key]
        if key not in self._known:
            self._known[key] = ANY  # until it is known, for columns that need themselves
            self._known[key] = self._of_column(name.lower(), depth + 1)
        return self._known[key]

    def _of_column(self, name: str, depth: int) -> Domain:
        one, expression = self.facts.columns.get(name), self.facts.made_of(name)
        if one is None or expression is None or depth > _DEEPEST:
            return self.facts.by_type(one.spec.type if one else self.facts.base_types.get(name, ""))
        if one.feature is None:
            found = self._value(expression, {}, depth)
        elif one.feature.retired:
            return VOID
        else:
            cases = self.facts.cases(one.feature, expression)
            found = reduce(joined, (self._value(expression, case, depth) for case in cases))
        if found.values is None and (not self.facts.exact(name) and self.stored):
            kind, _ = parse_type(one.spec.type)
            return replace(widened(found.low, found.high, 10.0 ** -(kind.scale or 0)), nan=found.nan)
        return found

    def _called(self, name: str, arguments: tuple[Expression, ...], e: Call, row: Row, depth: int) -> Domain:
        match name, arguments:
            case (("COUNT_FEATURES" | "AVG_OVER_FEATURES" | "ANY_FEATURE" | "ALL_FEATURES"), _):
                return self._over(e)
            case "TIER", (subject,):
                found = replace(self._value(subject, row, depth), null=False)
                return listed(
                    *(n for n, low, high in self.facts.bands() if not found.cut(low, high, high_open=True).void)
                )
            case "ALERT_LEVEL", ():
                return listed(*(one.name for one in self.registry.alert_levels))
            case "IF", (_, then, otherwise):
                return joined(self._value(then, row, depth), self._value(otherwise, row, depth))
            case (("COALESCE" | "IFNULL"), _):
                found = reduce(joined, (self._value(one, row, depth) for one in arguments))
                return replace(found, null=True)
            case "ROUND", (subject, *digits):
                return rounded(self._value(subject, row, depth), places(digits))
            case "CAST", (subject,) if e.type in ("INT64", "FLOAT64"):
                found = self._value(subject, row, depth)
                if found.values is not None or not found.bounded or e.type == "FLOAT64":
                    return found if found.values is None else ANY
                return rounded(found, 0)
            case _:
                return ANY
