"""Rules about sources, tiers, alerts, models, and the levels of drift."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fqtool.findings.finding import RULES, Edit, Finding, Group, Location, Severity, rule
from fqtool.findings.remedy import commands
from fqtool.lint.context import Subject
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.patches import items_ordered
from fqtool.registry.yaml.comments import comments

_BEST = 100
_SCALE = "Write a number from 0 to 100."


@rule("FQ135", group=Group.REGISTRY)
def weight_outside_scale(subject: Subject) -> Iterator[Finding]:
    """The weight of a source label is outside 0-100.

    Problem: The weight of a source label is less than 0 or greater than 100.

    Why: Quality is 0-100 everywhere; tiers and alerts use that scale.

    Example: sales: {weight: 250}

    Fix: Write a number from 0 to 100.
    """
    registry = subject.registry
    weights = [(one.label, one.weight, one.at) for one in registry.sources]
    weights.append(("unknown_source", registry.unknown_source.weight, subject.place("unknown_source")))
    for name, weight, at in weights:
        if not 0 <= weight <= _BEST:
            yield Finding(
                name, f"The weight of {name} is {weight:g}, outside 0-100.", "", _SCALE, subject.within(at, "weight")
            )


@rule("FQ136", group=Group.REGISTRY)
def tiers_not_ordered(subject: Subject) -> Iterator[Finding]:
    """The tiers do not divide 0-100 into bands.

    Problem: A lower bound is not less than the one before it, is outside 0-100, or the last one is not 0.

    Why: A value could be in no tier, or a tier could have no value.

    Example: silver from 85, gold from 95

    Fix: Order the tiers from high to low; the last tier starts at 0.
    """
    tiers = subject.registry.tiers
    for above, one in pairwise(tiers):
        if one.min >= above.min:
            message = f"{one.name} starts at {one.min:g}, not below {above.name}, which starts at {above.min:g}."
            remedy = "Order tiers from high to low."
            at = subject.within(one.at, "min")
            yield Finding(one.name, message, remedy=remedy, location=at, patch=_ordered(subject))
    for one in tiers:
        if not 0 <= one.min <= _BEST:
            message = f"{one.name} starts at {one.min:g}, outside 0-100."
            yield Finding(one.name, message, remedy=_SCALE, location=subject.within(one.at, "min"))
    if tiers and tiers[-1].min > 0:
        last = tiers[-1]
        message = f"Values below {last.min:g} are in no tier."
        at = subject.within(last.at, "min")
        yield Finding(last.name, message, remedy="Start the last tier at 0.", location=at)


def _ordered(subject: Subject) -> tuple[Edit, ...]:
    """Order the tiers from high to low; () if two have the same bound."""
    document, lows = subject.registry.document, [one.min for one in subject.registry.tiers]
    if document is None or len(set(lows)) < len(lows):
        return ()
    return items_ordered(document, ("tiers",), sorted(range(len(lows)), key=lambda number: -lows[number]))


@rule("FQ137", firm=False, group=Group.REGISTRY)
def model_needs_unknown_feature(subject: Subject) -> Iterator[Finding]:
    """A model needs a feature that the store does not have.

    Problem: `needs` names a feature that is not declared, or is retired.

    Why: The model would be listed as compatible with rows that it cannot score.

    Example: needs: [explosion_ratio]

    Fix: Use the suggested name; list inputs from other sources under `external`.
    """
    for one in subject.registry.models:
        for number, name in enumerate(one.needs):
            if name not in subject.feature_names:
                meant = nearest(name, subject.feature_names)
                remedy = f"Write {meant}." if meant else "List inputs from other sources under `external`."
                message, at = f"{one.name} needs the unknown feature {name}.", subject.within(one.at, "needs", number)
                yield Finding(one.name, message, remedy=remedy, location=at)


@rule("FQ138", firm=False, group=Group.REGISTRY)
def unknown_alert_level(subject: Subject) -> Iterator[Finding]:
    """An alert has a level that is not declared.

    Problem: `level` is not one of `alert_levels`.

    Why: Reports could not show the severity of the alert.

    Example: level: orange

    Fix: Use the suggested level, or declare the level.
    """
    known = [one.name for one in subject.registry.alert_levels]
    for one in subject.registry.alerts:
        if one.level not in known:
            meant = nearest(one.level, known)
            remedy = f"Write {meant}." if meant else f"Declare {one.level} under `alert_levels`."
            message = f"{one.code} has the level {one.level}, which is not declared."
            yield Finding(one.code, message, remedy=remedy, location=subject.within(one.at, "level"))


@rule("FQ139", group=Group.REGISTRY)
def alert_levels_not_ordered(subject: Subject) -> Iterator[Finding]:
    """The alert levels do not give every row one level.

    Problem: A level before the last has no condition, or the last level has one.

    Why: The first level with a true condition wins. A level without conditions applies to all rows that reach it. If
    the last level has a condition, some rows have no level.

    Example: green first, then red

    Fix: Order the levels from severe to harmless; only the last has no `when`.
    """
    levels = subject.registry.alert_levels
    for one in levels[:-1]:
        if not one.when:
            yield Finding(
                one.name, f"{one.name} has no condition, so no row reaches the levels after it.", location=one.at
            )
    if levels and levels[-1].when:
        last = levels[-1]
        yield Finding(
            last.name,
            f"{last.name}, the last level, has a condition: rows that do not meet it have no level.",
            location=last.at,
        )


@rule("FQ140", group=Group.REGISTRY)
def alert_number_missing(subject: Subject) -> Iterator[Finding]:
    """The code of an alert and its number do not match.

    Problem: `code` contains {number} and the alert has no `number`, or `number` is not used, or the code contains
    another placeholder.

    Why: The code would be stored with its braces.

    Example: code: "high_default_rate_{p}pct"

    Fix: Write {number} in the code, and the expression under `number`.
    """
    for one in subject.registry.alerts:
        rest = one.code.replace("{number}", "")
        if "{" in rest or "}" in rest:
            problem = "contains braces other than {number}"
        elif rest != one.code and one.number is None:
            problem = "contains {number}, but the alert has no `number`"
        elif rest == one.code and one.number is not None:
            problem = "does not contain {number}, but the alert has a `number`"
        else:
            continue
        yield Finding(one.code, f"The code {one.code} {problem}.", location=one.at)


@rule("FQ141", group=Group.REGISTRY)
def unknown_rule(subject: Subject) -> Iterator[Finding]:
    """A rule code does not exist.

    Problem: A code under `drift` or `validate`, or in a suppression comment, is not the code of a rule.

    Why: The rule that was meant keeps its own level.

    Example: drift: {FQ399: ignore}

    Fix: Use a code that `check-drift` or `validate` prints.
    """
    for code, at in _named_rules(subject):
        if not any(one.startswith(code) for one in RULES):
            from fqtool.findings.catalog import every_rule

            if not any(one.startswith(code) for one in every_rule()):
                yield Finding(
                    code, f"There is no rule {code}.", remedy=commands("rules", first="Use one of these:"), location=at
                )


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


@rule("FQ142", group=Group.REGISTRY)
def schema_version_disagrees(subject: Subject) -> Iterator[Finding]:
    """A version under `schema_versions` differs from that of its column.

    Problem: No managed column has that name, or its `expr` is another text.

    Why: A backfill skips rows that have the current version. With two versions it skips no row, or every row.

    Example: quality_schema_version: v2 and expr: "'v1'"

    Fix: Write the same version in both places.
    """
    registry = subject.registry
    held = {one.name: one.expr for one in registry.columns}
    for name, version in registry.schema_versions:
        if name not in held:
            yield Finding(
                name,
                f"`schema_versions` names {name}, which is not a managed column.",
                location=subject.place("schema_versions", name),
            )
        elif (held[name] or "").strip() not in (f"'{version}'", f'"{version}"'):
            message = f"{name} is {version} under `schema_versions`, but its column has {held[name]}."
            at = subject.within(next(one.at for one in registry.columns if one.name == name), "expr")
            yield Finding(name, message, remedy=f"expr: \"'{version}'\"", location=at)


@rule("FQ170", group=Group.REGISTRY)
def accepted_version_disagrees(subject: Subject) -> Iterator[Finding]:
    """Versions under accepted_versions are not those of a column of the table.

    Problem: The table has no such column, or the version that fqtool writes into it is not among them.

    Why: `check-record` would report every record, or none, and readers would reject what fqtool writes.

    Example: accepted_versions: {feature_versoin: [v2]}

    Fix: Take the suggestion, or add the version of schema_versions.
    """
    registry = subject.registry
    current = dict(registry.schema_versions)
    for name, labels in registry.accepted_versions:
        at = subject.place("accepted_versions", name)
        if name.lower() not in subject.types:
            meant = nearest(name, subject.types)
            remedy = f"Write {meant}." if meant else "Name a column of the table."
            yield Finding(name, f"{name} under accepted_versions is not a column.", remedy=remedy, location=at)
        elif current.get(name, labels[0]) not in labels:
            message = f"{name} is {current[name]} under schema_versions, which accepted_versions does not list."
            yield Finding(name, message, remedy=f"Add {current[name]} to accepted_versions.", location=at)


@rule("FQ162", group=Group.REGISTRY)
def expected_size_of_unknown_section(subject: Subject) -> Iterator[Finding]:
    """An expected size names a section that no column has.

    Problem: A line of `expected_size` names a section without managed columns.

    Why: There would be no measured size to compare with, and the other lines would seem too large.

    Example: sections: [agregate]

    Fix: Use the suggested section. Remove `sections` if the line is not about managed columns.
    """
    expected = subject.registry.expected_size
    known = {one.spec.section for one in subject.managed}
    for line in expected.lines if expected else ():
        for name in line.sections:
            if name not in known:
                meant = nearest(name, known)
                remedy = f"Write {meant}." if meant else "Remove `sections`."
                message = f"{line.what}: no column is in the section {name}."
                yield Finding(line.what, message, remedy=remedy, location=line.at)


@rule("FQ171", Severity.WARNING, group=Group.REGISTRY)
def known_event_without_effect(subject: Subject) -> Iterator[Finding]:
    """A known event names an unknown feature or processor, or ends before it begins.

    Problem: No finding belongs to the event.

    Why: A name is misspelt or was changed, or the dates are swapped.

    Example: {reason: strike, since: "2026-02-06", until: "2026-02-01"}

    Fix: Take the suggestion, or correct the dates.
    """
    processors = {one.name for one in subject.registry.processors}
    for event in subject.registry.known_events:
        for key, names, known in (
            ("features", event.features, subject.feature_names),
            ("processors", event.processors, processors),
        ):
            for number, name in enumerate(names):
                if name not in known:
                    meant = nearest(name, known)
                    remedy = f"Write {meant}." if meant else f"Remove it from `{key}`."
                    message = f"{name} is not one of the {key}."
                    yield Finding(event.reason, message, remedy=remedy, location=subject.within(event.at, key, number))
        if event.until < event.since:
            message = f"The event ends on {event.until}, before it begins on {event.since}."
            at = subject.within(event.at, "until")
            yield Finding(event.reason, message, remedy="Correct `since` or `until`.", location=at)
