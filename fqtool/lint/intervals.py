"""Compute whether a condition can be TRUE or FALSE in scored rows, by interval arithmetic.

Each column has a domain: a set of values, or an interval of numbers. It follows from the column's `expr`: a count is at
most the number of features, a mean is within the weights, a tier is one of the tiers. Any other column can have any
value. A domain may include impossible values but never excludes a possible one, so what it excludes is impossible.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError
from fqtool.expressions.expression import Between, Binary, Call, Expression, In, Literal, Name, Unary, chained, names_in
from fqtool.expressions.functions import OVER_FEATURES
from fqtool.expressions.grammar import parse_expression
from fqtool.expressions.names import STATIC, statics
from fqtool.expressions.simplify import substitute
from fqtool.registry.model import Owner, Registry
from fqtool.schema.build import expand_columns

_REFUTED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
_EXACT = 2**53  # beyond it an INT64 and a FLOAT64 differ
_SLACK = 1e-9  # more than FLOAT64 and NUMERIC can differ by, relative
_STEP_LIMIT = 20_000  # for one condition; what was not examined counts as possible
_OF_FEATURE = ""  # a key of rows whose names are those of the feature language


@dataclass(frozen=True, slots=True)
class Domain:
    """The possible values besides NULL: `values` (texts, truth values), or else the numbers from `low` to `high`.

    Without either, any value is possible. Both ends are inclusive: the numbers above 5 start with the next float.
    """

    values: frozenset[object] | None = None
    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        """Describe the domain, such as `0 to 6` or `gold, silver`."""
        if self.values is not None:
            return ", ".join(sorted(map(str, self.values)))
        low, high = (f"{end:.6g}" if math.isfinite(end) else "any number" for end in (self.low, self.high))
        return low if low == high else f"{low} to {high}"

    @property
    def void(self) -> bool:
        """Whether only NULL is possible."""
        return self.low > self.high if self.values is None else not self.values

    @property
    def bounded(self) -> bool:
        """Whether the domain is limited. It then excludes NaN, for which both `<` and `>=` are FALSE."""
        return self.values is not None or (self.low > -math.inf and self.high < math.inf)

    def where(self, op: str, other: Domain) -> Domain:
        """Return the values for which a comparison with a value of another domain can be TRUE.

        Args:
            op: `=`, `!=`, `<`, `<=`, `>` or `>=`.
            other: The domain of the right operand.
        """
        if other.values is not None:
            if op == "=" and (self.values is not None or not self.bounded):
                return Domain(other.values if self.values is None else self.values & other.values)
            only = op == "!=" and len(other.values) == 1
            return Domain(self.values - other.values) if only and self.values is not None else self
        if self.values is not None or op == "!=":
            same = self.low == self.high == other.low == other.high
            return Domain(frozenset()) if same and self.values is None else self
        low = {">": math.nextafter(other.low, math.inf), ">=": other.low, "=": other.low}.get(op, self.low)
        high = {"<": math.nextafter(other.high, -math.inf), "<=": other.high, "=": other.high}.get(op, self.high)
        return Domain(None, max(self.low, low), min(self.high, high))

    def widened(self, by: float = 0) -> Domain:
        """Return the domain, widened by what rounding can add. Rounding never passes an end that is a whole number.

        Args:
            by: The largest rounding error, absolute.
        """
        if self.values is not None or not self.bounded or max(abs(self.low), abs(self.high)) >= _EXACT:
            return self if self.void else ANY
        low, high = (0 if float(end).is_integer() else by + abs(end) * _SLACK + _SLACK for end in (self.low, self.high))
        return Domain(None, self.low - low, self.high + high)


ANY, VOID = Domain(), Domain(frozenset())
Row = Mapping[str, Domain]
"""What is known of the columns of a row, by lower-case name; of a feature, by the names of the feature language."""


def constant(value: object) -> Domain:
    """Return the domain of a literal."""
    if isinstance(value, bool | str):
        return Domain(frozenset({value}))
    if isinstance(value, int | float):
        return Domain(None, value, value) if abs(value) < _EXACT else ANY
    return VOID


def joined(domains: Iterable[Domain]) -> Domain:
    """Return the smallest domain that contains all the domains: a set of values, or an interval."""
    some = [one for one in domains if not one.void]
    values = [one.values for one in some if one.values is not None]
    if len(values) == len(some):
        return Domain(frozenset().union(*values))
    return ANY if values else Domain(None, min(one.low for one in some), max(one.high for one in some))


class Outcomes:
    """The possible results of the conditions of one registry.

    With `stored`, names are columns of the table, where a NUMERIC is rounded. Otherwise, names are columns of the row
    that is being scored.
    """

    def __init__(self, registry: Registry, *, stored: bool = False) -> None:
        """Prepare the columns of a registry."""
        self.registry = registry
        self.stored = stored
        self._columns = {one.name.lower(): one for one in expand_columns(registry)}
        self._known: dict[object, Domain] = {}
        self._steps = 0

    def possible(self, e: Expression, answer: bool) -> bool:
        """Whether a condition can have a result in any row.

        Args:
            e: The condition.
            answer: The result: TRUE or FALSE.

        Returns:
            False only if no row can give this result.
        """
        self._steps = 0
        try:
            return self._assume(e, answer, {}) is not None
        except RecursionError:
            return True

    def of(self, name: str) -> Domain:
        """Return the possible values of a column."""
        return self._once(name.lower(), lambda: self._of_column(name.lower()))

    def of_feature(self, name: str) -> Domain:
        """Return the possible values of a property of a feature, over all features."""
        if name in STATIC:
            return joined(self._value(known[name], {}) for known in self._statics)
        return joined(case.get(name, ANY) for case in self._cases)

    @cached_property
    def tiers(self) -> dict[str, str]:
        """Column with a tier -> the column with its score."""
        found = {}
        for key, column in self._columns.items():
            match self._made_of(key) if "TIER" in (column.expr or "").upper() else None:
                case Call("TIER", (Name(score),)):
                    found[key] = score.lower()
        return found

    def bands(self) -> Iterator[tuple[str, float, float]]:
        """Yield each tier with its lower bound and the lower bound of the tier above."""
        above = math.inf
        for one in self.registry.tiers:
            yield one.name, float(one.min), above
            above = float(one.min)

    @cached_property
    def _statics(self) -> list[dict[str, Expression]]:
        return [statics(one) for one in self.registry.active_features]

    @cached_property
    def _cases(self) -> list[dict[str, Domain]]:
        """The values of the names of the feature language, for each label."""
        unknown = self.registry.unknown_source
        labels = [(constant(one.label), one.weight, one.canonical, one.is_default) for one in self.registry.sources]
        labels.append((ANY, unknown.weight, unknown.canonical, True))
        return [
            {"raw_source": raw, "quality": constant(float(weight)), "source": constant(source),
             "is_default": constant(is_default), _OF_FEATURE: ANY,
             **dict.fromkeys(("value", "sample_size", "last_updated"), ANY)}
            for raw, weight, source, is_default in labels
        ]  # fmt: skip

    def _once(self, key: object, domain: Callable[[], Domain]) -> Domain:
        if key not in self._known:
            self._known[key] = ANY  # until it is known, for columns that depend on themselves
            self._known[key] = domain()
        return self._known[key]

    def _made_of(self, key: str) -> Expression | None:
        """The expression of a column; None if fqtool does not compute it or the expression is not valid."""
        one = self._columns.get(key)
        try:
            return parse_expression(one.expr) if one and one.expr and one.spec.owner is Owner.FQTOOL else None
        except InputError:
            return None

    def _of_column(self, key: str) -> Domain:
        expression, feature = self._made_of(key), self._columns[key].feature if key in self._columns else None
        if expression is None:
            return ANY
        if feature is None:
            domain = self._value(expression, {})
        else:
            cases = [] if feature.retired else self._cases
            domain = joined(self._value(substitute(expression, statics(feature)), case) for case in cases)
        return domain.widened(1) if self.stored and domain.values is None else domain

    def _assume(self, e: Expression, answer: bool, row: Row) -> Row | None:
        """Return what is known of a row in which the condition has this result; None if no row can give it."""
        self._steps += 1
        if self._steps > _STEP_LIMIT:
            return row
        match e:
            case Unary("NOT", operand):
                return self._assume(operand, not answer, row)
            case Binary("AND" | "OR" as op):
                return self._joint(chained(op, e), answer, row, every=answer is (op == "AND"))
            case Binary(op, left, right) if op in _REFUTED:
                return self._compared(op, left, right, answer, row)
            case Between(operand, low, high, negated):
                ends = [Binary(">=", operand, low), Binary("<=", operand, high)]
                return self._joint(ends, answer is not negated, row, every=answer is not negated)
            case In(operand, items, negated):
                equal = [Binary("=", operand, item) for item in items]
                return self._joint(equal, answer is not negated, row, every=answer is negated)
            case Name(name):
                return self._named(name.lower(), answer, row)
            case _:
                values = self._value(e, row).values
                return row if values is None or answer in values else None

    def _named(self, key: str, answer: bool, row: Row) -> Row | None:
        """Assume the value of a BOOL column, which is that of its expression."""
        values, column, made_of = self._value(Name(key), row).values, self._columns.get(key), self._made_of(key)
        made: Row | None = row if values is None or answer in values else None
        of_row = column and not column.feature and not self.stored and _OF_FEATURE not in row
        if made is not None and made_of and of_row:
            made = self._assume(made_of, answer, made)
        return None if made is None else {**made, key: constant(answer)}

    def _joint(self, parts: Sequence[Expression], answer: bool, row: Row, *, every: bool) -> Row | None:
        """Assume the result of every part, or of at least one part: then only what all cases share is known."""
        if every:
            made: Row | None = row
            for part in parts:
                made = None if made is None else self._assume(part, answer, made)
            return made
        ways = [way for part in parts if (way := self._assume(part, answer, row)) is not None]
        shared = set[str].intersection(*map(set, ways)) if ways else ()
        return {name: joined(way[name] for way in ways) for name in shared} if ways else None

    def _compared(self, op: str, left: Expression, right: Expression, answer: bool, row: Row) -> Row | None:
        one, other = self._value(left, row), self._value(right, row)
        if one.void or other.void:
            return None
        if not answer and not (one.bounded and other.bounded):
            return row
        domain = one.where(op if answer else _REFUTED[op], other)
        if domain.void:
            return None
        return self._learned(left.name.lower(), domain, row) if isinstance(left, Name) else row

    def _learned(self, key: str, domain: Domain, row: Row) -> Row | None:
        """Add the domain of a name and, if it is a tier, of its score."""
        made, score = {**row, key: domain}, self.tiers.get(key)
        inside = [(low, high) for tier, low, high in self.bands() if tier in (domain.values or ())]
        if score and inside and not self.stored and _OF_FEATURE not in row:
            low, high = Domain(low=min(inside)[0]), Domain(high=max(high for _, high in inside))
            made[score] = self._value(Name(score), row).where(">=", low).where("<", high)
            return None if made[score].void else made
        return made

    def _value(self, e: Expression, row: Row) -> Domain:
        match e:
            case Literal(value):
                return constant(value)
            case Unary("-", Literal(int() | float() as value)):
                return constant(-value)
            case Name(name):
                return row[name.lower()] if name.lower() in row else self.of(name)
            case Call(name, (_, *_)) if name in OVER_FEATURES:
                return self._once(e, lambda: self._over_features(e))
            case Call("TIER"):
                return Domain(frozenset(one.name for one in self.registry.tiers))
            case Call("ALERT_LEVEL"):
                return Domain(frozenset(one.name for one in self.registry.alert_levels))
            case Call("IF" | "COALESCE" | "IFNULL" as name, arguments):
                return joined(self._value(one, row) for one in arguments[name == "IF" :])
            case Call("ROUND", (subject,) | (subject, Literal(0 | 1 | 2 | 3 | 4 | 5 | 6))):
                return self._value(subject, row).widened(1)
            case _:
                return ANY

    def _over_features(self, e: Call) -> Domain:
        """The possible values of an aggregate, over groups of equal features and for each label."""
        groups = self._groups(e.arguments)
        if e.name == "AVG_OVER_FEATURES":
            means = [self._value(subject, case) for subject, *where in groups for case in self._cases
                     if not where or self._assume(where[0], True, case) is not None]  # fmt: skip
            return joined(means).widened()
        if e.name not in ("COUNT_FEATURES", "ANY_FEATURE", "ALL_FEATURES"):
            return ANY
        can = [{a for case in self._cases for a in (True, False) if self._assume(asked, a, case) is not None}
               for asked, *_ in groups]  # fmt: skip
        if e.name == "COUNT_FEATURES":
            low = groups[Literal(True),]
            return Domain(None, low, sum(size for size, one in zip(groups.values(), can, strict=True) if True in one))
        ruling = e.name == "ANY_FEATURE"  # one feature is enough for this result; all are needed for the other
        answers = {ruling} if any(ruling in one for one in can) else set[bool]()
        return Domain(frozenset(answers | ({not ruling} if all((not ruling) in one for one in can) else set())))

    def _groups(self, asked: tuple[Expression, ...]) -> Counter[tuple[Expression, ...]]:
        """Return the expressions with static names replaced by their values, and the number of features of each."""
        names = frozenset().union(*map(names_in, asked)).intersection(STATIC)
        alike: dict[tuple[object, ...], list[Mapping[str, Expression]]] = {}
        for known in self._statics:
            alike.setdefault(tuple(known[name] for name in names), []).append(known)
        groups = Counter[tuple[Expression, ...]]()
        for same in alike.values():
            groups[tuple(substitute(e, same[0]) for e in asked)] += len(same)
        return groups
