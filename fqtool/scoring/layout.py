"""Layout: where the rows of a store hold the value and the label of each feature.

A value is a column, an item of an ARRAY, a key of a JSON text, or any other expression over the row. In a store without
labels the value itself decides whether it is present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from fqtool.errors import InputError
from fqtool.expressions.expression import Expression, Name, names_in, render
from fqtool.expressions.grammar import Unreadable, parse_expression
from fqtool.expressions.names import Names
from fqtool.expressions.simplify import substitute
from fqtool.expressions.typecheck import infer
from fqtool.expressions.value_types import FLOAT64, LADDER, ValueType, type_named
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.registry.placeholders import feature_values, fill
from fqtool.schema.build import expand_columns
from fqtool.scoring.places import Place, Shape, place_of
from fqtool.sql import ident, literal
from fqtool.table.column import Kind

PRESENT, MISSING = "present", "missing"
"""The labels in a store whose rows hold no labels: the value is present or missing."""

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def _filled(text: str, feature: Feature) -> str:
    """Return an input with the values of a feature in it; a query of an ARRAY with the order that makes it safe."""
    filled = fill(text, feature_values(feature))
    return render(parse_expression(filled)) if "SELECT" in filled.upper() else filled


@dataclass(frozen=True)
class Layout:
    """The layout of one registry. All texts are GoogleSQL over the columns of a row."""

    registry: Registry

    @property
    def has_labels(self) -> bool:
        """Whether rows hold labels of every feature; without them a label follows from the value."""
        return all(one.source or self.registry.inputs.source for one in self.registry.active_features)

    @cached_property
    def known(self) -> str:
        """The condition that a row has labels; TRUE in a store without labels."""
        return self.registry.inputs.sources_known or "TRUE"

    def value(self, feature: Feature) -> str:
        """Return the SQL of the value of a feature."""
        return _filled(feature.value or self.registry.inputs.value, feature)

    def stored_label(self, feature: Feature) -> str:
        """Return the SQL of the stored label of a feature, "" where rows hold none."""
        text = feature.source or self.registry.inputs.source
        return _filled(text, feature) if text else ""

    def label(self, feature: Feature) -> str:
        """Return the SQL of the label of a feature: the stored label, or whether the value is present."""
        if stored := self.stored_label(feature):
            return stored
        value = self.value(feature)
        missing = f"({value}) IS NULL"
        if self.registry.inputs.nan_is_missing and self.type_of(feature) == FLOAT64:
            missing += f" OR IS_NAN({value})"
        return f"IF({missing}, {literal(MISSING)}, {literal(PRESENT)})"

    def type_of(self, feature: Feature) -> ValueType | None:
        """Return the type of the value of a feature, None where it is unknown."""
        try:
            return infer(parse_expression(self.value(feature)), self._names)[0]
        except (Unreadable, InputError):  # the type of a column may be unreadable
            return None

    @cached_property
    def _names(self) -> Names:
        registry = self.registry
        columns = {one.name.lower(): type_named(one.type) for one in registry.base_columns}
        upstream = (one for one in expand_columns(registry) if one.spec.owner is Owner.UPSTREAM)
        return Names({one.name.lower(): type_named(one.spec.type) for one in upstream} | columns)

    def number(self, feature: Feature, value: str) -> str | None:
        """Return the SQL of a value as a number, TRUE as 1; None for text, dates and other types."""
        found = self.type_of(feature)
        if found is None or found in (FLOAT64, ValueType(Kind.INT64)):
            return value
        if found.repeated or found.kind not in (*LADDER, Kind.BOOL):
            return None
        kind = Kind.INT64 if found.kind is Kind.BOOL else Kind.FLOAT64
        return f"CAST({value} AS {kind})"

    @cached_property
    def carriers(self) -> tuple[str, ...]:
        """The columns that hold values, in the order of the features."""
        read = (sorted(names_in(parse_expression(self.value(one)))) for one in self.registry.active_features)
        return tuple(dict.fromkeys(name for names in read for name in names))

    def renamed(self, feature: Feature, names: Mapping[str, str]) -> Expression:
        """Return the value of a feature, read from other columns: old name -> new name."""
        return substitute(parse_expression(self.value(feature)), {old: Name(new) for old, new in names.items()})

    def value_place(self, feature: Feature) -> Place | None:
        """Return where a value is stored; None for an expression that a writer cannot write to."""
        return place_of(parse_expression(self.value(feature)))

    def label_place(self, feature: Feature) -> Place | None:
        """Return where a label is stored; None where the value decides it or a writer cannot write to it."""
        return place_of(parse_expression(self.label(feature)))

    def follows_value(self, feature: Feature) -> bool:
        """Return whether the columns of the value alone decide the label."""
        label, value = (names_in(parse_expression(text)) for text in (self.label(feature), self.value(feature)))
        return label <= value and self.label_place(feature) is None

    def stored_value(self, feature: Feature, number: float) -> Any:
        """Return a number as the stored type of a feature; for text, the name of a category."""
        found = self.type_of(feature)
        match found.kind if found else Kind.FLOAT64:
            case Kind.INT64:
                return round(number)
            case Kind.NUMERIC | Kind.BIGNUMERIC:
                return Decimal(str(round(number, 9)))
            case Kind.BOOL:
                return number >= 0.5  # noqa: PLR2004  the middle between FALSE and TRUE
            case Kind.STRING:
                return f"category {round(number)}"
            case Kind.DATE:
                return _EPOCH.date() + timedelta(days=round(number))
            case Kind.TIMESTAMP | Kind.DATETIME:
                return _EPOCH + timedelta(days=number)
            case _:
                return number

    @cached_property
    def vector(self) -> str:
        """The ARRAY that holds all values by position, "" for another layout."""
        places = [place_of(parse_expression(self.value(one))) for one in self.registry.features]
        columns = {one.column for one in places if one is not None and one.shape is Shape.ITEM}
        by_position = all(
            one is not None and one.shape is Shape.ITEM and one.key == feature.index
            for one, feature in zip(places, self.registry.features, strict=True)
        )
        return columns.pop() if by_position and len(columns) == 1 else ""

    @cached_property
    def misshapen(self) -> str:
        """The condition that the vector of a row has not one value per feature; FALSE without a vector."""
        return f"ARRAY_LENGTH({ident(self.vector)}) != {len(self.registry.features)}" if self.vector else "FALSE"

    @cached_property
    def misordered(self) -> str:
        """The condition that the feature names in a row have another order; FALSE where rows hold no names."""
        names, wanted = self.registry.inputs.names, ",".join(one.name for one in self.registry.features)
        if not names:
            return "FALSE"
        return f"ARRAY_LENGTH({names}) > 0 AND ARRAY_TO_STRING({names}, ',') != {literal(wanted)}"
