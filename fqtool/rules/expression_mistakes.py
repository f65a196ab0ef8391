"""What is wrong with the expressions of a registry: each read and type-checked once, however often it repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fqtool.finding import Finding, Location
from fqtool.quality.build import fill
from fqtool.quality.expression import Call, Expression, Name, Span, children
from fqtool.quality.fragment import check_fragment
from fqtool.quality.functions import OVER_FEATURES
from fqtool.quality.grammar import Unreadable, parse_expression
from fqtool.quality.language import DYNAMIC
from fqtool.quality.names import Names
from fqtool.quality.typecheck import Trouble, infer
from fqtool.quality.value_types import Given, ValueType, assignable, conversion
from fqtool.registry.scalar import place_in
from fqtool.rules.expressions import WORD, Entry, Values, entries
from fqtool.rules.subject import Subject

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_UNFILLED = re.compile(r"\{[A-Za-z_]+\}")
_WIDTH = 72
_CUT = "..."
_READABLE = "Mend the place under the caret; docs/reference/language.md says what can be written."

Kind = Trouble | Literal["reading", "result"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with an expression: which kind, and the finding."""

    kind: Kind
    finding: Finding


@dataclass(frozen=True)
class Read:
    """An entry that could be read, with the names it holds: as they are, and with placeholders."""

    entry: Entry
    expression: Expression
    fixed: frozenset[str]
    filled: tuple[str, ...]
    values: Values


@dataclass(frozen=True, slots=True)
class Examined:
    """All expressions of a registry: the mistakes, and what could be read."""

    mistakes: tuple[Mistake, ...]
    read: tuple[Read, ...]


def examined(subject: Subject) -> Examined:
    """Return what is to say of all expressions; worked out once for a subject, since every rule asks."""
    kept: dict[str, Examined] = vars(subject)  # where a cached_property keeps its value too
    if "_expressions" not in kept:
        mistakes: list[Mistake] = []
        read: list[Read] = []
        for entry in entries(subject):
            mistakes += dict.fromkeys(_examine(subject, entry, read))
        kept["_expressions"] = Examined(tuple(mistakes), tuple(read))
    return kept["_expressions"]


def _examine(subject: Subject, entry: Entry, read: list[Read]) -> Iterator[Mistake]:
    told = set[tuple[Kind, Location]]()
    for text, values in entry.variants():
        if values and _UNFILLED.search(text):
            continue  # another rule speaks of placeholders
        for kind, span, message, remedy in _problems(entry, text, values, read):
            at = place_of(subject, entry, values, span.start)
            # The same mistake with another feature's number is the same mistake.
            if (kind, at) not in told:
                told.add((kind, at))
                yield Mistake(kind, Finding(entry.subject, f"{message}\n{shown(text, span)}", "", remedy, at))


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
        if not entry.names.open:  # SQL of the warehouse may be more than one expression of ours
            yield _unreadable(error)
        return
    found, problems = infer(made, entry.names)
    read.append(_read(entry, made, values))
    for one in problems:
        yield one.trouble, one.span, one.message, one.remedy
    if found and entry.wanted and not problems and not assignable(Given(Name(""), found), entry.wanted):
        yield "result", made.span, f"This gives {found}; {_wants(entry)}.", _remedy(entry, text, found)


def _unreadable(error: Unreadable) -> tuple[Kind, Span, str, str]:
    message = error.message[:1].upper() + error.message[1:].rstrip(".")
    return "reading", Span(error.at, error.at + 1), f"{message}.", _READABLE


def _read(entry: Entry, made: Expression, values: Values) -> Read:
    words = {fill(word, values): word for word in WORD.findall(entry.text)} if values else {}
    names = _names(made, entry.names)
    return Read(entry, made, names - words.keys(), tuple(word for text, word in words.items() if text in names), values)


def _names(e: Expression, names: Names) -> frozenset[str]:
    """Return the columns that are named; on a stack, since a registry may hold long expressions."""
    found, waiting = set[str](), [(e, names.per_feature)]
    while waiting:
        one, in_feature = waiting.pop()
        if isinstance(one, Name) and one.name not in (names.of_feature if in_feature else DYNAMIC):
            found.add(one.name)
        inside = in_feature or (isinstance(one, Call) and one.name in OVER_FEATURES)
        waiting += ((inner, inside) for inner in children(one))
    return frozenset(found)


def _wants(entry: Entry) -> str:
    if entry.spec:
        return f"the type of {entry.subject} is {entry.spec.type}"
    key = next(step for step in reversed(entry.path) if isinstance(step, str))
    return f"{key} must be {entry.wanted}"


def _remedy(entry: Entry, text: str, found: ValueType) -> str:
    flat = " ".join(text.split())
    short = flat if len(flat) <= _WIDTH else "..."
    written = conversion(short, found, str(entry.wanted))
    told = [one for one in (written, f"type: {found}" if entry.spec else "") if one]
    return f"Write {' or '.join(told)}." if told else f"Write an expression whose type is {entry.wanted}."


def shown(text: str, span: Span) -> str:
    """Return the part of an expression around a place on one line, and carets under the place."""
    flat = re.sub(r"\s", " ", text)
    start = 0 if span.end <= _WIDTH else max(0, min(span.start - _WIDTH // 3, len(flat) - _WIDTH))
    piece = flat[start : start + _WIDTH]
    before = _CUT if start else ""
    after = _CUT if start + _WIDTH < len(flat) else ""
    count = max(min(span.end, start + _WIDTH) - span.start, 1)
    return f"    {before}{piece}{after}\n    {' ' * (len(before) + span.start - start)}{'^' * count}"


def _unfilled(raw: str, values: Values, offset: int) -> int:
    """Return where in the raw text stands what has this offset after placeholders are filled in."""
    grown = 0
    for found in _PLACEHOLDER.finditer(raw) if values else ():
        begin, length = found.start() + grown, len(str(values.get(found[1], found[0])))
        if offset < begin:
            break
        if offset < begin + length:
            return found.start()
        grown += length - len(found[0])
    return offset - grown


def place_of(subject: Subject, entry: Entry, values: Values, start: int) -> Location:
    """Return the place in the file of what begins at `start` in the entry's text with these values filled in."""
    document, path, offset = subject.registry.document, entry.path, _unfilled(entry.text, values, start)
    if document is None:
        return entry.at
    if path[0] == "features":  # they are sorted by index, not as the file has them
        listed = document.data["features"]
        path = ("features", next(n for n, one in enumerate(listed) if one["index"] == path[1]), *path[2:])
    try:
        value = document.value(path)
    except (KeyError, IndexError, TypeError):
        return entry.at
    return place_in(document, path, value, offset) if value == entry.text else entry.at
