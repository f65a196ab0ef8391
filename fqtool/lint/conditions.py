"""Rules about conditions that are never true, always true, or compare with impossible values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from fqtool.expressions.expression import Binary, Call, Expression, In, Literal, Name, Unary, chained, children, render
from fqtool.expressions.functions import OVER_FEATURES
from fqtool.expressions.names import DYNAMIC, STATIC
from fqtool.expressions.value_types import BOOL
from fqtool.findings.finding import Finding, Group, Severity, rule
from fqtool.lint.context import Subject
from fqtool.lint.expression_mistakes import Read, examined, place_of
from fqtool.lint.intervals import Outcomes
from fqtool.registry.alerts_and_models import Each
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.model import Owner

_COMPARES = ("=", "!=", "<", "<=", ">", ">=")
_OF_STORED_ROWS = ("views", "thresholds")
_LISTED = 8
_SHOWN = 100


@rule("FQ158", Severity.WARNING, group=Group.REGISTRY)
def never_holds(subject: Subject) -> Iterator[Finding]:
    """A condition is never true.

    Problem: No row that fqtool scores can meet the condition. It counts more features than exist, requires a quality
    outside 0-100 or a value that a column never has, or has two parts that exclude each other.

    Why: An alert that cannot fire looks like an alert without a problem.

    Example: when: demand_default_count = 7, with six features in demand

    Fix: Correct the number or the name. The rule reports only what the ranges of the columns prove.
    """
    for one, outcomes in _conditions(subject):
        if all(not outcomes.possible(read.expression, True) for read in one):
            yield _finding(subject, one[0], "is never true")


@rule("FQ159", Severity.WARNING, group=Group.REGISTRY)
def always_holds(subject: Subject) -> Iterator[Finding]:
    """A condition is true in every row.

    Problem: The condition is not FALSE for any row that fqtool scores; it is only NULL, where sources are unknown.

    Why: An alert that always fires is ignored, and a gate that always passes excludes no row.

    Example: when: feature_quality_score <= 100

    Fix: Correct the number or the operator.
    """
    for one, outcomes in _conditions(subject):
        if all(not outcomes.possible(read.expression, False) for read in one) and any(
            outcomes.possible(read.expression, True) for read in one
        ):
            yield _finding(subject, one[0], "is always true")


@rule("FQ160", Severity.WARNING, group=Group.REGISTRY)
def value_never_occurs(subject: Subject) -> Iterator[Finding]:
    """A comparison is with a value that never occurs.

    Problem: A tier, alert level, source, category or the like is compared with a text that the registry does not have.

    Why: The comparison is never TRUE, so rows fail the gate without a message.

    Example: quality_tier IN ('gold', 'silver', 'bronce')

    Fix: Use the suggested value.
    """
    reported = set[tuple[object, str]]()
    for read in examined(subject).read:
        for name, value, among in _compared(read, _outcomes(subject, read)):
            at = place_of(subject, read.entry, read.values, value.span.start)
            idle = name == "category" and value.value in subject.category_names  # which another rule reports
            if not idle and (at, str(value.value)) not in reported:
                reported.add((at, str(value.value)))
                meant = nearest(str(value.value), among)
                known = ", ".join(among[:_LISTED]) + (", ..." if len(among) > _LISTED else "")
                message = f"{name} is never {value.value!r}. Its values: {known}."
                yield Finding(read.entry.subject, message, remedy=f"Write {meant}." if meant else "", location=at)


@rule("FQ161", Severity.WARNING, group=Group.REGISTRY)
def gate_against_tier(subject: Subject) -> Iterator[Finding]:
    """One part of a condition includes a tier that another part excludes.

    Problem: The condition requires a tier that its other parts exclude, or the bound of the score is within a tier that
    the condition does not include.

    Why: One of the two parts is wrong: rows of that tier are lost, or the bound has no effect.

    Example: quality_tier IN ('gold', 'silver', 'bronze') AND feature_quality_score >= 85, with bronze from 70 to 85

    Fix: Write only the tiers, or only the bound.
    """
    for entry_reads, outcomes in _conditions(subject):
        for read in entry_reads[:1]:
            if outcomes.possible(read.expression, True):
                for part, message in _against(read.expression, outcomes):
                    at = place_of(subject, read.entry, read.values, part.span.start)
                    remedy = "Write only the tiers, or only the bound."
                    yield Finding(read.entry.subject, message, remedy=remedy, location=at)


def _against(e: Expression, outcomes: Outcomes) -> Iterator[tuple[Expression, str]]:
    parts = chained("AND", e)
    for part in parts:
        match part:
            case In(Name(name), items, False):
                asked = [one for one in items if isinstance(one, Literal)]
            case Binary("=", Name(name), Literal() as one):
                asked = [one]
            case _:
                continue
        score = outcomes.tiers.get(name.lower())
        bands = {tier: (low, high) for tier, low, high in outcomes.bands()}
        tiers = [str(one.value) for one in asked if one.value in bands]
        if score is None or not tiers:
            continue
        for tier in tiers:
            if len(tiers) > 1 and not outcomes.possible(Binary("AND", Binary("=", Name(name), Literal(tier)), e), True):
                yield part, f"The condition allows {name} = {tier}, which its other parts exclude."
        for bound, value in _bounds(parts, score):
            strictly_below = isinstance(bound, Binary) and bound.operator == "<"
            inside = [
                t for t, (low, high) in bands.items() if low <= value < high and not (strictly_below and value == low)
            ]
            if inside and inside[0] not in tiers:
                yield bound, f"The bound {render(bound)} is within the tier {inside[0]}, which the condition excludes."


def _bounds(parts: Iterable[Expression], score: str) -> Iterator[tuple[Expression, float]]:
    for part in parts:
        match part:
            case Binary("<" | "<=" | ">" | ">=", Name(name), Literal(int() | float() as value)) if (
                name.lower() == score
            ):
                yield part, float(value)


def _conditions(subject: Subject) -> Iterator[tuple[list[Read], Outcomes]]:
    """Yield each condition of the registry with all its repetitions. Constants such as TRUE are deliberate."""
    read = (one for one in examined(subject).read if _decides(one))
    for _, same in groupby(read, key=lambda one: one.entry.path):
        reads = list(same)
        if not all(isinstance(one.expression, Literal) for one in reads):
            yield reads, _outcomes(subject, reads[0])


def _decides(read: Read) -> bool:
    """Whether an expression is a condition about a whole row."""
    entry, path = read.entry, read.entry.path
    if path[0] == "columns" and entry.spec is not None:
        spec = entry.spec
        return spec.for_each is not Each.FEATURE and spec.owner is not Owner.UPSTREAM and entry.expected == BOOL
    if path[0] == "views":
        return path[-1] == "where" or _is_condition(read.expression)
    return path[0] in ("alerts", "alert_levels") and "when" in path


def _is_condition(e: Expression) -> bool:
    match e:
        case Binary(op, _, _):
            return op in ("AND", "OR", *_COMPARES)
        case Unary(op, _):
            return op == "NOT"
        case _:
            return isinstance(e, In)


def _outcomes(subject: Subject, read: Read) -> Outcomes:
    kept: dict[str, Outcomes] = vars(subject)  # cached_property stores its value there too
    key = "_stored" if read.entry.path[0] in _OF_STORED_ROWS else "_row"
    if key not in kept:
        kept[key] = Outcomes(subject.registry, stored=key == "_stored")
    return kept[key]


def _finding(subject: Subject, read: Read, what: str) -> Finding:
    at = place_of(subject, read.entry, read.values, read.expression.span.start)
    text, outcomes = render(read.expression), _outcomes(subject, read)
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    known = ((name, outcomes.of(name)) for name in sorted(read.fixed))
    cause = "; ".join(f"{name} is {found}" for name, found in known if found.bounded and not found.void)
    return Finding(read.entry.subject, f"{shown} {what}.", cause, "Correct it, or remove it.", at)


def _compared(read: Read, outcomes: Outcomes) -> Iterator[tuple[str, Literal, list[str]]]:
    """Yield name, text and possible values for each comparison with an impossible text."""
    waiting = [(read.expression, read.entry.names.per_feature)]
    while waiting:
        e, inside = waiting.pop()
        inside = inside or (isinstance(e, Call) and e.name in OVER_FEATURES)
        waiting += ((inner, inside) for inner in children(e))
        match e:
            case In(Name() as name, items):
                given = items
            case Binary("=" | "!=", Name() as name, Literal() as one) | Binary(
                "=" | "!=", Literal() as one, Name() as name
            ):
                given = (one,)
            case _:
                continue
        texts = [one for one in given if isinstance(one, Literal) and isinstance(one.value, str)]
        if not texts:
            continue
        of_feature = inside and name.name in (*DYNAMIC, *STATIC)
        found = (outcomes.of_feature if of_feature else outcomes.of)(name.name).values
        among = sorted(str(one) for one in found or ())
        for one in texts:
            if among and found is not None and one.value not in found:
                yield name.name, one, among
