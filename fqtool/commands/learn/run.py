"""fqtool learn: ranges and spreads of features from stored dates, written into the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from fqtool.commands.diagnose.daily_stats import Day
from fqtool.commands.diagnose.run import days_of
from fqtool.commands.diagnose.stats_query import Evidence
from fqtool.commands.learn.limits import FEWEST_DATES, learned
from fqtool.errors import Refusal
from fqtool.findings.remedy import commands
from fqtool.registry.model import Feature, Owner, Registry
from fqtool.registry.yaml.edit import Pairs
from fqtool.registry.yaml.set_keys import with_keys
from fqtool.warehouse.protocol import Warehouse
from fqtool.workspace import RegistryEdit, edited_texts, require_columns, require_order


@dataclass(frozen=True, slots=True)
class Learned(RegistryEdit):
    """A registry with learned limits.

    Attributes:
        dates: The dates with rows that the limits come from.
        features: The features that get limits.
        kept: The features whose own limits are kept.
    """

    dates: tuple[date, ...]
    features: tuple[str, ...]
    kept: tuple[str, ...]


def plan_learning(
    registry: Registry, warehouse: Warehouse, start: date, end: date, *, replace: bool = False
) -> Learned:
    """Learn from a span of dates, by one scan. Nothing is written.

    Args:
        registry: A registry that was read from a file.
        warehouse: The target.
        start: The first date.
        end: The last date.
        replace: Whether a declared range or spread is replaced too; otherwise it is kept.

    Raises:
        Refusal: The span has too few dates with rows.
        InputError: The file has a layout that fqtool cannot edit.
        NotThere: The table does not exist.
        OtherColumns: The table lacks a column, or the column has another type.
    """
    days = days_between(registry, warehouse, start, end)
    if len(days) < FEWEST_DATES:
        count = f"{len(days) or 'no'} date{'s' * (len(days) != 1)} with rows"
        newest = commands("learn", first="Without dates, the newest ones with rows are used:")
        raise Refusal(
            f"{registry.table.name} has {count} from {start} to {end}; learning needs {FEWEST_DATES} or more.",
            remedy="Use an earlier --start or a later --end." if days else newest,
        )
    limits = learned_limits(registry, days, replace=replace)
    kept = tuple(one.name for one in registry.active_features if _declared(one) and not replace)
    dates = tuple(one.day for one in days)
    return Learned(*edited_texts(registry, with_limits(registry, limits)), dates, tuple(limits), kept)


def days_between(registry: Registry, warehouse: Warehouse, start: date, end: date) -> list[Day]:
    """Return the statistics of the dates with rows, in order. Raises as `plan_learning`.

    Labels decide which values are real, so no column that fqtool computes has to exist.
    """
    require_order(start, end)
    upstream = tuple(one for one in registry.columns if one.owner is Owner.UPSTREAM)
    evidence = Evidence(replace(registry, columns=upstream, views=()))
    require_columns(evidence.registry, warehouse, evidence.needs)
    return days_of(evidence, warehouse, start, end, judged=start)


def learned_limits(registry: Registry, days: Sequence[Day], *, replace: bool = False) -> dict[str, Pairs]:
    """Return the limits that the dates show: name of a feature -> keys to set, with their values as YAML.

    Args:
        registry: The registry.
        days: The statistics of the dates.
        replace: Whether declared limits are replaced; otherwise they are left out.
    """
    limits = {}
    for feature in registry.active_features:
        declared = set() if replace else _declared(feature)
        limits[feature.name] = [(key, text) for key, text in learned(feature, days).entries() if key not in declared]
    return {name: pairs for name, pairs in limits.items() if pairs}


def with_limits(registry: Registry, limits: Mapping[str, Pairs]) -> str:
    """Return the text of a registry with the limits of some features. Raises InputError as `with_keys`."""
    document = registry.document
    assert document is not None  # noqa: S101  it was read from a text
    features = enumerate(document.data["features"])
    return with_keys(
        document, [(("features", at), limits[one["name"]]) for at, one in features if one["name"] in limits]
    )


def _declared(feature: Feature) -> set[str]:
    """The limits that the registry has already."""
    spread = feature.spread != type(feature.spread)()
    return {key for key, has in (("range", feature.range is not None), ("spread", spread)) if has}
