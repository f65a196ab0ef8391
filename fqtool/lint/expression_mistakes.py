"""Parse and type-check the expressions of a registry, each once, however often it is repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fqtool.expressions.expression import Call, Expression, Name, Span, children
from fqtool.expressions.functions import OVER_FEATURES
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import DYNAMIC, Names
from fqtool.expressions.sql_guard import check_fragment
from fqtool.expressions.typecheck import Trouble, infer
from fqtool.expressions.value_types import LADDER, Given, ValueType, assignable, conversion
from fqtool.findings.finding import Finding, Location
from fqtool.lint.context import Subject
from fqtool.lint.expressions import WORD, Entry, Values, entries
from fqtool.registry.checks.explain_schema import nearest
from fqtool.registry.placeholders import PLACEHOLDER, feature_values, fill
from fqtool.registry.yaml.edit import scalar
from fqtool.registry.yaml.positions import place_in
from fqtool.table.column import Kind as ColumnKind

_UNFILLED = re.compile(r"\{[A-Za-z_]+\}")
_WIDTH = 72
_CUT = "..."
_TABLE = re.compile(r"\bFROM\s+(?!UNNEST\b)([\w`.-]+)", re.IGNORECASE)
_JOINED = (
    "Write the values into a column of the table each day, and read it: docs/how-to/declare-where-values-are.md shows "
    "the statement."
)
_READABLE = "Fix the mistake at the caret; docs/reference/language.md describes the language."

Kind = Trouble | Literal["reading", "result"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in an expression: its kind and its finding."""

    kind: Kind
    finding: Finding


@dataclass(frozen=True)
class Read:
    """An entry whose expression is valid, with the names in it: `fixed` without, `filled` with placeholders."""

    entry: Entry
    expression: Expression
    fixed: frozenset[str]
    filled: tuple[str, ...]
    values: Values


@dataclass(frozen=True, slots=True)
class Examined:
    """All expressions of a registry: the mistakes, and the entries that could be parsed."""

    mistakes: tuple[Mistake, ...]
    read: tuple[Read, ...]


def examined(subject: Subject) -> Examined:
    """Return the mistakes in all expressions. The result is cached on the subject, because every rule needs it."""
    kept: dict[str, Examined] = vars(subject)  # cached_property stores its value there too
    if "_expressions" not in kept:
        mistakes: list[Mistake] = []
        read: list[Read] = []
        for entry in entries(subject):
            mistakes += dict.fromkeys(_examine(subject, entry, read))
        kept["_expressions"] = Examined(tuple(mistakes), tuple(read))
    return kept["_expressions"]


def _examine(subject: Subject, entry: Entry, read: list[Read]) -> Iterator[Mistake]:
    reported = set[tuple[Kind, Location]]()
    for text, values in entry.variants():
        if values and _UNFILLED.search(text):
            continue  # another rule reports unknown placeholders
        for kind, span, message, way_out in _problems(entry, text, values, read):
            at, remedy, word = place_of(subject, entry, values, span.start), way_out, text[span.start : span.end]
            if kind is Trouble.NAME and entry.path[-1] == "default" and not word.startswith("@"):
                continue  # another rule reports a column in a default
            if kind is Trouble.NAME and entry.path[0] == "inputs" and word in _filled(entry, values):
                at, remedy = _of_input(subject, entry, values, text, span)
            elif kind is Trouble.NAME and word == values.get("name"):
                at, remedy = _of_feature(subject, entry, word, at)
            elif kind is Trouble.NAME and entry.text != text and word.endswith(f".{values.get('name')}"):
                # A field of a STRUCT with the name of a feature.
                feature = next((one for one in subject.registry.features if one.name == values["name"]), None)
                at = subject.within(feature.at, "name") if feature else at
                add = f"dd the field {values['name']} to the type of the column under `base_columns`."
                remedy = f"{way_out.rstrip('.')}, or a{add}" if way_out else f"A{add}"
            # The same mistake in the entry of another feature is one mistake.
            if (kind, at) not in reported:
                reported.add((kind, at))
                yield Mistake(kind, Finding(entry.subject, f"{message}\n{shown(text, span)}", "", remedy, at))


