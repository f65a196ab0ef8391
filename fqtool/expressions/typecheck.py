"""Infer the type of an expression and report its mistakes, without a warehouse.

The check runs on the expression as written, before aggregates over features are expanded. Google's analyser accepts
every expression that passes. Some expressions that it accepts are refused, because DuckDB or the feature language does
not support them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from fqtool.errors import InputError
from fqtool.expressions import functions, value_types
from fqtool.expressions.expression import (
    Array,
    Between,
    Binary,
    Call,
    Case,
    Expression,
    Field,
    In,
    Index,
    Is,
    Literal,
    Lookup,
    Name,
    Parameter,
    Span,
    Unary,
    render,
)
from fqtool.expressions.names import DYNAMIC, Names
from fqtool.expressions.value_types import BOOL, DATE, FLOAT64, INT64, STRING, Given, NoCommonTypeError, ValueType
from fqtool.registry.checks.explain_schema import nearest
from fqtool.table.typetext import parse_type

_SHOWN = 40
_LARGEST = 2**63 - 1
_OF_PYTHON = {bool: BOOL, int: INT64, float: FLOAT64, str: STRING}
_NOT_ENCODABLE = re.compile("[\0\ud800-\udfff]")


class Trouble(StrEnum):
    """The kind of a mistake. Each kind has its own rule."""

    NAME = "name"
    FUNCTION = "function"
    TYPE = "type"
    PLACE = "place"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake: its kind, its place in the text, the message and the remedy."""

    trouble: Trouble
    span: Span
    message: str
    remedy: str = ""


def infer(e: Expression, names: Names) -> tuple[ValueType | None, tuple[Problem, ...]]:
    """Infer the type of an expression.

    Args:
        e: The expression.
        names: The names that it may use.

    Returns:
        The type, or None for NULL and for an expression with mistakes; and all mistakes in the order of the text.
    """
    checker = _Checker(names)
    try:
        found = checker.type_of(e)
    except RecursionError:
        remedy = "Make columns of its parts, and use these."
        return None, (Problem(Trouble.TYPE, e.span, "The expression is nested too deep.", remedy),)
    in_order = sorted(dict.fromkeys(checker.problems), key=lambda one: (one.span.start, one.span.end))
    return None if checker.problems else found, tuple(in_order)


def _shown(e: Expression) -> str:
    try:
        text = render(e)
    except InputError:
        return "This"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


