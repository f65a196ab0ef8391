"""What a value can be in any row: one of some values, a number between two, NULL. More than can be, never less.

That is what makes `it never holds` a proof: what these say is impossible is impossible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_EXACT = 2**53  # beyond it an INT64 and a FLOAT64 differ
_SLACK = 1e-9  # more than FLOAT64 and NUMERIC can differ by, relative
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_REFUTED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of values: `values` where they can be listed (texts, truth values), else the numbers from `low` to `high`.

    Without either it is any value. `whole` numbers have closed ends. `null` tells whether it can be NULL; `nan` whether
    a comparison can be FALSE in both directions, as with NaN and with what is not known.
    """

    values: frozenset[object] | None = None
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    whole: bool = False
    null: bool = True
    nan: bool = False

    def __str__(self) -> str:
        """Say it in words: `0 to 6`, `gold, silver`."""
        if self.values is not None:
            return ", ".join(sorted(map(str, self.values)))
        low, high = (f"{end:.6g}" if math.isfinite(end) else "any number" for end in (self.low, self.high))
        return low if low == high else f"{low} to {high}"

    @property
    def void(self) -> bool:
        """Whether it has no value but NULL."""
        if self.values is not None:
            return not self.values
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    @property
    def point(self) -> float | None:
        """The only number it can be, or None."""
        return self.low if self.values is None and self.low == self.high and not self.void else None

    @property
    def bounded(self) -> bool:
        """Whether something is known of it."""
        return self.values is not None or self.low > -math.inf or self.high < math.inf

    @property
    def finite(self) -> bool:
        """Whether it lies between two numbers."""
        return self.low > -math.inf and self.high < math.inf

    def cut(self, low: float, high: float, *, low_open: bool = False, high_open: bool = False) -> Domain:
        """Return the part between two numbers."""
        if self.values is not None:
            return self
        lows, highs = (
            [(self.low, self.low_open), (low, low_open)],
            [(self.high, not self.high_open), (high, not high_open)],
        )
        (new_low, opened), (new_high, closed) = max(lows), min(highs)
        made = replace(self, low=new_low, low_open=opened, high=new_high, high_open=not closed)
        return made.closed() if self.whole else made

    def closed(self) -> Domain:
        """Whole numbers above 5 begin with 6."""
        low, high = self.low, self.high
        if math.isfinite(low):
            low = math.floor(low) + 1 if self.low_open else math.ceil(low)
        if math.isfinite(high):
            high = math.ceil(high) - 1 if self.high_open else math.floor(high)
        return replace(self, low=low, high=high, low_open=False, high_open=False)


ANY = Domain(nan=True)
VOID = Domain(frozenset())


def listed(*values: object, null: bool = True) -> Domain:
    """One of these texts or truth values."""
    return Domain(frozenset(values), null=null)


def constant(value: object) -> Domain:
    """One value that is written out."""
    if value is None:
        return VOID
    if isinstance(value, bool | str):
        return listed(value, null=False)
    if isinstance(value, int | float) and abs(value) < _EXACT:
        return Domain(low=value, high=value, whole=isinstance(value, int), null=False)
    return replace(ANY, null=False)


def between(low: float, high: float, *, whole: bool = False) -> Domain:
    """The numbers from one to another, or NULL."""
    return Domain(low=low, high=high, whole=whole)


def joined(one: Domain, other: Domain) -> Domain:
    """Return what is one or the other."""
    null = one.null or other.null
    if one.void or other.void:
        return replace(other if one.void else one, null=null)
    if (one.values is None) != (other.values is None):
        return ANY
    if one.values is not None and other.values is not None:
        return Domain(one.values | other.values, null=null, nan=one.nan or other.nan)
    low = min((one.low, one.low_open), (other.low, other.low_open))
    high = max((one.high, not one.high_open), (other.high, not other.high_open))
    whole = one.whole and other.whole
    return Domain(None, low[0], high[0], low[1], not high[1], whole, null, one.nan or other.nan)


def outcomes(op: str, one: Domain, other: Domain) -> frozenset[bool]:
    """Return what a comparison can give beside NULL."""
    if one.void or other.void:
        return frozenset()
    if one.values is not None and other.values is not None:
        if op not in ("=", "!="):
            return frozenset({True, False})
        equal = set[bool]()
        equal |= {True} if one.values & other.values else set()
        equal |= {False} if len(one.values | other.values) > 1 else set()
        return frozenset(equal if op == "=" else {not found for found in equal})
    if one.values is not None or other.values is not None:
        return frozenset({True, False})
    unsure = {True, False} if op == "!=" else {False}
    told = {truth for truth in (True, False) if _possible(op if truth else _REFUTED[op], one, other)}
    return frozenset(told | (unsure if one.nan or other.nan else set()))


