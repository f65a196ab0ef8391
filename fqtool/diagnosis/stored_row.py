"""The feature language over a stored row: scoring's inner columns are not in it, so each is told from what is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fqtool.quality.build import feature_values, fill
from fqtool.quality.compose import KNOWN, feature_column
from fqtool.quality.expression import NULL, Expression, Literal, Name, names_in
from fqtool.quality.fold import substitute
from fqtool.quality.grammar import parse_expression
from fqtool.quality.language import DYNAMIC, by_label, raw_label
from fqtool.registry.model import Feature, Registry


@dataclass(frozen=True)
class StoredRow:
    """A row of the table as it stands; `sources` are the columns of the stored sources by feature index."""

    registry: Registry
    sources: Mapping[int, str]

    def asked(self, e: Expression) -> Expression:
        """Return an expanded expression so that it reads stored columns alone."""
        inner = self._inner
        names = {column: self._of_feature(*inner[column]) for column in names_in(e) if column in inner}
        return substitute(e, names | {KNOWN.name: self._known})

    @cached_property
    def _inner(self) -> Mapping[str, tuple[Feature, str]]:
        """Scoring's inner columns: whose each is, and by which name of the language."""
        return {
            feature_column(feature, name).name: (feature, name)
            for feature in self.registry.active_features
            for name in DYNAMIC
        }

    @cached_property
    def _known(self) -> Expression:
        return parse_expression(self.registry.inputs.sources_known)

    def _of_feature(self, feature: Feature, name: str) -> Expression:
        registry, inputs = self.registry, self.registry.inputs
        match name:
            case "source":
                return Name(self.sources[feature.index])
            case "raw_source":
                return self._label(feature)
            case "quality":
                weights: dict[str, Expression] = {one.label: Literal(float(one.weight)) for one in registry.sources}
                return by_label(self._label(feature), weights, Literal(float(registry.unknown_source.weight)))
            case "is_default":
                told: dict[str, Expression] = {one.label: Literal(one.is_default) for one in registry.sources}
                return by_label(self._label(feature), told, Literal(value=True))
            case "value":
                return parse_expression(fill(inputs.value, feature_values(feature)))
            case "sample_size":
                return _read(feature.sample_size)
            case _:
                return _read(registry.last_updated(feature))

    def _label(self, feature: Feature) -> Expression:
        text = fill(self.registry.inputs.source, feature_values(feature))
        return substitute(raw_label(text, self.registry.unknown_source.absent_label), {KNOWN.name: self._known})


def _read(text: str) -> Expression:
    return parse_expression(text) if text else NULL
