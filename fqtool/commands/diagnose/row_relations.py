"""How the values of a feature are related: to the key's previous row, to the next row of the group, to a feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fqtool.registry.model import Feature
from fqtool.scoring.layout import Layout


def relations(one: Feature, features: Sequence[Feature], layout: Layout, *, grouped: bool) -> Iterator[str]:
    """Yield the aggregates of the relations of a feature, over the columns `real_`, `before_` and `near_`.

    Args:
        one: The feature.
        features: All features.
        layout: Where values are read.
        grouped: Whether rows have a neighbouring row of the same group, `near_`.
    """
    at, real, near, other = one.index, f"real_{one.index}", f"near_{one.index}", next_of(one, features)
    number = layout.number(one, real)
    others = {
        "follows": layout.number(one, f"before_{at}"),
        "beside": layout.number(one, near) if grouped else None,
        "along": layout.number(other, f"real_{other.index}") if other else None,
    }
    for name, text in others.items():
        found = f"CORR({number}, {text})" if number and text else "CAST(NULL AS FLOAT64)"
        yield f"{found} AS `f_{at}_{name}`"
    yield f"{f'COUNTIF({real} = {near})' if grouped else '0'} AS `f_{at}_shared`"
    yield f"{f'COUNTIF({real} IS NOT NULL AND {near} IS NOT NULL)' if grouped else '0'} AS `f_{at}_neighbours`"


def next_of(feature: Feature, features: Sequence[Feature]) -> Feature | None:
    """Return the next feature of the processor, after the last one the first; None where it has no other."""
    own = [one for one in features if one.processor == feature.processor and one.processor]
    if feature not in own or own == [feature]:
        return None
    return own[(own.index(feature) + 1) % len(own)]
