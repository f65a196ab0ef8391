"""The feature language: aggregates over the features of a row, and functions of the registry, as plain GoogleSQL.

In an aggregate, `quality`, `source`, `raw_source`, `is_default`, `value`, `sample_size` and `last_updated` are dynamic:
they become a column of the feature, such as `f5_quality` for feature 5. `index`, `name`, `category` and the like are
static: they are constants, so a predicate over them is evaluated when the SQL is generated. The SQL has no loop, no
join and no user-defined function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError
from fqtool.expressions.builders import KNOWN, concatenated, feature_column, if_, joined, number, stand_in, summed
from fqtool.expressions.expression import (
    FALSE,
    NULL,
    TRUE,
    Array,
    Between,
    Binary,
    Call,
    Case,
    Expression,
    In,
    Is,
    Literal,
    Name,
    Unary,
    children,
    names_in,
    render,
)
from fqtool.expressions.functions import OF_REGISTRY, OVER_FEATURES, parsed, wrong_count
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import DYNAMIC, FROM_SOURCES, STATIC, statics
from fqtool.expressions.simplify import fold, rebuilt, substitute
from fqtool.registry.model import Feature, Registry
from fqtool.scoring import registry_functions as judging
from fqtool.scoring.feature_map import detail_map


@dataclass(frozen=True)
class Language:
    """The feature language of one registry."""

    registry: Registry

    @cached_property
    def names(self) -> tuple[tuple[Feature, dict[str, Expression]], ...]:
        """Each active feature with the expression for each name of the language."""
        return tuple((feature, self.names_of(feature)) for feature in self.registry.active_features)

    def names_of(self, feature: Feature) -> dict[str, Expression]:
        """Return the expression for each name of the language in one feature."""
        dynamic: dict[str, Expression] = {name: feature_column(feature, name) for name in DYNAMIC}
        dynamic["is_default"] = stand_in(self.registry, feature)
        dynamic["sample_size"] = self.read_as("sample_size", feature.sample_size)
        dynamic["last_updated"] = self.read_as("last_updated", self.registry.last_updated(feature))
        return {**statics(feature), **dynamic}

    def read_as(self, name: str, text: str) -> Expression:
        """Return the column with the sample size or time of a feature, so that each is computed once per row.

        It is a column of the table where the registry names one, else that of the first feature with the same
        expression.
        """
        if not text:
            return NULL
        made = parse_expression(text)
        return made if isinstance(made, Name) else feature_column(self._first[name, text], name)

    @cached_property
    def _first(self) -> dict[tuple[str, str], Feature]:
        found: dict[tuple[str, str], Feature] = {}
        for feature in self.registry.features:
            found.setdefault(("sample_size", feature.sample_size), feature)
            found.setdefault(("last_updated", self.registry.last_updated(feature)), feature)
        return found

    def expand(self, e: Expression) -> Expression:
        """Replace aggregates and functions of the registry by GoogleSQL. Raises Unreadable for a wrong use."""
        return fold(self._expanded(e))

    def _expanded(self, e: Expression) -> Expression:
        if isinstance(e, Call) and (signature := OVER_FEATURES.get(e.name, OF_REGISTRY.get(e.name))):
            takes, _ = parsed(signature)
            if expected := wrong_count(takes, len(e.arguments)):
                raise Unreadable(f"{e.name} takes {expected}, not {len(e.arguments)}", e.span.start)
            return self._aggregate(e) if e.name in OVER_FEATURES else self._registry_function(e)
        return rebuilt(e, self._expanded)

    def _aggregate(self, e: Call) -> Expression:
        for inner in e.arguments:
            _refuse_nested(inner)
        subject, *more = e.arguments
        match e.name:
            case "COUNT_FEATURES":
                return self._count(subject)
            case "AVG_OVER_FEATURES":
                return self._average(subject, more[0] if more else TRUE)
            case "ALL_FEATURES":
                return joined("AND", self._each(subject))
            case "ANY_FEATURE":
                return joined("OR", self._each(subject))
            case "FEATURE_MAP":
                return self._map(subject, more[0] if more else TRUE)
            case _:
                return self._list(subject, more[0] if more else TRUE)

    def _each(self, e: Expression) -> list[Expression]:
        return [substitute(e, names) for _, names in self.names]

    def _count(self, predicate: Expression) -> Expression:
        """A feature whose predicate is NULL is not counted; in a row without sources the count is NULL."""
        each = [one for one in self._each(predicate) if one not in (FALSE, NULL)]
        certain = sum(one == TRUE for one in each)
        open_ = [one for one in each if one != TRUE]
        by_sources = bool(open_) and _depends_on_sources(predicate)
        terms: list[Expression] = [_one_if(holds, sure=by_sources) for holds in open_]
        if certain or not terms:
            terms.append(Literal(certain))
        # Each CAST is NULL in a row without sources, and so is the sum.
        return summed(terms) if by_sources else _where_known(predicate, summed(terms))

    def _average(self, subject: Expression, predicate: Expression) -> Expression:
        """The mean over the features that satisfy the predicate; NULL without such features."""
        pairs = [(value, holds) for value, holds in zip(self._each(subject), self._each(predicate), strict=True)]
        kept = [(value, holds) for value, holds in pairs if holds not in (FALSE, NULL)]
        if not kept:
            return NULL
        if all(holds == TRUE for _, holds in kept):
            return Binary("/", summed([value for value, _ in kept]), Literal(len(kept)))
        total = summed([if_(holds, value, Literal(0)) for value, holds in kept])
        count = summed([if_(holds, Literal(1), Literal(0)) for _, holds in kept])
        return Call("SAFE_DIVIDE", (total, count))

    def _map(self, subject: Expression, predicate: Expression) -> Expression:
        entries = [
            (feature.index, substitute(subject, names), holds)
            for (feature, names), holds in zip(self.names, self._each(predicate), strict=True)
            if holds not in (FALSE, NULL)
        ]
        return detail_map(entries)

    def _list(self, subject: Expression, predicate: Expression) -> Expression:
        """An array in index order, without NULL, which BigQuery does not store in an array."""
        pairs = list(zip(self._each(subject), self._each(predicate), strict=True))
        if all(holds == TRUE for _, holds in pairs):
            return Array(tuple(value for value, _ in pairs))
        parts = tuple(if_(holds, Array((value,)), Array(())) for value, holds in pairs if holds not in (FALSE, NULL))
        return Call("ARRAY_CONCAT", parts) if parts else Array(())

    def _registry_function(self, e: Call) -> Expression:
        match e.name:
            case "TIER":
                value = self._expanded(e.arguments[0])
                steps = ((Binary(">=", value, number(tier.min)), Literal(tier.name)) for tier in self.registry.tiers)
                return Case(tuple(steps))
            case "ALERT_LEVEL":
                return judging.alert_level(self.registry, self._expanded)
            case "ALERT_CODES":
                return concatenated([judging.alert_code(one, self._expanded) for one in self.registry.alerts])
            case "COMPATIBLE_MODELS":
                return judging.compatible_models(self.registry, e.arguments[0], self._expanded)
            case "PROCESSORS_RAN":
                return judging.processors(self.registry, missing=False)
            case _:
                return judging.processors(self.registry, missing=True)


def raw_label(text: str, absent: str) -> Expression:
    """Return the label of a feature: NULL in a row without sources, `absent` for an absent feature in other rows."""
    return if_(KNOWN, Call("IFNULL", (parse_expression(text), Literal(absent))), NULL)


def by_label(label: Expression, values: Mapping[str, Expression], otherwise: Expression) -> Expression:
    """Return the value for a raw label, grouped by value; NULL for a row without labels.

    Args:
        label: The raw label of a row.
        values: A label -> its value.
        otherwise: The value of every other label.
    """
    groups: dict[Expression, list[Expression]] = {}
    for name, value in values.items():
        groups.setdefault(value, []).append(Literal(name))
    unknown = (Is(label, None), NULL)
    arms = [(In(label, tuple(names)), value) for value, names in groups.items() if value != otherwise]
    return Case((unknown, *arms), otherwise)


def _refuse_nested(e: Expression) -> None:
    if isinstance(e, Call) and (e.name in OVER_FEATURES or e.name in OF_REGISTRY):
        raise Unreadable(f"{e.name} is not allowed inside an aggregate over features", e.span.start)
    for inner in children(e):
        _refuse_nested(inner)


def _one_if(holds: Expression, *, sure: bool) -> Expression:
    """Return 1 or 0: by CAST, where NULL means that the sources are unknown, else by IF, for which NULL is 0."""
    return Call("CAST", (holds,), "INT64") if sure else if_(holds, Literal(1), Literal(0))


def _depends_on_sources(e: Expression) -> bool:
    """Return whether a predicate reads only sources, so that it is NULL exactly in rows without sources."""
    match e:
        case Name(name):
            return name in FROM_SOURCES or name in STATIC
        case Literal(value):
            return value is not None
        case Binary() | In() | Between() | Unary():
            return all(map(_depends_on_sources, children(e)))
        case _:
            return False


def _where_known(predicate: Expression, made: Expression) -> Expression:
    return if_(KNOWN, made, NULL) if names_in(predicate) & FROM_SOURCES else made


def sql_of(e: Expression) -> str:
    """Return the text of an expanded expression. Raises InputError for a remaining name of the language."""
    left = sorted(names_in(e) & DYNAMIC)
    if left:
        raise InputError(
            f"`{left[0]}` has a value only per feature. Use it in an aggregate or in a column with `for_each: feature`."
        )
    return render(e)
