"""Rules on conditions that cannot say what they are meant to: never, always, of values that there are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from fqtool.finding import Finding, Severity, rule
from fqtool.quality.expression import Binary, Call, Expression, In, Literal, Name, Unary, chained, children, render
from fqtool.quality.functions import OVER_FEATURES
from fqtool.quality.language import DYNAMIC, STATIC
from fqtool.quality.outcomes import Outcomes
from fqtool.quality.value_types import BOOL
from fqtool.registry.explain import nearest
from fqtool.registry.judgement import Each
from fqtool.registry.model import Owner
from fqtool.rules.expression_mistakes import Read, examined, place_of
from fqtool.rules.subject import Subject

_COMPARES = ("=", "!=", "<", "<=", ">", ">=")
_OF_STORED_ROWS = ("views", "thresholds")
_LISTED = 8
_SHOWN = 100


@rule("FQ158", Severity.WARNING)
def never_holds(subject: Subject) -> Iterator[Finding]:
    """A condition never holds.

    Problem: no row that fqtool scores can satisfy it: it counts more features than there are, asks for a quality
    beyond 0-100, for a value that a column never has, or for two things that exclude each other.

    Why: an alert that cannot fire looks like one that has no reason to.

    Example: when: matchup_default_count = 7, with six features in matchup

    Fix: correct the number or the name. Only what is proved is told: of what upstream writes only the type is known.
    """
    for one, outcomes in _conditions(subject):
        if all(not outcomes.possible(read.expression, True) for read in one):
            yield _told(subject, one[0], "never holds")


@rule("FQ159", Severity.WARNING)
def always_holds(subject: Subject) -> Iterator[Finding]:
    """A condition holds in every row.

    Problem: no row that fqtool scores can make it FALSE; at most it is NULL, where sources are unknown.

    Why: an alert that is always there is read by nobody; a gate that is always open guards nothing.

    Example: when: feature_quality_score <= 100

    Fix: correct the number or the sign.
    """
    for one, outcomes in _conditions(subject):
        if all(not outcomes.possible(read.expression, False) for read in one) and any(
            outcomes.possible(read.expression, True) for read in one
        ):
            yield _told(subject, one[0], "always holds")


@rule("FQ160", Severity.WARNING)
def value_never_there(subject: Subject) -> Iterator[Finding]:
    """Something is compared with a value that it never has.

    Problem: a tier, alert level, source, category or the like is compared with a text that is none of those which the
    registry knows.

    Why: the comparison is never TRUE, and nothing says so: rows fall through the gate without a word.

    Example: quality_tier IN ('gold', 'silver', 'bronce')

    Fix: take the suggestion.
    """
    told = set[tuple[object, str]]()
    for read in examined(subject).read:
        for name, value, among in _compared(read, _outcomes(subject, read)):
            at = place_of(subject, read.entry, read.values, value.span.start)
            idle = name == "category" and value.value in subject.category_names  # of which another rule speaks
            if not idle and (at, str(value.value)) not in told:
                told.add((at, str(value.value)))
                meant = nearest(str(value.value), among)
                known = ", ".join(among[:_LISTED]) + (", ..." if len(among) > _LISTED else "")
                message = f"{name} is never {value.value!r}; it can be {known}."
                yield Finding(
                    read.entry.subject, message, remedy=f"Did you mean {meant}?" if meant else "", location=at
                )


@rule("FQ161", Severity.WARNING)
def gate_against_tier(subject: Subject) -> Iterator[Finding]:
    """A condition admits a tier in one part and shuts it out in another.

    Problem: a tier is asked for that the rest of the condition excludes; or the score's bound lies within a tier that
    the condition does not ask for.

    Why: one of the two is not what was meant, and rows of that tier are lost, or the bound does nothing.

    Example: quality_tier IN ('gold', 'silver', 'bronze') AND feature_quality_score >= 85, with bronze from 70 to 85

    Fix: write the tiers alone, or the bound alone.
    """
    for entry_reads, outcomes in _conditions(subject):
        for read in entry_reads[:1]:
            if outcomes.possible(read.expression, True):
                for part, message in _against(read.expression, outcomes):
                    at = place_of(subject, read.entry, read.values, part.span.start)
                    remedy = "Ask for the tiers alone, or for the bound alone."
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
        score = outcomes.facts.tiers.get(name.lower())
        bands = {tier: (low, high) for tier, low, high in outcomes.facts.bands()}
        tiers = [str(one.value) for one in asked if one.value in bands]
        if score is None or not tiers:
            continue
        for tier in tiers:
            if len(tiers) > 1 and not outcomes.possible(Binary("AND", Binary("=", Name(name), Literal(tier)), e), True):
                yield part, f"{name} may be {tier} here, which the rest of the condition excludes."
        for bound, value in _bounds(parts, score):
            strictly_below = isinstance(bound, Binary) and bound.operator == "<"
            inside = [
                t for t, (low, high) in bands.items() if low <= value < high and not (strictly_below and value == low)
            ]
            if inside and inside[0] not in tiers:
                yield bound, f"{render(bound)} draws a line in {inside[0]}, which {name} must not be here."


def _bounds(parts: Iterable[Expression], score: str) -> Iterator[tuple[Expression, float]]:
    for part in parts:
        match part:
            case Binary("<" | "<=" | ">" | ">=", Name(name), Literal(int() | float() as value)) if (
                name.lower() == score
            ):
                yield part, float(value)


def _conditions(subject: Subject) -> Iterator[tuple[list[Read], Outcomes]]:
    """Yield each condition of the registry, all its repetitions together; constants are meant as they are."""
    read = (one for one in examined(subject).read if _decides(one))
    for _, same in groupby(read, key=lambda one: one.entry.path):
        reads = list(same)
        if not all(isinstance(one.expression, Literal) for one in reads):
            yield reads, _outcomes(subject, reads[0])


def _decides(read: Read) -> bool:
    """Whether an expression decides something about a whole row."""
    entry, path = read.entry, read.entry.path
    if path[0] == "columns" and entry.spec is not None:
        spec = entry.spec
        return spec.for_each is not Each.FEATURE and spec.owner is not Owner.UPSTREAM and entry.wanted == BOOL
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
    kept: dict[str, Outcomes] = vars(subject)  # where a cached_property keeps its value too
    key = "_stored" if read.entry.path[0] in _OF_STORED_ROWS else "_row"
    if key not in kept:
        kept[key] = Outcomes(subject.registry, stored=key == "_stored")
    return kept[key]


def _told(subject: Subject, read: Read, what: str) -> Finding:
    at = place_of(subject, read.entry, read.values, read.expression.span.start)
    text, outcomes = render(read.expression), _outcomes(subject, read)
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    known = ((name, outcomes.of(name)) for name in sorted(read.fixed))
    cause = "; ".join(f"{name} is {found}" for name, found in known if found.bounded and not found.void)
    return Finding(read.entry.subject, f"{shown} {what}.", cause, "Correct it, or remove it.", at)


def _compared(read: Read, outcomes: Outcomes) -> Iterator[tuple[str, Literal, list[str]]]:
    """Yield name, text and what the name can be, for each comparison with a text that it never is."""
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
