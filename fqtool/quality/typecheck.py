"""Which type an expression has, and everything that is wrong with it, without asking a warehouse.

It looks at an expression as it is written, before aggregates over features are expanded. What passes here, Google's
analyser accepts; a few things that it would accept are refused, because DuckDB or the feature language cannot keep
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from fqtool.errors import InputError
from fqtool.quality import functions, value_types
from fqtool.quality.expression import (
    Array,
    Between,
    Binary,
    Call,
    Case,
    Expression,
    In,
    Index,
    Is,
    Literal,
    Name,
    Parameter,
    Span,
    Unary,
    render,
)
from fqtool.quality.language import DYNAMIC
from fqtool.quality.names import Names
from fqtool.quality.value_types import BOOL, DATE, FLOAT64, INT64, STRING, Given, NoCommonTypeError, ValueType
from fqtool.registry.explain import nearest
from fqtool.table.typetext import parse_type

_SHOWN = 40
_LARGEST = 2**63 - 1
_OF_PYTHON = {bool: BOOL, int: INT64, float: FLOAT64, str: STRING}
_UNSAYABLE = re.compile("[\0\ud800-\udfff]")


class Trouble(StrEnum):
    """What kind of mistake a problem is; each has a rule of its own."""

    NAME = "name"
    FUNCTION = "function"
    TYPE = "type"
    PLACE = "place"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where in the text, what is the case and was expected, and what to write."""

    trouble: Trouble
    span: Span
    message: str
    remedy: str = ""


def infer(e: Expression, names: Names) -> tuple[ValueType | None, tuple[Problem, ...]]:
    """Return the type, None where it is NULL or a mistake hides it, and all mistakes in reading order. Never raises."""
    checker = _Checker(names)
    try:
        found = checker.type_of(e)
    except RecursionError:
        remedy = "Make columns of its parts, and name those."
        return None, (Problem(Trouble.TYPE, e.span, "This is nested too deep.", remedy),)
    in_order = sorted(dict.fromkeys(checker.problems), key=lambda one: (one.span.start, one.span.end))
    return None if checker.problems else found, tuple(in_order)


def _shown(e: Expression) -> str:
    try:
        text = render(e)
    except InputError:
        return "This"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