def _filled(entry: Entry, values: Values) -> frozenset[str]:
    """The words of an expression that are made from a feature."""
    return frozenset(fill(word, values) for word in WORD.findall(entry.text))


def _of_input(subject: Subject, entry: Entry, values: Values, text: str, span: Span) -> tuple[Location, str]:
    """Place and remedy where `inputs` makes the name of a column from a feature, and there is no such column.

    The feature keeps its name, which models read; its own `value` or `source` reads another column.
    """
    key, word = str(entry.path[-1]), text[span.start : span.end]
    feature = next(one for one in subject.registry.features if one.name == values["name"])
    unread = _unread(subject, key)
    column = nearest(word, unread) or (unread[0] if len(unread) == 1 else "")
    declare = f"eclare the column {word} under `base_columns`"
    remedy = f"D{declare}, or write a `{key}` of its own in the feature {feature.name}."
    if column:
        own = scalar(f"{text[: span.start]}{column}{text[span.end :]}")
        remedy = f"Write `{key}: {own}` in the feature {feature.name}, or d{declare}."
    return subject.within(feature.at, "name"), remedy


def _unread(subject: Subject, key: str) -> list[str]:
    """The base columns of a type for a label or a value that no feature, key or processor reads."""
    registry, inputs = subject.registry, subject.registry.inputs
    texts = [
        fill(text, feature_values(one))
        for one in registry.active_features
        for text in (one.value or inputs.value, one.source or inputs.source, one.sample_size)
    ]
    jobs = (name for job in registry.processors for name in (job.last_updated, job.rows_found))
    read = {word.lower() for text in (*texts, *registry.table.keys, *jobs) for word in re.findall(r"\w+", text)}
    kinds = (ColumnKind.STRING,) if key == "source" else (*LADDER, ColumnKind.BOOL)
    types = ((one.name, subject.types[one.name.lower()]) for one in registry.base_columns)
    return [name for name, found in types if found and found[0].kind in kinds and name.lower() not in read]


def _of_feature(subject: Subject, entry: Entry, name: str, at: Location) -> tuple[Location, str]:
    """Place and remedy where the name of a feature was filled in, and no column has it."""
    feature = next((one for one in subject.registry.features if one.name == name), None)
    similar = nearest(name, [*entry.names.columns, *entry.names.of_feature])
    declare = f"Write {similar}, or declare" if similar else "Declare"
    remedy = f"{declare} the column {name} under `base_columns` first."
    return (subject.within(feature.at, "name") if feature else at), remedy


def _problems(entry: Entry, text: str, values: Values, read: list[Read]) -> Iterator[tuple[Kind, Span, str, str]]:
    try:
        if entry.names.open:
            check_fragment(text)
    except Unreadable as error:
        yield _unreadable(error)
        return
    try:
        made = parse_expression(text)
    except Unreadable as error:
        if not entry.names.open:  # SQL of the warehouse may use syntax that fqtool cannot parse
            yield _of_another_table(entry, text) or _unreadable(error)
        return
    found, problems = infer(made, entry.names)
    read.append(_read(entry, made, values))
    for one in problems:
        yield one.trouble, one.span, one.message, one.remedy
    if found and entry.expected and not problems and not assignable(Given(Name(""), found), entry.expected):
        yield (
            "result",
            made.span,
            f"The type of this expression is {found}, but {_expected(entry)}.",
            _remedy(entry, text, found),
        )


def _of_another_table(entry: Entry, text: str) -> tuple[Kind, Span, str, str] | None:
    """The mistake that an input is a query of another table or of a view; None for any other text."""
    found = _TABLE.search(text) if entry.path[-1] in ("value", "source") else None
    if found is None:
        return None
    message = (
        f"The {entry.path[-1]} reads another table or a view. score, backfill, diagnose, daily, report, explain, "
        "models, learn and check-drift --data read only the rows of the table."
    )
    return "reading", Span(*found.span(1)), message, _JOINED