def _possible(op: str, one: Domain, other: Domain) -> bool:
    if op in (">", ">="):
        return _possible(_MIRRORED[op], other, one)
    if op == "<":
        return one.low < other.high
    if op == "<=":
        return one.low < other.high or (one.low == other.high and not one.low_open and not other.high_open)
    if op == "=":
        return _possible("<=", one, other) and _possible("<=", other, one)
    return one.point is None or one.point != other.point


def narrowed(one: Domain, op: str, other: Domain, *, holds: bool) -> Domain:
    """Return what is left of the first where the comparison holds, or is FALSE."""
    if not holds and (one.nan or other.nan):
        return replace(one, null=False)
    op = op if holds else _REFUTED[op]
    made = replace(one, null=False, nan=one.nan and op == "!=")
    if other.values is not None:
        return _among(made, op, other.values)
    match op:
        case "<" | "<=":
            return made.cut(-math.inf, other.high, high_open=op == "<" or other.high_open)
        case ">" | ">=":
            return made.cut(other.low, math.inf, low_open=op == ">" or other.low_open)
        case "=":
            return made.cut(other.low, other.high, low_open=other.low_open, high_open=other.high_open)
        case _:
            return _without(made, other.point)


def _among(one: Domain, op: str, values: frozenset[object]) -> Domain:
    if op == "=":
        if one.values is None and (one.low > -math.inf or one.high < math.inf):
            return one  # a number beside a text: another rule speaks of it
        return replace(one, values=values if one.values is None else one.values & values, nan=False)
    if op == "!=" and len(values) == 1 and one.values is not None:
        return replace(one, values=one.values - values)
    return one


def _without(one: Domain, point: float | None) -> Domain:
    if point is None or one.values is not None or point not in (one.low, one.high):
        return one
    made = replace(one, low_open=one.low_open or one.low == point, high_open=one.high_open or one.high == point)
    return made.closed() if one.whole else made


def mirrored(op: str) -> str:
    """Return the operator for operands that change sides."""
    return _MIRRORED[op]


def computed(op: str, one: Domain, other: Domain) -> Domain:
    """Return what + - * / gives of numbers."""
    null = one.null or other.null
    if one.void or other.void:
        return VOID
    ends = (one.low, one.high, other.low, other.high)
    by_zero = op == "/" and other.low <= 0 <= other.high
    if one.values is not None or other.values is not None or by_zero or not all(map(math.isfinite, ends)):
        return ANY
    match op:
        case "+":
            found = [one.low + other.low, one.high + other.high]
        case "-":
            found = [one.low - other.high, one.high - other.low]
        case "*" | "/":
            pairs = [(a, b) for a in ends[:2] for b in ends[2:]]
            found = [a * b if op == "*" else a / b for a, b in pairs]
        case _:
            return ANY
    whole = one.whole and other.whole and op != "/"
    sure = all(float(end).is_integer() for end in ends)
    return replace(widened(min(found), max(found), 0, sure=sure), whole=whole, null=null, nan=one.nan or other.nan)


def widened(low: float, high: float, by: float, *, sure: bool = True) -> Domain:
    """Return the numbers between, and as many around them as rounding can reach.

    A whole end is exact, if it is `sure`: rounding never leads past it.
    """
    if max(abs(low), abs(high)) >= _EXACT:
        return ANY
    low = low if sure and float(low).is_integer() else low - by - abs(low) * _SLACK - _SLACK
    high = high if sure and float(high).is_integer() else high + by + abs(high) * _SLACK + _SLACK
    return Domain(low=low, high=high)


def rounded(one: Domain, places: int | None) -> Domain:
    """Return what ROUND gives; anything where the number of places is not known."""
    if one.void:
        return VOID
    if one.values is not None or places is None or places < 0:
        return ANY
    if not one.bounded:
        return replace(one, whole=False)
    made = widened(one.low, one.high, 10.0**-places) if one.finite else ANY
    return replace(made, null=one.null, nan=one.nan or made.nan)
