"""Rules about the expressions of a registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fqtool.expressions.expression import Call, Expression, children
from fqtool.expressions.functions import OF_REGISTRY
from fqtool.expressions.typecheck import Trouble
from fqtool.findings.finding import Finding, Group, rule
from fqtool.lint.context import Subject
from fqtool.lint.expression_mistakes import Kind, Read, examined, place_of
from fqtool.registry.model import Owner, Registry
from fqtool.registry.placeholders import category_values, feature_values, fill
from fqtool.schema.build import ExpandedColumn


def _found(subject: Subject, kind: Kind) -> Iterator[Finding]:
    return (one.finding for one in examined(subject).mistakes if one.kind == kind)


@rule("FQ150", group=Group.REGISTRY)
def unreadable_expression(subject: Subject) -> Iterator[Finding]:
    """A text is not one GoogleSQL expression.

    Problem: An expression, a condition, an input or a default is not one valid expression. A bracket or quote is
    missing, or the text is a statement, a query or a table.

    Why: The text becomes part of a statement that scores rows, creates a view or alters the table. Text that is not one
    expression could end that statement and start another.

    Example: expr: (SELECT MAX(quality) FROM other_table)

    Fix: Fix the mistake at the caret; docs/reference/language.md describes the language.
    """
    return _found(subject, "reading")


@rule("FQ151", group=Group.REGISTRY)
def unknown_name(subject: Subject) -> Iterator[Finding]:
    """An expression uses an unknown name.

    Problem: A name is not a column of the table and not a property of a feature, or a parameter is not `@computed_at`.
    Inputs can use only base columns and upstream columns.

    Why: The warehouse would reject the scoring statement, for all rows.

    Example: expr: TIER(feature_quality_scor)

    Fix: Use the suggested name; write text in quotes.
    """
    return _found(subject, Trouble.NAME)


@rule("FQ152", group=Group.REGISTRY)
def unknown_function(subject: Subject) -> Iterator[Finding]:
    """An expression calls a function that is not allowed.

    Problem: The function is not in the list of docs/reference/language.md.

    Why: Functions in the list return the same value on every warehouse and at every time. CURRENT_TIMESTAMP and RAND do
    not, and a UDF may not exist where the table is.

    Example: expr: TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), created_at, HOUR)

    Fix: Write the suggested replacement, or use a function of the list.
    """
    return _found(subject, Trouble.FUNCTION)


@rule("FQ153", group=Group.REGISTRY)
def wrong_argument(subject: Subject) -> Iterator[Finding]:
    """A part of an expression has the wrong type.

    Problem: A function, an operator, CASE or IN has an argument of the wrong type, too many or too few arguments, or
    arguments without a common type.

    Why: The warehouse would reject the scoring statement, or two warehouses would compute different values.

    Example: expr: IF(quality_tier = 'gold', 1, 'no')

    Fix: Write the suggested conversion, or correct the argument.
    """
    return _found(subject, Trouble.TYPE)


@rule("FQ154", group=Group.REGISTRY)
def wrong_result_type(subject: Subject) -> Iterator[Finding]:
    """The result of an expression has the wrong type.

    Problem: The type of an expression is not that of its column, a condition is not BOOL, the number of an alert is not
    INT64, or a source is not STRING. INT64 is accepted for FLOAT64, and both are accepted for NUMERIC.

    Why: The value could not be stored. FLOAT64 in an INT64 column would be rounded without a message.

    Example: {name: default_feature_count, type: INT64, expr: AVG_OVER_FEATURES(quality)}

    Fix: Write the suggested CAST, or change `type`.
    """
    return _found(subject, "result")


@rule("FQ155", group=Group.REGISTRY)
def name_out_of_place(subject: Subject) -> Iterator[Finding]:
    """A property of a feature is used outside a feature.

    Problem: A name such as quality, source or index is outside an aggregate over features, in a column that is not
    repeated for each feature; or an aggregate is inside another aggregate.

    Why: A row has many features, so the name has no single value.

    Example: expr: quality >= 85

    Fix: Put it into an aggregate such as ANY_FEATURE(quality >= 85), or repeat the column with `for_each: feature`.
    """
    return _found(subject, Trouble.PLACE)


@rule("FQ156", group=Group.REGISTRY)
def compared_with_null(subject: Subject) -> Iterator[Finding]:
    """An expression compares a value with NULL.

    Problem: NULL is an operand of =, !=, <, BETWEEN or IN.

    Why: The result is NULL, never TRUE. `x NOT IN ('a', NULL)` is TRUE for no row.

    Example: when: source = NULL

    Fix: Write IS NULL or IS NOT NULL.
    """
    return _found(subject, Trouble.NULL)


@rule("FQ157", group=Group.REGISTRY)
def circular_columns(subject: Subject) -> Iterator[Finding]:
    """Columns depend on each other in a cycle.

    Problem: A column depends on itself, directly or through other columns.

    Why: No column of the cycle can be computed first.

    Example: score from ready, ready from ALERT_LEVEL(), and an alert level from score

    Fix: Compute one of them from features or from columns outside the cycle. Inputs must read only columns that fqtool
    does not write.
    """
    yield from _read_and_written(subject)
    columns = {one.name.lower(): one for one in subject.managed}
    reported = set[frozenset[int]]()
    for path in _cycles(_needs(subject)):
        inside = [columns[name] for name in path if name in columns]
        entries = frozenset(id(one.spec) for one in inside)
        if inside and entries not in reported:
            reported.add(entries)
            first = path.index(inside[0].name.lower())
            turned = [*path[first:], *path[:first], path[first]]
            way = " -> ".join(columns[name].name if name in columns else name for name in turned)
            message = f"{inside[0].name} depends on itself: {way}."
            remedy = f"Compute {inside[-1].name} without {turned[1] if len(inside) == 1 else inside[0].name}."
            yield Finding(inside[0].spec.name, message, remedy=remedy, location=inside[0].spec.at)


def _read_and_written(subject: Subject) -> Iterator[Finding]:
    """An input of a feature must not be a column that is computed from features."""
    ours = {one.name.lower(): one.spec for one in subject.managed if one.spec.owner is Owner.FQTOOL}
    for one in examined(subject).read:
        entry = one.entry
        for name in sorted(one.fixed) if entry.path[0] in ("inputs", "features", "processors") else ():
            if spec := ours.get(name.lower()):
                remedy = f"Read another column, rename {spec.name}, or give it `owner: upstream`."
                at = place_of(subject, entry, one.values, one.expression.span.start)
                yield Finding(entry.subject, f"{entry.subject} reads {name}, which fqtool writes.", "", remedy, at)


def _needs(subject: Subject) -> dict[str, tuple[str, ...]]:
    """Return the names that each computed column depends on, in lower case; functions of the registry as NAME()."""
    by_spec: dict[int, list[Read]] = {}
    for one in examined(subject).read:
        by_spec.setdefault(id(one.entry.spec), []).append(one)
    needs: dict[str, tuple[str, ...]] = _of_functions(subject.registry, by_spec.get(id(None), []))
    for column in subject.managed:
        values = _values(column)
        for one in by_spec.get(id(column.spec), ()) if column.spec.owner is not Owner.UPSTREAM else ():
            named = [*one.fixed, *(fill(word, values) for word in one.filled)]
            needs[column.name.lower()] = (*sorted(name.lower() for name in named), *_functions(one.expression))
    return needs


def _values(column: ExpandedColumn) -> Mapping[str, object]:
    if column.feature:
        return feature_values(column.feature)
    return category_values(column.category) if column.category else {}


def _of_functions(registry: Registry, read: list[Read]) -> dict[str, tuple[str, ...]]:
    asked = {"alert_levels": "ALERT_LEVEL()", "alerts": "ALERT_CODES()", "models": "COMPATIBLE_MODELS()"}
    needs: dict[str, tuple[str, ...]] = {}
    for one in read:
        if name := asked.get(str(one.entry.path[0])):
            named = sorted(inner.lower() for inner in one.fixed)
            needs[name] = (*needs.get(name, ()), *named, *_functions(one.expression))
    runs = [name.lower() for job in registry.processors for name in (job.last_updated, job.rows_found) if name]
    return needs | {"PROCESSORS_RAN()": tuple(runs), "MISSING_PROCESSORS()": tuple(runs)}


def _functions(e: Expression) -> Iterator[str]:
    waiting = [e]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Call) and one.name in OF_REGISTRY and one.name != "TIER":
            yield f"{one.name}()"
        waiting += children(one)


def _cycles(needs: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield a path for each cycle. No recursion: a chain may have ten thousand columns."""
    done = set[str]()
    for start in needs:
        path: list[str] = []
        on_path: dict[str, int] = {}
        waiting = [iter((start,))]
        while waiting:
            name = next(waiting[-1], None)
            if name is None:
                waiting.pop()
                if path:
                    done.add(path.pop())
                    on_path.popitem()
            elif name in on_path:
                yield path[on_path[name] :]
            elif name in needs and name not in done:
                on_path[name] = len(path)
                path.append(name)
                waiting.append(iter(needs[name]))
