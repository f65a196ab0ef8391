"""Rules on the expressions of a registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fqtool.finding import Finding, rule
from fqtool.quality.build import ExpandedColumn, category_values, feature_values, fill
from fqtool.quality.expression import Call, Expression, children
from fqtool.quality.functions import OF_REGISTRY
from fqtool.quality.typecheck import Trouble
from fqtool.registry.model import Owner, Registry
from fqtool.rules.expression_mistakes import Kind, Read, examined, place_of
from fqtool.rules.subject import Subject


def _found(subject: Subject, kind: Kind) -> Iterator[Finding]:
    return (one.finding for one in examined(subject).mistakes if one.kind == kind)


@rule("FQ150")
def unreadable_expression(subject: Subject) -> Iterator[Finding]:
    """A text is not one GoogleSQL expression.

    Problem: an expr, a condition, an input or a default cannot be read as one expression: a bracket or quote is
    missing, or it is a statement, a query, a table.

    Why: it stands inside a statement that scores rows, makes a view or alters the table; what cannot be read would end
    that statement and begin another.

    Example: expr: (SELECT MAX(quality) FROM other_table)

    Fix: mend the place under the caret; docs/reference/language.md says what can be written.
    """
    return _found(subject, "reading")


@rule("FQ151")
def unknown_name(subject: Subject) -> Iterator[Finding]:
    """An expression names what does not exist.

    Problem: a name is no column of the table and, where features can be spoken of, nothing that a feature has; or a
    parameter is not `@computed_at`. Inputs see only base columns and those of upstream.

    Why: the statement that scores would be refused by the warehouse, for all rows.

    Example: expr: TIER(feature_quality_scor)

    Fix: take the suggestion; put a text into quotes.
    """
    return _found(subject, Trouble.NAME)


@rule("FQ152")
def unknown_function(subject: Subject) -> Iterator[Finding]:
    """An expression calls a function that it may not call.

    Problem: the function is not in the list of docs/reference/language.md.

    Why: what is in the list answers alike on every warehouse and on every day. CURRENT_TIMESTAMP and RAND do not;
    a UDF is not there when the table is.

    Example: expr: TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), created_at, HOUR)

    Fix: write what the remedy says, or take a function of the list.
    """
    return _found(subject, Trouble.FUNCTION)


@rule("FQ153")
def wrong_argument(subject: Subject) -> Iterator[Finding]:
    """A part of an expression has a type that does not fit its place.

    Problem: a function, an operator, CASE or IN gets a value of the wrong type, too many or too few of them, or values
    that have no common type.

    Why: the warehouse would refuse the statement that scores, or two warehouses would compute different values.

    Example: expr: IF(quality_tier = 'gold', 1, 'no')

    Fix: write the conversion that the remedy gives, or correct the argument.
    """
    return _found(subject, Trouble.TYPE)


@rule("FQ154")
def wrong_result_type(subject: Subject) -> Iterator[Finding]:
    """An expression gives another type than is needed.

    Problem: the type of an expr is not that of its column, a condition is not BOOL, a number of an alert is not INT64,
    or a source is not STRING. INT64 goes where FLOAT64 is needed, and both go where NUMERIC is.

    Why: the value could not be stored; FLOAT64 in an INT64 column would be rounded without a word.

    Example: {name: default_feature_count, type: INT64, expr: AVG_OVER_FEATURES(quality)}

    Fix: write the CAST, or change `type`.
    """
    return _found(subject, "result")


@rule("FQ155")
def name_out_of_place(subject: Subject) -> Iterator[Finding]:
    """What a feature has is named where there is no feature.

    Problem: quality, source, index and the like stand outside an aggregate over features, in a column that is not
    repeated for each feature; or an aggregate stands inside another.

    Why: a row has many features, so the name has no single value.

    Example: expr: quality >= 85

    Fix: put it into an aggregate such as ANY_FEATURE(quality >= 85), or repeat the column with for_each: feature.
    """
    return _found(subject, Trouble.PLACE)


@rule("FQ156")
def compared_with_null(subject: Subject) -> Iterator[Finding]:
    """Something is compared with NULL.

    Problem: NULL stands beside =, !=, <, BETWEEN or in IN.

    Why: the answer is NULL, never TRUE. `x NOT IN ('a', NULL)` holds for no row at all.

    Example: when: source = NULL

    Fix: write IS NULL or IS NOT NULL.
    """
    return _found(subject, Trouble.NULL)


@rule("FQ157")
def circular_columns(subject: Subject) -> Iterator[Finding]:
    """Columns need each other in a circle.

    Problem: following the columns that an expr names leads back to the column itself.

    Why: none of them can be computed first.

    Example: score from ready, ready from ALERT_LEVEL(), and an alert level from score

    Fix: compute one of them from the features, or from columns outside the circle; let inputs read columns that fqtool
    does not write.
    """
    yield from _read_and_written(subject)
    columns = {one.name.lower(): one for one in subject.managed}
    told = set[frozenset[int]]()
    for path in _circles(_needs(subject)):
        inside = [columns[name] for name in path if name in columns]
        entries = frozenset(id(one.spec) for one in inside)
        if inside and entries not in told:
            told.add(entries)
            first = path.index(inside[0].name.lower())
            turned = [*path[first:], *path[:first], path[first]]
            way = " -> ".join(columns[name].name if name in columns else name for name in turned)
            message = f"{inside[0].name} needs itself: {way}."
            remedy = f"Compute {inside[-1].name} without {turned[1] if len(inside) == 1 else inside[0].name}."
            yield Finding(inside[0].spec.name, message, remedy=remedy, location=inside[0].spec.at)


def _read_and_written(subject: Subject) -> Iterator[Finding]:
    """What is read for each feature must not be what is computed from it."""
    ours = {one.name.lower(): one.spec for one in subject.managed if one.spec.owner is Owner.FQTOOL}
    for one in examined(subject).read:
        entry = one.entry
        for name in sorted(one.fixed) if entry.path[0] in ("inputs", "features", "processors") else ():
            if spec := ours.get(name.lower()):
                remedy = f"Read another column, or let {spec.name} have another name or owner: upstream."
                at = place_of(subject, entry, one.values, one.expression.span.start)
                yield Finding(entry.subject, f"{entry.subject} reads {name}, which fqtool writes.", "", remedy, at)


def _needs(subject: Subject) -> dict[str, tuple[str, ...]]:
    """Return what each computed column names, in lower case; registry functions stand between as NAME()."""
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


def _circles(needs: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield a path for each circle met, walking without recursion: ten thousand columns may follow each other."""
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
