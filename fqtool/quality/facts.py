"""What the registry tells of a row's columns and of its features: what they are computed by, which labels there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.errors import InputError
from fqtool.quality.build import ExpandedColumn, expand_columns
from fqtool.quality.domain import ANY, VOID, Domain, constant, joined, listed
from fqtool.quality.expression import Call, Expression, Literal, Name, names_in
from fqtool.quality.fold import substitute
from fqtool.quality.grammar import parse_expression
from fqtool.quality.language import FROM_SOURCES, STATIC, statics
from fqtool.quality.value_types import type_named
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.table.column import Kind
from fqtool.table.typetext import parse_type

Row = Mapping[str, Domain]
"""What is known of a row's columns, by lower-case name, and of a feature's names, by "feature " and the name."""
OF_FEATURE = "feature "
_FROM_LABEL = tuple(OF_FEATURE + name for name in ("raw_source", "quality", "source", "is_default"))
_TRUTH = listed(True, False)
_WHOLE = Domain(whole=True)


@dataclass(frozen=True)
class Facts:
    """What is known of one registry's rows, before any condition.

    With `stored`, names are columns of the table, in which a NUMERIC is rounded; else of the row that is being scored.
    """

    registry: Registry
    stored: bool = False

    @cached_property
    def columns(self) -> dict[str, ExpandedColumn]:
        """The managed columns by lower-case name."""
        return {one.name.lower(): one for one in expand_columns(self.registry)}

    @cached_property
    def base_types(self) -> dict[str, str]:
        """The base columns' types by lower-case name."""
        return {one.name.lower(): one.type for one in self.registry.base_columns}

    @cached_property
    def _parsed(self) -> dict[str, Expression | None]:
        return {}

    def made_of(self, name: str) -> Expression | None:
        """The expression that fqtool computes a column by; None where it does not, or that cannot be read."""
        one = self.columns.get(name)
        if one is None or one.spec.owner is not Owner.FQTOOL or one.expr is None:
            return None
        if name not in self._parsed:
            try:
                type_named(one.spec.type)
                self._parsed[name] = parse_expression(one.expr)
            except InputError:
                self._parsed[name] = None
        return self._parsed[name]

    @cached_property
    def tiers(self) -> dict[str, str]:
        """Column with a tier -> the column whose tier it is."""
        found = {}
        for name, one in self.columns.items():
            if one.expr and "TIER" in one.expr.upper():
                match self.made_of(name):
                    case Call("TIER", (Name(score),)):
                        found[name] = score.lower()
        return found

    def bands(self) -> Iterator[tuple[str, float, float]]:
        """Yield each tier with its lower bound and that of the tier above."""
        above = float("inf")
        for one in self.registry.tiers:
            yield one.name, one.min, above
            above = one.min

    def tiers_of(self, found: Domain) -> frozenset[object]:
        """The tiers that a score can have."""
        return frozenset(name for name, low, high in self.bands() if not found.cut(low, high, high_open=True).void)

    def key(self, name: str) -> str:
        """The name under which a column is kept: what is stored otherwise than it was computed is another thing."""
        lower = name.lower()
        return f"stored {lower}" if self.stored and not self.exact(lower) else lower

    def exact(self, name: str) -> bool:
        """Whether the table holds just what was computed: a NUMERIC does if it was rounded before."""
        one = self.columns.get(name)
        if one is None or self.made_of(name) is None:
            return True
        kind, _ = parse_type(one.spec.type)
        if kind.kind not in (Kind.NUMERIC, Kind.BIGNUMERIC):
            return True
        match self.made_of(name):
            case Call("ROUND", (_, Literal(int() as digits))):
                return digits <= (kind.scale or 0)
            case _:
                return False

    def by_type(self, text: str) -> Domain:
        """What a column can be of which only the type is known."""
        try:
            found = type_named(text)
        except InputError:
            return ANY
        if found.repeated:
            return ANY
        return {Kind.BOOL: _TRUTH, Kind.INT64: _WHOLE, Kind.NUMERIC: Domain()}.get(found.kind, ANY)

    def cases(self, feature: Feature, *asked: Expression) -> list[dict[str, Domain]]:
        """Return what a feature's names can be, for each label that a row can give it, and for a row without labels.

        Labels that look alike to what is asked are one.
        """
        names = frozenset().union(*map(names_in, asked))
        if feature.index not in self._fixed:
            fixed = {OF_FEATURE + name: _static(e) for name, e in self._statics_of(feature).items()}
            of_row = (OF_FEATURE + name for name in ("value", "sample_size", "last_updated"))
            self._fixed[feature.index] = fixed | dict.fromkeys(of_row, ANY)
        return [self._fixed[feature.index] | case for case in self._by_label(names)]

    @cached_property
    def _fixed(self) -> dict[int, dict[str, Domain]]:
        return {}

    def _by_label(self, names: frozenset[str]) -> list[dict[str, Domain]]:
        unknown = self.registry.unknown_source
        labels: list[tuple[Domain, float, str, bool]] = [
            (listed(one.label, null=False), one.weight, one.canonical, one.is_default) for one in self.registry.sources
        ]
        labels.append((ANY, unknown.weight, unknown.canonical, True))
        if not names & FROM_SOURCES:
            labels = labels[:1]
        elif "raw_source" not in names:
            labels = [
                (ANY, *rest) for rest in dict.fromkeys((w, canonical, stand_in) for _, w, canonical, stand_in in labels)
            ]
        told = [
            (raw, constant(float(w)), constant(canonical), constant(stand_in)) for raw, w, canonical, stand_in in labels
        ]
        told.append((VOID, VOID, VOID, VOID))
        return [dict(zip(_FROM_LABEL, one, strict=True)) for one in told]

    def groups(self, *asked: Expression) -> list[tuple[tuple[Expression, ...], Feature, int]]:
        """Return what the expressions come to for features, one of those for which it is that, and their number.

        What is static is decided: of `is_default AND index > 4` remains `is_default`, or FALSE.
        """
        names = frozenset().union(*map(names_in, asked)).intersection(STATIC)
        alike: dict[tuple[object, ...], list[Feature]] = {}
        for one in self.registry.active_features:
            told = self._statics_of(one) if names else {}
            alike.setdefault(tuple(told[name] for name in names), []).append(one)
        groups: dict[tuple[Expression, ...], list[Feature]] = {}
        for features in alike.values():
            told = self._statics_of(features[0]) if names else {}
            folded = tuple(substitute(e, told) for e in asked) if names else asked
            groups.setdefault(folded, []).extend(features)
        return [(expressions, found[0], len(found)) for expressions, found in groups.items()]

    def _statics_of(self, feature: Feature) -> dict[str, Expression]:
        if feature.index not in self._statics:
            self._statics[feature.index] = statics(feature)
        return self._statics[feature.index]

    @cached_property
    def _statics(self) -> dict[int, dict[str, Expression]]:
        return {}


def _static(e: Expression) -> Domain:
    return constant(e.value) if isinstance(e, Literal) else ANY


def either(one: Row | None, other: Row | None) -> Row | None:
    """Return what is known of a row of which one or the other is known."""
    if one is None or other is None:
        return one if other is None else other
    return {name: joined(one[name], other[name]) for name in one.keys() & other.keys()}