class _Checker:
    """Walks one expression; `in_feature` tells whether names of a feature have a value at this place."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.problems: list[Problem] = []
        self.in_feature = names.per_feature
        self.aggregate = ""
        known = functions.OVER_FEATURES | functions.OF_REGISTRY if names.of_feature else {}
        self.known = functions.FUNCTIONS | known | (functions.OVER_ROWS if names.open else {})

    def says(self, trouble: Trouble, e: Expression, message: str, remedy: str = "") -> None:
        self.problems.append(Problem(trouble, e.span, message, remedy))

    def given(self, parts: Iterable[Expression]) -> list[Given]:
        return [Given(part, self.type_of(part)) for part in parts]

    def type_of(self, e: Expression) -> ValueType | None:
        match e:
            case Literal(value):
                return self._literal(e, value)
            case Name(name):
                return self._name(e, name)
            case Parameter(name):
                remedy = " ".join(f"Write @{one}, the only one." for one in self.names.parameters)
                if name not in self.names.parameters:
                    self.says(Trouble.NAME, e, f"There is no parameter @{name} here.", remedy)
                return self.names.parameters.get(name)
            case Call():
                return self._call(e)
            case Unary("-", Literal(int() as value)) if value == _LARGEST + 1:
                return INT64
            case Unary(operator, operand):
                return self._match(e, operator, functions.OPERATORS[operator], (operand,))
            case Binary("AND" | "OR" as operator, left, right):
                for one in self.given((left, right)):
                    self._wants(one, "BOOL", operator, null=True)
                return BOOL
            case Binary(operator, left, right) if operator in functions.OPERATORS:
                return self._operation(e, operator, (left, right))
            case Binary(operator, left, right):
                return self._compared(e, operator, (left, right), negated=operator == "!=")
            case Between(operand, low, high):
                return self._compared(e, "BETWEEN", (operand, low, high))
            case In(operand, items, negated):
                return self._compared(e, "IN", (operand, *items), negated=negated)
            case Is(operand, what):
                self._wants(Given(operand, self.type_of(operand)), "T" if what is None else "BOOL", "IS", null=True)
                return BOOL
            case Case(branches, otherwise):
                for one in self.given(when for when, _ in branches):
                    self._wants(one, "BOOL", "WHEN")
                ends = [then for _, then in branches] + ([] if otherwise is None else [otherwise])
                return self._common(e, self.given(ends), "The results of CASE")
            case Array(items, element):
                of_items = self._agreed(e, "[]", [(one, "COMPARABLE") for one in self.given(items)], "ARRAY")
                return value_types.type_named(f"ARRAY<{element or 'INT64'}>") if element or not items else of_items
            case Index(operand, how, position):
                self._wants(Given(position, self.type_of(position)), "INT64", how)
                one = Given(operand, self.type_of(operand))
                self._wants(one, "ARRAY<T>", f"[{how}()]")
                return ValueType(one.type.kind, inner=one.type.inner) if one.type else None

    def _literal(self, e: Expression, value: object) -> ValueType | None:
        if isinstance(value, int) and value > _LARGEST:
            self.says(Trouble.TYPE, e, "This number is too large for INT64.", "Write it with a decimal point.")
        elif isinstance(value, str) and _UNSAYABLE.search(value):
            self.says(Trouble.TYPE, e, "This text holds a NUL or half a character, which SQL cannot carry.")
        return _OF_PYTHON.get(type(value))

    def _name(self, e: Expression, name: str) -> ValueType | None:
        columns, of_feature = self.names.columns, self.names.of_feature
        if self.in_feature and name in of_feature:
            return of_feature[name]
        if name.lower() in columns and not (of_feature and name in DYNAMIC):
            return columns[name.lower()]
        if name in of_feature:
            remedy = "Put it into an aggregate such as ANY_FEATURE, or repeat the column with for_each: feature."
            if name.lower() in columns:
                remedy = f"The column {name} cannot be named in an expression: call it something else. Or: {remedy}"
            self.says(Trouble.PLACE, e, f"{name} has a value only for a feature.", remedy)
            return of_feature[name]
        if self.names.open and name.upper() in functions.WITHOUT_BRACKETS:
            return None
        meant = nearest(name, [*columns, *of_feature])
        remedy = f"Did you mean {meant}?" if meant else f"If it is a text, write it in quotes: '{name}'."
        self.says(Trouble.NAME, e, f"Nothing is called {name} here.", remedy)
        return None

    def _operation(self, e: Expression, operator: str, sides: tuple[Expression, Expression]) -> ValueType | None:
        signature, given = functions.OPERATORS[operator], self.given(sides)
        if operator in ("+", "-") and [one.type for one in given] == [DATE, INT64]:
            return DATE
        if operator == "||" and any(one.type and one.type.repeated for one in given):
            signature = functions.FUNCTIONS["ARRAY_CONCAT"]
        (word, _, _), *_ = functions.parsed(signature)[0]
        return self._agreed(e, operator, [(one, word) for one in given], functions.parsed(signature)[1])

    def _compared(
        self, e: Expression, operator: str, parts: Sequence[Expression], *, negated: bool = False
    ) -> ValueType | None:
        given = self.given(parts)
        for one in given:
            if one.is_null:
                other = next((part for part in parts if part is not one.expression), one.expression)
                told = "Nothing equals NULL, not even NULL: this is never TRUE."
                self.says(Trouble.NULL, one.expression, told, f"Write {_shown(other)} IS {'NOT ' * negated}NULL.")
        return self._agreed(e, operator, [(one, "COMPARABLE") for one in given], "BOOL")

    def _call(self, e: Call) -> ValueType | None:
        if e.name in functions.CASTS:
            return self._cast(e, self.given(e.arguments))
        signature = self.known.get(e.name)
        if signature is None:
            if not self.names.open:
                written = functions.INSTEAD.get(e.name)
                close = get_close_matches(e.name[:_SHOWN], [*self.known, *functions.CASTS], n=1, cutoff=0)
                remedy = f"Write {written}." if written else f"The nearest that it may call is {close[0]}."
                self.says(Trouble.FUNCTION, e, f"{e.name} is no function that this expression may call.", remedy)
                outside, self.in_feature = self.in_feature, True  # it may have been meant to be over features
                self.given(e.arguments)
                self.in_feature = outside
            return None
        before, known = (self.in_feature, self.aggregate), len(self.problems)
        if self.aggregate and e.name in functions.OVER_FEATURES | functions.OF_REGISTRY:
            told = f"{e.name} cannot stand inside {self.aggregate}: a feature has no features."
            self.says(Trouble.PLACE, e, told, "Make a column of it, and name that.")
        if e.name in functions.OVER_FEATURES:
            self.in_feature, self.aggregate = True, e.name
        found = self._match(e, e.name, signature, e.arguments)
        self.in_feature, self.aggregate = before
        if self.names.open and e.name not in functions.SAME_EVERYWHERE:
            # A warehouse's own function of this name may take more than the signature says.
            self.problems[known:] = [one for one in self.problems[known:] if one.trouble is not Trouble.TYPE]
        return found

    def _cast(self, e: Call, given: list[Given]) -> ValueType | None:
        try:
            wanted, sized = value_types.type_named(e.type), parse_type(e.type)[0].length
        except InputError as error:
            self.says(Trouble.TYPE, e, error.message, error.remedy)
            return None
        for one in given:
            if sized or (one.type and not value_types.castable(one.type, wanted)):
                told = f"{_shown(one.expression)} is {one.type or 'NULL'}, which {e.name} does not make {e.type}."
                self.says(Trouble.TYPE, e, told, "Say the type without its length." if sized else "")
        return wanted

    def _match(self, e: Expression, name: str, signature: str, parts: Sequence[Expression]) -> ValueType | None:
        """Hold the arguments against the signature, and return the result's type."""
        takes, gives = functions.parsed(signature)
        if wanted := functions.wrong_count(takes, len(parts)):
            model = f"{name}({', '.join(functions.in_words(one.word) for one in takes)})"
            self.says(Trouble.TYPE, e, f"{name} takes {wanted}, not {len(parts)}.", f"Write {model}.")
            return None
        given: list[tuple[Given, str]] = []
        for number, part in enumerate(parts):
            word = takes[min(number, len(takes) - 1)].word
            if word not in functions.CONSTANTS:
                given.append((Given(part, self.type_of(part)), word))
            elif not functions.is_written(part, word):
                wanted = functions.in_words(word)
                self.says(Trouble.TYPE, part, f"{name} takes {wanted}, not {_shown(part)}.", f"Write {wanted}.")
        return self._agreed(e, name, given, gives)

    def _agreed(self, e: Expression, where: str, given: Sequence[tuple[Given, str]], gives: str) -> ValueType | None:
        """Hold each against its word, bring those of several kinds together, and return the result's type."""
        fine = [self._wants(one, word, where) for one, word in given]
        together = [one for one, word in given if functions.is_several(word)] if all(fine) else []
        found = self._common(e, together, f"What {where} takes") if together else None
        return functions.result(gives, found)

    def _wants(self, one: Given, word: str, where: str, *, null: bool = False) -> bool:
        """Say so where a value is not of a word of a signature."""
        if functions.takes(one, word) or (null and one.is_null):
            return True
        have, text, wanted = one.type or "NULL", _shown(one.expression), functions.in_words(word)
        written = value_types.conversion(text, one.type, word) if one.type else ""
        told = f"{text} is {have}; {where} takes {wanted}." if one.type else f"{where} takes {wanted}, not NULL."
        self.says(Trouble.TYPE, one.expression, told, f"Write {written}." if written else "")
        return False

    def _common(self, e: Expression, given: Sequence[Given], what: str) -> ValueType | None:
        try:
            return value_types.common(given)
        except NoCommonTypeError:
            kinds = dict.fromkeys(str(one.type) for one in given if one.type)
            told = f"{what} must be of one type; here it is {' and '.join(kinds)}."
            remedy = value_types.reconciled([(_shown(one.expression), one.type) for one in given])
            self.says(Trouble.TYPE, e, told, remedy)
            return None