def _unreadable(error: Unreadable) -> tuple[Kind, Span, str, str]:
    message = error.message[:1].upper() + error.message[1:].rstrip(".")
    return "reading", Span(error.at, error.at + 1), f"{message}.", _READABLE


def _read(entry: Entry, made: Expression, values: Values) -> Read:
    words = {fill(word, values): word for word in WORD.findall(entry.text)} if values else {}
    names = _names(made, entry.names)
    return Read(entry, made, names - words.keys(), tuple(word for text, word in words.items() if text in names), values)


def _names(e: Expression, names: Names) -> frozenset[str]:
    """Return the columns that are named. A stack, not recursion: expressions may be long."""
    found, waiting = set[str](), [(e, names.per_feature)]
    while waiting:
        one, in_feature = waiting.pop()
        if isinstance(one, Name) and one.name not in (names.of_feature if in_feature else DYNAMIC):
            found.add(one.name)
        inside = in_feature or (isinstance(one, Call) and one.name in OVER_FEATURES)
        waiting += ((inner, inside) for inner in children(one))
    return frozenset(found)


def _expected(entry: Entry) -> str:
    if entry.spec:
        return f"the type of {entry.subject} is {entry.spec.type}"
    key = next(step for step in reversed(entry.path) if isinstance(step, str))
    return f"{key} must be {entry.expected}"


def _remedy(entry: Entry, text: str, found: ValueType) -> str:
    if entry.path[0] == "processors":  # the name of a column, and no expression
        return f"Name a column of the type {entry.expected}, or remove `{entry.path[-1]}`."
    flat = " ".join(text.split())
    short = flat if len(flat) <= _WIDTH else "..."
    written = conversion(short, found, str(entry.expected))
    fixes = [one for one in (written, f"type: {found}" if entry.spec else "") if one]
    return f"Write {' or '.join(fixes)}." if fixes else f"Write an expression of the type {entry.expected}."


def shown(text: str, span: Span) -> str:
    """Return the part of an expression around a span on one line, and carets under the span."""
    flat = re.sub(r"\s", " ", text)
    start = 0 if span.end <= _WIDTH else max(0, min(span.start - _WIDTH // 3, len(flat) - _WIDTH))
    piece = flat[start : start + _WIDTH]
    before = _CUT if start else ""
    after = _CUT if start + _WIDTH < len(flat) else ""
    count = max(min(span.end, start + _WIDTH) - span.start, 1)
    return f"    {before}{piece}{after}\n    {' ' * (len(before) + span.start - start)}{'^' * count}"


def _unfilled(raw: str, values: Values, offset: int) -> int:
    """Return the offset in the raw text of what is at `offset` after placeholders are filled in."""
    grown = 0
    for found in PLACEHOLDER.finditer(raw) if values else ():
        begin, length = found.start() + grown, len(str(values.get(found[1], found[0])))
        if offset < begin:
            break
        if offset < begin + length:
            return found.start()
        grown += length - len(found[0])
    return offset - grown


def place_of(subject: Subject, entry: Entry, values: Values, start: int) -> Location:
    """Return the place in the file of a part of an expression.

    Args:
        subject: The registry.
        entry: The entry with the expression.
        values: The values of its placeholders.
        start: The index, from 0, in the text with placeholders filled in.
    """
    document, path, offset = subject.registry.document, entry.path, _unfilled(entry.text, values, start)
    if document is None:
        return entry.at
    if path[0] == "features":  # the model sorts them by index, the file may not
        listed = document.data["features"]
        path = ("features", next(n for n, one in enumerate(listed) if one["index"] == path[1]), *path[2:])
    try:
        value = document.value(path)
    except (KeyError, IndexError, TypeError):
        return entry.at
    return place_in(document, path, value, offset) if value == entry.text else entry.at
