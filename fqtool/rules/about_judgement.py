"""Rules on how rows are judged: sources, tiers, alerts, models, and what the team says about drift."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fqtool.finding import RULES, Edit, Finding, Location, rule
from fqtool.registry.comments import comments
from fqtool.registry.explain import nearest
from fqtool.registry.patches import items_ordered
from fqtool.rules.subject import Subject

_BEST = 100
_SCALE = "Write a number from 0 to 100."


@rule("FQ135")
def weight_outside_scale(subject: Subject) -> Iterator[Finding]:
    """A weight is not a quality.

    Problem: the weight of a source label lies outside 0-100.

    Why: quality is 0-100 everywhere; tiers and alerts are cut on that scale.

    Example: phase4: {weight: 1.0} by someone who thinks in shares

    Fix: write a number from 0 to 100.
    """
    registry = subject.registry
    weights = [(one.label, one.weight, one.at) for one in registry.sources]
    weights.append(("unknown_source", registry.unknown_source.weight, subject.place("unknown_source")))
    for name, weight, at in weights:
        if not 0 <= weight <= _BEST:
            yield Finding(
                name, f"The weight of {name} is {weight:g}, outside 0-100.", "", _SCALE, subject.within(at, "weight")
            )


@rule("FQ136")
def tiers_in_disorder(subject: Subject) -> Iterator[Finding]:
    """The tiers do not cut 0-100 into bands.

    Problem: a lower bound is not below the one before it, lies outside 0-100, or the last is not 0.

    Why: a value could fall into no band, or never into one.

    Example: silver from 85, gold from 95

    Fix: order them from high to low; the last begins at 0.
    """
    tiers = subject.registry.tiers
    for above, one in pairwise(tiers):
        if one.min >= above.min:
            message = f"{one.name} begins at {one.min:g}, not below {above.name} at {above.min:g}."
            remedy = "Order tiers from high to low."
            at = subject.within(one.at, "min")
            yield Finding(one.name, message, remedy=remedy, location=at, patch=_ordered(subject))
    for one in tiers:
        if not 0 <= one.min <= _BEST:
            message = f"{one.name} begins at {one.min:g}, outside 0-100."
            yield Finding(one.name, message, remedy=_SCALE, location=subject.within(one.at, "min"))
    if tiers and tiers[-1].min > 0:
        last = tiers[-1]
        message = f"Values below {last.min:g} are in no tier."
        at = subject.within(last.at, "min")
        yield Finding(last.name, message, remedy="Let the last tier begin at 0.", location=at)


def _ordered(subject: Subject) -> tuple[Edit, ...]:
    """The tiers from high to low, if that makes bands of them."""
    document, lows = subject.registry.document, [one.min for one in subject.registry.tiers]
    if document is None or len(set(lows)) < len(lows):
        return ()
    return items_ordered(document, ("tiers",), sorted(range(len(lows)), key=lambda number: -lows[number]))


@rule("FQ137", firm=False)
def model_needs_unknown_feature(subject: Subject) -> Iterator[Finding]:
    """A model needs a feature that the store does not have.

    Problem: `needs` names a feature that is not declared, or is retired.

    Why: the model would be called compatible with rows that it cannot score.

    Example: needs: [explosion_ratio]

    Fix: take the suggestion; list inputs from elsewhere under external.
    """
    for one in subject.registry.models:
        for number, name in enumerate(one.needs):
            if name not in subject.feature_names:
                meant = nearest(name, subject.feature_names)
                remedy = f"Did you mean {meant}?" if meant else "List inputs from elsewhere under external."
                message, at = f"{one.name} needs {name}, which is no feature.", subject.within(one.at, "needs", number)
                yield Finding(one.name, message, remedy=remedy, location=at)


@rule("FQ138", firm=False)
def unknown_alert_level(subject: Subject) -> Iterator[Finding]:
    """An alert has a level that is not declared.

    Problem: `level` names nothing under alert_levels.

    Why: reports could not say how grave the alert is.

    Example: level: orange

    Fix: take the suggestion, or declare the level.
    """
    known = [one.name for one in subject.registry.alert_levels]
    for one in subject.registry.alerts:
        if one.level not in known:
            meant = nearest(one.level, known)
            remedy = f"Did you mean {meant}?" if meant else f"Declare {one.level} under alert_levels."
            message = f"{one.code} has the level {one.level}, which is not declared."
            yield Finding(one.code, message, remedy=remedy, location=subject.within(one.at, "level"))


@rule("FQ139")
def alert_levels_in_disorder(subject: Subject) -> Iterator[Finding]:
    """The alert levels do not cover every row once.

    Problem: a level before the last has no condition, or the last has one.

    Why: the first level with a true condition wins. One without conditions takes all rows; after a last one with
    conditions some rows have no level.

    Example: green first, then red

    Fix: order them from grave to harmless; only the last has no `when`.
    """
    levels = subject.registry.alert_levels
    for one in levels[:-1]:
        if not one.when:
            yield Finding(one.name, f"{one.name} has no condition, so no level after it is reached.", location=one.at)
    if levels and levels[-1].when:
        last = levels[-1]
        yield Finding(last.name, f"Rows that {last.name} does not fit have no level.", location=last.at)


@rule("FQ140")
def alert_number_missing(subject: Subject) -> Iterator[Finding]:
    """The number in an alert's code has no expression, or the other way round.

    Problem: `code` holds {number} and the alert has no `number`, or `number` is never used; or the code holds another
    placeholder.

    Why: the code would be stored with its braces.

    Example: code: "high_default_rate_{p}pct"

    Fix: write {number} in the code and the expression under number.
    """
    for one in subject.registry.alerts:
        rest = one.code.replace("{number}", "")
        if (rest != one.code) != (one.number is not None) or "{" in rest or "}" in rest:
            yield Finding(one.code, f"{one.code} and its number do not fit together.", location=one.at)


@rule("FQ141")
def unknown_rule(subject: Subject) -> Iterator[Finding]:
    """A rule is named that does not exist.

    Problem: a code under `drift` or `validate`, or in a comment that silences, belongs to no rule.

    Why: what the team meant to ignore or to raise keeps its own level.

    Example: drift: {FQ399: ignore}

    Fix: take the code that check-drift or validate prints.
    """
    for code, at in _named_rules(subject):
        if not any(one.startswith(code) for one in RULES):
            from fqtool.rules.every import every_rule

            if not any(one.startswith(code) for one in every_rule()):
                yield Finding(code, f"There is no rule {code}.", remedy="fqtool rules lists them.", location=at)


def _named_rules(subject: Subject) -> Iterator[tuple[str, Location]]:
    registry = subject.registry
    for code, _ in registry.drift:
        yield code, subject.place("drift", code)
    for key, codes in (("select", registry.validate.select), ("ignore", registry.validate.ignore)):
        for number, code in enumerate(codes):
            yield code, subject.place("validate", key, number)
    for one in comments(registry.document) if registry.document else ():
        for code in one.codes if one.verb == "ignore" else ():
            yield code, one.at


@rule("FQ142")
def schema_version_disagrees(subject: Subject) -> Iterator[Finding]:
    """A version under schema_versions is not what its column holds.

    Problem: no managed column has that name, or its expr is another text.

    Why: a backfill skips rows that have the current version; with two versions it skips none, or all.

    Example: quality_schema_version: v2 beside expr: "'v1'"

    Fix: write the same version in both places.
    """
    registry = subject.registry
    held = {one.name: one.expr for one in registry.columns}
    for name, version in registry.schema_versions:
        if name not in held:
            yield Finding(
                name, f"{name} under schema_versions is no column.", location=subject.place("schema_versions", name)
            )
        elif (held[name] or "").strip() not in (f"'{version}'", f'"{version}"'):
            message = f"{name} is {version} under schema_versions, and {held[name]} in its column."
            at = subject.within(next(one.at for one in registry.columns if one.name == name), "expr")
            yield Finding(name, message, remedy=f"expr: \"'{version}'\"", location=at)


@rule("FQ162")
def expected_size_of_unknown_section(subject: Subject) -> Iterator[Finding]:
    """An expected size names a section that no column has.

    Problem: a line of expected_size is about a section under which no managed column is listed.

    Why: there would be nothing to set beside the figure, and the rest would seem too dear.

    Example: sections: [agregate]

    Fix: take the suggestion, or leave out sections: where the line is about no managed column.
    """
    expected = subject.registry.expected_size
    known = {one.spec.section for one in subject.managed}
    for line in expected.lines if expected else ():
        for name in line.sections:
            if name not in known:
                meant = nearest(name, known)
                remedy = f"Did you mean {meant}?" if meant else "Leave sections out."
                message = f"{line.what}: no column is in the section {name}."
                yield Finding(line.what, message, remedy=remedy, location=line.at)