class _Checker:
    """Walks one expression. `in_feature` is whether the names of a feature have a value at this place."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.problems: list[Problem] = []
        self.in_feature = names.per_feature
        self.aggregate = ""
        known = functions.OVER_FEATURES | functions.OF_REGISTRY if names.of_feature else {}
        self.known = functions.FUNCTIONS | known | (functions.OVER_ROWS if names.open else {})

    def report(self, trouble: Trouble, e: Expression, message: str, remedy: str = "") -> None:
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
                    self.report(Trouble.NAME, e, f"There is no parameter @{name} here.", remedy)
                return self.names.parameters.get(name)
            case Call():
                return self._call(e)
            case Unary("-", Literal(int() as value)) if value == _LARGEST + 1:
                return INT64
            case Unary(operator, operand):
                return self._match(e, operator, functions.OPERATORS[operator], (operand,))
            case Binary("AND" | "OR" as operator, left, right):
                for one in self.given((left, right)):
                    self._accepts(one, "BOOL", operator, null=True)
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
                self._accepts(Given(operand, self.type_of(operand)), "T" if what is None else "BOOL", "IS", null=True)
                return BOOL
            case Case(branches, otherwise):
                for one in self.given(when for when, _ in branches):
                    self._accepts(one, "BOOL", "WHEN")
                ends = [then for _, then in branches] + ([] if otherwise is None else [otherwise])
                return self._common(e, self.given(ends), "The results of CASE")
            case Array(items, element):
                of_items = self._agreed(e, "[]", [(one, "COMPARABLE") for one in self.given(items)], "ARRAY")
                return value_types.type_named(f"ARRAY<{element or 'INT64'}>") if element or not items else of_items
            case Index(operand, how, position):
                self._accepts(Given(position, self.type_of(position)), "INT64", how)
                one = Given(operand, self.type_of(operand))
                self._accepts(one, "ARRAY<T>", f"[{how}()]")
                return ValueType(one.type.kind, inner=one.type.inner) if one.type else None
            case Field(operand, name):
                return self._field(e, Given(operand, self.type_of(operand)), name)
            case Lookup(array, result, key, value):
                return self._lookup(e, Given(array, self.type_of(array)), result, (key, value))

    def _field(self, e: Expression, one: Given, name: str) -> ValueType | None:
        if one.type is None:
            return None
        fields = value_types.fields_of(one.type)
        if name.lower() in fields and not one.type.repeated:
            return fields[name.lower()]
        what = _shown(one.expression)
        message = f"{what} is {one.type}, which has no field {name}."
        meant = nearest(name, fields)
        remedy = f"Write {what}[SAFE_OFFSET(0)].{name}." if one.type.repeated and name.lower() in fields else ""
        self.report(Trouble.NAME, e, message, remedy or (f"Write {meant}." if meant else ""))
        return None

    def _lookup(self, e: Expression, array: Given, result: str, condition: tuple[str, Expression]) -> ValueType | None:
        self._accepts(array, "ARRAY<T>", "UNNEST")
        if array.type is None:
            return None
        item = Given(array.expression, ValueType(array.type.kind, inner=array.type.inner))
        key, value = condition
        found = self._field(e, item, key)
        if found:
            compared = Given(Name(key), found), Given(value, self.type_of(value))
            self._agreed(e, "=", [(one, "COMPARABLE") for one in compared], "BOOL")
        return self._field(e, item, result)

    def _literal(self, e: Expression, value: object) -> ValueType | None:
        if isinstance(value, int) and value > _LARGEST:
            self.report(Trouble.TYPE, e, "This number is too large for INT64.", "Write it with a decimal point.")
        elif isinstance(value, str) and _NOT_ENCODABLE.search(value):
            self.report(
                Trouble.TYPE,
                e,
                "This text contains a NUL character or half of a surrogate pair, which SQL does not allow.",
            )
        return _OF_PYTHON.get(type(value))

    def _name(self, e: Expression, name: str) -> ValueType | None:
        columns, of_feature = self.names.columns, self.names.of_feature
        if self.in_feature and name in of_feature:
            return of_feature[name]
        if name.lower() in columns and not (of_feature and name in DYNAMIC):
            return columns[name.lower()]
        if name in of_feature:
            remedy = "Put it into an aggregate such as ANY_FEATURE, or repeat the column with `for_each: feature`."
            if name.lower() in columns:
                remedy = f"An expression cannot use the column {name}: rename the column. Or: {remedy}"
            self.report(Trouble.PLACE, e, f"{name} has a value only for a feature.", remedy)
            return of_feature[name]
        if self.names.open and name.upper() in functions.WITHOUT_BRACKETS:
            return None
        meant = nearest(name, [*columns, *of_feature])
        remedy = f"Write {meant}." if meant else f"Write a text in quotes: '{name}'."
        self.report(Trouble.NAME, e, f"Unknown name {name}.", remedy)
        return None

    def _operation(self, e: Expression, operator: str, sides: tuple[Expression, Expression]) -> ValueType | None:
        signature, given = functions.OPERATORS[operator], self.given(sides)
        if operator in ("+", "-") and [one.type for one in given] == [DATE, INT64]:
            return DATE
        if operator == "||" and any(one.type and one.type.repeated for one in given):
            signature = functions.FUNCTIONS["ARRAY_CONCAT"]
        word = functions.parsed(signature)[0][0].word
        return self._agreed(e, operator, [(one, word) for one in given], functions.parsed(signature)[1])

    def _compared(
        self, e: Expression, operator: str, parts: Sequence[Expression], *, negated: bool = False
    ) -> ValueType | None:
        given = self.given(parts)
        for one in given:
            if one.is_null:
                other = next((part for part in parts if part is not one.expression), one.expression)
                message = "A comparison with NULL is never TRUE, not even NULL = NULL."
                self.report(Trouble.NULL, one.expression, message, f"Write {_shown(other)} IS {'NOT ' * negated}NULL.")
        return self._agreed(e, operator, [(one, "COMPARABLE") for one in given], "BOOL")

    def _call(self, e: Call) -> ValueType | None:
        if e.name in functions.CASTS:
            return self._cast(e, self.given(e.arguments))
        signature = self.known.get(e.name)
        if signature is None:
            if not self.names.open:
                written = functions.INSTEAD.get(e.name)
                close = get_close_matches(e.name[:_SHOWN], [*self.known, *functions.CASTS], n=1, cutoff=0)
                remedy = f"Write {written}." if written else f"The most similar function is {close[0]}."
                self.report(Trouble.FUNCTION, e, f"{e.name} is not a function that this expression may call.", remedy)
                outside, self.in_feature = self.in_feature, True  # it may have been meant to be over features
                self.given(e.arguments)
                self.in_feature = outside
            return None
        before, known = (self.in_feature, self.aggregate), len(self.problems)
        if self.aggregate and e.name in functions.OVER_FEATURES | functions.OF_REGISTRY:
            message = f"{e.name} cannot be inside {self.aggregate}: a feature has no features."
            self.report(Trouble.PLACE, e, message, "Make it a column, and use the column.")
        if e.name in functions.OVER_FEATURES:
            self.in_feature, self.aggregate = True, e.name
        found = self._match(e, e.name, signature, e.arguments)
        self.in_feature, self.aggregate = before
        if self.names.open and e.name not in functions.SAME_EVERYWHERE:
            # The warehouse's function with this name may accept more than the signature here.
            self.problems[known:] = [one for one in self.problems[known:] if one.trouble is not Trouble.TYPE]
        return found

    def _cast(self, e: Call, given: list[Given]) -> ValueType | None:
        try:
            wanted, sized = value_types.type_named(e.type), parse_type(e.type)[0].length
        except InputError as error:
            self.report(Trouble.TYPE, e, error.message, str(error.remedy))
            return None
        for one in given:
            if sized or (one.type and not value_types.castable(one.type, wanted)):
                message = (
                    f"{e.name} cannot convert {_shown(one.expression)}, which is {one.type or 'NULL'}, to {e.type}."
                )
                self.report(Trouble.TYPE, e, message, "Write the type without its length." if sized else "")
        return wanted

    def _match(self, e: Expression, name: str, signature: str, parts: Sequence[Expression]) -> ValueType | None:
        """Check the arguments against the signature, and return the type of the result."""
        takes, gives = functions.parsed(signature)
        if wanted := functions.wrong_count(takes, len(parts)):
            model = f"{name}({', '.join(functions.in_words(one.word) for one in takes)})"
            self.report(Trouble.TYPE, e, f"{name} needs {wanted}, not {len(parts)}.", f"Write {model}.")
            return None
        given: list[tuple[Given, str]] = []
        for number, part in enumerate(parts):
            word = takes[min(number, len(takes) - 1)].word
            if word not in functions.CONSTANTS:
                given.append((Given(part, self.type_of(part)), word))
            elif not functions.is_written(part, word):
                wanted = functions.in_words(word)
                self.report(Trouble.TYPE, part, f"{name} needs {wanted}, not {_shown(part)}.", f"Write {wanted}.")
        return self._agreed(e, name, given, gives)

    def _agreed(self, e: Expression, where: str, given: Sequence[tuple[Given, str]], gives: str) -> ValueType | None:
        """Check each argument against its word, find the common type, and return the type of the result."""
        fine = [self._accepts(one, word, where) for one, word in given]
        together = [one for one, word in given if functions.is_several(word)] if all(fine) else []
        found = self._common(e, together, f"The arguments of {where}") if together else None
        return functions.result(gives, found)

    def _accepts(self, one: Given, word: str, where: str, *, null: bool = False) -> bool:
        """Report a value that does not match a word of a signature."""
        if functions.takes(one, word) or (null and one.is_null):
            return True
        have, text, wanted = one.type or "NULL", _shown(one.expression), functions.in_words(word)
        written = value_types.conversion(text, one.type, word) if one.type else ""
        message = f"{text} is {have}; {where} needs {wanted}." if one.type else f"{where} needs {wanted}, not NULL."
        self.report(Trouble.TYPE, one.expression, message, f"Write {written}." if written else "")
        return False

    def _common(self, e: Expression, given: Sequence[Given], what: str) -> ValueType | None:
        try:
            return value_types.common(given)
        except NoCommonTypeError:
            kinds = dict.fromkeys(str(one.type) for one in given if one.type)
            message = f"{what} must have one type, but have {' and '.join(kinds)}."
            remedy = value_types.reconciled([(_shown(one.expression), one.type) for one in given])
            self.report(Trouble.TYPE, e, message, remedy)
            return None
